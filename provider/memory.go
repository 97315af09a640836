package provider

import (
	"context"
	"time"
)

// Lasting begins the keys of what must not be lost, such as the tokens of callers, and is remembered for LastingTime. It is
// not a provider's: backups and copies of a store have it, and what is under other keys they do not.
const (
	Lasting     = "lasting/"
	LastingTime = 100 * 365 * 24 * time.Hour // memories need an end
)

// Memory is what a provider remembers between processes: images resolved, capacity that ran out. Values expire by
// themselves, and losing them costs calls, never correctness. Keys are the provider's own, below 512 bytes; values stay
// below 64 KiB. Every store implements it.
type Memory interface {
	// Recall returns the value of a key, and false when there is none or it has expired.
	Recall(ctx context.Context, key string) (value []byte, ok bool, err error)
	// RecallPrefix returns every live entry whose key starts with prefix.
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
	// Remember stores a value for ttl.
	Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Swap stores value for ttl only if the live value is still old (nil: no live value), and says whether it did.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error)
	// Forget removes every key that starts with prefix.
	Forget(ctx context.Context, prefix string) error
}

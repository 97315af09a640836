// Package guard is what stands between the engine and a provider or the store: decorators that keep a failing cloud from
// being called in vain, and that count, time and trace what is asked of either.
// It refuses to stop the end of a machine, whatever fails, and to repeat a call: retries are the provider's own.
package guard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Breaker stops calling an operation of a provider that was unavailable several times in a row, for all processes that
// share the memory: a script's call then answers at once instead of spending its time on a cloud that is not there. After
// a while one call is let through to see. While nothing fails it writes nothing. All fields are required.
type Breaker struct {
	provider.Provider
	Name     string // the provider instance's
	Memory   provider.Memory
	Now      func() time.Time
	Log      *slog.Logger
	Failures int           // in a row, after which an operation is held back
	OpenFor  time.Duration // how long

	mutex    sync.Mutex
	records  map[string][]byte // what the memory told last, by key
	recalled time.Time
}

var (
	_ provider.Provider = (*Breaker)(nil)
	_ provider.Wrapper  = (*Breaker)(nil)
)

// The operations that can be held back. Terminate is none of them, nor is what calls no cloud.
const (
	opPrepare = "prepare"
	opLaunch  = "launch"
	opObserve = "observe"
	opRetire  = "retire"
	opOwned   = "owned"
)

// Unwrap returns the provider that is guarded. Its optional capabilities are reached past the breaker: people ask for them
// to see whether the cloud works.
func (b *Breaker) Unwrap() provider.Provider { return b.Provider }

// Prepare resolves an ask, unless the launch that would follow is held back too.
func (b *Breaker) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	if err := b.refusal(ctx, opLaunch); err != nil {
		return ohfp.Order{}, err
	}
	return through(ctx, b, opPrepare, func() (ohfp.Order, error) { return b.Provider.Prepare(ctx, ask) })
}

// Launch carries out an order.
func (b *Breaker) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	return through(ctx, b, opLaunch, func() (provider.Launched, error) { return b.Provider.Launch(ctx, order) })
}

// Observe looks at machines. What is held back has seen nothing, and says so by not being complete.
func (b *Breaker) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	return through(ctx, b, opObserve, func() (provider.Observation, error) { return b.Provider.Observe(ctx, scopes) })
}

// Retire removes a resource.
func (b *Breaker) Retire(ctx context.Context, resource string) error {
	_, err := through(ctx, b, opRetire, func() (struct{}, error) { return struct{}{}, b.Provider.Retire(ctx, resource) })
	return err
}

// Owned lists machines by their tags.
func (b *Breaker) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	return through(ctx, b, opOwned, func() (provider.Observation, error) { return b.Provider.Owned(ctx, filter) })
}

// through makes a call unless its operation is held back, and learns from what it brings.
func through[T any](ctx context.Context, b *Breaker, operation string, call func() (T, error)) (T, error) {
	if err := b.admit(ctx, operation); err != nil {
		var none T
		return none, err
	}
	began := b.Now()
	out, err := call()
	b.learn(ctx, operation, err, b.Now().Sub(began))
	return out, err
}

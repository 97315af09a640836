package orphans

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/provider"
)

const (
	foundPrefix = "orphans/found/"
	heldKey     = "orphans/held"
	// partOrphans are the orphans of one memory, which holds less than 64 KiB: an orphan takes some 400 bytes.
	partOrphans = 120
	// keepFound is how much longer than their quarantine orphans are remembered that nobody looks at again.
	keepFound = 24 * time.Hour
	// keepHeld is how long it is remembered that there were too many.
	keepHeld = 90 * 24 * time.Hour
)

// Memory is the part of a memory that reading needs.
type Memory interface {
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
}

// Recall returns the orphans that looks have shown, by provider and in the order of [Look.Find].
func Recall(ctx context.Context, memory Memory) ([]Orphan, error) {
	return recall(ctx, memory, foundPrefix)
}

func recall(ctx context.Context, memory Memory, prefix string) ([]Orphan, error) {
	entries, err := memory.RecallPrefix(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("recall orphans: %w", err)
	}
	var all []Orphan
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		var some []Orphan
		if json.Unmarshal(entries[key], &some) == nil { // what another version wrote starts again
			all = append(all, some...)
		}
	}
	return all, nil
}

// Register counts what a complete look has shown: what it did not show is no orphan any more, and starts again if it
// comes back. An orphan by Host Factory's list counts by the time of that list.
func Register(ctx context.Context, memory provider.Memory, l Look, w Wait) ([]Orphan, error) {
	prefix := foundPrefix + l.Provider + "/"
	before, err := recall(ctx, memory, prefix)
	if err != nil {
		return nil, err
	}
	was := make(map[string]Orphan, len(before))
	for _, o := range before {
		was[o.ID()] = o
	}
	found := l.Find()
	for i, o := range found {
		at := l.Seen.ObservedAt
		if o.Reason == Unnamed {
			at = l.Hosts.At
		}
		found[i] = o.Again(was[o.ID()], at, w)
	}
	if l.Hosts == nil { // no list is no evidence either way
		found = append(found, l.waiting(before, found)...)
	}
	return found, remember(ctx, memory, prefix, (len(before)+partOrphans-1)/partOrphans, found, w.Quarantine+keepFound)
}

// waiting are the orphans by an earlier list that may still be some. None of them is ripe without a list.
func (l Look) waiting(before, found []Orphan) []Orphan {
	taken := make(map[string]bool, len(found))
	for _, o := range found {
		taken[o.ID()] = true
	}
	alive := map[string]bool{}
	for _, m := range l.Seen.Machines {
		if record, ok := l.Known.Machines[m.ID]; ok && m.Alive() && record.Wanted() && record.Return == "" {
			alive[string(m.ID)] = true
		}
	}
	var waiting []Orphan
	for _, o := range before {
		if o.Reason == Unnamed && alive[o.ID()] && !taken[o.ID()] {
			o.Ripe = false
			waiting = append(waiting, o)
		}
	}
	return waiting
}

// remember writes orphans down in parts, and forgets the parts that are too many.
func remember(ctx context.Context, memory provider.Memory, prefix string, parts int, found []Orphan, ttl time.Duration) error {
	n := 0
	for some := range slices.Chunk(found, partOrphans) {
		content, err := json.Marshal(some)
		if err == nil {
			err = memory.Remember(ctx, fmt.Sprintf("%s%04d", prefix, n), content, ttl)
		}
		if err != nil {
			return fmt.Errorf("remember orphans: %w", err)
		}
		n++
	}
	for ; n < parts; n++ {
		if err := memory.Forget(ctx, fmt.Sprintf("%s%04d", prefix, n)); err != nil {
			return fmt.Errorf("forget orphans: %w", err)
		}
	}
	return nil
}

// Held says why nothing is collected.
type Held struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// RecallHeld returns why nothing is collected, empty when nothing keeps it from being.
func RecallHeld(ctx context.Context, memory Memory) (Held, error) {
	entries, err := memory.RecallPrefix(ctx, heldKey)
	if err != nil {
		return Held{}, fmt.Errorf("recall why orphans are held: %w", err)
	}
	var held Held
	if told, ok := entries[heldKey]; ok && json.Unmarshal(told, &held) != nil {
		held.Message = "too many were found at once"
	}
	return held, nil
}

// Hold remembers that nothing is collected until somebody has looked. It says whether that is news.
func Hold(ctx context.Context, memory provider.Memory, message string, now time.Time) (bool, error) {
	content, err := json.Marshal(Held{At: now.UTC(), Message: strings.ToValidUTF8(message, "?")})
	if err != nil {
		return false, err
	}
	news, err := memory.Swap(ctx, heldKey, nil, content, keepHeld)
	if err != nil {
		return false, fmt.Errorf("remember that orphans are held: %w", err)
	}
	return news, nil
}

// Release lets orphans be collected again.
func Release(ctx context.Context, memory provider.Memory) error {
	if err := memory.Forget(ctx, heldKey); err != nil {
		return fmt.Errorf("forget that orphans are held: %w", err)
	}
	return nil
}

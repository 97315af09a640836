package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/openhostfactory/ohfp"
)

const (
	// lasting is how old a row of failures must be, as long as that is no more than a third of the time for which calls are
	// then held back: many processes at once, or a quick loop, gather a row within a blip.
	lasting = 10 * time.Second
	// recallEvery bounds how often a process asks the memory what the others have seen.
	recallEvery = time.Second
	// forgetAfter is how long failures without a success between them count as a row.
	forgetAfter = 10 * time.Minute
	// probeFor is how long one call may take to find out whether the cloud is back, before another may try.
	probeFor = time.Minute
	// patience is what a call must have had before it counts that its caller's time ran out: the end of a budget that
	// something else has spent says nothing about the cloud.
	patience = 5 * time.Second
	// writeWithin bounds what the memory may take to note an outcome.
	writeWithin = 5 * time.Second
	// swaps is how often a note is tried while others note theirs.
	swaps = 4
)

// record is what the memory keeps of an operation that has failed. There is none of one that works.
type record struct {
	Circuit gobreaker.SharedState `json:"circuit"`
	Since   time.Time             `json:"since"` // of the first failure in the row
	Last    string                `json:"last"`  // the last failure
}

func (b *Breaker) key(operation string) string { return "breaker/" + b.Name + "/" + operation }

// admit lets a call through or says why not. Of the calls that come when it is time to see whether the cloud is back, one
// is let through.
func (b *Breaker) admit(ctx context.Context, operation string) error {
	r, ok := b.recall(ctx, operation)
	if !ok {
		return nil
	}
	switch b.state(r) {
	case gobreaker.StateClosed:
	case gobreaker.StateOpen:
		return b.refused(operation, r)
	case gobreaker.StateHalfOpen:
		mine, err := b.Memory.Swap(ctx, b.key(operation)+"/probe", nil, []byte("1"), probeFor)
		if err == nil && !mine {
			return b.refused(operation, r)
		}
	}
	return nil
}

// refusal is what a call of the operation would be told now, without being one.
func (b *Breaker) refusal(ctx context.Context, operation string) error {
	if r, ok := b.recall(ctx, operation); ok && b.state(r) == gobreaker.StateOpen {
		return b.refused(operation, r)
	}
	return nil
}

func (b *Breaker) refused(operation string, r record) error {
	until := r.Circuit.Expiry
	if until.Before(b.Now()) {
		return ohfp.Errorf(ohfp.ErrUnavailable, "provider %s: %s fails since %s (%s); another call is finding out whether it works again",
			b.Name, operation, r.Since.Format(time.TimeOnly), r.Last)
	}
	return ohfp.Errorf(ohfp.ErrUnavailable, "provider %s: %s fails since %s (%s); it is tried again at %s",
		b.Name, operation, r.Since.Format(time.TimeOnly), r.Last, until.Format(time.TimeOnly))
}

// learn notes what a call has brought. A success is noted only where failures are.
func (b *Breaker) learn(ctx context.Context, operation string, err error, took time.Duration) {
	gone := errors.Is(ctx.Err(), context.Canceled) || ctx.Err() != nil && took < patience
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	var problem error
	switch kind := ohfp.KindOf(err); {
	case err != nil && (kind == nil || gone):
		return // a defect of ours, or a caller that did not wait: neither is about the cloud
	case errors.Is(kind, ohfp.ErrUnavailable), errors.Is(kind, ohfp.ErrTimeout):
		problem = b.failed(ctx, operation, err)
	default: // whatever the answer was, the cloud gave one
		problem = b.worked(ctx, operation)
	}
	if problem != nil {
		b.Log.WarnContext(ctx, "circuit breaker not noted", "operation", operation, "error", problem)
	}
}

// failed adds a failure to the row.
func (b *Breaker) failed(ctx context.Context, operation string, cause error) error {
	key := b.key(operation)
	for range swaps {
		held, ok, err := b.Memory.Recall(ctx, key)
		if err != nil {
			return err
		}
		r := record{Since: b.Now()}
		if ok {
			if err := json.Unmarshal(held, &r); err != nil {
				held = nil
			}
		}
		circuit, state, err := b.step(r, held != nil, cause)
		if err != nil {
			return err
		}
		r.Circuit, r.Last = circuit, cause.Error()
		next, err := json.Marshal(r)
		if err != nil {
			return err
		}
		mine, err := b.Memory.Swap(ctx, key, held, next, b.OpenFor+forgetAfter)
		if err != nil {
			return err
		}
		if mine {
			b.keep(key, next)
			if state == gobreaker.StateOpen {
				b.Log.WarnContext(ctx, "provider does not work; its calls are held back", "operation", operation, "until", circuit.Expiry, "error", cause)
				return b.Memory.Forget(ctx, key+"/probe")
			}
			return nil
		}
	}
	return fmt.Errorf("%s changes too often", key)
}

// worked ends a row. The late success of a call that began before its operation was held back changes nothing.
func (b *Breaker) worked(ctx context.Context, operation string) error {
	r, ok := b.recall(ctx, operation)
	if !ok {
		return nil
	}
	state := b.state(r)
	if state == gobreaker.StateOpen {
		return nil
	}
	if state == gobreaker.StateHalfOpen {
		b.Log.InfoContext(ctx, "provider works again", "operation", operation, "since", r.Since)
	}
	b.keep(b.key(operation), nil)
	return b.Memory.Forget(ctx, b.key(operation))
}

// recall is what the processes have noted about an operation, a moment ago at most. A memory that cannot be read keeps no
// call back.
func (b *Breaker) recall(ctx context.Context, operation string) (record, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if now := b.Now(); b.records == nil || now.Sub(b.recalled) >= recallEvery {
		records, err := b.Memory.RecallPrefix(ctx, b.key(""))
		if err != nil {
			return record{}, false
		}
		if records == nil {
			records = map[string][]byte{}
		}
		b.records, b.recalled = records, now
	}
	held, ok := b.records[b.key(operation)]
	var r record
	if !ok || json.Unmarshal(held, &r) != nil {
		return record{}, false
	}
	return r, true
}

// keep is what this process knows without asking again.
func (b *Breaker) keep(key string, value []byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.records == nil:
	case value == nil:
		delete(b.records, key)
	default:
		b.records[key] = value
	}
}

// Circuit is an operation of a provider that has failed and not worked since.
type Circuit struct {
	Provider  string    `json:"provider"`
	Operation string    `json:"operation"`
	Open      bool      `json:"open"` // its calls are held back
	Since     time.Time `json:"since"`
	Last      string    `json:"lastError"`
}

// Circuits lists what fails now, by what all processes have noted.
func Circuits(ctx context.Context, memory interface {
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
}, now time.Time,
) ([]Circuit, error) {
	records, err := memory.RecallPrefix(ctx, "breaker/")
	if err != nil {
		return nil, err
	}
	list := []Circuit{}
	for key, held := range records {
		parts := strings.Split(key, "/")
		var r record
		if len(parts) != 3 || json.Unmarshal(held, &r) != nil {
			continue // the mark of the call that finds out
		}
		open := r.Circuit.State == gobreaker.StateOpen && now.Before(r.Circuit.Expiry)
		list = append(list, Circuit{Provider: parts[1], Operation: parts[2], Open: open, Since: r.Since, Last: r.Last})
	}
	slices.SortFunc(list, func(a, b Circuit) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Operation, b.Operation))
	})
	return list, nil
}

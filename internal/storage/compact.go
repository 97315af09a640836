package storage

import (
	"context"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Compaction is what was cleared away, or would be.
type Compaction struct {
	Before time.Time `json:"before"` // of requests that ended before
	DryRun bool      `json:"dryRun,omitempty"`
	store.Compacted
}

// Compact removes requests that ended longer ago than that and need nothing any more, with their machines and events.
func (k Keeper) Compact(ctx context.Context, olderThan time.Duration, dry bool) (done Compaction, err error) {
	if olderThan <= 0 {
		return done, ohfp.Errorf(ohfp.ErrInvalid, "records older than %s cannot be cleared away; give a time, for example 30d", olderThan)
	}
	done = Compaction{Before: k.Now().Add(-olderThan).UTC().Truncate(time.Second), DryRun: dry}
	err = k.with(ctx, k.Storage, func(s store.Store) error {
		if dry {
			done.Compacted, err = would(ctx, s, done.Before)
		} else {
			done.Compacted, err = s.Compact(ctx, done.Before)
		}
		return err
	})
	return done, err
}

// would counts what a compaction removes, but for expired memories and leases, which nobody misses.
func would(ctx context.Context, s store.Store, before time.Time) (store.Compacted, error) {
	var out store.Compacted
	rule := store.Retention{Before: before, Return: func(id ohfp.RequestID) (ohfp.Request, bool, error) {
		r, err := s.Request(ctx, id)
		if errors.Is(err, ohfp.ErrNotFound) {
			return r, false, nil
		}
		return r, err == nil, err
	}}
	unsettled, err := s.Requests(ctx, store.RequestFilter{Type: ohfp.TypeReturn, Unsettled: true})
	if err != nil {
		return out, err
	}
	for _, r := range unsettled {
		rule.Follow(r)
	}
	removed := map[ohfp.RequestID]bool{}
	filter := store.RequestFilter{Machines: true, Limit: 50}
	for {
		page, err := s.Requests(ctx, filter)
		if err != nil {
			return out, err
		}
		for _, r := range page {
			goes, err := rule.Removes(r)
			if err != nil {
				return out, err
			}
			if !goes {
				continue
			}
			removed[r.ID] = true
			out.Requests++
			if r.Type == ohfp.TypeAcquire {
				out.Machines += len(r.Machines)
			}
		}
		if len(page) < filter.Limit {
			break
		}
		filter.After = store.RequestCursor(page[len(page)-1])
	}
	for after := int64(0); len(removed) > 0; {
		page, err := s.Events(ctx, store.EventFilter{After: after, Limit: 1000})
		if err != nil {
			return out, err
		}
		for _, e := range page {
			after = e.Sequence
			if removed[e.Request] {
				out.Events++
			}
		}
		if len(page) < 1000 {
			break
		}
	}
	return out, nil
}

// ParseAge reads "30d", "12h" or any other duration that is more than nothing.
func ParseAge(text string) (time.Duration, error) {
	age, err := ohfp.ParseDuration(text)
	if err != nil || age <= 0 {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%q is no age; write for example 30d or 12h", text)
	}
	return age, nil
}

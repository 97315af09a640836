package dynamodb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// compactTogether is how many requests one commit of a compaction removes at most, so that nobody waits for it long.
const compactTogether = 50

// Compact implements [store.Store]. The events of a request are removed before it: a crash in between leaves a request
// without a history, which the next compaction finds. The hints that lead to it are removed after it: if a crash leaves
// them, they only take up room.
func (s *Store) Compact(ctx context.Context, before time.Time) (done store.Compacted, err error) {
	if err := s.fenced(ctx); err != nil {
		return done, s.fault(err)
	}
	var old []ohfp.RequestID
	err = s.read(ctx, func(v *view) error {
		rows, err := v.list(ctx, allPartition, "", 0, func(r row) bool {
			return r.there && r.settled && r.status.Terminal() && r.created < stamp(before)
		})
		old = idsOf(rows)
		slices.Reverse(old)
		return err
	})
	for portion := range slices.Chunk(old, compactTogether) {
		if err == nil {
			err = s.compactSome(ctx, portion, before, &done)
		}
	}
	if err == nil {
		err = s.expire(ctx, before, &done)
	}
	if err == nil {
		err = s.compactLog(ctx, before)
	}
	return done, s.fault(err)
}

// compactSome removes those of the requests that may go.
func (s *Store) compactSome(ctx context.Context, ids []ohfp.RequestID, before time.Time, done *store.Compacted) error {
	var c *removal
	events := 0
	err := s.write(ctx, func(v *view) (*draft, error) {
		leaving, err := v.leaving(ctx, ids, before)
		if err != nil || len(leaving) == 0 {
			c = nil
			return nil, err
		}
		if c, err = s.removalOf(ctx, v, leaving); err != nil || v.stale {
			return nil, err
		}
		n, err := s.forgetEvents(ctx, v, leaving)
		events += n
		return c.draft, err
	})
	done.Events += events
	if err != nil || c == nil {
		return err
	}
	done.Requests += c.requests
	done.Machines += len(c.machines)
	return s.clearAway(ctx, c)
}

// leaving picks the requests that a compaction removes, with their machines.
func (v *view) leaving(ctx context.Context, ids []ohfp.RequestID, before time.Time) ([]ohfp.Request, error) {
	keep := store.Retention{Before: before, Return: func(id ohfp.RequestID) (ohfp.Request, bool, error) {
		r, err := v.request(ctx, id)
		if errors.Is(err, ohfp.ErrNotFound) {
			return r, false, nil
		}
		return r, err == nil, err
	}}
	open, err := v.list(ctx, openPartition, "", 0, func(r row) bool { return r.there && !r.settled && r.kind == ohfp.TypeReturn })
	if err != nil {
		return nil, err
	}
	if err := v.load(ctx, append(idsOf(open), ids...)...); err != nil {
		return nil, err
	}
	for _, one := range open {
		if h := v.heads[one.id]; h != nil && h.there && !h.settled {
			r, err := v.record(ctx, h)
			if err != nil {
				return nil, err
			}
			keep.Follow(r)
		}
	}
	var leaving []ohfp.Request
	for _, id := range ids {
		r, err := v.request(ctx, id)
		if errors.Is(err, ohfp.ErrNotFound) {
			continue // another compaction was faster
		}
		if err != nil {
			return nil, err
		}
		gone, err := keep.Removes(r)
		if err != nil {
			return nil, err
		}
		if gone {
			leaving = append(leaving, r)
		}
	}
	return leaving, nil
}

// expire removes what has expired.
func (s *Store) expire(ctx context.Context, before time.Time, done *store.Compacted) error {
	lapsed := func(l store.Lease) bool { return !l.Held(s.now()) && l.Until.Before(before) }
	leases := 0
	err := s.changeRoot(ctx, func(now *root) (bool, error) {
		was := len(now.Leases)
		maps.DeleteFunc(now.Leases, func(_ string, l store.Lease) bool { return lapsed(l) })
		leases = was - len(now.Leases)
		return leases > 0, nil
	})
	if err != nil {
		return err
	}
	done.Leases += leases
	return s.memories(ctx, "", "pk, sk, expires, rev", func(i item) error {
		if s.now().UnixNano() < i.number("expires") {
			return nil
		}
		removed, err := s.table.remove(ctx, i.key(), isSame, item{":rev": i["rev"]})
		if removed {
			done.Memories++
		}
		return err
	})
}

// keepPlaces is how long an entry of the log stays when all its events have been removed. By then nobody can be left who would
// write at its place: the signature of a call lasts for a quarter of an hour, and a view is not written from after keptFor.
const keepPlaces = 24 * time.Hour

// compactLog removes the entries of the log that have lost all their events.
func (s *Store) compactLog(ctx context.Context, before time.Time) error {
	limit := s.now().Add(-keepPlaces)
	if before.Before(limit) {
		limit = before
	}
	var swept string
	if err := s.read(ctx, func(v *view) error {
		swept = v.root().Swept
		return nil
	}); err != nil || swept == "" {
		return err
	}
	var empty []key
	at := span{partition: logPartition, to: swept, only: onlyTold}
	if err := s.table.query(ctx, at, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			e, err := entryOf(i)
			if err != nil {
				return false, err
			}
			if !e.at.Before(limit) {
				return false, nil
			}
			if e.count == 0 {
				empty = append(empty, e.key())
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	return s.table.removeAll(ctx, empty)
}

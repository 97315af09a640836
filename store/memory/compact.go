package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Compact implements [store.Store].
func (s *Store) Compact(ctx context.Context, before time.Time) (store.Compacted, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return store.Compacted{}, err
	}
	leaving, err := s.leaving(before)
	if err != nil {
		return store.Compacted{}, err
	}
	done := store.Compacted{Requests: len(leaving)}
	for id := range leaving {
		delete(s.requests, id)
	}
	machines := len(s.machines)
	maps.DeleteFunc(s.machines, func(_ machineKey, m ohfp.Machine) bool {
		_, launched := s.requests[m.Request]
		return leaving[m.Request] || leaving[m.Return] && !launched
	})
	done.Machines = machines - len(s.machines)
	events := len(s.events)
	s.events = slices.DeleteFunc(s.events, func(e ohfp.Event) bool { return leaving[e.Request] })
	done.Events = events - len(s.events)
	now := s.now()
	memories, leases := len(s.remembered), len(s.leases)
	maps.DeleteFunc(s.remembered, func(_ string, m memory) bool { return !now.Before(m.expires) })
	maps.DeleteFunc(s.leases, func(_ string, l store.Lease) bool { return !l.Held(now) && l.Until.Before(before) })
	done.Memories, done.Leases = memories-len(s.remembered), leases-len(s.leases)
	return done, nil
}

// leaving are the requests that a compaction removes.
func (s *Store) leaving(before time.Time) (map[ohfp.RequestID]bool, error) {
	keep := store.Retention{Before: before, Return: func(id ohfp.RequestID) (ohfp.Request, bool, error) {
		if _, ok := s.requests[id]; !ok {
			return ohfp.Request{}, false, nil
		}
		r, err := s.load(id)
		return r, true, err
	}}
	all := make([]ohfp.Request, 0, len(s.requests))
	for id := range s.requests {
		r, err := s.load(id)
		if err != nil {
			return nil, err
		}
		if !r.Settled() {
			keep.Follow(r)
		}
		all = append(all, r)
	}
	leaving := map[ohfp.RequestID]bool{}
	for _, r := range all {
		gone, err := keep.Removes(r)
		if err != nil {
			return nil, err
		}
		if gone {
			leaving[r.ID] = true
		}
	}
	return leaving, nil
}

// Package memory is a store that lives and dies with its process, for tests and trials.
// It refuses to be more than that: nothing is written to disk and no other process sees it.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// Store keeps everything in maps. What goes in and what comes out is copied, so that nobody holds a part of it.
type Store struct {
	*content
	fences []store.Lease // that must be held when it writes
}

// content is what a store and its views share.
type content struct {
	now store.Now

	mu           sync.Mutex
	installation ohfp.InstallationID
	requests     map[ohfp.RequestID]ohfp.Request // without machines
	machines     map[machineKey]ohfp.Machine
	templates    map[ohfp.TemplateID]ohfp.Template
	events       []ohfp.Event
	sequence     int64 // of the newest event
	positions    map[string]int64
	remembered   map[string]memory
	leases       map[string]store.Lease
	token        int64 // of the lease that changed its holder last
	revision     int64
}

type machineKey struct {
	provider string
	id       ohfp.MachineID
}

var _ store.Store = (*Store)(nil)

// New makes an empty store.
func New(now store.Now) *Store {
	return &Store{content: &content{
		now:        now,
		requests:   map[ohfp.RequestID]ohfp.Request{},
		machines:   map[machineKey]ohfp.Machine{},
		templates:  map[ohfp.TemplateID]ohfp.Template{},
		remembered: map[string]memory{},
		leases:     map[string]store.Lease{},
		positions:  map[string]int64{},
	}}
}

// Close does nothing: what is stored goes with the Store itself.
func (s *Store) Close() error { return nil }

// Installation implements [store.Store].
func (s *Store) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return "", interrupted(err)
	}
	if s.installation == "" {
		if suggested == "" {
			return "", ohfp.Errorf(ohfp.ErrNotFound, "store has no installation id yet; the first request makes one")
		}
		if err := s.writable(ctx); err != nil {
			return "", err
		}
		s.installation = suggested
	}
	return s.installation, nil
}

// Templates implements [store.Reader].
func (s *Store) Templates(ctx context.Context) ([]ohfp.Template, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	var out []ohfp.Template
	for _, id := range slices.Sorted(maps.Keys(s.templates)) {
		out = append(out, store.CopyTemplate(s.templates[id]))
	}
	return out, nil
}

// PutTemplate implements [store.Store].
func (s *Store) PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	was, exists := s.templates[t.ID]
	next, err := store.NextTemplate(t, was, exists)
	if err != nil {
		return err
	}
	s.templates[t.ID] = next
	s.record(events)
	return nil
}

// DeleteTemplate implements [store.Store].
func (s *Store) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	if _, ok := s.templates[id]; !ok {
		return ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store", id)
	}
	delete(s.templates, id)
	s.record(events)
	return nil
}

// Events implements [store.Reader].
func (s *Store) Events(ctx context.Context, filter store.EventFilter) ([]ohfp.Event, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	var out []ohfp.Event
	for _, e := range s.events {
		if filter.Request != "" && e.Request != filter.Request ||
			filter.Machine != "" && e.Machine != filter.Machine ||
			e.Sequence <= filter.After {
			continue
		}
		out = append(out, e)
	}
	return store.Page(out, filter.Limit, 0), nil
}

func (s *Store) record(events []ohfp.Event) {
	for _, e := range events {
		e = store.CopyEvent(e)
		s.sequence++
		e.Sequence = s.sequence
		s.events = append(s.events, e)
	}
}

// lock takes the lock and returns what gives it back.
func (s *Store) lock() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

// Revision is a number that differs from an earlier one when anything was written in between.
func (s *Store) Revision(context.Context) (n int64, ok bool, err error) {
	defer s.lock()()
	return s.revision, true, nil
}

// writable says why nothing may be written now. Whoever asks keeps the lock until it is written.
func (s *Store) writable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return interrupted(err)
	}
	for _, held := range s.fences {
		if err := held.Fence(s.leases[held.Name]); err != nil {
			return err
		}
	}
	s.revision++
	return nil
}

func interrupted(err error) error { return fmt.Errorf("store in memory: %w", err) }

var _ provider.Memory = (*Store)(nil)

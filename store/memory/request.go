package memory

import (
	"context"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Request implements [store.Reader].
func (s *Store) Request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return ohfp.Request{}, interrupted(err)
	}
	return s.load(id)
}

// load returns a copy of the request with its machines.
func (s *Store) load(id ohfp.RequestID) (ohfp.Request, error) {
	r, ok := s.requests[id]
	if !ok {
		return ohfp.Request{}, ohfp.Errorf(ohfp.ErrNotFound, "request %s is not in the store", id)
	}
	for _, m := range s.machines {
		if belongs(m, r) {
			r.Machines = append(r.Machines, m)
		}
	}
	store.SortMachines(r.Machines)
	return store.CopyRequest(r), nil
}

func belongs(m ohfp.Machine, r ohfp.Request) bool {
	if r.Type == ohfp.TypeReturn {
		return m.Return == r.ID || slices.Contains(r.Also, m.ID)
	}
	return m.Request == r.ID
}

// Requests implements [store.Reader].
func (s *Store) Requests(ctx context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	matches, err := filter.Matcher()
	if err != nil {
		return nil, err
	}
	var found []ohfp.Request
	for _, r := range s.requests {
		if !matches(r) {
			continue
		}
		if filter.Unsettled {
			if full, err := s.load(r.ID); err != nil || full.Settled() {
				continue
			}
		}
		found = append(found, r)
	}
	slices.SortFunc(found, store.ByNewest)
	found = store.Page(found, filter.Limit, filter.Offset)
	for i, r := range found {
		if !filter.Machines {
			found[i] = store.CopyRequest(r)
			continue
		}
		full, err := s.load(r.ID)
		if err != nil {
			return nil, err
		}
		found[i] = full
	}
	return found, nil
}

// Machines implements [store.Reader].
func (s *Store) Machines(ctx context.Context, filter store.MachineFilter) ([]ohfp.Machine, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	matches, err := filter.Matcher()
	if err != nil {
		return nil, err
	}
	var found []ohfp.Machine
	for _, m := range s.machines {
		if matches(m) {
			found = append(found, m)
		}
	}
	store.SortMachines(found)
	return store.Page(found, filter.Limit, filter.Offset), nil
}

// Usage implements [store.Reader].
func (s *Store) Usage(ctx context.Context) (store.Usage, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return store.Usage{}, interrupted(err)
	}
	return s.usage(), nil
}

func (s *Store) usage() store.Usage {
	held := map[ohfp.RequestID][]ohfp.Machine{}
	for _, m := range s.machines {
		held[m.Request] = append(held[m.Request], m)
	}
	used := store.NewUsage()
	for _, r := range s.requests {
		r.Machines = held[r.ID]
		used.Add(r.Template.ID, r.Provider, store.Units(r), store.CostOf(r))
	}
	return used
}

// CreateRequest implements [store.Store].
func (s *Store) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	if _, ok := s.requests[r.ID]; ok {
		return ohfp.Errorf(ohfp.ErrConflict, "request %s exists already", r.ID)
	}
	if err := limits.Check(r, s.usage()); err != nil {
		return err
	}
	c, err := store.Created(r, events)
	if err != nil {
		return err
	}
	if err := s.check(&c); err != nil {
		return err
	}
	s.write(c)
	return nil
}

// UpdateRequest implements [store.Store].
func (s *Store) UpdateRequest(
	ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error),
) (ohfp.Request, error) {
	for {
		before, err := s.Request(ctx, id)
		if err != nil {
			return ohfp.Request{}, err
		}
		// Without the lock, so that a change which looks at the store does not wait for itself.
		c, err := store.Apply(store.CopyRequest(before), change)
		if err != nil {
			return ohfp.Request{}, err
		}
		if c.Empty() {
			return c.After(), nil
		}
		stored, err := s.swap(ctx, before, c)
		switch {
		case err != nil:
			return ohfp.Request{}, err
		case stored && c.Follows:
			return s.Request(ctx, id)
		case stored:
			return c.After(), nil
		}
	}
}

// swap writes a change unless the request is no longer what the change was decided on.
func (s *Store) swap(ctx context.Context, before ohfp.Request, c store.Change) (bool, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return false, err
	}
	if s.requests[before.ID].Version != before.Version {
		return false, nil
	}
	for _, m := range before.Machines {
		// What happens to a machine that the request only follows does not show in its version.
		if s.machines[machineKey{m.Provider, m.ID}].Version != m.Version {
			return false, nil
		}
	}
	if err := s.check(&c); err != nil {
		return false, err
	}
	s.write(c)
	return true, nil
}

func (s *Store) check(c *store.Change) error {
	for _, m := range c.Unread {
		was, exists := s.machines[machineKey{m.Provider, m.ID}]
		if err := c.Over(m, was, exists); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) write(c store.Change) {
	r := store.CopyRequest(c.Request)
	r.Machines, r.Version = nil, r.Version+1
	s.requests[r.ID] = r
	for _, m := range c.Machines {
		m = store.CopyMachine(m)
		m.Version++
		s.machines[machineKey{m.Provider, m.ID}] = m
	}
	for _, id := range c.Others {
		if other, ok := s.requests[id]; ok {
			other.Version++
			s.requests[id] = other
		}
	}
	s.record(c.Events)
}

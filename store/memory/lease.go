package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

// Lease implements [store.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return store.Lease{}, err
	}
	l, fresh, err := s.leases[name].Take(name, holder, ttl, s.now())
	if err != nil {
		return store.Lease{}, err
	}
	if fresh {
		s.token++
		l.Token = s.token
	}
	s.leases[name] = l
	return l, nil
}

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, ttl time.Duration, held ...store.Lease) ([]store.Lease, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return nil, err
	}
	var renewed []store.Lease
	for _, l := range held {
		if l.Fence(s.leases[l.Name]) != nil {
			continue
		}
		next, _, err := s.leases[l.Name].Take(l.Name, l.Holder, ttl, s.now())
		if err != nil {
			return nil, err
		}
		s.leases[l.Name] = next
		renewed = append(renewed, next)
	}
	return renewed, nil
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, held ...store.Lease) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	for _, l := range held {
		if l.Fence(s.leases[l.Name]) == nil {
			delete(s.leases, l.Name)
		}
	}
	return nil
}

// Leases implements [store.Reader].
func (s *Store) Leases(ctx context.Context, prefix string) ([]store.Lease, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	var found []store.Lease
	for _, name := range slices.Sorted(maps.Keys(s.leases)) {
		if l := s.leases[name]; strings.HasPrefix(name, prefix) && l.Held(s.now()) {
			found = append(found, l)
		}
	}
	return found, nil
}

// Under implements [store.Store].
func (s *Store) Under(held store.Lease) store.Store {
	return &Store{content: s.content, fences: append(slices.Clone(s.fences), held)}
}

package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

// fenced says why nothing may be written that is not in the log, under leases. Between this look and the write another
// may take a lease; what providers remember bears that, see [provider.Memory]. What is in the log is checked with the
// entry that it goes into.
func (s *Store) fenced(ctx context.Context) error {
	if len(s.fences) == 0 {
		return nil
	}
	return s.read(ctx, func(v *view) error { return s.fence(v.root()) })
}

func (s *Store) fence(now root) error {
	for _, held := range s.fences {
		if err := held.Fence(now.Leases[held.Name]); err != nil {
			return err
		}
	}
	return nil
}

// Lease implements [store.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (taken store.Lease, err error) {
	err = s.changeRoot(ctx, func(now *root) (bool, error) {
		l, fresh, err := now.Leases[name].Take(name, holder, ttl, s.now())
		if err != nil {
			return false, err
		}
		if fresh {
			now.Token++
			l.Token = now.Token
		}
		now.Leases[name], taken = l, l
		return true, nil
	})
	if err != nil {
		return store.Lease{}, err
	}
	return taken, nil
}

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, ttl time.Duration, held ...store.Lease) (renewed []store.Lease, err error) {
	err = s.changeRoot(ctx, func(now *root) (bool, error) {
		renewed = nil
		for _, l := range held {
			current := now.Leases[l.Name]
			if l.Fence(current) != nil {
				continue
			}
			next, _, err := current.Take(l.Name, l.Holder, ttl, s.now())
			if err != nil {
				return false, err
			}
			now.Leases[l.Name] = next
			renewed = append(renewed, next)
		}
		return len(renewed) > 0, nil
	})
	if err != nil {
		return nil, err
	}
	return renewed, nil
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, held ...store.Lease) error {
	return s.changeRoot(ctx, func(now *root) (bool, error) {
		released := false
		for _, l := range held {
			if l.Fence(now.Leases[l.Name]) == nil {
				delete(now.Leases, l.Name)
				released = true
			}
		}
		return released, nil
	})
}

// changeRoot commits a change of what is true of the store as a whole, unless change says that there is none. It may run
// several times.
func (s *Store) changeRoot(ctx context.Context, change func(now *root) (bool, error)) error {
	return s.write(ctx, func(v *view) (*draft, error) {
		trial := v.root().copied()
		if changed, err := change(&trial); err != nil || !changed {
			return nil, err
		}
		d := s.newDraft(nil)
		d.root = func(now *root) error {
			_, err := change(now)
			return err
		}
		return d, nil
	})
}

// Leases implements [store.Reader].
func (s *Store) Leases(ctx context.Context, prefix string) (found []store.Lease, err error) {
	err = s.read(ctx, func(v *view) error {
		found = nil
		all := v.root().Leases
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if l := all[name]; strings.HasPrefix(name, prefix) && l.Held(s.now()) {
				found = append(found, l)
			}
		}
		return nil
	})
	return found, err
}

// Under implements [store.Store].
func (s *Store) Under(held store.Lease) store.Store {
	return &Store{core: s.core, fences: append(slices.Clone(s.fences), held), lent: true}
}

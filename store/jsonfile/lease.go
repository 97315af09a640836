package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

const leaseFile = "leases.json"

// leaseList is leases.json.
type leaseList struct {
	Token  int64         `json:"token"`  // of the lease that changed its holder last
	Leases []store.Lease `json:"leases"` // by name
}

// leases reads leases.json, which is not there before somebody takes a lease.
func (v *view) leases() (leaseList, error) {
	data, err := v.file(leaseFile)
	if errors.Is(err, fs.ErrNotExist) {
		return leaseList{}, nil
	}
	if err != nil {
		return leaseList{}, err
	}
	list, err := decode[leaseList](data)
	if err != nil {
		return leaseList{}, v.damaged(leaseFile, err)
	}
	return list, nil
}

func (l *leaseList) find(name string) (int, bool) {
	return slices.BinarySearchFunc(l.Leases, name, func(l store.Lease, name string) int { return strings.Compare(l.Name, name) })
}

// of is the lease of a name, or an empty one.
func (l *leaseList) of(name string) store.Lease {
	if i, ok := l.find(name); ok {
		return l.Leases[i]
	}
	return store.Lease{}
}

func (l *leaseList) put(held store.Lease) {
	i, ok := l.find(held.Name)
	if !ok {
		l.Leases = slices.Insert(l.Leases, i, held)
	}
	l.Leases[i] = held
}

// fenced says why nothing may be written through a view whose lease another has by now.
func (s *Store) fenced(v *view) error {
	if len(s.fences) == 0 {
		return nil
	}
	list, err := v.leases()
	if err != nil {
		return err
	}
	for _, held := range s.fences {
		if err := held.Fence(list.of(held.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) changeLeases(ctx context.Context, change func(list *leaseList) error) error {
	return s.write(ctx, func(tx *transaction) error {
		list, err := tx.leases()
		if err != nil {
			return err
		}
		if err := change(&list); err != nil {
			return err
		}
		data, err := encodeIndented(list)
		if err != nil {
			return err
		}
		tx.place(leaseFile, data)
		return nil
	})
}

// Lease implements [store.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (taken store.Lease, err error) {
	err = s.changeLeases(ctx, func(list *leaseList) error {
		l, fresh, err := list.of(name).Take(name, holder, ttl, s.now())
		if err != nil {
			return err
		}
		if fresh {
			list.Token++
			l.Token = list.Token
		}
		list.put(l)
		taken = l
		return nil
	})
	if err != nil {
		return store.Lease{}, err
	}
	return taken, nil
}

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, ttl time.Duration, held ...store.Lease) (renewed []store.Lease, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	err = s.changeLeases(ctx, func(list *leaseList) error {
		for _, l := range held {
			if l.Fence(list.of(l.Name)) != nil {
				continue
			}
			next, _, err := list.of(l.Name).Take(l.Name, l.Holder, ttl, s.now())
			if err != nil {
				return err
			}
			list.put(next)
			renewed = append(renewed, next)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return renewed, nil
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, held ...store.Lease) error {
	if len(held) == 0 {
		return nil
	}
	return s.changeLeases(ctx, func(list *leaseList) error {
		for _, l := range held {
			if i, ok := list.find(l.Name); ok && l.Fence(list.Leases[i]) == nil {
				list.Leases = slices.Delete(list.Leases, i, i+1)
			}
		}
		return nil
	})
}

// Leases implements [store.Reader].
func (s *Store) Leases(ctx context.Context, prefix string) (found []store.Lease, err error) {
	err = s.look(ctx, func(v *view) error {
		list, err := v.leases()
		now := s.now()
		found = slices.DeleteFunc(list.Leases, func(l store.Lease) bool { return !strings.HasPrefix(l.Name, prefix) || !l.Held(now) })
		return err
	})
	return found, err
}

// Under implements [store.Store].
func (s *Store) Under(held store.Lease) store.Store {
	inner := *s
	inner.fences = append(slices.Clone(s.fences), held)
	return &inner
}

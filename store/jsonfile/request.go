package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Request implements [store.Reader].
func (s *Store) Request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	r, _, err := s.request(ctx, id)
	return r, err
}

// request also returns the files that were read.
func (s *Store) request(ctx context.Context, id ohfp.RequestID) (found ohfp.Request, records []*record, err error) {
	var own *record
	err = s.look(ctx, func(v *view) (err error) {
		// Of an acquire all is needed, and a return has nothing else in its file.
		if own, err = v.whole(id); err != nil || own == nil || own.request == nil {
			return err
		}
		records, err = v.gather(ctx, own)
		return err
	})
	if err != nil {
		return ohfp.Request{}, nil, err
	}
	if own == nil || own.request == nil {
		return ohfp.Request{}, nil, unknown(id)
	}
	found = store.CopyRequest(*own.request)
	found.Machines, err = s.disk.machinesOf(ctx, found, records)
	return found, records, s.fault(err)
}

func unknown(id ohfp.RequestID) error {
	return ohfp.Errorf(ohfp.ErrNotFound, "request %s is not in the store", id)
}

// Requests implements [store.Reader].
func (s *Store) Requests(ctx context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	matches, err := filter.Matcher()
	if err != nil {
		return nil, err
	}
	var found []ohfp.Request
	var gathered [][]*record
	err = s.look(ctx, func(v *view) error {
		records, err := v.requests(ctx, filter, matches)
		if err != nil {
			return err
		}
		found, gathered = found[:0], gathered[:0]
		for _, r := range records {
			found = append(found, *r.request)
		}
		slices.SortFunc(found, store.ByNewest)
		found = store.Page(found, filter.Limit, filter.Offset)
		if !filter.Machines {
			return nil
		}
		for _, r := range found {
			records, err := v.gather(ctx, v.records[r.ID])
			if err != nil {
				return err
			}
			gathered = append(gathered, records)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range gathered {
		if found[i].Machines, err = s.disk.machinesOf(ctx, found[i], gathered[i]); err != nil {
			return nil, s.fault(err)
		}
	}
	return found, nil
}

// requests reads the requests that match a filter, without their machines.
func (v *view) requests(ctx context.Context, filter store.RequestFilter, matches func(ohfp.Request) bool) ([]*record, error) {
	var found []*record
	keep := func(r *record) {
		if r != nil && r.request != nil && matches(*r.request) && (r.dir == openDir || !filter.Unsettled) {
			found = append(found, r)
		}
	}
	if len(filter.IDs) > 0 {
		ids := slices.Clone(filter.IDs)
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r, err := v.find(id)
			if err != nil {
				return nil, err
			}
			keep(r)
		}
		return found, nil
	}
	dirs := []string{openDir, heldDir, doneDir}
	if filter.Unsettled || len(filter.Statuses) > 0 && !slices.ContainsFunc(filter.Statuses, ohfp.Status.Terminal) {
		dirs = dirs[:1] // a request that has not ended is not settled
	}
	err := v.each(ctx, dirs, false, func(r *record) error {
		keep(r)
		return nil
	})
	return found, err
}

// each reads all files of directories, with machines or without.
func (v *view) each(ctx context.Context, dirs []string, whole bool, do func(r *record) error) error {
	for _, dir := range dirs {
		names, err := v.files(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := v.recordAt(dir, name, whole)
			if errors.Is(err, fs.ErrNotExist) {
				continue // somebody writes just now, which the head will say
			}
			if err != nil {
				return err
			}
			if err := do(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// CreateRequest implements [store.Store].
func (s *Store) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	return s.write(ctx, func(tx *transaction) error {
		was, err := tx.find(r.ID)
		if err != nil {
			return err
		}
		if was != nil && was.request != nil {
			return ohfp.Errorf(ohfp.ErrConflict, "request %s exists already", r.ID)
		}
		if r.Type == ohfp.TypeAcquire && limits != (store.Limits{}) {
			counted, err := tx.counted(ctx)
			if err != nil {
				return err
			}
			tx.next.Live, tx.next.Usage, tx.next.Costs = counted.Live, counted.Usage, counted.Costs
			if err := limits.Check(r, counted.used()); err != nil {
				return err
			}
		}
		c, err := store.Created(r, events)
		if err != nil {
			return err
		}
		return tx.save(ctx, c)
	})
}

// UpdateRequest implements [store.Store].
func (s *Store) UpdateRequest(
	ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error),
) (ohfp.Request, error) {
	var refusal error // by change, passed on as it is
	apply := func(r ohfp.Request) (c store.Change, err error) {
		c, err = store.Apply(r, change)
		refusal = err
		return c, err
	}
	before, records, err := s.request(ctx, id)
	if err != nil {
		return ohfp.Request{}, err
	}
	version, follows := before.Version, len(before.Also) > 0
	// Decided without the store being held, because most looks at a request change nothing.
	c, err := apply(before)
	if err != nil {
		return ohfp.Request{}, refusal
	}
	if c.Empty() {
		return c.After(), nil
	}
	err = s.write(ctx, func(tx *transaction) error {
		if err := tx.known(records); err != nil {
			return err
		}
		own, err := tx.find(id)
		if err != nil {
			return err
		}
		if own == nil || own.request == nil {
			return unknown(id)
		}
		// What happens to a machine that the request only follows does not show in its version.
		if own.version != version || follows {
			// Somebody was or may have been faster. Now that the store is held, nobody will be again.
			now, err := tx.current(ctx, own)
			if err != nil {
				return err
			}
			if c, err = apply(now); err != nil || c.Empty() {
				return err
			}
		}
		return tx.save(ctx, c)
	})
	switch {
	case refusal != nil:
		return ohfp.Request{}, refusal
	case err != nil:
		return ohfp.Request{}, err
	case c.Follows:
		return s.Request(ctx, id)
	}
	return c.After(), nil
}

// current is the request as it is, for the caller to change.
func (tx *transaction) current(ctx context.Context, own *record) (ohfp.Request, error) {
	records, err := tx.gather(ctx, own)
	if err != nil {
		return ohfp.Request{}, err
	}
	r := store.CopyRequest(*own.request)
	r.Machines, err = tx.machinesOf(ctx, r, records)
	return r, err
}

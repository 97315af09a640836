package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Request implements [store.Reader].
func (s *Store) Request(ctx context.Context, id ohfp.RequestID) (r ohfp.Request, err error) {
	err = s.read(ctx, func(v *view) error {
		r, err = v.request(ctx, id)
		return err
	})
	return r, err
}

// Requests implements [store.Reader].
func (s *Store) Requests(ctx context.Context, filter store.RequestFilter) (found []ohfp.Request, err error) {
	err = s.read(ctx, func(v *view) error {
		found = nil
		rows, err := v.requestRows(ctx, filter)
		if err != nil {
			return err
		}
		rows = store.Page(rows, filter.Limit, filter.Offset)
		if err := v.load(ctx, idsOf(rows)...); err != nil {
			return err
		}
		if filter.Machines {
			if err := v.loadMachines(ctx, rows); err != nil {
				return err
			}
		}
		for _, one := range rows {
			h := v.heads[one.id]
			if h == nil || !h.there {
				return errMoved
			}
			r, err := v.record(ctx, h)
			if err != nil {
				return err
			}
			if filter.Machines {
				if err := v.addMachines(ctx, &r); err != nil {
					return err
				}
			}
			found = append(found, r)
		}
		return nil
	})
	return found, err
}

// loadMachines reads the machines of many requests together.
func (v *view) loadMachines(ctx context.Context, rows []row) error {
	origins := map[ohfp.RequestID]bool{}
	for _, one := range rows {
		origins[one.id] = true
		if h := v.heads[one.id]; h != nil {
			for _, id := range h.from {
				origins[id] = true
			}
		}
	}
	_, err := v.machinesOf(ctx, slices.Collect(maps.Keys(origins)), func(ohfp.Machine) bool { return false })
	return err
}

// requestRows finds the requests of a filter, the newest first, at least up to its limit.
func (v *view) requestRows(ctx context.Context, filter store.RequestFilter) ([]row, error) {
	after := ""
	if filter.After != "" {
		mark, err := store.RequestAt(filter.After)
		if err != nil {
			return nil, err
		}
		after = row{id: mark.ID, created: stamp(mark.CreatedAt)}.listKey()
	}
	wanted := func(r row) bool {
		return r.there && (after == "" || r.listKey() < after) && (filter.Type == "" || r.kind == filter.Type) &&
			(len(filter.Statuses) == 0 || slices.Contains(filter.Statuses, r.status)) &&
			(filter.Template == "" || r.template == filter.Template) && !(filter.Unsettled && r.settled)
	}
	if len(filter.IDs) > 0 {
		return v.rowsOf(ctx, filter.IDs, wanted)
	}
	if !filter.Unsettled {
		enough := 0
		if filter.Limit > 0 {
			enough = max(filter.Offset, 0) + filter.Limit
		}
		return v.list(ctx, allPartition, after, enough, wanted)
	}
	// A crash may have left rows that are out of date.
	rows, err := v.list(ctx, openPartition, "", 0, wanted)
	if err != nil {
		return nil, err
	}
	return v.rowsOf(ctx, idsOf(rows), wanted)
}

// rowsOf finds requests among some, the newest first.
func (v *view) rowsOf(ctx context.Context, ids []ohfp.RequestID, wanted func(row) bool) ([]row, error) {
	if err := v.load(ctx, ids...); err != nil {
		return nil, err
	}
	var rows []row
	seen := make(map[ohfp.RequestID]bool, len(ids))
	for _, id := range ids {
		if h := v.heads[id]; h != nil && !seen[id] && wanted(h.row) {
			seen[id] = true
			rows = append(rows, h.row)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(b.listKey(), a.listKey()) })
	return rows, nil
}

// Usage implements [store.Reader].
func (s *Store) Usage(ctx context.Context) (used store.Usage, err error) {
	err = s.read(ctx, func(v *view) error {
		used = copyUsage(v.root().Used)
		return nil
	})
	return used, err
}

// CreateRequest implements [store.Store].
func (s *Store) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	return s.write(ctx, func(v *view) (*draft, error) {
		if err := v.load(ctx, r.ID); err != nil {
			return nil, err
		}
		if h := v.heads[r.ID]; h != nil && h.there {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "request %s exists already", r.ID)
		}
		check := func(used store.Usage) error { return limits.Check(r, used) }
		if err := check(v.root().Used); err != nil {
			return nil, err
		}
		c, err := store.Created(r, events)
		if err != nil {
			return nil, err
		}
		d, err := s.draftOf(ctx, v, c)
		if err == nil {
			d.check = check
		}
		return d, err
	})
}

// UpdateRequest implements [store.Store].
func (s *Store) UpdateRequest(
	ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error),
) (ohfp.Request, error) {
	var c store.Change
	var refusal error // by change, passed on as it is
	err := s.write(ctx, func(v *view) (*draft, error) {
		refusal = nil
		before, err := v.request(ctx, id)
		if err != nil || v.stale {
			return nil, err
		}
		machines := slices.Clone(before.Machines)
		if c, err = store.Apply(before, change); err != nil {
			refusal = err
			return nil, err
		}
		if err := ctx.Err(); err != nil || c.Empty() {
			return nil, err
		}
		d, err := s.draftOf(ctx, v, c)
		if err != nil {
			return nil, err
		}
		for _, m := range machines {
			d.read[m.Request] = true // what happens to a machine that the request only follows does not touch its own head
		}
		return d, nil
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

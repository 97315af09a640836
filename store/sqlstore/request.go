package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Request implements [store.Reader].
func (s *Store) Request(ctx context.Context, id ohfp.RequestID) (r ohfp.Request, err error) {
	err = s.read(ctx, func(tx session) error {
		r, err = load(ctx, tx, id)
		return err
	})
	return r, err
}

// load reads a request with its machines.
func load(ctx context.Context, tx session, id ohfp.RequestID) (ohfp.Request, error) {
	var version int64
	var doc []byte
	err := tx.QueryRowContext(ctx, "SELECT version, doc FROM requests WHERE id = ?", id).Scan(&version, &doc)
	if errors.Is(err, sql.ErrNoRows) {
		return ohfp.Request{}, ohfp.Errorf(ohfp.ErrNotFound, "request %s is not in the store", id)
	}
	if err != nil {
		return ohfp.Request{}, err
	}
	r, err := decode[ohfp.Request](doc)
	if err != nil {
		return ohfp.Request{}, err
	}
	r.Version = version
	found := []ohfp.Request{r}
	err = withMachines(ctx, tx, found)
	return found[0], err
}

// Requests implements [store.Reader].
func (s *Store) Requests(ctx context.Context, filter store.RequestFilter) (found []ohfp.Request, err error) {
	var where conditions
	if len(filter.IDs) > 0 {
		where.and("id"+oneOf, list(filter.IDs))
	}
	if filter.Type != "" {
		where.and("type = ?", filter.Type)
	}
	if len(filter.Statuses) > 0 {
		where.and("status"+oneOf, list(filter.Statuses))
	}
	if filter.Template != "" {
		where.and("template = ?", filter.Template)
	}
	if filter.Unsettled {
		where.and("NOT settled")
	}
	if filter.After != "" {
		if err := where.older(filter.After); err != nil {
			return nil, err
		}
	}
	query := where.of("SELECT version, doc FROM requests", where.page("created_at DESC, id DESC", filter.Limit, filter.Offset))
	err = s.read(ctx, func(tx session) error {
		if found, err = requests(ctx, tx, query, where.args...); err != nil || !filter.Machines {
			return err
		}
		return withMachines(ctx, tx, found)
	})
	return found, err
}

// requests reads what a query for version and doc finds.
func requests(ctx context.Context, tx session, query string, args ...any) ([]ohfp.Request, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []ohfp.Request
	for rows.Next() {
		var version int64
		var doc sql.RawBytes
		if err := rows.Scan(&version, &doc); err != nil {
			return nil, err
		}
		r, err := decode[ohfp.Request](doc)
		if err != nil {
			return nil, err
		}
		r.Version = version
		found = append(found, r)
	}
	return found, rows.Err()
}

// withMachines gives each request its machines.
func withMachines(ctx context.Context, tx session, found []ohfp.Request) error {
	at := make(map[ohfp.RequestID]*ohfp.Request, len(found))
	followers := map[ohfp.MachineID][]*ohfp.Request{}
	var acquires, returns []ohfp.RequestID
	var launched, ended int // machines that are expected
	for i := range found {
		r := &found[i]
		at[r.ID] = r
		if r.Type != ohfp.TypeReturn {
			acquires, launched = append(acquires, r.ID), launched+r.Count
			continue
		}
		returns, ended = append(returns, r.ID), ended+r.Count
		for _, id := range r.Also {
			followers[id] = append(followers[id], r)
		}
	}
	if len(acquires) > 0 {
		all, err := machines(ctx, tx, launched, "SELECT version, doc FROM machines WHERE request_id"+oneOf, list(acquires))
		if err != nil {
			return err
		}
		deal(all, len(acquires), func(m ohfp.Machine) *ohfp.Request { return at[m.Request] })
	}
	if len(returns) > 0 {
		all, err := machines(ctx, tx, ended, "SELECT version, doc FROM machines WHERE return_id <> '' AND return_id"+oneOf, list(returns))
		if err != nil {
			return err
		}
		deal(all, len(returns), func(m ohfp.Machine) *ohfp.Request { return at[m.Return] })
	}
	if len(followers) > 0 {
		all, err := machines(ctx, tx, len(followers), "SELECT version, doc FROM machines WHERE machine_id"+oneOf, list(slices.Collect(maps.Keys(followers))))
		if err != nil {
			return err
		}
		for _, m := range all {
			for _, r := range followers[m.ID] {
				if m.Return != r.ID {
					r.Machines = append(r.Machines, m)
				}
			}
		}
	}
	for i := range found {
		store.SortMachines(found[i].Machines)
	}
	return nil
}

// deal gives machines to the requests that they belong to.
func deal(machines []ohfp.Machine, requests int, owner func(ohfp.Machine) *ohfp.Request) {
	if requests == 1 && len(machines) > 0 {
		owner(machines[0]).Machines = machines
		return
	}
	for _, m := range machines {
		r := owner(m)
		r.Machines = append(r.Machines, m)
	}
}

// CreateRequest implements [store.Store].
func (s *Store) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	return s.write(ctx, func(tx session) error {
		var exists bool
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM requests WHERE id = ?", r.ID).Scan(&exists); err != nil {
			return err
		}
		if exists {
			return ohfp.Errorf(ohfp.ErrConflict, "request %s exists already", r.ID)
		}
		if r.Type == ohfp.TypeAcquire && limits != (store.Limits{}) {
			used, err := usage(ctx, tx)
			if err != nil {
				return err
			}
			if err := limits.Check(r, used); err != nil {
				return err
			}
		}
		c, err := store.Created(r, events)
		if err != nil {
			return err
		}
		return save(ctx, tx, c)
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
	before, err := s.Request(ctx, id)
	if err != nil {
		return ohfp.Request{}, err
	}
	// Decided without the store being held, because most looks at a request change nothing.
	c, err := apply(before)
	if err != nil {
		return ohfp.Request{}, refusal
	}
	if c.Empty() {
		return c.After(), nil
	}
	err = s.write(ctx, func(tx session) error {
		// What happens to a machine that the request only follows does not show in its version.
		current := len(before.Also) == 0
		if current {
			var version int64
			if err := tx.QueryRowContext(ctx, "SELECT version FROM requests WHERE id = ?", id).Scan(&version); err != nil {
				return err
			}
			current = version == before.Version
		}
		if !current {
			// Somebody was or may have been faster. Now that the store is held, nobody will be again.
			if before, err = load(ctx, tx, id); err != nil {
				return err
			}
			if c, err = apply(before); err != nil || c.Empty() {
				return err
			}
		}
		if err := save(ctx, tx, c); err != nil || !c.Follows {
			return err
		}
		before, err = load(ctx, tx, id)
		return err
	})
	switch {
	case refusal != nil:
		return ohfp.Request{}, refusal
	case err != nil:
		return ohfp.Request{}, err
	case c.Follows:
		return before, nil
	}
	return c.After(), nil
}

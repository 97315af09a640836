package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// What one transaction of a compaction looks at and removes at most, so that it takes some ten milliseconds. A request is
// removed as a whole, whatever it has.
const (
	compactRequests = 100
	compactMachines = 1000
)

// Compact implements [store.Store].
func (s *Store) Compact(ctx context.Context, before time.Time) (done store.Compacted, err error) {
	for after := ""; ; {
		var where conditions
		where.and("settled AND created_at < ?", stamp(before))
		if after != "" {
			if err := where.newer(after); err != nil {
				return done, err
			}
		}
		query := where.of("SELECT version, doc FROM requests", where.page("created_at, id", compactRequests, 0))
		var batches [][]ohfp.RequestID
		err := s.read(ctx, func(tx session) error {
			after = ""
			found, err := requests(ctx, tx, query, where.args...)
			if err != nil {
				return err
			}
			if len(found) == compactRequests {
				after = store.RequestCursor(found[len(found)-1])
			}
			// Most of what is left from one time to the next is in use, which no writer need wait for to be seen.
			leaving, err := leaving(ctx, tx, found, before)
			batches = portions(leaving)
			return err
		})
		if err != nil {
			return done, err
		}
		for _, ids := range batches {
			if err := s.remove(ctx, ids, before, &done); err != nil {
				return done, err
			}
		}
		if after == "" {
			break
		}
	}
	err = s.sweep(ctx, before, &done)
	return done, err
}

// portions are the ids of requests that are removed in one transaction each.
func portions(leaving []ohfp.Request) [][]ohfp.RequestID {
	var batches [][]ohfp.RequestID
	machines := 0
	for _, r := range leaving {
		if len(batches) == 0 || machines+len(r.Machines) > compactMachines {
			batches, machines = append(batches, nil), 0
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], r.ID)
		machines += len(r.Machines)
	}
	return batches
}

// leaving are those of the requests that a compaction removes, with their machines.
func leaving(ctx context.Context, tx session, found []ohfp.Request, before time.Time) ([]ohfp.Request, error) {
	found = slices.DeleteFunc(found, func(r ohfp.Request) bool { return r.CompletedAt.IsZero() || !r.CompletedAt.Before(before) })
	if len(found) == 0 {
		return nil, nil
	}
	if err := withMachines(ctx, tx, found); err != nil {
		return nil, err
	}
	keep := store.Retention{Before: before}
	returns := map[ohfp.RequestID]ohfp.Request{}
	var needed []ohfp.RequestID
	for _, r := range found {
		if r.Type == ohfp.TypeReturn {
			returns[r.ID] = r
			continue
		}
		for _, m := range r.Machines {
			needed = append(needed, m.Return)
		}
	}
	slices.Sort(needed)
	needed = slices.DeleteFunc(slices.Compact(needed), func(id ohfp.RequestID) bool { return id == "" || returns[id].ID == id })
	if len(needed) > 0 {
		others, err := requests(ctx, tx, "SELECT version, doc FROM requests WHERE id"+oneOf, list(needed))
		if err != nil {
			return nil, err
		}
		if err := withMachines(ctx, tx, others); err != nil {
			return nil, err
		}
		for _, r := range others {
			returns[r.ID] = r
		}
	}
	keep.Return = func(id ohfp.RequestID) (ohfp.Request, bool, error) {
		r, ok := returns[id]
		return r, ok, nil
	}
	unsettled, err := requests(ctx, tx, "SELECT version, doc FROM requests WHERE NOT settled AND type = 'return'")
	if err != nil {
		return nil, err
	}
	for _, r := range unsettled {
		keep.Follow(r)
	}
	var out []ohfp.Request
	for _, r := range found {
		gone, err := keep.Removes(r)
		if err != nil {
			return nil, err
		}
		if gone {
			out = append(out, r)
		}
	}
	return out, nil
}

// remove removes those of the requests that may still go, now that nobody else writes.
func (s *Store) remove(ctx context.Context, ids []ohfp.RequestID, before time.Time, done *store.Compacted) error {
	var now store.Compacted
	err := s.write(ctx, func(tx session) error {
		found, err := requests(ctx, tx, "SELECT version, doc FROM requests WHERE settled AND id"+oneOf, list(ids))
		if err != nil {
			return err
		}
		if found, err = leaving(ctx, tx, found, before); err != nil || len(found) == 0 {
			return err
		}
		ids := make([]ohfp.RequestID, len(found))
		for i, r := range found {
			ids[i] = r.ID
		}
		now = store.Compacted{}
		for _, step := range []struct {
			statement string
			count     *int
		}{
			{"DELETE FROM events WHERE request_id" + oneOf, &now.Events},
			{"DELETE FROM requests WHERE id" + oneOf, &now.Requests},
			{"DELETE FROM machines WHERE request_id" + oneOf, &now.Machines},
			// Those that were found in the cloud when they were given back have no other request.
			{"DELETE FROM machines WHERE NOT EXISTS (SELECT 1 FROM requests WHERE id = machines.request_id) AND return_id <> '' AND return_id" + oneOf, &now.Machines},
		} {
			if err := deleted(ctx, tx, step.count, step.statement, list(ids)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		done.Requests += now.Requests
		done.Machines += now.Machines
		done.Events += now.Events
	}
	return err
}

// sweep removes what has expired.
func (s *Store) sweep(ctx context.Context, before time.Time, done *store.Compacted) error {
	var memories, lapsed int
	err := s.write(ctx, func(tx session) error {
		memories, lapsed = 0, 0
		now, err := s.leaseClock(ctx, tx)
		if err != nil {
			return err
		}
		if before.Before(now) {
			now = before
		}
		if err := deleted(ctx, tx, &memories, "DELETE FROM memory WHERE expires_at <= ?", stamp(s.now())); err != nil {
			return err
		}
		return deleted(ctx, tx, &lapsed, "DELETE FROM leases WHERE until_at < ?", stamp(now))
	})
	if err == nil {
		done.Memories, done.Leases = memories, lapsed
	}
	return err
}

func deleted(ctx context.Context, tx session, count *int, statement string, args ...any) error {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	*count += int(n)
	return err
}

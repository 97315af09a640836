package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

const findLeases = "SELECT name, holder, token, until_at FROM leases"

// lease is the lease of a name, or an empty one.
func lease(ctx context.Context, tx session, name string) (l store.Lease, err error) {
	var until int64
	err = tx.QueryRowContext(ctx, findLeases+" WHERE name = ?", name).Scan(&l.Name, &l.Holder, &l.Token, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Lease{}, nil
	}
	l.Until = time.Unix(0, until).UTC()
	return l, err
}

// fenced says why nothing may be written in tx, of a view whose lease another has by now.
func (s *Store) fenced(ctx context.Context, tx session) error {
	for _, held := range s.fences {
		current, err := lease(ctx, tx, held.Name)
		if err != nil {
			return err
		}
		if err := held.Fence(current); err != nil {
			return err
		}
	}
	return nil
}

// Lease implements [store.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (taken store.Lease, err error) {
	err = s.write(ctx, func(tx session) error {
		now, err := s.leaseClock(ctx, tx)
		if err != nil {
			return err
		}
		was, err := lease(ctx, tx, name)
		if err != nil {
			return err
		}
		l, fresh, err := was.Take(name, holder, ttl, now)
		if err != nil {
			return err
		}
		if fresh {
			if err := tx.QueryRowContext(ctx, nextToken).Scan(&l.Token); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO leases (name, holder, token, until_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, until_at = excluded.until_at`,
			l.Name, l.Holder, l.Token, stamp(l.Until))
		taken = l
		return err
	})
	if err != nil {
		return store.Lease{}, err
	}
	return taken, nil
}

const nextToken = `INSERT INTO meta (name, value) VALUES ('lease', '1')
  ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)
  RETURNING CAST(value AS BIGINT)`

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, ttl time.Duration, held ...store.Lease) (renewed []store.Lease, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(tx session) error {
		renewed = nil
		now, err := s.leaseClock(ctx, tx)
		if err != nil {
			return err
		}
		mine, err := still(ctx, tx, held)
		if err != nil {
			return err
		}
		for _, l := range mine {
			next, _, err := l.Take(l.Name, l.Holder, ttl, now)
			if err != nil {
				return err
			}
			renewed = append(renewed, next)
		}
		return tx.each(ctx, "UPDATE leases SET until_at = ? WHERE name = ?", len(renewed), func(i int) ([]any, error) {
			return []any{stamp(renewed[i].Until), renewed[i].Name}, nil
		})
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
	return s.write(ctx, func(tx session) error {
		return tx.each(ctx, "DELETE FROM leases WHERE name = ? AND token = ?", len(held), func(i int) ([]any, error) {
			return []any{held[i].Name, held[i].Token}, nil
		})
	})
}

// still are those of the leases that nobody else has taken, as they are.
func still(ctx context.Context, tx session, held []store.Lease) ([]store.Lease, error) {
	names := make([]string, len(held))
	for i, l := range held {
		names[i] = l.Name
	}
	all, err := leases(ctx, tx, findLeases+" WHERE name"+oneOf+" ORDER BY name", list(names))
	return slices.DeleteFunc(all, func(l store.Lease) bool {
		return !slices.ContainsFunc(held, func(h store.Lease) bool { return h.Name == l.Name && h.Fence(l) == nil })
	}), err
}

// Leases implements [store.Reader].
func (s *Store) Leases(ctx context.Context, prefix string) ([]store.Lease, error) {
	now, err := s.leaseClock(ctx, s.alone())
	if err != nil {
		return nil, s.fault(err)
	}
	all, err := leases(ctx, s.alone(), findLeases+" WHERE until_at > ? ORDER BY name", stamp(now))
	return slices.DeleteFunc(all, func(l store.Lease) bool { return !strings.HasPrefix(l.Name, prefix) }), s.fault(err)
}

func leases(ctx context.Context, tx session, query string, args ...any) ([]store.Lease, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []store.Lease
	for rows.Next() {
		var l store.Lease
		var until int64
		if err := rows.Scan(&l.Name, &l.Holder, &l.Token, &until); err != nil {
			return nil, err
		}
		l.Until = time.Unix(0, until).UTC()
		found = append(found, l)
	}
	return found, rows.Err()
}

// leaseClock is the clock that leases lapse by.
func (s *Store) leaseClock(ctx context.Context, tx session) (time.Time, error) {
	if s.clock == "" {
		return s.now(), nil
	}
	var now int64
	err := tx.QueryRowContext(ctx, s.clock).Scan(&now)
	return time.Unix(0, now).UTC(), err
}

// Under implements [store.Store].
func (s *Store) Under(held store.Lease) store.Store {
	inner := *s
	inner.fences = append(slices.Clone(s.fences), held)
	return &view{&inner}
}

// view is a store that another closes.
type view struct{ *Store }

func (*view) Close() error { return nil }

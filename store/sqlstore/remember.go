package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

var _ provider.Memory = (*Store)(nil)

const recall = "SELECT value FROM memory WHERE key = ? AND expires_at > ?"

// Recall implements [provider.Memory].
func (s *Store) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	var value []byte
	err := s.alone().QueryRowContext(ctx, recall, []byte(key), stamp(s.now())).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, s.fault(err)
}

// RecallPrefix implements [provider.Memory].
func (s *Store) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	var where conditions
	where.and("expires_at > ?", stamp(s.now()))
	where.prefix(prefix)
	rows, err := s.alone().QueryContext(ctx, where.of("SELECT key, value FROM memory", ""), where.args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	found := map[string][]byte{}
	for rows.Next() {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return nil, s.fault(err)
		}
		found[key] = value
	}
	return found, s.fault(rows.Err())
}

// Remember implements [provider.Memory].
func (s *Store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckMemory(key, value); err != nil {
		return err
	}
	return s.write(ctx, func(tx session) error { return s.remember(ctx, tx, key, value, ttl) })
}

// remember also clears away what has expired, so that nothing else has to.
func (s *Store) remember(ctx context.Context, tx session, key string, value []byte, ttl time.Duration) error {
	now := s.now()
	if _, err := tx.ExecContext(ctx, "DELETE FROM memory WHERE expires_at <= ?", stamp(now)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO memory (key, value, expires_at) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
		[]byte(key), append([]byte{}, value...), stamp(now.Add(ttl)))
	return err
}

// Swap implements [provider.Memory].
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (swapped bool, err error) {
	if err := store.CheckMemory(key, value); err != nil {
		return false, err
	}
	err = s.write(ctx, func(tx session) error {
		var live []byte
		err := tx.QueryRowContext(ctx, recall, []byte(key), stamp(s.now())).Scan(&live)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if exists := err == nil; exists != (old != nil) || !bytes.Equal(live, old) {
			return nil
		}
		swapped = true
		return s.remember(ctx, tx, key, value, ttl)
	})
	return swapped && err == nil, err
}

// Forget implements [provider.Memory].
func (s *Store) Forget(ctx context.Context, prefix string) error {
	var where conditions
	where.prefix(prefix)
	return s.write(ctx, func(tx session) error {
		_, err := tx.ExecContext(ctx, where.of("DELETE FROM memory", ""), where.args...)
		return err
	})
}

// prefix asks for keys that start with prefix, as a range of an index.
func (c *conditions) prefix(prefix string) {
	if prefix == "" {
		return
	}
	c.and("key >= ?", []byte(prefix))
	// The first key that no longer starts with prefix: its last byte that can be counted up, counted up.
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) > 0 {
		end[len(end)-1]++
		c.and("key < ?", end)
	}
}

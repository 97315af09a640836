package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// Positions implements [store.Reader].
func (s *Store) Positions(ctx context.Context) (map[string]int64, error) {
	rows, err := s.alone().QueryContext(ctx, "SELECT follower, sequence FROM positions")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	positions := map[string]int64{}
	for rows.Next() {
		var follower string
		var sequence int64
		if err := rows.Scan(&follower, &sequence); err != nil {
			return nil, s.fault(err)
		}
		positions[follower] = sequence
	}
	return positions, s.fault(rows.Err())
}

// Advance implements [store.Store].
func (s *Store) Advance(ctx context.Context, follower string, from, to int64) (moved bool, err error) {
	err = s.write(ctx, func(tx session) error {
		var now int64
		err := tx.QueryRowContext(ctx, "SELECT sequence FROM positions WHERE follower = ?", follower).Scan(&now)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if now != from {
			return nil
		}
		moved = true
		if to == 0 {
			_, err = tx.ExecContext(ctx, "DELETE FROM positions WHERE follower = ?", follower)
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO positions (follower, sequence) VALUES (?, ?)
  ON CONFLICT (follower) DO UPDATE SET sequence = excluded.sequence`, follower, to)
		return err
	})
	return moved && err == nil, err
}

package jsonfile

import (
	"context"
	"maps"
)

// Positions implements [store.Reader]. They are in the head, which is always of one state.
func (s *Store) Positions(ctx context.Context) (map[string]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fault(err)
	}
	h, err := s.disk.head()
	if err != nil {
		return nil, s.fault(err)
	}
	positions := map[string]int64{}
	maps.Copy(positions, h.Positions)
	return positions, nil
}

// Advance implements [store.Store].
func (s *Store) Advance(ctx context.Context, follower string, from, to int64) (moved bool, err error) {
	err = s.write(ctx, func(tx *transaction) error {
		if tx.next.Positions[follower] != from {
			return nil
		}
		moved = true
		if from == to {
			return nil
		}
		positions := map[string]int64{}
		maps.Copy(positions, tx.next.Positions)
		positions[follower] = to
		if to == 0 {
			delete(positions, follower)
		}
		tx.next.Positions, tx.changed = positions, true
		return nil
	})
	return moved && err == nil, err
}

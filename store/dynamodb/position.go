package dynamodb

import (
	"context"
	"maps"
)

// Positions implements [store.Reader].
func (s *Store) Positions(ctx context.Context) (found map[string]int64, err error) {
	err = s.read(ctx, func(v *view) error {
		found = maps.Clone(v.root().Positions)
		return nil
	})
	return found, err
}

// Advance implements [store.Store].
func (s *Store) Advance(ctx context.Context, follower string, from, to int64) (moved bool, err error) {
	err = s.changeRoot(ctx, func(now *root) (bool, error) {
		if moved = now.Positions[follower] == from; !moved {
			return false, nil
		}
		now.Positions[follower] = to
		if to == 0 {
			delete(now.Positions, follower)
		}
		return true, nil
	})
	return moved && err == nil, err
}

package memory

import (
	"context"
	"maps"
)

// Positions implements [store.Reader].
func (s *Store) Positions(ctx context.Context) (map[string]int64, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	return maps.Clone(s.positions), nil
}

// Advance implements [store.Store].
func (s *Store) Advance(ctx context.Context, follower string, from, to int64) (bool, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return false, err
	}
	if s.positions[follower] != from {
		return false, nil
	}
	s.positions[follower] = to
	if to == 0 {
		delete(s.positions, follower)
	}
	return true, nil
}

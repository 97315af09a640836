package memory

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/store"
)

type memory struct {
	value   []byte
	expires time.Time
}

// Recall implements [provider.Memory].
func (s *Store) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, false, interrupted(err)
	}
	value, ok := s.live(key)
	return value, ok, nil
}

// RecallPrefix implements [provider.Memory].
func (s *Store) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	found := map[string][]byte{}
	for key := range s.remembered {
		if value, ok := s.live(key); ok && strings.HasPrefix(key, prefix) {
			found[key] = value
		}
	}
	return found, nil
}

// live returns a copy of a value that has not expired.
func (s *Store) live(key string) ([]byte, bool) {
	m, ok := s.remembered[key]
	if !ok || !s.now().Before(m.expires) {
		return nil, false
	}
	return slices.Clone(m.value), true
}

// Remember implements [provider.Memory].
func (s *Store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	return s.remember(key, value, ttl)
}

func (s *Store) remember(key string, value []byte, ttl time.Duration) error {
	if err := store.CheckMemory(key, value); err != nil {
		return err
	}
	now := s.now()
	maps.DeleteFunc(s.remembered, func(_ string, m memory) bool { return !now.Before(m.expires) })
	s.remembered[key] = memory{value: append([]byte{}, value...), expires: now.Add(ttl)}
	return nil
}

// Swap implements [provider.Memory].
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return false, err
	}
	live, ok := s.live(key)
	if ok != (old != nil) || !bytes.Equal(live, old) {
		return false, store.CheckMemory(key, value)
	}
	err := s.remember(key, value, ttl)
	return err == nil, err
}

// Forget implements [provider.Memory].
func (s *Store) Forget(ctx context.Context, prefix string) error {
	defer s.lock()()
	if err := s.writable(ctx); err != nil {
		return err
	}
	maps.DeleteFunc(s.remembered, func(key string, _ memory) bool { return strings.HasPrefix(key, prefix) })
	return nil
}

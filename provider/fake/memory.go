package fake

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"
)

// Memory is a provider's memory that lives as long as the test. It is safe for concurrent use, and several providers
// may share it, as processes share a store.
type Memory struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	value   []byte
	expires time.Time
}

// NewMemory makes an empty memory whose entries expire by the given clock.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, entries: map[string]entry{}}
}

// Recall returns the live value of a key.
func (m *Memory) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.live(key)
	return bytes.Clone(value), ok, nil
}

// RecallPrefix returns every live entry whose key starts with prefix.
func (m *Memory) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string][]byte{}
	for key := range m.entries {
		if value, ok := m.live(key); ok && strings.HasPrefix(key, prefix) {
			found[key] = bytes.Clone(value)
		}
	}
	return found, nil
}

// Remember stores a value for ttl.
func (m *Memory) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, value, ttl)
	return nil
}

// Swap stores value for ttl if the live value is still old, nil meaning that there is none.
func (m *Memory) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	held, ok := m.live(key)
	if ok != (old != nil) || !bytes.Equal(held, old) {
		return false, nil
	}
	m.put(key, value, ttl)
	return true, nil
}

// Forget removes every key that starts with prefix.
func (m *Memory) Forget(ctx context.Context, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.entries {
		if strings.HasPrefix(key, prefix) {
			delete(m.entries, key)
		}
	}
	return nil
}

func (m *Memory) live(key string) ([]byte, bool) {
	e, ok := m.entries[key]
	if !ok || !m.now().Before(e.expires) {
		return nil, false
	}
	return e.value, true
}

func (m *Memory) put(key string, value []byte, ttl time.Duration) {
	m.entries[key] = entry{value: bytes.Clone(value), expires: m.now().Add(ttl)}
}

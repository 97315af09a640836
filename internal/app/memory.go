package app

import (
	"context"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// memory is what providers remember, for a program that only lists templates: the store is opened when a template needs
// something remembered, and otherwise stays closed. A store that cannot be opened is a memory that is lost.
type memory struct {
	open func() (store.Store, error)

	mu      sync.Mutex
	records store.Store
}

var _ provider.Memory = (*memory)(nil)

func (m *memory) store() (store.Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		records, err := m.open()
		if err != nil {
			return nil, err
		}
		m.records = records
	}
	return m.records, nil
}

func (m *memory) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	records, err := m.store()
	if err != nil {
		return nil, false, err
	}
	return records.Recall(ctx, key)
}

func (m *memory) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	records, err := m.store()
	if err != nil {
		return nil, err
	}
	return records.RecallPrefix(ctx, prefix)
}

func (m *memory) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	records, err := m.store()
	if err != nil {
		return err
	}
	return records.Remember(ctx, key, value, ttl)
}

func (m *memory) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	records, err := m.store()
	if err != nil {
		return false, err
	}
	return records.Swap(ctx, key, old, value, ttl)
}

func (m *memory) Forget(ctx context.Context, prefix string) error {
	records, err := m.store()
	if err != nil {
		return err
	}
	return records.Forget(ctx, prefix)
}

// Close closes the store if it was opened.
func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		return nil
	}
	return m.records.Close()
}

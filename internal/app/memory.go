package app

import (
	"context"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// memory is what the store has for a program that only lists templates: its own templates, and what providers remember. It
// is opened when something is asked for. A store that cannot be opened is a memory that is lost.
type memory struct {
	open    func(ctx context.Context) (store.Store, error)
	missing func() bool // nobody has made the store yet

	mu      sync.Mutex
	records store.Store
}

var _ provider.Memory = (*memory)(nil)

func (m *memory) store(ctx context.Context) (store.Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		records, err := m.open(ctx)
		if err != nil {
			return nil, err
		}
		m.records = records
	}
	return m.records, nil
}

// templatesWithin bounds the look for the store's templates: a list must not wait for a database that does not answer,
// since those that were seen last will do.
const templatesWithin = 2 * time.Second

// Templates implements the catalog's Store. A store that nobody has made yet holds none, and is not made for a list.
func (m *memory) Templates(ctx context.Context) ([]ohfp.Template, error) {
	if m.missing() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, templatesWithin)
	defer cancel()
	records, err := m.store(ctx)
	if err != nil {
		return nil, err
	}
	return records.Templates(ctx)
}

func (m *memory) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	records, err := m.store(ctx)
	if err != nil {
		return nil, false, err
	}
	return records.Recall(ctx, key)
}

func (m *memory) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	records, err := m.store(ctx)
	if err != nil {
		return nil, err
	}
	return records.RecallPrefix(ctx, prefix)
}

func (m *memory) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	records, err := m.store(ctx)
	if err != nil {
		return err
	}
	return records.Remember(ctx, key, value, ttl)
}

func (m *memory) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	records, err := m.store(ctx)
	if err != nil {
		return false, err
	}
	return records.Swap(ctx, key, old, value, ttl)
}

func (m *memory) Forget(ctx context.Context, prefix string) error {
	records, err := m.store(ctx)
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

package guard

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/store"
)

// MeasuredStore counts and times what is asked of a store. All fields are required.
type MeasuredStore struct {
	Store store.Store
	With  *telemetry.Instruments
}

var _ store.Store = (*MeasuredStore)(nil)

// timed makes one operation.
func timed[T any](s *MeasuredStore, operation string, do func() (T, error)) (T, error) {
	began := s.With.Now()
	out, err := do()
	s.With.Meter.Count(telemetry.StoreOperations, 1, operation, telemetry.Outcome(err))
	s.With.Meter.Observe(telemetry.StoreSeconds, elapsed(s.With, began), operation)
	return out, err
}

func (s *MeasuredStore) does(operation string, do func() error) error {
	_, err := timed(s, operation, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// Revision is the store's own, ok false where it has none. It is not counted: it is there to be asked all the time.
func (s *MeasuredStore) Revision(ctx context.Context) (n int64, ok bool, err error) {
	revised, ok := s.Store.(interface {
		Revision(ctx context.Context) (n int64, ok bool, err error)
	})
	if !ok {
		return 0, false, nil
	}
	return revised.Revision(ctx)
}

// Request implements store.Reader.
func (s *MeasuredStore) Request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	return timed(s, "request", func() (ohfp.Request, error) { return s.Store.Request(ctx, id) })
}

// Requests implements store.Reader.
func (s *MeasuredStore) Requests(ctx context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	return timed(s, "requests", func() ([]ohfp.Request, error) { return s.Store.Requests(ctx, filter) })
}

// Machines implements store.Reader.
func (s *MeasuredStore) Machines(ctx context.Context, filter store.MachineFilter) ([]ohfp.Machine, error) {
	return timed(s, "machines", func() ([]ohfp.Machine, error) { return s.Store.Machines(ctx, filter) })
}

// Templates implements store.Reader.
func (s *MeasuredStore) Templates(ctx context.Context) ([]ohfp.Template, error) {
	return timed(s, "templates", func() ([]ohfp.Template, error) { return s.Store.Templates(ctx) })
}

// Events implements store.Reader.
func (s *MeasuredStore) Events(ctx context.Context, filter store.EventFilter) ([]ohfp.Event, error) {
	return timed(s, "events", func() ([]ohfp.Event, error) { return s.Store.Events(ctx, filter) })
}

// Positions implements store.Reader.
func (s *MeasuredStore) Positions(ctx context.Context) (map[string]int64, error) {
	return timed(s, "positions", func() (map[string]int64, error) { return s.Store.Positions(ctx) })
}

// Usage implements store.Reader.
func (s *MeasuredStore) Usage(ctx context.Context) (store.Usage, error) {
	return timed(s, "usage", func() (store.Usage, error) { return s.Store.Usage(ctx) })
}

// Leases implements store.Reader.
func (s *MeasuredStore) Leases(ctx context.Context, prefix string) ([]store.Lease, error) {
	return timed(s, "leases", func() ([]store.Lease, error) { return s.Store.Leases(ctx, prefix) })
}

// Inspect implements store.Reader.
func (s *MeasuredStore) Inspect(ctx context.Context) (store.Inspection, error) {
	return timed(s, "inspect", func() (store.Inspection, error) { return s.Store.Inspect(ctx) })
}

// Check implements store.Reader.
func (s *MeasuredStore) Check(ctx context.Context) error {
	return s.does("check", func() error { return s.Store.Check(ctx) })
}

// Recall implements provider.Memory.
func (s *MeasuredStore) Recall(ctx context.Context, key string) (value []byte, found bool, err error) {
	value, err = timed(s, "recall", func() ([]byte, error) {
		value, found, err = s.Store.Recall(ctx, key)
		return value, err
	})
	return value, found, err
}

// RecallPrefix implements provider.Memory.
func (s *MeasuredStore) RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	return timed(s, "recall", func() (map[string][]byte, error) { return s.Store.RecallPrefix(ctx, prefix) })
}

// Remember implements provider.Memory.
func (s *MeasuredStore) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.does("remember", func() error { return s.Store.Remember(ctx, key, value, ttl) })
}

// Swap implements provider.Memory.
func (s *MeasuredStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	return timed(s, "swap", func() (bool, error) { return s.Store.Swap(ctx, key, old, value, ttl) })
}

// Forget implements provider.Memory.
func (s *MeasuredStore) Forget(ctx context.Context, prefix string) error {
	return s.does("forget", func() error { return s.Store.Forget(ctx, prefix) })
}

// Installation implements store.Store.
func (s *MeasuredStore) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	return timed(s, "installation", func() (ohfp.InstallationID, error) { return s.Store.Installation(ctx, suggested) })
}

// CreateRequest implements store.Store.
func (s *MeasuredStore) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	return s.does("create-request", func() error { return s.Store.CreateRequest(ctx, r, limits, events...) })
}

// UpdateRequest implements store.Store.
func (s *MeasuredStore) UpdateRequest(
	ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error),
) (ohfp.Request, error) {
	return timed(s, "update-request", func() (ohfp.Request, error) { return s.Store.UpdateRequest(ctx, id, change) })
}

// PutTemplate implements store.Store.
func (s *MeasuredStore) PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error {
	return s.does("put-template", func() error { return s.Store.PutTemplate(ctx, t, events...) })
}

// DeleteTemplate implements store.Store.
func (s *MeasuredStore) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error {
	return s.does("delete-template", func() error { return s.Store.DeleteTemplate(ctx, id, events...) })
}

// Lease implements store.Store.
func (s *MeasuredStore) Lease(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error) {
	return timed(s, "lease", func() (store.Lease, error) { return s.Store.Lease(ctx, name, holder, ttl) })
}

// Renew implements store.Store.
func (s *MeasuredStore) Renew(ctx context.Context, ttl time.Duration, held ...store.Lease) ([]store.Lease, error) {
	return timed(s, "renew", func() ([]store.Lease, error) { return s.Store.Renew(ctx, ttl, held...) })
}

// Release implements store.Store.
func (s *MeasuredStore) Release(ctx context.Context, held ...store.Lease) error {
	return s.does("release", func() error { return s.Store.Release(ctx, held...) })
}

// Under implements store.Store: the view is measured too.
func (s *MeasuredStore) Under(held store.Lease) store.Store {
	return &MeasuredStore{Store: s.Store.Under(held), With: s.With}
}

// Compact implements store.Store.
func (s *MeasuredStore) Compact(ctx context.Context, before time.Time) (store.Compacted, error) {
	return timed(s, "compact", func() (store.Compacted, error) { return s.Store.Compact(ctx, before) })
}

// Advance implements store.Store.
func (s *MeasuredStore) Advance(ctx context.Context, follower string, from, to int64) (bool, error) {
	return timed(s, "advance", func() (bool, error) { return s.Store.Advance(ctx, follower, from, to) })
}

// Close implements store.Store.
func (s *MeasuredStore) Close() error { return s.Store.Close() }

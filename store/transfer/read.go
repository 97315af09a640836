package transfer

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// Pages of a walk. Requests come with their machines, of which each may have 10,000.
const (
	requestsAtOnce = 50
	eventsAtOnce   = 1000
)

// ErrChanged is in the error about a store that somebody has written to while it was read.
var ErrChanged = errors.New("it changed while it was read")

// Of are the records of a store. They are of one state: when somebody writes to the store meanwhile, that is an
// [ohfp.ErrConflict] at the end.
func Of(s store.Store) Records {
	return func(ctx context.Context, each func(Record) error) error {
		w := walk{store: s, each: each, acquires: map[ohfp.RequestID]bool{}}
		return w.all(ctx)
	}
}

type walk struct {
	store    store.Store
	each     func(Record) error
	acquires map[ohfp.RequestID]bool
}

func (w *walk) all(ctx context.Context) error {
	before, err := w.store.Inspect(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{w.installation, w.kept, w.templates, w.list, w.returns, w.requests, w.events} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	// Whatever joins one record with another, such as a machine with its return, tells of itself.
	fresh, err := w.store.Events(ctx, store.EventFilter{After: before.Sequence, Limit: 1})
	if err == nil && len(fresh) > 0 {
		err = ohfp.Errorf(ohfp.ErrConflict, "store %s is in use: %w; try again when less goes on", before.Place, ErrChanged)
	}
	return err
}

func (w *walk) installation(ctx context.Context) error {
	id, err := w.store.Installation(ctx, "")
	if errors.Is(err, ohfp.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.each(Record{Installation: id})
}

func (w *walk) kept(ctx context.Context) error {
	all, err := w.store.RecallPrefix(ctx, provider.Lasting)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := w.each(Record{Kept: &Kept{Key: key, Value: all[key]}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) templates(ctx context.Context) error {
	all, err := w.store.Templates(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Version = 0 // every store counts for itself
		if err := w.each(Record{Template: &all[i]}); err != nil {
			return err
		}
	}
	return nil
}

// pages gives all requests that the filter lets through to do.
func (w *walk) pages(ctx context.Context, filter store.RequestFilter, do func(ohfp.Request) error) error {
	for {
		page, err := w.store.Requests(ctx, filter)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := do(r); err != nil {
				return err
			}
		}
		if len(page) < filter.Limit {
			return nil
		}
		filter.After = store.RequestCursor(page[len(page)-1])
	}
}

// list notes which requests for machines there are.
func (w *walk) list(ctx context.Context) error {
	return w.pages(ctx, store.RequestFilter{Type: ohfp.TypeAcquire, Limit: eventsAtOnce}, func(r ohfp.Request) error {
		w.acquires[r.ID] = true
		return nil
	})
}

// returns come before the requests whose machines they end: a machine names its return, and whether that is settled is known
// when its machines are.
func (w *walk) returns(ctx context.Context) error {
	return w.part(ctx, ohfp.TypeReturn, func(r ohfp.Request, m ohfp.Machine) bool { return m.Return == r.ID && !w.acquires[m.Request] })
}

func (w *walk) requests(ctx context.Context) error {
	return w.part(ctx, ohfp.TypeAcquire, func(r ohfp.Request, m ohfp.Machine) bool { return m.Request == r.ID })
}

func (w *walk) part(ctx context.Context, of ohfp.RequestType, owns func(ohfp.Request, ohfp.Machine) bool) error {
	return w.pages(ctx, store.RequestFilter{Type: of, Machines: true, Limit: requestsAtOnce}, func(r ohfp.Request) error {
		var machines []ohfp.Machine
		for _, m := range r.Machines {
			if owns(r, m) {
				m.Version = 0
				machines = append(machines, m)
			}
		}
		r.Machines, r.Version = nil, 0
		return w.each(Record{Request: &r, Machines: machines})
	})
}

// events numbers the events anew, without the gaps of those that are gone, and says in the same numbers where their
// followers are.
func (w *walk) events(ctx context.Context) error {
	positions, err := w.store.Positions(ctx)
	if err != nil {
		return err
	}
	done := map[string]int64{}
	number := int64(0)
	filter := store.EventFilter{Limit: eventsAtOnce}
	for {
		page, err := w.store.Events(ctx, filter)
		if err != nil {
			return err
		}
		for _, e := range page {
			number++
			for follower, position := range positions {
				if e.Sequence <= position {
					done[follower] = number
				}
			}
			filter.After, e.Sequence = e.Sequence, number
			if err := w.each(Record{Event: &e}); err != nil {
				return err
			}
		}
		if len(page) < filter.Limit {
			break
		}
	}
	for _, follower := range slices.Sorted(maps.Keys(done)) {
		if err := w.each(Record{Position: &Position{Follower: follower, Events: done[follower]}}); err != nil {
			return err
		}
	}
	return nil
}

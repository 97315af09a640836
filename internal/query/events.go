package query

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Events lists what happened, the first thing first.
func (q *Queries) Events(ctx context.Context, filter EventFilter) ([]ohfp.Event, error) {
	events, err := q.Store.Events(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return events, nil
}

// EventsAfter lists the events that follow a sequence, oldest first, limit at most.
func (q *Queries) EventsAfter(ctx context.Context, after int64, limit int) ([]ohfp.Event, error) {
	events, err := q.Store.Events(ctx, store.EventFilter{After: after, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// NewestEvent is the sequence of the newest event, 0 when there is none.
func (q *Queries) NewestEvent(ctx context.Context) (int64, error) {
	found, err := q.Store.Inspect(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the newest event: %w", err)
	}
	return found.Sequence, nil
}

// events reads the events of a request for its timeline.
func (q *Queries) events(ctx context.Context, filter store.EventFilter) ([]ohfp.Event, error) {
	events, err := q.Store.Events(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("read the events of request %s: %w", filter.Request, err)
	}
	return events, nil
}

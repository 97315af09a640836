package query

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

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

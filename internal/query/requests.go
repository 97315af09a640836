package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
)

// RequestStatus returns the requests by id, with their machines, in the order asked. The ids that no record knows are
// returned beside them.
func (q *Queries) RequestStatus(ctx context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error) {
	for _, id := range ids {
		r, err := q.Store.Request(ctx, id)
		switch {
		case errors.Is(err, ohfp.ErrNotFound):
			unknown = append(unknown, id)
		case err != nil:
			return nil, nil, fmt.Errorf("status of request %s: %w", id, err)
		default:
			found = append(found, r)
		}
	}
	return found, unknown, nil
}

// Requests lists requests, newest first.
func (q *Queries) Requests(ctx context.Context, filter RequestFilter) ([]ohfp.Request, error) {
	requests, err := q.Store.Requests(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return requests, nil
}

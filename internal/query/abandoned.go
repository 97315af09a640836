package query

import (
	"context"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Abandoned lists the requests for machines that nobody follows, newest first, with their machines: under way or holding
// machines, and for long nobody has asked for their status.
func (q *Queries) Abandoned(ctx context.Context, filter RequestFilter) ([]ohfp.Request, error) {
	limit, offset := filter.Limit, filter.Offset
	filter.Type, filter.Limit, filter.Offset = ohfp.TypeAcquire, 0, 0
	open := filter
	open.Unsettled, open.Machines = true, false
	candidates, err := q.Store.Requests(ctx, open)
	if err != nil {
		return nil, fmt.Errorf("list unsettled requests: %w", err)
	}
	held, err := q.Store.Machines(ctx, store.MachineFilter{Template: filter.Template, States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped,
	}})
	if err != nil {
		return nil, fmt.Errorf("list live machines: %w", err)
	}
	for _, r := range candidates {
		filter.IDs = append(filter.IDs, r.ID)
	}
	for _, m := range held {
		filter.IDs = append(filter.IDs, m.Request)
	}
	slices.Sort(filter.IDs)
	if filter.IDs = slices.Compact(filter.IDs); len(filter.IDs) == 0 {
		return nil, nil
	}
	filter.Machines = true
	found, err := q.Store.Requests(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	now := q.Now()
	found = slices.DeleteFunc(found, func(r ohfp.Request) bool { return !r.Abandoned(now) })
	found = found[min(offset, len(found)):]
	if limit > 0 {
		found = found[:min(limit, len(found))]
	}
	return found, nil
}

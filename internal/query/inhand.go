package query

import (
	"context"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// InHand lists the machines that their users have, and counts the requests that are under way. The machines of those are
// left out: such a request would launch others for them.
func (q *Queries) InHand(ctx context.Context) (machines []ohfp.Machine, underWay int, err error) {
	open, err := q.Store.Requests(ctx, store.RequestFilter{
		Type: ohfp.TypeAcquire, Statuses: []ohfp.Status{ohfp.StatusPending, ohfp.StatusInProgress, ohfp.StatusStopping},
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list requests under way: %w", err)
	}
	all, err := q.Store.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
	}})
	if err != nil {
		return nil, 0, fmt.Errorf("list machines: %w", err)
	}
	for _, m := range all {
		if m.Wanted() && !slices.ContainsFunc(open, func(r ohfp.Request) bool { return r.ID == m.Request }) {
			machines = append(machines, m)
		}
	}
	return machines, len(open), nil
}

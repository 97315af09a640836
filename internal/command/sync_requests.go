package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

const (
	// busyFor is how long a launch without an answer is left to the process that made it. It is longer than any one call
	// may take.
	busyFor = 30 * time.Second
	// othersAtOnce bounds how many other requests one call advances, oldest first, so that its own answer is not late.
	othersAtOnce = 200
)

// SyncRequests looks at the cloud and drives requests as far as they go now.
type SyncRequests struct {
	IDs    []ohfp.RequestID // somebody asks for these
	Others bool             // also advance requests that nobody asks for now, as many as a call has time for
	All    bool             // of the others, every one: for a caller that has time
	Live   bool             // also look at requests that have ended and hold live machines
}

// SyncRequests advances the requests. Ids that no record knows are looked up by tag. An error says what could not be done
// for the ids asked for, or for any request when none is asked for; the records then stand as they were, and queries
// answer from them. What keeps other requests is logged.
func (c *Commands) SyncRequests(ctx context.Context, in SyncRequests) error {
	requests, unknown, err := c.load(ctx, in.IDs)
	if err != nil {
		return err
	}
	var problems []error
	if len(unknown) > 0 {
		if _, err := c.adoptOwned(ctx, provider.OwnedFilter{Requests: unknown}); err != nil {
			problems = append(problems, err)
		}
	}
	chosen := map[ohfp.RequestID]bool{}
	var todo []ohfp.Request
	add := func(r ohfp.Request) {
		if !chosen[r.ID] {
			chosen[r.ID] = true
			todo = append(todo, r)
		}
	}
	for _, r := range requests {
		if err := c.Polled(ctx, &r); err != nil {
			return err
		}
		if !r.Settled() {
			add(r)
		}
	}
	if in.Others {
		others, err := c.others(ctx, in.All)
		if err != nil {
			return err
		}
		for _, r := range others {
			if !c.busy(r) {
				add(r)
			}
		}
	}
	if in.Live {
		live, err := c.holders(ctx)
		if err != nil {
			return err
		}
		for _, r := range live {
			if !c.busy(r) {
				add(r)
			}
		}
	}
	return errors.Join(append(problems, c.Executor.Sync(ctx, todo).Of(in.IDs...))...)
}

// load reads requests by id, and returns the well-formed ids of requests for machines that no record knows.
func (c *Commands) load(ctx context.Context, ids []ohfp.RequestID) ([]ohfp.Request, []ohfp.RequestID, error) {
	var requests []ohfp.Request
	var unknown []ohfp.RequestID
	for _, id := range ids {
		r, err := c.Store.Request(ctx, id)
		switch {
		case errors.Is(err, ohfp.ErrNotFound):
			if id.WellFormed() && id.Type() == ohfp.TypeAcquire {
				unknown = append(unknown, id)
			}
		case err != nil:
			return nil, nil, fmt.Errorf("read request %s: %w", id, err)
		default:
			requests = append(requests, r)
		}
	}
	return requests, unknown, nil
}

// Polled records that somebody asked for the request. The first time is enough.
func (c *Commands) Polled(ctx context.Context, r *ohfp.Request) error {
	if !r.PolledAt.IsZero() {
		return nil
	}
	updated, err := c.Store.UpdateRequest(ctx, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if r.PolledAt.IsZero() {
			r.PolledAt = c.Now()
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("record that request %s is followed: %w", r.ID, err)
	}
	*r = updated
	return nil
}

// others reads the requests that are not settled, the oldest first, so that none is passed over for ever.
func (c *Commands) others(ctx context.Context, all bool) ([]ohfp.Request, error) {
	unsettled, err := c.Store.Requests(ctx, store.RequestFilter{Unsettled: true})
	if err != nil {
		return nil, fmt.Errorf("list unsettled requests: %w", err)
	}
	if len(unsettled) == 0 {
		return nil, nil
	}
	unsettled = slices.DeleteFunc(unsettled, func(r ohfp.Request) bool { return !c.Executor.Mine(r.ID) })
	if len(unsettled) == 0 {
		return nil, nil
	}
	slices.Reverse(unsettled)
	if !all {
		unsettled = unsettled[:min(len(unsettled), othersAtOnce)]
	}
	ids := make([]ohfp.RequestID, len(unsettled))
	for i, r := range unsettled {
		ids[i] = r.ID
	}
	others, err := c.Store.Requests(ctx, store.RequestFilter{IDs: ids, Machines: true})
	if err != nil {
		return nil, fmt.Errorf("read unsettled requests: %w", err)
	}
	return others, nil
}

// busy says whether another process is probably in the middle of a launch of the request. Its requester has not asked
// for it yet, so nothing is lost by leaving it alone.
func (c *Commands) busy(r ohfp.Request) bool {
	if len(r.Attempts) == 0 {
		return false
	}
	last := r.Attempts[len(r.Attempts)-1]
	if c.Executor.TookOver(r.ID, last.IntendedAt) {
		return false
	}
	return !last.Answered() && c.Now().Sub(last.IntendedAt) < busyFor
}

// holders reads the requests that hold machines which are there, with their machines. Those that shut down are looked at
// until they are gone: what the cloud ends by itself nobody else follows to its end.
func (c *Commands) holders(ctx context.Context) ([]ohfp.Request, error) {
	return c.holding(ctx, store.RequestFilter{Machines: true})
}

// holding reads those of the requests that pass the filter and hold machines which are there.
func (c *Commands) holding(ctx context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	machines, err := c.Store.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
	}})
	if err != nil {
		return nil, fmt.Errorf("list machines that are there: %w", err)
	}
	seen := map[ohfp.RequestID]bool{}
	var ids []ohfp.RequestID
	for _, m := range machines {
		if !seen[m.Request] {
			seen[m.Request] = true
			if !c.Executor.Mine(m.Request) {
				continue
			}
			ids = append(ids, m.Request)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	filter.IDs = ids
	requests, err := c.Store.Requests(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list requests that hold machines: %w", err)
	}
	return requests, nil
}

package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// CancelRequest ends a request for machines that is under way and releases what it has.
type CancelRequest struct {
	ID     ohfp.RequestID
	Reason string // why, for people; may be empty
	DryRun bool   // only say what would end
	Origin ohfp.Origin
}

// CancelRequest stores the decision, ends every machine of the request, and then says cancelled. When the cloud cannot
// be reached, the request stays stopping and the next poll goes on. A request that has ended cannot be cancelled. With DryRun
// it is the request as it stands, with those of its machines that would end.
func (c *Commands) CancelRequest(ctx context.Context, in CancelRequest) (ohfp.Request, error) {
	if in.DryRun {
		return c.planCancel(ctx, in)
	}
	r, err := c.Store.UpdateRequest(ctx, in.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if err := r.MayCancel(); err != nil || r.Status == ohfp.StatusCancelled {
			return nil, err
		}
		why := "cancelled by " + in.Origin.String()
		if in.Reason != "" {
			why += ": " + in.Reason
		}
		events, err := r.Stop(ohfp.StatusCancelled, ohfp.ReasonCancelled, why, c.Now())
		for i := range events {
			events[i].Actor = in.Origin.String()
		}
		return events, err
	})
	if err != nil {
		return r, fmt.Errorf("cancel: %w", err)
	}
	if err := c.Executor.Sync(ctx, []ohfp.Request{r}).Of(); err != nil {
		c.Log.WarnContext(ctx, "cancel goes on at the next poll", "request", in.ID, "error", err)
	}
	r, err = c.Store.Request(ctx, in.ID)
	if err != nil {
		return r, fmt.Errorf("cancel: %w", err)
	}
	return r, nil
}

func (c *Commands) planCancel(ctx context.Context, in CancelRequest) (ohfp.Request, error) {
	r, err := c.Store.Request(ctx, in.ID)
	if err == nil {
		err = r.MayCancel()
	}
	if err != nil {
		return r, fmt.Errorf("cancel: %w", err)
	}
	r.Machines = slices.DeleteFunc(r.Machines, func(m ohfp.Machine) bool { return !m.Wanted() })
	return r, nil
}

package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
)

// Calls are the commands as a script's call has them while the loop runs: who asks how things stand reads the records,
// which the loop keeps up to date, and who asks for machines has the id after a moment, however long the launch takes.
type Calls struct {
	*command.Commands
	queries *query.Queries
	loop    *Loop
	within  time.Duration // AnswerWithin
	// passedOn is closed once the answer is passed on, or cannot be any more. Its caller needs the id and what the cloud said, not
	// the record of it, and does not wait for that to be written. nil: the caller wants the record.
	passedOn <-chan struct{}
	// work runs what goes on after its call was answered, with the time that a call may take.
	work func(ctx context.Context, do func(ctx context.Context))
}

var _ hostfactory.Commands = (*Calls)(nil)

// SyncRequests records who is asked for. The cloud is only asked about requests that no record knows.
func (c *Calls) SyncRequests(ctx context.Context, in command.SyncRequests) error {
	unknown, err := c.follow(ctx, in.IDs)
	if err != nil {
		return err
	}
	var problems []error
	if len(unknown) > 0 {
		problems = append(problems, c.Commands.SyncRequests(ctx, command.SyncRequests{IDs: unknown}))
	}
	waiting, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	return errors.Join(append(problems, c.loop.Problem(waiting))...)
}

// DoChores leaves the chores to the daemon's own loop.
func (*Calls) DoChores(context.Context) error { return nil }

// follow records that somebody asks for requests, and returns the ids that no record has.
func (c *Calls) follow(ctx context.Context, ids []ohfp.RequestID) (unknown []ohfp.RequestID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := c.queries.Requests(ctx, query.RequestFilter{IDs: ids})
	if err != nil {
		return nil, err
	}
	found := make(map[ohfp.RequestID]bool, len(known))
	for _, r := range known {
		found[r.ID] = true
		if err := c.Polled(ctx, &r); err != nil {
			return nil, err
		}
		if !r.Status.Terminal() {
			c.loop.Wake()
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id ohfp.RequestID) bool { return found[id] }), nil
}

// ReturnMachines answers a script once the return is stored, and anybody else once the cloud is ordered to end the machines; the
// loop follows it.
func (c *Calls) ReturnMachines(ctx context.Context, in command.ReturnMachines) (ohfp.Request, error) {
	return c.answered(ctx, in.ID, func(ctx context.Context, commands *command.Commands) (ohfp.Request, error) {
		return commands.ReturnMachines(ctx, in)
	})
}

// CancelRequest stores the decision and orders the cloud to end what is there; the loop follows it.
func (c *Calls) CancelRequest(ctx context.Context, in command.CancelRequest) (ohfp.Request, error) {
	defer c.loop.Wake()
	return c.Commands.CancelRequest(ctx, in)
}

// RequestMachines answers with the outcome of the launch when it is known in time, else with the request as it is stored
// then; the launch goes on. Nothing is answered before the request is stored.
func (c *Calls) RequestMachines(ctx context.Context, in command.RequestMachines) (ohfp.Request, error) {
	return c.answered(ctx, in.ID, func(ctx context.Context, commands *command.Commands) (ohfp.Request, error) {
		return commands.RequestMachines(ctx, in)
	})
}

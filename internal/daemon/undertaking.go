package daemon

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/reconcile"
)

// undertaking is a command that makes a request and goes on after its call was answered.
type undertaking struct {
	commands   *command.Commands
	stored     chan ohfp.RequestID // the request is in the store
	answerable chan ohfp.Request   // nothing that is left to do changes the answer; nil when the caller wants the record
	ended      chan ending
}

// stepAside is how long what follows an answer makes way for it, at most. What it costs would otherwise be taken from the
// processors that carry the answer to the caller, through two processes.
const stepAside = 10 * time.Millisecond

// ending is how an undertaking ended.
type ending struct {
	request ohfp.Request
	err     error
}

// answered carries out a command and returns the request for its answer: as the command leaves it when that is done in time,
// else as it is stored then. The command goes on.
func (c *Calls) answered(
	ctx context.Context, id ohfp.RequestID, do func(ctx context.Context, commands *command.Commands) (ohfp.Request, error),
) (ohfp.Request, error) {
	u := c.undertake(id)
	c.work(ctx, func(ctx context.Context) {
		u.ended <- u.carryOut(ctx, do)
		c.loop.Wake() // not before: what the loop reads is then what the cloud has said
	})
	late := time.NewTimer(c.within)
	defer late.Stop()
	select {
	case e := <-u.ended:
		return e.request, e.err
	case r := <-u.answerable:
		return r, nil
	case <-late.C:
	}
	select {
	case e := <-u.ended:
		return e.request, e.err
	case id := <-u.stored:
		r, err := c.Store.Request(ctx, id)
		if err != nil {
			return r, fmt.Errorf("read request %s: %w", id, err)
		}
		return r, nil
	}
}

// undertake returns the commands for one request, which tell how far it is. Empty: they choose its id.
func (c *Calls) undertake(id ohfp.RequestID) undertaking {
	commands, executor := *c.Commands, *c.Executor
	u := undertaking{commands: &commands, stored: make(chan ohfp.RequestID, 1), ended: make(chan ending, 1)}
	if id == "" {
		commands.NewID = func(t ohfp.RequestType) ohfp.RequestID {
			id = c.NewID(t)
			return id
		}
	}
	executor.Step = func(step string) {
		if step == reconcile.StepRequestStored || step == reconcile.StepReturnStored {
			offer(u.stored, id) // more than once: later attempts of the same request
		}
		c.Executor.Reach(step)
	}
	if c.passedOn != nil {
		u.answerable = make(chan ohfp.Request, 1)
		executor.Answerable = func(r ohfp.Request) {
			// What still has to be decided may become a refusal.
			if r.Type == ohfp.TypeReturn || !r.Status.Terminal() && len(ohfp.Plan(r, ohfp.Facts{}, c.Now())) == 0 {
				offer(u.answerable, r)
				within(c.passedOn, stepAside)
			}
		}
	}
	commands.Executor = &executor
	return u
}

// offer sends what nobody may take.
func offer[T any](to chan<- T, what T) {
	select {
	case to <- what:
	default:
	}
}

// carryOut turns a defect into an error: the call that waits must have an answer.
func (u undertaking) carryOut(
	ctx context.Context, do func(ctx context.Context, commands *command.Commands) (ohfp.Request, error),
) (e ending) {
	defer func() {
		if cause := recover(); cause != nil {
			u.commands.Log.ErrorContext(ctx, "internal error in a request", "error", cause, "stack", string(debug.Stack()))
			e = ending{err: fmt.Errorf("internal error: %v", cause)}
		}
	}()
	r, err := do(ctx, u.commands)
	return ending{request: r, err: err}
}

// Package reconcile drives requests to their ends: it looks at the cloud, folds what it saw into the record, asks
// ohfp.Plan what to do, does it, and records the answer. The same executor serves a one-shot process that somebody polls
// and a daemon's loop.
// It refuses to decide anything: every decision is Plan's.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// recordWithin bounds the writing of an answer that the cloud has given. It is written even when the caller has gone,
// since nobody else knows it.
const recordWithin = 15 * time.Second

// maxRounds bounds how often one drive may act and plan again; what is left goes on at the next one. A request with more
// offerings than this to fall back on takes more than one.
const maxRounds = 16

// Providers opens provider instances by name.
type Providers interface {
	Provider(ctx context.Context, name string) (provider.Provider, error)
}

// Executor carries out plans. All fields but Step and Shares are required.
type Executor struct {
	Store     store.Store
	Providers Providers
	Now       func() time.Time
	Log       *slog.Logger
	// Step is called at the named points between which a crash must lose nothing.
	Step func(name string)
	// Shares say which requests this process drives; nil: any.
	Shares Shares
	// Answerable is told a request as soon as its caller may be answered with it: one for machines as the cloud's answer makes
	// it, before that is recorded, and a return that is stored, before the cloud is called. What is left to do follows from
	// what is stored, whatever happens to this process. nil: nobody is told.
	Answerable func(r ohfp.Request)

	driven ohfp.RequestID // the request that this executor is for, see For
	sure   func() bool    // nil: nobody can take over
}

// The steps of a request between which a crash must lose nothing, in their order.
const (
	StepRequestStored  = "request-stored"  // the intent is stored, the cloud not called yet
	StepLaunchAnswered = "launch-answered" // the cloud has launched, nothing is recorded
	StepLaunchRecorded = "launch-recorded"
	StepReturnStored   = "return-stored" // with the intent to end its machines; nothing is planned yet
	StepEndStored      = "end-stored"    // the intent to end machines is stored, the cloud not called yet
	StepEndAnswered    = "end-answered"  // the cloud ends them, nothing is recorded
	StepEndRecorded    = "end-recorded"
	StepAnswerWritten  = "answer-written" // the caller has its answer, which is not recorded
)

// errElsewhere: another process has taken the request further in the meantime and goes on with it.
var errElsewhere = errors.New("another process drives the request")

// Reach announces that a step is reached.
func (e *Executor) Reach(step string) {
	if e.Step != nil {
		e.Step(step)
	}
}

// Tell tells a request with which its caller may be answered.
func (e *Executor) Tell(r ohfp.Request) {
	if e.Answerable != nil {
		e.Answerable(r)
	}
}

// Drive takes a request as far as it goes now, given what one look showed of it. One that another daemon drives is left to
// that.
func (e *Executor) Drive(ctx context.Context, id ohfp.RequestID, facts ohfp.Facts) (ohfp.Request, error) {
	one, done, mine := e.For(id)
	defer done()
	if !mine {
		r, err := e.Store.Request(ctx, id)
		if err != nil {
			return r, fmt.Errorf("read request %s: %w", id, err)
		}
		return r, nil
	}
	r, err := one.drive(ctx, id, facts)
	if errors.Is(err, store.ErrFenced) {
		e.Log.InfoContext(ctx, "request is driven by another daemon now", "request", id, "reason", err)
		return e.current(ctx, ohfp.Request{ID: id}), nil
	}
	return r, err
}

func (e *Executor) drive(ctx context.Context, id ohfp.RequestID, facts ohfp.Facts) (ohfp.Request, error) {
	var r ohfp.Request
	for range maxRounds {
		var actions []ohfp.Action
		var err error
		r, err = e.Store.UpdateRequest(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			events := append(r.Fold(facts, e.Now()), r.NoteAbandoned(e.Now())...)
			var more []ohfp.Event
			var err error
			actions, more, err = record(r, facts, e.Now())
			return append(events, more...), err
		})
		if err != nil {
			return r, fmt.Errorf("record request %s: %w", id, err)
		}
		if len(actions) == 0 {
			return r, nil
		}
		for _, action := range actions {
			err := e.act(ctx, r, action)
			if errors.Is(err, errElsewhere) {
				return e.current(ctx, r), nil
			}
			if err != nil {
				return e.current(ctx, r), err
			}
		}
	}
	return r, nil
}

// record carries out what only changes the record, and returns the actions that need the cloud.
func record(r *ohfp.Request, facts ohfp.Facts, now time.Time) ([]ohfp.Action, []ohfp.Event, error) {
	var events []ohfp.Event
	for {
		var cloud []ohfp.Action
		changed := false
		for _, action := range ohfp.Plan(*r, facts, now) {
			var more []ohfp.Event
			var err error
			switch a := action.(type) {
			case ohfp.Stop:
				more, err = r.Stop(a.Verdict, a.Because, a.Message, now)
				changed = true
			case ohfp.Finish:
				more, err = r.Become(a.Status, a.Message, now)
				changed = true
			case ohfp.Settle:
				more, err = r.Settle(a.Attempt, now)
				changed = true
			case ohfp.Resume:
				err = r.Repeat(a.Attempt, now)
				cloud = append(cloud, a)
			case ohfp.Yield:
				more = r.Yield(a.Attempt, now)
				changed = true
			case ohfp.Terminate:
				more = r.EndMachines(a.Machines, a.Reason, now)
				changed = changed || len(more) > 0 // targets of fleets follow from what is wanted now
				cloud = append(cloud, a)
			default:
				cloud = append(cloud, a)
			}
			if err != nil {
				return nil, nil, err
			}
			events = append(events, more...)
		}
		if !changed {
			return cloud, events, nil
		}
	}
}

// act carries out one action that needs the cloud.
func (e *Executor) act(ctx context.Context, r ohfp.Request, action ohfp.Action) error {
	if e.lost() {
		return errElsewhere
	}
	switch a := action.(type) {
	case ohfp.Resume:
		_, err := e.Call(ctx, r, a.Attempt)
		return err
	case ohfp.Launch:
		return e.launch(ctx, r, a)
	case ohfp.Move:
		return e.move(ctx, r)
	case ohfp.Terminate:
		return e.terminate(ctx, r, a.Machines)
	case ohfp.Retarget:
		return e.retarget(ctx, r, a.Targets)
	case ohfp.Retire:
		return e.retire(ctx, r, a)
	case ohfp.Clear:
		return e.clear(ctx, r, a.Requests)
	default:
		return fmt.Errorf("request %s: the plan asks for %T, which the executor does not know", r.ID, action)
	}
}

// current returns the request as the store has it, or as it was when it cannot be read.
func (e *Executor) current(ctx context.Context, r ohfp.Request) ohfp.Request {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	if now, err := e.Store.Request(ctx, r.ID); err == nil {
		return now
	}
	return r
}

// update writes an answer of the cloud, whether or not the caller still waits.
func (e *Executor) update(ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error)) (ohfp.Request, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	r, err := e.Store.UpdateRequest(ctx, id, change)
	if err != nil {
		return r, fmt.Errorf("record the cloud's answer for request %s: %w", id, err)
	}
	return r, nil
}

// failuresOf are the failures of a launch, from its own list or from its error.
func failuresOf(launched provider.Launched, order ohfp.Order, err error) []ohfp.Failure {
	if len(launched.Failures) > 0 || err == nil {
		return launched.Failures
	}
	failure := failureOf(err, "Refused")
	failure.Offering = order.Offering
	var refused *ohfp.CloudError
	if errors.As(err, &refused) {
		failure.Message = refused.Message
	}
	return []ohfp.Failure{failure}
}

// failureOf is an error with the cloud's own code and request id, or with a code of ours when the cloud has said nothing.
func failureOf(err error, code string) ohfp.Failure {
	failure := ohfp.Failure{Code: code, Message: err.Error()}
	var refused *ohfp.CloudError
	if errors.As(err, &refused) {
		failure.Code, failure.RequestID = refused.Code, refused.RequestID
	}
	return failure
}

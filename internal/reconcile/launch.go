package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// launch prepares, stores and calls the next attempt of a request.
func (e *Executor) launch(ctx context.Context, r ohfp.Request, wanted ohfp.Launch) error {
	p, err := e.Providers.Provider(ctx, r.Provider)
	if err != nil {
		return err
	}
	ask := provider.Ask{
		Request: r.ID, Attempt: len(r.Attempts) + 1, Template: r.Template, Count: wanted.Count, Held: r.Holds(),
		Fallback: wanted.Fallback, Timeout: r.Timeout,
	}
	order, err := p.Prepare(ctx, ask)
	var paced *ohfp.PacedError
	if errors.As(err, &paced) {
		return e.putOff(ctx, r.ID, paced)
	}
	if err != nil {
		err = fmt.Errorf("prepare attempt %d of request %s: %w", ask.Attempt, r.ID, err)
		return errors.Join(err, e.note(ctx, r.ID, err.Error()))
	}
	stored, err := e.Store.UpdateRequest(ctx, r.ID, func(now *ohfp.Request) ([]ohfp.Event, error) {
		if len(now.Attempts) != ask.Attempt-1 {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "request %s is being launched by another process", r.ID)
		}
		return now.Intend(order, e.Now())
	})
	switch {
	case errors.Is(err, ohfp.ErrConflict): // or fenced
		return errElsewhere
	case err != nil:
		return fmt.Errorf("store attempt %d of request %s: %w", ask.Attempt, r.ID, err)
	}
	e.Reach(StepRequestStored)
	_, err = e.Call(ctx, stored, ask.Attempt)
	return err
}

// Call makes the stored call of an attempt and records what the cloud says. An error means that the outcome is still
// unknown; the attempt stays open and is repeated with its own token.
func (e *Executor) Call(ctx context.Context, r ohfp.Request, number int) (ohfp.Request, error) {
	p, err := e.Providers.Provider(ctx, r.Provider)
	if err != nil {
		return r, err
	}
	order := r.Attempts[number-1].Order
	if e.lost() {
		return r, errElsewhere
	}
	launched, err := p.Launch(ctx, order)
	e.Reach(StepLaunchAnswered)
	unknown := err != nil && len(launched.Machines) == 0 && ohfp.OutcomeUnknown(err)
	var paced *ohfp.PacedError
	errors.As(err, &paced)
	answer := func(r *ohfp.Request) ([]ohfp.Event, error) {
		if unknown {
			code := "NoAnswer"
			if paced != nil {
				code = "PutOff"
			}
			events := r.Delay(number, failureOf(err, code), errors.Is(err, ohfp.ErrThrottled), e.Now())
			if paced != nil {
				r.PutOff(paced, e.Now())
			}
			return events, nil
		}
		return r.Answer(number, ohfp.Outcome{
			Resource:  launched.Resource,
			Machines:  launched.Machines,
			Failures:  failuresOf(launched, order, err),
			Permanent: err != nil && !ohfp.OutcomeUnknown(err) && !errors.Is(err, ohfp.ErrCapacity),
			Elsewhere: elsewhere(launched, err),
			Exhausted: launched.Exhausted,
		}, e.Now())
	}
	if e.Answerable != nil {
		heard := store.CopyRequest(r)
		if _, err := answer(&heard); err == nil {
			e.Tell(heard)
		}
	}
	stored, failed := e.update(ctx, r.ID, answer)
	if failed != nil {
		return r, failed
	}
	e.Reach(StepLaunchRecorded)
	if paced != nil {
		e.Log.InfoContext(ctx, "launch waits for the cloud's rate", "request", r.ID, "attempt", number, "until", paced.At)
		return stored, nil //nolint:nilerr // waiting for the rate is no trouble
	}
	if unknown {
		e.Log.WarnContext(ctx, "launch without a known outcome", "request", r.ID, "attempt", number, "error", err)
		return stored, fmt.Errorf("launch attempt %d of request %s: %w", number, r.ID, err)
	}
	if err != nil {
		e.Log.WarnContext(ctx, "launch refused", "request", r.ID, "attempt", number, "error", err)
	}
	return stored, nil
}

// elsewhere says whether a launch was refused whole for what is so at this provider only: it has no room for anything that
// the template allows, or does not let us. A call that it cannot understand is wrong anywhere.
func elsewhere(launched provider.Launched, err error) bool {
	return len(launched.Machines) == 0 && (errors.Is(err, ohfp.ErrDenied) || errors.Is(err, ohfp.ErrCapacity) && launched.Exhausted)
}

// move asks the request's fallbacks in turn. The first that can prepare a launch gets the request, in one write with the intent
// of that launch; those that cannot are passed over for good.
func (e *Executor) move(ctx context.Context, r ohfp.Request) error {
	ask := provider.Ask{Request: r.ID, Attempt: len(r.Attempts) + 1, Template: r.Template, Count: r.Count, Timeout: r.Timeout}
	for _, name := range r.Fallbacks {
		order, refusal := e.prepareAt(ctx, name, ask)
		var paced *ohfp.PacedError
		switch {
		case errors.As(refusal, &paced):
			return e.putOff(ctx, r.ID, paced)
		case ctx.Err() != nil:
			return refusal
		}
		why := ""
		if refusal != nil {
			why = refusal.Error()
		}
		stored, err := e.storeMove(ctx, r, name, order, why)
		if err != nil {
			return err
		}
		if refusal != nil {
			e.Log.WarnContext(ctx, "fallback cannot launch", "request", r.ID, "provider", name, "error", refusal)
			continue
		}
		e.Log.InfoContext(ctx, "request goes on with another provider", "request", r.ID, "from", r.Provider, "to", name)
		e.Reach(StepRequestStored)
		_, err = e.Call(ctx, stored, ask.Attempt)
		return err
	}
	return nil
}

// prepareAt prepares a launch at a provider by its name.
func (e *Executor) prepareAt(ctx context.Context, name string, ask provider.Ask) (ohfp.Order, error) {
	p, err := e.Providers.Provider(ctx, name)
	if err != nil {
		return ohfp.Order{}, err
	}
	return p.Prepare(ctx, ask)
}

// storeMove stores that a request goes on with a fallback, or why the fallback is passed over.
func (e *Executor) storeMove(ctx context.Context, r ohfp.Request, name string, order ohfp.Order, why string) (ohfp.Request, error) {
	stored, err := e.Store.UpdateRequest(ctx, r.ID, func(now *ohfp.Request) ([]ohfp.Event, error) {
		if now.Provider != r.Provider || len(now.Attempts) != len(r.Attempts) {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "request %s is being launched by another process", r.ID)
		}
		if why != "" {
			now.PassOver(name, why)
			return nil, nil
		}
		return now.MoveTo(name, order, e.Now())
	})
	switch {
	case errors.Is(err, ohfp.ErrConflict): // or fenced
		return stored, errElsewhere
	case err != nil:
		return stored, fmt.Errorf("store that request %s goes on with provider %s: %w", r.ID, name, err)
	}
	return stored, nil
}

// putOff records that the next launch waits for the cloud's rate. That is no trouble: the request goes on when it may.
func (e *Executor) putOff(ctx context.Context, id ohfp.RequestID, paced *ohfp.PacedError) error {
	_, err := e.update(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.PutOff(paced, e.Now())
		return nil, nil
	})
	return err
}

// note tells whoever follows a request why it does not go on.
func (e *Executor) note(ctx context.Context, id ohfp.RequestID, message string) error {
	_, err := e.update(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if !r.Status.Terminal() && r.Status != ohfp.StatusStopping {
			r.LetThrough(e.Now()) // what keeps it now is not the cloud's rate
			r.Message = message
		}
		return nil, nil
	})
	return err
}

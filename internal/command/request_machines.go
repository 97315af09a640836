package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// RequestMachines asks for Count machines (or units) of a template.
type RequestMachines struct {
	Template ohfp.TemplateID
	Count    int
	Provider string // the instance to ask; empty: placement chooses
	Origin   ohfp.Origin
	// ID is chosen by a caller who may make the call again: the request that has it is returned, and none is made. Empty: a
	// new one.
	ID ohfp.RequestID
}

// RequestMachines writes the request down, launches, and returns the request as it then is. An error means that nothing
// runs and nothing will: the input is wrong, a limit is reached, or the cloud refused for good. When the outcome of the
// launch is unknown there is no error: the request's status tells later.
func (c *Commands) RequestMachines(ctx context.Context, in RequestMachines) (ohfp.Request, error) {
	if r, made, err := c.made(ctx, in.ID); made || err != nil {
		return r, err
	}
	template, ranking, err := c.place(ctx, in)
	if err != nil {
		return ohfp.Request{}, err
	}
	id := cmp.Or(in.ID, c.NewID(ohfp.TypeAcquire))
	order, choice, err := c.prepare(ctx, provider.Ask{Request: id, Attempt: 1, Template: template, Count: in.Count, Timeout: c.Requests.Timeout}, ranking)
	var paced *ohfp.PacedError
	if err != nil && !errors.As(err, &paced) {
		return ohfp.Request{}, fmt.Errorf("prepare template %s: %w", template.ID, err)
	}
	now := c.Now()
	r, events, err := ohfp.NewAcquire(id, template, in.Count, in.Origin, c.Requests.Timeout, now)
	if err != nil {
		return ohfp.Request{}, err
	}
	r.Provider, r.Placement, r.Abandon = choice.Provider, choice.Reason, c.Requests.Abandon
	r.Fallbacks = c.fallbacks(choice, ranking)
	for i := range events {
		events[i].Provider = r.Provider
	}
	if paced != nil {
		r.PutOff(paced, now) // its first launch is prepared when the cloud's rate allows
		r.Estimate = order.Estimate
	} else {
		intended, err := r.Intend(order, now)
		if err != nil {
			return ohfp.Request{}, err
		}
		events = append(events, intended...)
	}
	limits := store.Limits{Template: template.Limit(), Provider: c.Limits.Provider, VCPUs: c.Limits.VCPUs, Price: c.Limits.Price}
	driver, done, _ := c.Executor.For(id)
	defer done()
	if err := driver.Store.CreateRequest(ctx, r, limits, events...); err != nil {
		if r, made, _ := c.made(ctx, in.ID); made && errors.Is(err, ohfp.ErrConflict) {
			return r, nil // the same call, made at the same time
		}
		return ohfp.Request{}, fmt.Errorf("store request: %w", err)
	}
	c.Executor.Reach(reconcile.StepRequestStored)

	if paced != nil {
		return r, nil // waiting for the rate is no trouble
	}
	began := c.Now()
	r, err = driver.Call(ctx, r, 1)
	c.remember(ctx, r, c.Now().Sub(began), err)
	if err == nil && len(ohfp.Plan(r, ohfp.Facts{}, c.Now())) > 0 {
		r, err = driver.Drive(ctx, r.ID, ohfp.Facts{})
	}
	if err != nil {
		c.Log.WarnContext(ctx, "request goes on at its next poll", "request", id, "error", err)
	}
	if r.Status == ohfp.StatusFailed {
		return r, refusal(r)
	}
	return r, nil
}

// place finds the template and the provider of a request, and refuses what may not be asked for.
func (c *Commands) place(ctx context.Context, in RequestMachines) (ohfp.Template, []placement.Choice, error) {
	if in.Template == "" {
		return ohfp.Template{}, nil, ohfp.Errorf(ohfp.ErrInvalid, "the request names no template; see ohfp templates list")
	}
	template, err := c.Templates.Template(ctx, in.Template)
	if err != nil {
		return template, nil, err
	}
	if err := template.CheckCount(in.Count); err != nil {
		return template, nil, err
	}
	if limit := c.Limits.PerRequest; limit > 0 && in.Count > limit {
		return template, nil, ohfp.Errorf(ohfp.ErrLimit, "a request may ask for %s at most, not %d; ask for fewer or raise limits.max_machines_per_request", ohfp.Count(limit, "machine"), in.Count)
	}
	if in.Provider == "" {
		ranking, err := c.rank(ctx, template)
		return template, ranking, err
	}
	if own := template.ProviderName; own != "" && own != in.Provider {
		return template, nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s names provider %s and cannot go to %s; ask without a provider", template.ID, own, in.Provider)
	}
	asked := template
	asked.ProviderName = in.Provider
	choice, err := c.Placement.Choose(asked)
	choice.Reason = "the request names it"
	return template, []placement.Choice{choice}, err
}

// made finds what an earlier call with the same id has made.
func (c *Commands) made(ctx context.Context, id ohfp.RequestID) (r ohfp.Request, made bool, err error) {
	if id == "" {
		return r, false, nil
	}
	r, err = c.Store.Request(ctx, id)
	switch {
	case errors.Is(err, ohfp.ErrNotFound):
		return r, false, nil
	case err != nil:
		return r, false, fmt.Errorf("look for an earlier call: %w", err)
	case r.Type == ohfp.TypeAcquire && r.Status == ohfp.StatusFailed:
		return r, true, refusal(r)
	default:
		return r, true, nil
	}
}

// refusal is the error of a request that the cloud refused for good.
func refusal(r ohfp.Request) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "request %s failed: %s", r.ID, r.Message)
}

// Reported records what an answer that has left us told of requests, as far as it is news.
func (c *Commands) Reported(ctx context.Context, told []ohfp.Request, reader ohfp.Origin) error {
	var problems []error
	for _, r := range told {
		news := r // the answer was made from this
		if news.Report(reader, c.Now()) == nil {
			continue
		}
		_, err := c.Store.UpdateRequest(ctx, r.ID, func(now *ohfp.Request) ([]ohfp.Event, error) {
			seen := r
			seen.Reported, seen.ReportedAs = now.Reported, now.ReportedAs // by another answer in the meantime
			events := seen.Report(reader, c.Now())
			now.Reported, now.ReportedAs = seen.Reported, seen.ReportedAs
			return events, nil
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("record what was told of request %s: %w", r.ID, err))
		}
	}
	return errors.Join(problems...)
}

// Answered records that the answer with the request's id has left us. Without it, and without anybody ever asking for
// the request's status, the request is released in the end, since nobody can know of it.
func (c *Commands) Answered(ctx context.Context, id ohfp.RequestID) error {
	c.Executor.Reach(reconcile.StepAnswerWritten)
	_, err := c.Store.UpdateRequest(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if r.AnsweredAt.IsZero() {
			r.AnsweredAt = c.Now()
		}
		return nil, nil
	})
	if err != nil && !errors.Is(err, ohfp.ErrNotFound) {
		return fmt.Errorf("record that request %s is answered: %w", id, err)
	}
	return nil
}

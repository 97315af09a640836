package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/provider"
)

// RequestPlan is what RequestMachines would do.
type RequestPlan struct {
	Template  ohfp.TemplateID
	Count     int
	Provider  string
	Placement string     // why that provider
	Order     ohfp.Order // the first call; without a call when the cloud's rate puts it off
	PutOff    time.Time  // when the cloud's rate lets the first call through; zero: now
}

// PlanRequest finds out what RequestMachines would do. It stores nothing and changes nothing in the cloud, and it does not
// count what other requests hold of the limits.
func (c *Commands) PlanRequest(ctx context.Context, in RequestMachines) (RequestPlan, error) {
	template, ranking, err := c.place(ctx, in)
	if err != nil {
		return RequestPlan{}, err
	}
	plan := RequestPlan{Template: template.ID, Count: in.Count}
	var choice placement.Choice
	plan.Order, choice, err = c.prepare(ctx, provider.Ask{
		Request: c.NewID(ohfp.TypeAcquire), Attempt: 1, Template: template, Count: in.Count, Timeout: c.Requests.Timeout,
	}, ranking)
	plan.Provider, plan.Placement = choice.Provider, choice.Reason
	var paced *ohfp.PacedError
	if errors.As(err, &paced) {
		plan.PutOff = paced.At
		return plan, nil
	}
	if err != nil {
		return plan, fmt.Errorf("prepare template %s: %w", template.ID, err)
	}
	return plan, nil
}

package command

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/provider"
)

// rank orders the providers of a template. What is remembered of them is only read where there is a choice, and a memory
// that fails makes a worse choice, not none.
func (c *Commands) rank(ctx context.Context, t ohfp.Template) ([]placement.Choice, error) {
	if !c.Placement.NeedsRecords() {
		return c.Placement.Rank(t, nil, c.Now())
	}
	records, err := c.book().Records(ctx)
	if err != nil {
		c.Log.WarnContext(ctx, "the choice of a provider goes without what is remembered", "error", err)
		records = map[string]placement.Record{}
	}
	switch c.Placement.Name {
	case placement.LeastConnections:
		used, err := c.Store.Usage(ctx)
		if err != nil {
			return nil, err
		}
		for name, alive := range used.Providers {
			r := records[name]
			r.Alive = alive
			records[name] = r
		}
	case placement.CapabilityBased:
		var names []string
		for _, i := range c.Placement.Instances {
			names = append(names, i.Name)
		}
		unfit, err := placement.Fits{Memory: c.Store}.Unfit(ctx, t, names, func(ctx context.Context, name string) error { return c.fits(ctx, name, t) })
		if err != nil {
			c.Log.WarnContext(ctx, "which provider can launch a template is not remembered", "template", t.ID, "error", err)
		}
		for name, reason := range unfit {
			r := records[name]
			r.Unfit = reason
			records[name] = r
		}
	}
	return c.Placement.Rank(t, records, c.Now())
}

// fits says why a provider cannot launch a template.
func (c *Commands) fits(ctx context.Context, name string, t ohfp.Template) error {
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return err
	}
	return p.Validate(ctx, t)
}

// prepare prepares a launch with the first provider that can. The next one is asked when there is no capacity, when the cloud is
// not available or does not let us, since nothing was launched then.
func (c *Commands) prepare(ctx context.Context, ask provider.Ask, ranking []placement.Choice) (ohfp.Order, placement.Choice, error) {
	passed := ""
	for i, choice := range ranking {
		choice.Reason += passed
		p, err := c.Executor.Providers.Provider(ctx, choice.Provider)
		var order ohfp.Order
		if err == nil {
			order, err = p.Prepare(ctx, ask)
		}
		if i == len(ranking)-1 || err == nil || !aboutProvider(err) {
			return order, choice, err
		}
		passed += "; " + choice.Provider + " refused: " + err.Error()
	}
	return ohfp.Order{}, placement.Choice{}, errors.New("there is no provider to ask")
}

// aboutProvider says whether a refusal is about the provider and not about what it was asked.
func aboutProvider(err error) bool {
	return errors.Is(err, ohfp.ErrCapacity) || errors.Is(err, ohfp.ErrUnavailable) || errors.Is(err, ohfp.ErrDenied)
}

// fallbacks are who may be asked when the chosen provider refuses the launch itself. What one provider may have is checked when a
// request is stored, so under such a limit a request stays where it is.
func (c *Commands) fallbacks(chosen placement.Choice, ranking []placement.Choice) []string {
	if c.Limits.Provider > 0 || c.Limits.VCPUs > 0 || c.Limits.Price > 0 {
		return nil
	}
	at := slices.IndexFunc(ranking, func(choice placement.Choice) bool { return choice.Provider == chosen.Provider })
	var names []string
	for _, choice := range ranking[at+1:] {
		names = append(names, choice.Provider)
	}
	return names
}

func (c *Commands) book() placement.Book { return placement.Book{Memory: c.Store, Now: c.Now} }

// remember counts a launch, where there is a choice that it could matter for.
func (c *Commands) remember(ctx context.Context, r ohfp.Request, took time.Duration, err error) {
	if !c.Placement.NeedsRecords() {
		return
	}
	if err == nil && r.Status == ohfp.StatusFailed {
		err = ohfp.Errorf(ohfp.ErrDenied, "%s", r.Message)
	}
	if last := len(r.Attempts) - 1; err == nil && last >= 0 && len(r.Machines) == 0 && len(r.Attempts[last].Failures) > 0 {
		err = ohfp.ErrCapacity
	}
	if err := c.book().Add(context.WithoutCancel(ctx), r.Provider, took, err); err != nil {
		c.Log.WarnContext(ctx, "what came of the launch is not remembered", "provider", r.Provider, "error", err)
	}
}

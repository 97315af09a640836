package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// Clean removes what requests have shared in the cloud, such as launch templates, and nothing has used for a while.
type Clean struct {
	Provider  string        `json:"provider,omitempty"` // only of this provider instance; empty: of all that are enabled
	UnusedFor time.Duration `json:"unusedFor"`
	DryRun    bool          `json:"dryRun,omitempty"` // remove nothing, tell what would be
}

// Cleaned is something that was removed.
type Cleaned struct {
	Provider string `json:"provider"`
	provider.Resource
}

// Clean returns what it has removed, also beside an error. Providers that share nothing are passed over, unless one of
// them is named.
func (c *Commands) Clean(ctx context.Context, in Clean) ([]Cleaned, error) {
	if in.UnusedFor < 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "what is unused for %s cannot be removed; give a time of 0s or more", in.UnusedFor)
	}
	names := []string{in.Provider}
	if in.Provider == "" {
		names = nil
		for _, instance := range c.Placement.Instances {
			names = append(names, instance.Name)
		}
	}
	cleaned, problems := []Cleaned{}, []error(nil)
	for _, name := range names {
		removed, err := c.clean(ctx, name, in)
		if err != nil {
			problems = append(problems, fmt.Errorf("clean up at provider %s: %w", name, err))
		}
		for _, resource := range removed {
			if !in.DryRun {
				c.Log.InfoContext(ctx, "removed what nothing uses", "provider", name, "kind", resource.Kind, "id", resource.ID, "name", resource.Name)
			}
			cleaned = append(cleaned, Cleaned{Provider: name, Resource: resource})
		}
	}
	return cleaned, errors.Join(problems...)
}

func (c *Commands) clean(ctx context.Context, name string, in Clean) ([]provider.Resource, error) {
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return nil, err
	}
	cleaner, ok := provider.As[provider.Cleaner](p)
	switch {
	case !ok && in.Provider != "":
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "its type shares nothing between requests; there is nothing to remove")
	case !ok:
		return nil, nil
	}
	orders, err := c.ordersInUse(ctx, name)
	if err != nil {
		return nil, err
	}
	return cleaner.Clean(ctx, provider.Cleaning{InUse: orders, UnusedFor: in.UnusedFor, DryRun: in.DryRun})
}

// ordersInUse are those that may still launch: of requests that are not settled, and of resources that replace the
// machines they lose.
func (c *Commands) ordersInUse(ctx context.Context, name string) ([]ohfp.Order, error) {
	unsettled, err := c.Store.Requests(ctx, store.RequestFilter{Type: ohfp.TypeAcquire, Unsettled: true})
	if err != nil {
		return nil, fmt.Errorf("list requests under way: %w", err)
	}
	holding, err := c.holding(ctx, store.RequestFilter{})
	if err != nil {
		return nil, err
	}
	var orders []ohfp.Order
	for _, r := range unsettled {
		for _, a := range r.Attempts {
			if r.ProviderOf(a) == name {
				orders = append(orders, a.Order)
			}
		}
	}
	for _, r := range holding {
		for _, a := range r.Attempts {
			if r.ProviderOf(a) == name && a.Order.Keeps && a.RetiredAt.IsZero() {
				orders = append(orders, a.Order)
			}
		}
	}
	return orders, nil
}

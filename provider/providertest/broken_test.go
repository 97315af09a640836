package providertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// broken is a provider with some of its methods replaced.
type broken struct {
	*fake.Provider

	validate  func(context.Context, ohfp.Template) error
	prepare   func(context.Context, provider.Ask) (ohfp.Order, error)
	launch    func(context.Context, ohfp.Order) (provider.Launched, error)
	observe   func(context.Context, []provider.Scope) (provider.Observation, error)
	terminate func(context.Context, []ohfp.Machine, []ohfp.ResourceTarget) ([]provider.Ended, error)
	retire    func(context.Context, string) error
	owned     func(context.Context, provider.OwnedFilter) (provider.Observation, error)
}

func (b *broken) Validate(ctx context.Context, t ohfp.Template) error {
	if b.validate != nil {
		return b.validate(ctx, t)
	}
	return b.Provider.Validate(ctx, t)
}

func (b *broken) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	if b.prepare != nil {
		return b.prepare(ctx, ask)
	}
	return b.Provider.Prepare(ctx, ask)
}

func (b *broken) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	if b.launch != nil {
		return b.launch(ctx, order)
	}
	return b.Provider.Launch(ctx, order)
}

func (b *broken) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	if b.observe != nil {
		return b.observe(ctx, scopes)
	}
	return b.Provider.Observe(ctx, scopes)
}

func (b *broken) Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
	if b.terminate != nil {
		return b.terminate(ctx, machines, targets)
	}
	return b.Provider.Terminate(ctx, machines, targets)
}

func (b *broken) Retire(ctx context.Context, resource string) error {
	if b.retire != nil {
		return b.retire(ctx, resource)
	}
	return b.Provider.Retire(ctx, resource)
}

func (b *broken) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	if b.owned != nil {
		return b.owned(ctx, filter)
	}
	return b.Provider.Owned(ctx, filter)
}

func relauncher(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	var calls atomic.Int64
	return &broken{Provider: p, launch: func(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
		order.Token = fmt.Sprintf("%s-%d-%p", order.Token, calls.Add(1), p)
		return p.Launch(ctx, order)
	}}
}

func eager(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, prepare: func(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
		order, err := p.Prepare(ctx, ask)
		if err == nil {
			_, err = p.Launch(ctx, order)
		}
		return order, err
	}}
}

func sameToken(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, prepare: func(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
		ask.Attempt = 1
		return p.Prepare(ctx, ask)
	}}
}

func nameless(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, launch: func(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
		launched, err := p.Launch(ctx, order)
		for i := range launched.Machines {
			launched.Machines[i].Resource = ""
		}
		return launched, err
	}}
}

func allOrNothing(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, launch: func(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
		launched, err := p.Launch(ctx, order)
		if err == nil && len(launched.Failures) > 0 {
			err = ohfp.Errorf(ohfp.ErrCapacity, "too few machines")
		}
		return launched, err
	}}
}

func unkind(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, launch: func(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
		launched, err := p.Launch(ctx, order)
		if err != nil {
			err = errors.New("something went wrong")
		}
		return launched, err
	}}
}

func overconfident(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		seen, err := p.Observe(ctx, scopes)
		seen.Complete = true
		return seen, err
	}}
}

func chatty(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		all := provider.Observation{Complete: true}
		for _, scope := range scopes {
			seen, err := p.Observe(ctx, []provider.Scope{scope})
			if err != nil {
				return seen, err
			}
			all.ObservedAt = seen.ObservedAt
			all.Machines = append(all.Machines, seen.Machines...)
		}
		return all, nil
	}}
}

func blind(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		scopes = slices.Clone(scopes)
		for i := range scopes {
			scopes[i].Request = ""
		}
		return p.Observe(ctx, scopes)
	}}
}

func fussy(cloud *fake.Cloud, p *fake.Provider) provider.Provider {
	check := func(id ohfp.MachineID) error {
		if _, ok := cloud.Machine(id); !ok {
			return ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist", id)
		}
		return nil
	}
	return &broken{
		Provider: p,
		observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
			for _, scope := range scopes {
				for _, id := range scope.Machines {
					if err := check(id); err != nil {
						return provider.Observation{}, err
					}
				}
			}
			return p.Observe(ctx, scopes)
		},
		terminate: func(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
			for _, m := range machines {
				if err := check(m.ID); err != nil {
					return nil, err
				}
			}
			return p.Terminate(ctx, machines, targets)
		},
	}
}

func overzealous(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, terminate: func(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
		accepted, err := p.Terminate(ctx, machines, targets)
		for _, m := range machines {
			siblings, failed := p.Observe(ctx, []provider.Scope{{Resources: []string{m.Resource}}})
			err = errors.Join(err, failed)
			_, failed = p.Terminate(ctx, siblings.Machines, nil)
			err = errors.Join(err, failed)
		}
		return accepted, err
	}}
}

func reckless(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, retire: func(ctx context.Context, resource string) error {
		if err := p.Retire(ctx, resource); ohfp.KindOf(err) != ohfp.ErrConflict {
			return err
		}
		seen, err := p.Observe(ctx, []provider.Scope{{Resources: []string{resource}}})
		if err != nil {
			return err
		}
		_, err = p.Terminate(ctx, seen.Machines, nil)
		return err
	}}
}

func hoarder(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, retire: func(context.Context, string) error { return nil }}
}

func greedy(cloud *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, owned: func(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
		seen, err := p.Owned(ctx, filter)
		for _, id := range cloud.Live() {
			m, _ := cloud.Machine(id)
			if m.Request == "" && (len(filter.Machines) == 0 || slices.Contains(filter.Machines, id)) {
				m.Request = "req-somebody"
				seen.Machines = append(seen.Machines, m)
			}
		}
		return seen, err
	}}
}

func local(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	zone := time.FixedZone("somewhere", 3600)
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		seen, err := p.Observe(ctx, scopes)
		for i := range seen.Machines {
			seen.Machines[i].LaunchedAt = seen.Machines[i].LaunchedAt.In(zone)
		}
		return seen, err
	}}
}

// deaf carries on when its context has ended: it launches with another one.
func deaf(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, launch: func(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
		defer cancel()
		launched, err := p.Launch(patient, order)
		if err != nil && patient.Err() != nil {
			return launched, ohfp.Errorf(ohfp.ErrDenied, "the call was not made: %w", ctx.Err())
		}
		return launched, err
	}}
}

// uncritical drops whatever it does not understand.
func uncritical(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	clean := func(t ohfp.Template) ohfp.Template {
		if !strings.Contains(string(t.Spec), `"type":"small"`) || len(t.Spec) > len(`{"type":"small"}`) || t.ProviderAPI == "Teleport" {
			t.Spec, t.ProviderAPI = json.RawMessage(`{"type":"small"}`), ""
		}
		return t
	}
	return &broken{
		Provider: p,
		validate: func(ctx context.Context, t ohfp.Template) error { return p.Validate(ctx, clean(t)) },
		prepare: func(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
			ask.Template = clean(ask.Template)
			return p.Prepare(ctx, ask)
		},
	}
}

func untargeted(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, terminate: func(ctx context.Context, machines []ohfp.Machine, _ []ohfp.ResourceTarget) ([]provider.Ended, error) {
		return p.Terminate(ctx, machines, nil)
	}}
}

func ruthless(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, terminate: func(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
		_, refused := p.Terminate(ctx, nil, targets)
		accepted, err := p.Terminate(ctx, machines, nil)
		return accepted, errors.Join(refused, err)
	}}
}

func silent(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		seen, err := p.Observe(ctx, scopes)
		seen.Resources = nil
		return seen, err
	}}
}

func closed(_ *fake.Cloud, p *fake.Provider) provider.Provider {
	return &broken{Provider: p, observe: func(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
		scopes = slices.Clone(scopes)
		for i := range scopes {
			scopes[i].Open = false
		}
		return p.Observe(ctx, scopes)
	}}
}

package pool

import (
	"context"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Observe shows the leases of this installation that a scope names by request, order or id. One read serves all scopes.
func (p *Provider) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	return p.look(ctx, func(l lease) bool {
		return slices.ContainsFunc(scopes, func(s provider.Scope) bool {
			return l.Request == s.Request || slices.Contains(s.Resources, l.Token) || slices.Contains(s.Machines, l.ID)
		})
	})
}

// Owned shows the leases of this installation that the filter lets through.
func (p *Provider) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	return p.look(ctx, func(l lease) bool {
		return (len(filter.Requests) == 0 || slices.Contains(filter.Requests, l.Request)) &&
			(len(filter.Machines) == 0 || slices.Contains(filter.Machines, l.ID))
	})
}

// look reads all or fails: an observation is complete, or there is an error and absence means nothing.
func (p *Provider) look(ctx context.Context, wanted func(lease) bool) (provider.Observation, error) {
	seen := provider.Observation{ObservedAt: p.now()}
	all, err := p.leases(ctx)
	if err != nil {
		return seen, err
	}
	for _, l := range all {
		if l.Installation == p.env.Installation && wanted(l) {
			seen.Machines = append(seen.Machines, p.machine(l))
		}
	}
	seen.Complete = true
	return seen, nil
}

// Terminate ends the leases of these machines and of no others. Nothing launches by itself here, so there are no targets.
func (p *Provider) Terminate(ctx context.Context, machines []ohfp.Machine, _ []ohfp.ResourceTarget) ([]provider.Ended, error) {
	if len(machines) == 0 {
		return nil, nil
	}
	var ended []provider.Ended
	err := p.ledger.write(ctx, func(tx *transaction) error {
		ended = nil
		for _, m := range machines {
			known, err := tx.end(m.ID, p.env.Installation, p.now())
			if err != nil {
				return err
			}
			state := ohfp.MachineTerminated
			if !known && p.now().Sub(m.LaunchedAt) <= ohfp.GoneAfter {
				state = ohfp.MachineShuttingDown // what is not known yet may come to be known
			}
			ended = append(ended, provider.Ended{Machine: m.ID, State: state})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Retire has nothing to remove. It is asked about orders whose leases have all ended, and checks that.
func (p *Provider) Retire(ctx context.Context, resource string) error {
	all, err := p.leases(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Token == resource && l.Ended.IsZero() {
			return ohfp.Errorf(ohfp.ErrConflict, "order %s still leases host %s; end that first", resource, l.Host)
		}
	}
	return nil
}

func (p *Provider) leases(ctx context.Context) (all []lease, err error) {
	err = p.ledger.read(ctx, func(tx *transaction) error {
		all, err = tx.leases()
		return err
	})
	return all, err
}

// machine is a lease in the words of the port. A host is up as soon as it is leased.
func (p *Provider) machine(l lease) ohfp.Machine {
	m := ohfp.Machine{
		Provider: p.env.Name, ID: l.ID, Request: l.Request, Template: l.Template, Resource: l.Token, State: ohfp.MachineRunning,
		Name: l.Host, PrivateIP: l.Address, Type: l.Group, Zone: l.Zone, Lifecycle: ohfp.OnDemand, LaunchedAt: l.Since,
	}
	if !l.Ended.IsZero() {
		m.State, m.TerminatedAt = ohfp.MachineTerminated, l.Ended
	}
	return m
}

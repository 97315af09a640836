package fake

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// defaultPage is how many machines one call of a read shows.
const defaultPage = 1000

// Observe shows this installation's machines that a scope names by request, resource or id. The machines of a group bear
// no request: they are found by their group, and that by its request only when a scope is open.
func (p *Provider) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	if len(scopes) == 0 {
		return provider.Observation{Complete: true, ObservedAt: p.cloud.now().UTC()}, nil
	}
	requests, resources, ids := map[ohfp.RequestID]bool{}, map[string]bool{}, map[ohfp.MachineID]bool{}
	open := map[ohfp.RequestID]bool{}
	for _, scope := range scopes {
		if scope.Request != "" {
			requests[scope.Request], open[scope.Request] = true, scope.Open
		}
		for _, resource := range scope.Resources {
			resources[resource] = true
		}
		for _, id := range scope.Machines {
			ids[id] = true
		}
	}
	return p.read(ctx, OpObserve, func() []string {
		for id, g := range p.cloud.groups {
			if open[g.Request] && g.Installation == p.env.Installation {
				resources[id] = true
			}
		}
		return slices.Sorted(maps.Keys(resources))
	}, func(m *machine) bool {
		return requests[m.Request] || m.Resource != "" && resources[m.Resource] || ids[m.ID]
	})
}

// Owned shows every machine of this installation that the filter lets through.
func (p *Provider) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	return p.read(ctx, OpOwned, func() []string {
		var groups []string
		for _, id := range slices.Sorted(maps.Keys(p.cloud.groups)) {
			g := p.cloud.groups[id]
			if g.Installation == p.env.Installation && (len(filter.Requests) == 0 || slices.Contains(filter.Requests, g.Request)) {
				groups = append(groups, id)
			}
		}
		return groups
	}, func(m *machine) bool {
		request, _ := p.cloud.owner(m)
		return (len(filter.Requests) == 0 || slices.Contains(filter.Requests, request)) &&
			(len(filter.Machines) == 0 || slices.Contains(filter.Machines, m.ID))
	})
}

// read shows groups and machines; both functions are called with the lock held.
func (p *Provider) read(ctx context.Context, op Op, groups func() []string, wanted func(*machine) bool) (provider.Observation, error) {
	observedAt := p.cloud.now().UTC()
	if err := p.begin(ctx, op); err != nil {
		return provider.Observation{ObservedAt: observedAt}, err
	}
	c := p.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	var facts []ohfp.ResourceFacts
	for _, id := range groups() {
		if launchesItself(id) {
			facts = append(facts, c.facts(id))
		}
	}
	var shown []ohfp.Machine
	for _, id := range slices.Sorted(maps.Keys(c.machines)) {
		if m := c.machines[id]; m.installation == p.env.Installation && c.visible(m) && wanted(m) {
			shown = append(shown, c.show(m, p.env.Name))
		}
	}
	c.countPages(op, len(shown))
	if len(c.faults.cut) > 0 {
		keep := min(c.faults.cut[0], len(shown))
		c.faults.cut = c.faults.cut[1:]
		return provider.Observation{Machines: shown[:keep], ObservedAt: observedAt}, Unavailable(op)
	}
	if c.dropped(op) {
		return provider.Observation{ObservedAt: observedAt}, Unavailable(op)
	}
	return provider.Observation{Machines: shown, Resources: facts, Complete: true, ObservedAt: observedAt}, nil
}

// countPages counts the calls that follow the first one of a read.
func (c *Cloud) countPages(op Op, shown int) {
	page := c.settings.PageSize
	if page == 0 {
		page = defaultPage
	}
	if shown > page {
		c.calls[op] += (shown - 1) / page
	}
}

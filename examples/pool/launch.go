package pool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// call is what an order says, complete: it may be carried out by another process, or by a later version.
type call struct {
	Request  ohfp.RequestID  `json:"request"`
	Template ohfp.TemplateID `json:"template"`
	Group    string          `json:"group"`
	Others   []string        `json:"others,omitempty"` // that the template has beside it
}

// Prepare chooses the group and leases nothing.
func (p *Provider) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	s, err := p.decode(ask.Template)
	if err != nil {
		return ohfp.Order{}, err
	}
	leased, err := p.leases(ctx)
	if err != nil {
		return ohfp.Order{}, err
	}
	chosen := s.Groups[0]
	if i := slices.IndexFunc(s.Groups, func(name string) bool { return len(p.free(name, leased)) > 0 }); i > 0 {
		chosen = s.Groups[i]
	}
	others := slices.DeleteFunc(slices.Clone(s.Groups), func(name string) bool { return name == chosen })
	body, err := json.Marshal(call{Request: ask.Request, Template: ask.Template.ID, Group: chosen, Others: others})
	if err != nil {
		return ohfp.Order{}, fmt.Errorf("write the call for request %s down: %w", ask.Request, err)
	}
	var types []ohfp.TypeCost
	for _, name := range s.Groups {
		types = append(types, ohfp.TypeCost{Type: name, Lifecycle: ohfp.OnDemand, Cost: ohfp.Cost{VCPUs: p.groups[name].CPUs}})
	}
	// The token depends on what makes the ask what it is: the same ask, prepared by two processes, leases once.
	token := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", p.env.Installation, ask.Request, ask.Attempt))
	return ohfp.Order{
		API: "Lease", Token: hex.EncodeToString(token[:16]), Count: ask.Count, Offering: chosen, Call: body,
		Estimate: ohfp.NewEstimate(ask.Count, types),
	}, nil
}

// Launch leases hosts, or tells again what an order has leased before.
func (p *Provider) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	var c call
	if err := json.Unmarshal(order.Call, &c); err != nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "order %s has a call that cannot be read: %w; prepare it again", order.Token, err)
	}
	launched := provider.Launched{Resource: order.Token}
	err := p.ledger.write(ctx, func(tx *transaction) error {
		launched.Machines, launched.Failures, launched.Exhausted = nil, nil, false
		all, err := tx.leases()
		if err != nil {
			return err
		}
		mine := slices.DeleteFunc(slices.Clone(all), func(l lease) bool { return l.Token != order.Token })
		if len(mine) == 0 {
			if mine, err = p.take(tx, order, c, all); err != nil {
				return err
			}
		}
		for _, l := range mine {
			launched.Machines = append(launched.Machines, p.machine(l))
		}
		if len(mine) < order.Count {
			launched.Failures = []ohfp.Failure{{Code: "NoFreeHost", Message: "no other host of the group is free", Offering: c.Group}}
			launched.Exhausted = !slices.ContainsFunc(c.Others, func(name string) bool { return len(p.free(name, all)) > 0 })
		}
		return nil
	})
	switch {
	case err != nil:
		return provider.Launched{}, err
	case len(launched.Machines) == 0:
		return launched, &ohfp.CloudError{Kind: ohfp.ErrCapacity, Operation: "Lease", Code: "NoFreeHost", Message: "no host of group " + c.Group + " is free"}
	}
	return launched, nil
}

// take leases free hosts of the group, as many as there are and are asked for.
func (p *Provider) take(tx *transaction, order ohfp.Order, c call, all []lease) ([]lease, error) {
	free := p.free(c.Group, all)
	var taken []lease
	for _, host := range free[:min(order.Count, len(free))] {
		l, err := tx.add(lease{
			Token: order.Token, Installation: p.env.Installation, Request: c.Request, Template: c.Template,
			Host: host, Address: p.groups[c.Group].Hosts[host], Group: c.Group, Zone: p.groups[c.Group].Zone, Since: p.now(),
		})
		if err != nil {
			return nil, err
		}
		taken = append(taken, l)
	}
	return taken, tx.forget(p.now().Add(-kept))
}

// kept is how long an ended lease is remembered: longer than the 12 hours after which no order is repeated any more.
const kept = 24 * time.Hour

// free lists the hosts of a group that nobody has.
func (p *Provider) free(name string, leased []lease) []string {
	hosts := maps.Clone(p.groups[name].Hosts)
	for _, l := range leased {
		if l.Ended.IsZero() {
			delete(hosts, l.Host)
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

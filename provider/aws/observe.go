package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// filterPortion is how many values a filter has beside one for the installation.
const filterPortion = instances.FilterValues - 1

// Observe reads the machines of requests by their tag, those of fleets and groups by AWS's, and those that it misses by
// their ids. What no listing shows must be denied by name before it counts as absent.
func (p *Provider) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	look := p.look()
	var requests []string
	owner := map[ohfp.MachineID]ohfp.RequestID{}
	for _, scope := range scopes {
		if !slices.Contains(requests, string(scope.Request)) && scope.Request.Type() == ohfp.TypeAcquire {
			requests = append(requests, string(scope.Request))
		}
		for _, id := range scope.Machines {
			if _, ok := owner[id]; !ok || scope.Request.Type() == ohfp.TypeAcquire {
				owner[id] = scope.Request
			}
		}
	}
	for some := range slices.Chunk(requests, filterPortion) {
		if err := look.find(ctx, p.mine(), instances.Tagged(instances.TagRequest, some...)); err != nil {
			return look.Observation, err
		}
	}
	if err := p.observeResources(ctx, look, scopes); err != nil {
		return look.Observation, err
	}
	var missing []string
	for id := range owner {
		if !look.seen[id] && wellFormed(id) {
			missing = append(missing, string(id))
		}
	}
	slices.Sort(missing)
	for some := range slices.Chunk(missing, instances.FilterValues) {
		if err := look.find(ctx, instances.Filter("instance-id", some...)); err != nil {
			return look.Observation, err
		}
	}
	absent := slices.DeleteFunc(missing, func(id string) bool { return look.seen[ohfp.MachineID(id)] })
	if err := p.confirmAbsent(ctx, look, absent); err != nil {
		return look.Observation, err
	}
	for i := range look.Machines {
		if m := &look.Machines[i]; m.Request == "" {
			m.Request = owner[m.ID]
		}
	}
	look.Complete = true
	return look.Observation, nil
}

// mine is the filter for what this installation owns.
func (p *Provider) mine() types.Filter {
	return instances.Tagged(instances.TagInstallation, string(p.installation))
}

// look is an observation being made.
type look struct {
	provider.Observation
	reader instances.Reader
	seen   map[ohfp.MachineID]bool
}

func (p *Provider) look() *look {
	return &look{
		Observation: provider.Observation{ObservedAt: p.now().UTC()}, reader: p.reader, seen: map[ohfp.MachineID]bool{},
	}
}

// find adds what passes the filters. Pages shift while they are read, so a machine may come twice.
func (l *look) find(ctx context.Context, filters ...types.Filter) error {
	found, err := l.reader.Find(ctx, filters...)
	l.add(found)
	return err
}

func (l *look) add(found []ohfp.Machine) {
	for _, m := range found {
		if !l.seen[m.ID] {
			l.seen[m.ID] = true
			l.Machines = append(l.Machines, m)
		}
	}
}

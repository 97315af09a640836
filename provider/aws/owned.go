package aws

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
)

// Owned lists the machines of this installation: those that carry its tag, and those of its fleets; and, unless only
// machines are asked for, the fleets and groups that launch by themselves.
func (p *Provider) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	look := p.look()
	possible := slices.DeleteFunc(slices.Clone(filter.Machines), func(id ohfp.MachineID) bool { return !wellFormed(id) })
	if len(possible) == 0 && len(filter.Machines) > 0 {
		look.Complete = true
		return look.Observation, nil
	}
	// One value is the installation, and each of the two gets half of the others.
	const half = filterPortion / 2
	for _, requests := range filters("tag:"+instances.TagRequest, filter.Requests, half) {
		for _, machines := range filters("instance-id", possible, half) {
			all := append([]types.Filter{p.mine()}, requests...)
			if err := look.find(ctx, append(all, machines...)...); err != nil {
				return look.Observation, err
			}
		}
	}
	var err error
	switch {
	case len(filter.Requests) > 0:
		err = p.ownedByRequest(ctx, look, filter.Requests, possible)
	case len(possible) > 0:
		err = p.ownedByID(ctx, look, possible)
	default:
		err = p.ownedByFleet(ctx, look)
	}
	look.Complete = err == nil
	return look.Observation, err
}

// ownedByRequest adds the machines of the requests' fleets, which do not carry the request.
func (p *Provider) ownedByRequest(ctx context.Context, l *look, requests []ohfp.RequestID, machines []ohfp.MachineID) error {
	texts := make([]string, len(requests))
	for i, id := range requests {
		texts[i] = string(id)
	}
	fleets, err := p.parts.FleetsOf(ctx, texts, func(string) bool { return false })
	if err != nil {
		return err
	}
	instant := p.instant(l)
	found, err := p.membersOf(ctx, fleets)
	l.add(slices.DeleteFunc(found, func(m ohfp.Machine) bool {
		return len(machines) > 0 && !slices.Contains(machines, m.ID)
	}))
	if err != nil {
		return err
	}
	if err := p.ownedFleets(ctx, l, fleets, instant); err != nil {
		return err
	}
	groups, err := launch.ASG{Parts: p.parts}.GroupsOf(ctx, texts)
	return p.ownedGroups(l, groups, err)
}

// instant are the fleets whose machines bear the request: they launch nothing by themselves.
func (p *Provider) instant(l *look) map[string]bool {
	instant := map[string]bool{}
	for _, m := range l.Machines {
		instant[m.Resource] = instant[m.Resource] || m.Request != ""
	}
	return instant
}

// ownedFleets adds what there is to know of fleets that launch by themselves.
func (p *Provider) ownedFleets(ctx context.Context, l *look, fleets []launch.Standing, instant map[string]bool) error {
	for _, k := range p.keepers {
		var names []string
		for _, s := range fleets {
			if k.api != launch.APIASG && k.keeps(s.Resource) && !instant[s.Resource] {
				names = append(names, s.Resource)
			}
		}
		if len(names) == 0 {
			continue
		}
		standings, err := k.Look(ctx, names)
		if err != nil {
			return err
		}
		tags := tagsOf(fleets)
		for _, s := range standings {
			if s.Doubt != nil {
				return s.Doubt
			}
			if !s.Instant && !s.Unseen {
				s.Request = ohfp.RequestID(tags[s.Resource][instances.TagRequest])
				l.Resources = append(l.Resources, s.ResourceFacts)
			}
		}
	}
	return nil
}

// ownedGroups adds groups. An identity that may not read groups has made none, unless a machine is from one.
func (p *Provider) ownedGroups(l *look, groups []launch.Standing, err error) error {
	fromGroup := func(m ohfp.Machine) bool { return p.isGroup(m.Resource) }
	if errors.Is(err, ohfp.ErrDenied) && !slices.ContainsFunc(l.Machines, fromGroup) {
		return nil
	}
	for _, s := range groups {
		s.Request = ohfp.RequestID(s.Tags[instances.TagRequest])
		l.Resources = append(l.Resources, s.ResourceFacts)
	}
	return err
}

// ownedByID completes machines that were found and do not carry their request, and adds those that carry nothing, if
// their fleet is ours.
func (p *Provider) ownedByID(ctx context.Context, l *look, machines []ohfp.MachineID) error {
	strangers := p.look()
	missing := slices.DeleteFunc(slices.Clone(machines), func(id ohfp.MachineID) bool { return l.seen[id] })
	if len(missing) > 0 {
		for _, some := range filters("instance-id", missing, instances.FilterValues) {
			if err := strangers.find(ctx, some...); err != nil {
				return err
			}
		}
	}
	var resources []string
	for _, m := range slices.Concat(l.Machines, strangers.Machines) {
		if m.Request == "" && p.keeps(m.Resource) && !slices.Contains(resources, m.Resource) {
			resources = append(resources, m.Resource)
		}
	}
	fleets, err := p.parts.FleetTags(ctx, resources)
	if err != nil {
		return err
	}
	tags := tagsOf(fleets)
	l.add(slices.DeleteFunc(strangers.Machines, func(m ohfp.Machine) bool { return m.Request != "" || tags[m.Resource] == nil }))
	l.complete(tags)
	return nil
}

// ownedByFleet completes machines that do not carry their request, and adds those that carry nothing.
func (p *Provider) ownedByFleet(ctx context.Context, l *look) error {
	fleets, err := p.parts.OwnFleets(ctx)
	if err != nil {
		return err
	}
	instant := p.instant(l)
	found, err := p.membersOf(ctx, slices.DeleteFunc(slices.Clone(fleets), func(s launch.Standing) bool {
		return s.Tags[instances.TagUntagged] == ""
	}))
	l.add(found)
	l.complete(tagsOf(fleets))
	if err != nil {
		return err
	}
	if err := p.ownedFleets(ctx, l, fleets, instant); err != nil {
		return err
	}
	groups, err := launch.ASG{Parts: p.parts}.OwnGroups(ctx)
	return p.ownedGroups(l, groups, err)
}

// membersOf reads the machines of fleets.
func (p *Provider) membersOf(ctx context.Context, fleets []launch.Standing) ([]ohfp.Machine, error) {
	l := p.look()
	for _, k := range p.keepers {
		var names []string
		for _, s := range fleets {
			if k.keeps(s.Resource) {
				names = append(names, s.Resource)
			}
		}
		for some := range slices.Chunk(names, instances.FilterValues) {
			if err := l.find(ctx, instances.Tagged(k.Tag(), some...)); err != nil {
				return l.Machines, err
			}
		}
	}
	l.complete(tagsOf(fleets))
	return l.Machines, nil
}

func tagsOf(fleets []launch.Standing) map[string]map[string]string {
	tags := make(map[string]map[string]string, len(fleets))
	for _, s := range fleets {
		tags[s.Resource] = s.Tags
	}
	return tags
}

// complete adds what the tags of fleets tell of their machines.
func (l *look) complete(tags map[string]map[string]string) {
	for i := range l.Machines {
		if told := tags[l.Machines[i].Resource]; told != nil {
			describeMember(&l.Machines[i], told)
		}
	}
}

// filters makes a filter of each portion of the values; without values there is one portion without a filter.
func filters[T ~string](name string, values []T, portion int) [][]types.Filter {
	if len(values) == 0 {
		return [][]types.Filter{nil}
	}
	var out [][]types.Filter
	for some := range slices.Chunk(values, portion) {
		texts := make([]string, len(some))
		for i, value := range some {
			texts[i] = string(value)
		}
		out = append(out, []types.Filter{instances.Filter(name, texts...)})
	}
	return out
}

package aws

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
)

// keepReasons is for how long what a history tells serves other looks: reading it costs a call for each resource.
const keepReasons = 20 * time.Second

// observeResources adds what there is to know of resources that launch by themselves, and their machines.
func (p *Provider) observeResources(ctx context.Context, l *look, scopes []provider.Scope) error {
	owners, err := p.resourcesOf(ctx, l, scopes)
	if err != nil {
		return err
	}
	var doubts []error // of which the look is not complete, but shows the rest
	for _, k := range p.keepers {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(owners)), func(name string) bool { return !k.keeps(name) })
		if len(names) == 0 {
			continue
		}
		standings, err := k.Look(ctx, names)
		if err != nil {
			return err
		}
		standings = slices.DeleteFunc(standings, func(s launch.Standing) bool { return s.Instant })
		if err := p.observeMembers(ctx, l, k, standings, owners); err != nil {
			return err
		}
		held, shown := l.held(), l.shown()
		for _, s := range standings {
			if s.Doubt != nil {
				doubts = append(doubts, s.Doubt)
			}
			if s.Doubt != nil || s.Unseen {
				continue
			}
			// A fleet tells that it has launched all before EC2 shows the machines. They are on their way, and no shortage.
			s.Active = s.Active || !s.Gone && s.Fulfilled > shown[s.Resource]
			if s.Short(held[s.Resource]) {
				s.Failures = p.reasons(ctx, k, s)
			}
			s.Request = ohfp.RequestID(s.Tags[instances.TagRequest])
			l.Resources = append(l.Resources, s.ResourceFacts)
		}
	}
	return errors.Join(doubts...)
}

// resourcesOf says whose the resources are that may launch by themselves: those that the scopes name, and those of
// launches that were never answered.
func (p *Provider) resourcesOf(ctx context.Context, l *look, scopes []provider.Scope) (map[string]ohfp.RequestID, error) {
	// A fleet whose machines carry the request is an instant one, which its name does not tell.
	instant := map[string]bool{}
	for _, m := range l.Machines {
		instant[m.Resource] = instant[m.Resource] || m.Request != ""
	}
	owners := map[string]ohfp.RequestID{}
	var open []string
	for _, scope := range scopes {
		for _, resource := range scope.Resources {
			if p.isGroup(resource) || p.keeps(resource) && !instant[resource] {
				if _, ok := owners[resource]; !ok || scope.Request.Type() == ohfp.TypeAcquire {
					owners[resource] = scope.Request
				}
			}
		}
		if scope.Open && scope.Request.Type() == ohfp.TypeAcquire {
			open = append(open, string(scope.Request))
		}
	}
	if len(open) == 0 {
		return owners, nil
	}
	found, err := p.unanswered(ctx, open, owners)
	for _, s := range found {
		if _, ok := owners[s.Resource]; !ok {
			owners[s.Resource] = ohfp.RequestID(s.Tags[instances.TagRequest])
		}
	}
	return owners, err
}

// unanswered finds what requests have launched besides what is known. Nothing is asked for as long as nothing was
// launched that goes on by itself.
func (p *Provider) unanswered(ctx context.Context, requests []string, known map[string]ohfp.RequestID) ([]launch.Standing, error) {
	var found []launch.Standing
	launches := p.parts.Launches(ctx)
	if launches[launch.APIEC2Fleet] || launches[launch.APISpotFleet] {
		fleets, err := p.parts.FleetsOf(ctx, requests, func(resource string) bool { _, ok := known[resource]; return ok })
		if err != nil {
			return nil, err
		}
		found = fleets
	}
	if launches[launch.APIASG] {
		groups, err := launch.ASG{Parts: p.parts}.GroupsOf(ctx, requests)
		if err != nil {
			return nil, err
		}
		found = append(found, groups...)
	}
	return found, nil
}

func (p *Provider) keeps(resource string) bool {
	return slices.ContainsFunc(p.keepers, func(k keeper) bool { return k.keeps(resource) })
}

// isGroup says whether a resource is an Auto Scaling group. It puts the request's tag on its machines, as instant fleets
// do, and yet goes on by itself.
func (p *Provider) isGroup(resource string) bool {
	return slices.ContainsFunc(p.keepers, func(k keeper) bool { return k.api == launch.APIASG && k.keeps(resource) })
}

// observeMembers adds the machines of resources, and what their tags do not tell.
func (p *Provider) observeMembers(ctx context.Context, l *look, k keeper, standings []launch.Standing, owners map[string]ohfp.RequestID) error {
	names := make([]string, len(standings))
	tags := map[string]map[string]string{}
	for i, s := range standings {
		names[i], tags[s.Resource] = s.Resource, s.Tags
	}
	if k.api != launch.APIASG { // whose machines were found by the request's tag
		for some := range slices.Chunk(names, instances.FilterValues) {
			if err := l.find(ctx, instances.Tagged(k.Tag(), some...)); err != nil {
				return err
			}
		}
	}
	for i := range l.Machines {
		m := &l.Machines[i]
		if told, ok := tags[m.Resource]; ok {
			describeMember(m, told)
			if m.Request == "" {
				m.Request = owners[m.Resource]
			}
		}
	}
	return nil
}

// describeMember adds what the tags of a machine's fleet tell and its own do not.
func describeMember(m *ohfp.Machine, tags map[string]string) {
	if m.Weight == 0 {
		m.Weight = instances.WeightOf(m.Type, tags)
	}
	if m.Request == "" {
		m.Request = ohfp.RequestID(tags[instances.TagRequest])
	}
}

// held is how many units the resources hold, as far as machines show.
func (l *look) held() map[string]int {
	held := map[string]int{}
	for _, m := range l.Machines {
		if m.Alive() {
			held[m.Resource] += m.Units()
		}
	}
	return held
}

// shown is how many units of the resources were there to see, those that have ended included.
func (l *look) shown() map[string]int {
	shown := map[string]int{}
	for _, m := range l.Machines {
		shown[m.Resource] += m.Units()
	}
	return shown
}

// reasons tells why a resource is short. No verdict hangs on it, so a history that cannot be read spoils nothing.
func (p *Provider) reasons(ctx context.Context, k keeper, s launch.Standing) []ohfp.Failure {
	key := p.parts.Prefix + "why/" + s.Resource
	var known []ohfp.Failure
	if told, ok, err := p.parts.Memory.Recall(ctx, key); err == nil && ok && json.Unmarshal(told, &known) == nil {
		return known
	}
	told, err := k.Reasons(ctx, s)
	if err != nil {
		return nil
	}
	if stored, err := json.Marshal(told); err == nil {
		// What cannot be remembered is read again.
		_ = p.parts.Memory.Remember(ctx, key, stored, keepReasons)
	}
	return told
}

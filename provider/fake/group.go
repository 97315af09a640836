package fake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// retryAfter is how long a group that found no room waits before it tries again.
const retryAfter = 30 * time.Second

// group is a resource that launches machines by itself. Its machines carry no tags of their own: it says whose they are.
type group struct {
	call

	id       string
	target   ohfp.Target
	stopped  bool      // it launches nothing more, whatever its target
	launched int       // units, of machines that have ended too
	due      time.Time // when it launches next; zero: it has all that it wants
	busy     time.Time // until then its target cannot be changed
	failures []ohfp.Failure
	refuses  bool // its target cannot be changed for lack of rights
}

// wants is how many units it would launch now. The lock is held, as in everything below.
func (g *group) wants(c *Cloud) int {
	if g.stopped {
		return 0
	}
	has := g.launched
	if g.API == APIGroup {
		has = c.holds(g.id)
	}
	return max(g.target.OnDemand+g.target.Spot-has, 0)
}

// active says whether it may still launch: a group whenever it has a target, since it replaces what it loses.
func (g *group) active(c *Cloud) bool {
	if g.API == APIGroup {
		return g.target != ohfp.Target{}
	}
	return g.wants(c) > 0
}

// holds is how many units of a group have not ended.
func (c *Cloud) holds(group string) int {
	units := 0
	for _, m := range c.machines {
		if m.Resource == group && m.endedAt.IsZero() {
			units += m.Units()
		}
	}
	return units
}

// addGroup makes a group, whose first machines come after the launch delay.
func (c *Cloud) addGroup(ask call) *group {
	g := &group{call: ask, id: fmt.Sprintf("%s-%08d", strings.ToLower(ask.API), c.serial), target: ask.Target}
	c.groups[g.id] = g
	c.schedule()
	return g
}

// schedule makes every group that wants machines launch them after the launch delay.
func (c *Cloud) schedule() {
	for _, g := range c.groups {
		switch wants := g.wants(c); {
		case wants == 0:
			g.due, g.failures = time.Time{}, nil
		case g.due.IsZero():
			g.due = c.now().Add(c.settings.LaunchDelay)
		}
	}
}

// catchUp lets the groups do what they would have done by now. Everything that looks at the cloud or changes it comes
// here first, so that it does not matter when that happens.
func (c *Cloud) catchUp() {
	for {
		var next *group
		for _, id := range slices.Sorted(maps.Keys(c.groups)) {
			if g := c.groups[id]; !g.due.IsZero() && !g.due.After(c.now()) && (next == nil || g.due.Before(next.due)) {
				next = g
			}
		}
		if next == nil {
			return
		}
		c.fill(next)
	}
}

// fill launches a wave of machines as of the time when it was due.
func (c *Cloud) fill(g *group) {
	at := g.due
	wave := c.settings.Wave
	if wave == 0 {
		wave = g.Count
	}
	missing := g.wants(c)
	g.due, g.failures = time.Time{}, nil
	for _, o := range g.Offerings {
		for missing > 0 && wave > 0 && !c.full(o.String()) {
			m := c.add(g.Installation, o, ohfp.Machine{Resource: g.id})
			m.LaunchedAt = at
			if g.Spot {
				m.Lifecycle = ohfp.Spot
			}
			missing -= o.Weight
			g.launched += o.Weight
			wave--
		}
		if missing > 0 && wave > 0 {
			g.failures = append(g.failures, noRoom(o))
		}
	}
	switch {
	case missing <= 0:
		g.failures = nil
	case wave == 0:
		g.due = at.Add(max(c.settings.LaunchDelay, time.Second))
	default:
		// Nothing makes room before now, so that the tries in between are left out.
		for g.due = at.Add(retryAfter); !g.due.After(c.now()); {
			g.due = g.due.Add(retryAfter)
		}
	}
}

// setTarget lowers a target. It ends nothing, and is never raised. A group that is gone wants nothing any more.
func (c *Cloud) setTarget(t ohfp.ResourceTarget) error {
	g, ok := c.groups[t.Resource]
	if !ok {
		return nil
	}
	lowered := ohfp.Target{OnDemand: min(g.target.OnDemand, t.Target.OnDemand), Spot: min(g.target.Spot, t.Target.Spot)}
	stops := g.API == APIRequest && !g.stopped && lowered.OnDemand+lowered.Spot <= c.holds(g.id)
	switch {
	case lowered == g.target && !stops:
		return nil
	case g.refuses:
		return Denied(OpTarget)
	case c.now().Before(g.busy):
		return &ohfp.CloudError{
			Kind: ohfp.ErrConflict, Operation: string(OpTarget), Code: "ResourceBusy", Message: g.id + " is being changed; try again",
		}
	}
	g.target, g.stopped = lowered, g.stopped || stops
	g.busy = c.now().Add(c.settings.ModifyDelay)
	c.schedule()
	return nil
}

// facts shows what a read of the group tells.
func (c *Cloud) facts(id string) ohfp.ResourceFacts {
	g, ok := c.groups[id]
	if !ok {
		return ohfp.ResourceFacts{Resource: id, Gone: true}
	}
	return ohfp.ResourceFacts{
		Resource: id, Request: g.Request, Target: g.target, Active: g.active(c), Busy: c.now().Before(g.busy), Failures: slices.Clone(g.failures),
	}
}

// RefuseTargets makes the cloud refuse to change the target of a group for lack of rights, or lets it again.
func (c *Cloud) RefuseTargets(resource string, refused bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.groups[resource]
	if !ok {
		return ohfp.Errorf(ohfp.ErrNotFound, "group %s does not exist in the cloud", resource)
	}
	g.refuses = refused
	return nil
}

// Target is what a group is told to have, and false when it does not exist.
func (c *Cloud) Target(resource string) (ohfp.Target, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.groups[resource]
	if !ok {
		return ohfp.Target{}, false
	}
	return g.target, true
}

// Wants is how many units a group would launch now, had it the room.
func (c *Cloud) Wants(resource string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g, ok := c.groups[resource]; ok {
		return g.wants(c)
	}
	return 0
}

func noRoom(o offering) ohfp.Failure {
	return ohfp.Failure{Code: "InsufficientCapacity", Message: "there is no room left", Offering: o.String()}
}

// launchesItself says whether a resource, which may be gone, is a group or a request.
func launchesItself(resource string) bool {
	for _, api := range []string{APIGroup, APIRequest} {
		if strings.HasPrefix(resource, strings.ToLower(api)+"-") {
			return true
		}
	}
	return false
}

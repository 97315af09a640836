package awssim

import (
	"fmt"
	"slices"
	"time"
)

// Groups act when their time has come, like fleets: they take out what ended, and approach their desired capacity, unless
// the process that does so is suspended.

// Processes that can be suspended. Only some have anything to do here; the others can be suspended all the same.
const (
	processLaunch           = "Launch"
	processTerminate        = "Terminate"
	processReplaceUnhealthy = "ReplaceUnhealthy"
	processRebalance        = "AZRebalance"
)

func processes() []string {
	return []string{
		processLaunch, processTerminate, "AddToLoadBalancer", "AlarmNotification", processRebalance, "HealthCheck",
		"InstanceRefresh", processReplaceUnhealthy, "ScheduledActions",
	}
}

// tendGroup brings a group to its desired capacity as of at. Now, the time of the look, is later when nobody looked in
// between.
func (c *Cloud) tendGroup(g *group, at, now time.Time) {
	g.wakeAt = time.Time{}
	g.bury(at)
	if g.deleting {
		if len(g.members) == 0 {
			c.asgs = slices.DeleteFunc(c.asgs, func(each *group) bool { return each == g })
		}
		g.wakeForEnds(at, 0)
		return
	}
	if !g.suspends(processReplaceUnhealthy) {
		c.takeOutLost(g, at)
	}
	g.short = false
	surplus := g.units() - g.settings.desired
	if surplus > 0 && !g.suspends(processTerminate) {
		c.scaleIn(g, at, surplus)
	}
	if surplus < 0 && !g.suspends(processLaunch) {
		c.scaleOut(g, at)
	}
	if c.options.Rebalance && !g.suspends(processRebalance) && !g.suspends(processLaunch) && !g.suspends(processTerminate) {
		c.rebalance(g, at)
	}
	if g.short {
		g.wake(c.retryAt(at, now))
	}
	g.wakeForEnds(at, c.options.ReplaceDelay)
}

// bury forgets members that are gone.
func (g *group) bury(at time.Time) {
	g.members = slices.DeleteFunc(g.members, func(m *managed) bool { return m.lost && m.state(at) == stateTerminated })
}

// wakeForEnds makes the group look when members will have ended.
func (g *group) wakeForEnds(at time.Time, delay time.Duration) {
	for _, m := range g.members {
		switch {
		case m.endsAt.IsZero():
		case m.lost && at.Before(m.goneAt):
			g.wake(m.goneAt)
		case !m.lost && at.Before(m.endsAt):
			g.wake(m.endsAt.Add(delay))
		}
	}
}

// takeOutLost is the health check: what ended without the group's doing no longer counts.
func (c *Cloud) takeOutLost(g *group, at time.Time) {
	for _, m := range g.members {
		if m.lost || m.serves(at) {
			continue
		}
		m.lost = true
		if m.endsAt.IsZero() {
			// A stopped instance is as unhealthy as a terminated one, and still there.
			c.end(m.instance, at, c.options.TerminateDelay, userInitiated())
		}
		g.tellEnd(c, at, m, fmt.Sprintf("At %s an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.", at.Format(time.RFC3339)))
	}
}

// endMember terminates a member for the group's own reasons.
func (c *Cloud) endMember(g *group, m *managed, at time.Time, cause string) {
	m.lost = true
	c.end(m.instance, at, c.options.TerminateDelay, userInitiated())
	g.tellEnd(c, at, m, cause)
}

// scaleIn terminates members, unprotected ones of the largest zone first, as long as the desired capacity stays
// fulfilled. What ended unnoticed goes before everything else. Among equals the seed chooses.
func (c *Cloud) scaleIn(g *group, at time.Time, surplus int) {
	shuffled := slices.Clone(g.members)
	c.random.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
	candidates, load, units := map[string][]*managed{}, g.load(), g.units()
	end := func(m *managed) {
		cause := fmt.Sprintf("At %s an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from %d to %d.",
			at.Format(time.RFC3339), units, units-int(m.weight))
		surplus -= int(m.weight)
		units -= int(m.weight)
		load[m.subnet.Zone] -= int(m.weight)
		c.endMember(g, m, at, cause)
	}
	for _, m := range shuffled {
		switch {
		case m.lost:
		case !m.serves(at) && int(m.weight) <= surplus:
			end(m)
		case m.serves(at) && !m.protected:
			candidates[m.subnet.Zone] = append(candidates[m.subnet.Zone], m)
		}
	}
	for surplus > 0 && len(candidates) > 0 {
		zone := largestZone(candidates, load)
		m := candidates[zone][0]
		if candidates[zone] = candidates[zone][1:]; len(candidates[zone]) == 0 {
			delete(candidates, zone)
		}
		// One that is too heavy now stays so.
		if int(m.weight) <= surplus {
			end(m)
		}
	}
}

func largestZone(candidates map[string][]*managed, load map[string]int) string {
	largest := ""
	for zone := range candidates {
		if largest == "" || load[zone] > load[largest] || load[zone] == load[largest] && zone < largest {
			largest = zone
		}
	}
	return largest
}

// load is the units per zone.
func (g *group) load() map[string]int {
	load := map[string]int{}
	for _, s := range g.settings.subnets {
		load[s.Zone] += 0
	}
	for _, m := range g.members {
		if !m.lost {
			load[m.subnet.Zone] += int(m.weight)
		}
	}
	return load
}

// scaleOut launches the on-demand part first, and the rest as spot, so that only the last instance exceeds what is
// desired.
func (c *Cloud) scaleOut(g *group, at time.Time) {
	s := g.settings
	onDemand := s.onDemandUnits()
	for _, m := range g.members {
		if !m.lost && m.lifecycle == OnDemand {
			onDemand -= int(m.weight)
		}
	}
	missing := s.desired - g.units()
	if n := min(onDemand, missing); n > 0 {
		c.launchMembers(g, at, OnDemand, n, "")
	}
	// An on-demand shortage is not made up for with spot instances.
	rest := min(s.desired-g.units(), missing-max(0, min(onDemand, missing)))
	if rest > 0 {
		c.launchMembers(g, at, Spot, rest, "")
	}
}

// onDemandUnits are the base, and the percentage of what is above it, rounded up.
func (s *groupSettings) onDemandUnits() int {
	if s.mixed == nil {
		return s.desired
	}
	base, percent := 0, 100
	if d := s.mixed.Distribution; d != nil {
		base = value(d.OnDemandBase)
		if d.OnDemandPercent != nil {
			percent = *d.OnDemandPercent
		}
	}
	base = min(base, s.desired)
	return base + ((s.desired-base)*percent+99)/100
}

// rebalance evens out the zones one instance at a time: it launches in the smallest before it terminates in the largest.
func (c *Cloud) rebalance(g *group, at time.Time) {
	for range len(g.members) {
		load := g.load()
		var victim *managed
		for _, m := range g.members {
			if !m.lost && m.serves(at) && !m.protected && (victim == nil || load[m.subnet.Zone] > load[victim.subnet.Zone]) {
				victim = m
			}
		}
		if victim == nil {
			return
		}
		smallest := victim.subnet.Zone
		for _, s := range g.settings.subnets {
			if load[s.Zone] < load[smallest] {
				smallest = s.Zone
			}
		}
		if load[victim.subnet.Zone]-load[smallest] < 2*int(victim.weight) {
			return
		}
		if c.launchMembers(g, at, victim.lifecycle, int(victim.weight), smallest) == 0 {
			return
		}
		c.endMember(g, victim, at, fmt.Sprintf("At %s instances were launched to balance instances in zones %s with other zones resulting in more than desired number of instances in the group. At %s an instance was taken out of service in response to a difference between desired and actual capacity.",
			at.Format(time.RFC3339), smallest, at.Format(time.RFC3339)))
	}
}

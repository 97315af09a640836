package awssim

import (
	"math"
	"time"
)

// groupPools are the overrides in each subnet, for one lifecycle.
func (c *Cloud) groupPools(g *group, lifecycle, zone string) map[string][]*fleetPool {
	s := g.settings
	tags := []TagSpecification{{ResourceType: "instance"}}
	for _, t := range g.tags {
		if t.Propagate {
			tags[0].Tags = append(tags[0].Tags, Tag{t.Key, t.Value})
		}
	}
	mark := Tag{"aws:autoscaling:groupName", g.id}
	pools := map[string][]*fleetPool{}
	for _, subnet := range s.subnets {
		if zone != "" && subnet.Zone != zone {
			continue
		}
		for n, o := range s.overrides {
			if latest, err := c.templateVersion(o.reference); err == nil {
				o.version = latest
			}
			weight := float64(o.weight)
			override := fleetOverride{InstanceType: o.InstanceType, ImageID: o.ImageID, SubnetID: subnet.ID, Weight: &weight, Requirements: o.Requirements}
			if lifecycle == Spot && s.mixed.Distribution != nil {
				override.MaxPrice = s.mixed.Distribution.SpotMaxPrice
			}
			for _, one := range c.expanded([]fleetOverride{override}, o.version, lifecycle, s.unit) {
				p := &fleetPool{override: one, version: o.version, lifecycle: lifecycle, weight: *one.Weight, priority: float64(n)}
				var err error
				if p.site, err = c.poolSite(p, tags, mark); err != nil {
					p.reason = asAPIError(err)
				}
				pools[subnet.Zone] = append(pools[subnet.Zone], p)
			}
		}
	}
	return pools
}

// strategy of a lifecycle, and among how many pools of a zone it spreads.
func (s *groupSettings) strategy(lifecycle string) (string, *int) {
	d := &mixedDistribution{}
	if s.mixed != nil && s.mixed.Distribution != nil {
		d = s.mixed.Distribution
	}
	if lifecycle == OnDemand {
		return defaulted(d.OnDemandStrategy, "prioritized"), nil
	}
	if d.SpotStrategy == "" || d.SpotStrategy == "lowest-price" {
		pools := 2
		if d.SpotPools != nil {
			pools = *d.SpotPools
		}
		return "lowest-price", &pools
	}
	return d.SpotStrategy, nil
}

// launchMembers launches units of a lifecycle, each instance in the smallest zone that has room, or in the zone named. It
// returns the units launched.
func (c *Cloud) launchMembers(g *group, at time.Time, lifecycle string, units int, zone string) int {
	zones := c.groupPools(g, lifecycle, zone)
	strategy, poolsToUse := g.settings.strategy(lifecycle)
	spread := map[string]int{}
	var pools []*fleetPool
	for name, of := range zones {
		pools = append(pools, of...)
		spread[name] = c.order(of, strategy, poolsToUse, float64(units))
	}
	load, planned := g.load(), map[*fleetPool]int{}
	for missing := units; missing > 0 && len(zones) > 0; {
		smallest := smallestZone(zones, load)
		of := zones[smallest]
		// Turns go by the units that the zone has.
		p := of[0]
		for _, other := range of[:min(spread[smallest], len(of))] {
			if planned[other] < planned[p] {
				p = other
			}
		}
		if !c.admits(p, planned[p]+1) {
			if zones[smallest] = removed(of, p); len(zones[smallest]) == 0 {
				delete(zones, smallest)
			}
			continue
		}
		planned[p]++
		missing -= int(p.weight)
		load[smallest] += int(p.weight)
	}
	launched := 0
	call := background(at)
	before := g.units()
	for _, subnet := range g.settings.subnets {
		for _, p := range pools {
			if p.override.SubnetID != subnet.ID {
				continue
			}
			if planned[p] > 0 {
				// Pools of one subnet may together have planned for more addresses than it has.
				n, short := c.room(p.site, planned[p])
				if short != nil {
					p.reason = short
				}
				if n > 0 {
					p.made = c.launch(call, p.site, n, g, p.weight)
				}
			}
			for _, i := range p.made {
				g.members = append(g.members, &managed{instance: i, protected: g.settings.protectNew})
				launched += int(p.weight)
			}
			g.tellLaunch(c, at, p, before, before+units)
		}
	}
	g.short = g.short || launched < units
	return launched
}

// admits notes why a pool does not take n instances.
func (c *Cloud) admits(p *fleetPool, n int) bool {
	if p.site == nil {
		return false
	}
	room, short := c.room(p.site, n)
	if short != nil {
		p.reason = short
	}
	return room >= n
}

func smallestZone(zones map[string][]*fleetPool, load map[string]int) string {
	smallest, least := "", math.MaxInt
	for zone := range zones {
		if n := load[zone]; n < least || n == least && zone < smallest {
			smallest, least = zone, n
		}
	}
	return smallest
}

func removed(pools []*fleetPool, unwanted *fleetPool) []*fleetPool {
	var kept []*fleetPool
	for _, p := range pools {
		if p != unwanted {
			kept = append(kept, p)
		}
	}
	return kept
}

package awssim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// fleetPool is one override of a fleet, for one lifecycle: where it may launch, and at what weight.
type fleetPool struct {
	override  fleetOverride
	version   *templateVersion
	lifecycle string
	weight    float64
	priority  float64
	// site is nil when the pool can launch nothing at all, for the reason given.
	site   *site
	reason *apiError
	made   []*instance
}

// fleetPools resolves the overrides of a fleet for one lifecycle. What is wrong with a single override is that pool's
// error; what EC2 refuses a whole fleet for is an error of the call.
func (c *Cloud) fleetPools(f *fleet, lifecycle string) []*fleetPool {
	var pools []*fleetPool
	for n, config := range f.input.Configs {
		overrides := config.Overrides
		if len(overrides) == 0 {
			overrides = []fleetOverride{{}}
		}
		for _, o := range c.expanded(overrides, f.versions[n], lifecycle, f.input.Target.Unit) {
			p := &fleetPool{override: o, version: f.versions[n], lifecycle: lifecycle, weight: 1, priority: math.Inf(1)}
			if o.Weight != nil {
				p.weight = *o.Weight
			}
			if o.Priority != nil {
				p.priority = *o.Priority
			}
			var err error
			if p.site, err = c.poolSite(p, f.launchTags(), f.mark()); err != nil {
				p.reason = asAPIError(err)
			}
			pools = append(pools, p)
		}
	}
	return pools
}

// expanded puts the types that satisfy the requirements of an override in its place, each with the weight that it has in
// units other than instances. Requirements that nothing satisfies remain, and fail later.
func (c *Cloud) expanded(overrides []fleetOverride, version *templateVersion, lifecycle, unit string) []fleetOverride {
	var expanded []fleetOverride
	for _, o := range overrides {
		if o.Requirements == nil {
			expanded = append(expanded, o)
			continue
		}
		architecture := "x86_64"
		if image, err := c.image(defaulted(o.ImageID, version.spec.ImageID)); err == nil {
			architecture = image.describedArchitecture()
		}
		found := c.affordable(o.Requirements, c.matching(o.Requirements, architecture), lifecycle, unit)
		if len(found) == 0 {
			expanded = append(expanded, o)
		}
		for _, t := range found {
			one := o
			one.InstanceType, one.Requirements = t.Name, nil
			if unit == unitVCPU || unit == unitMemory {
				weight := unitsOf(t, unit)
				one.Weight = &weight
			}
			expanded = append(expanded, one)
		}
	}
	return expanded
}

// launchTags are those that the fleet itself gives what it launches.
func (f *fleet) launchTags() []TagSpecification {
	return slices.DeleteFunc(slices.Clone(f.input.Tags), func(s TagSpecification) bool { return s.ResourceType == f.kind })
}

// poolSite is where a pool launches. Mark is the tag by which AWS tells whose instances these are.
func (c *Cloud) poolSite(p *fleetPool, tags []TagSpecification, mark Tag) (*site, error) {
	o := p.override
	if t := p.version.template; t.gone {
		return nil, errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", t.id)
	}
	if o.Requirements != nil {
		return nil, errorf("UnfulfillableCapacity", "No instance type satisfies the instance requirements.")
	}
	spec := p.version.spec.overlaid(LaunchSpec{
		InstanceType: o.InstanceType, ImageID: o.ImageID, Placement: o.Placement, BlockDevices: o.BlockDevices,
	})
	if o.Zone != "" {
		spec = spec.overlaid(LaunchSpec{Placement: &Placement{Zone: o.Zone}})
	}
	subnetID := o.SubnetID
	if subnetID != "" && len(spec.NetworkInterfaces) > 0 {
		// The fleet puts its subnet into the template's primary interface.
		spec.NetworkInterfaces = slices.Clone(spec.NetworkInterfaces)
		spec.NetworkInterfaces[0].SubnetID, subnetID = subnetID, ""
	}
	if p.lifecycle == Spot {
		spec.Market = &MarketOptions{Type: Spot, Spot: &SpotRequest{MaxPrice: priceOfInstance(o.MaxPrice, p.weight)}}
	}
	spec.Tags = overlaidTags(spec.Tags, tags)
	s, err := c.site(spec, subnetID)
	if err != nil {
		return nil, err
	}
	s.markTemplate(p.version)
	s.spec.Tags = overlaidTags(s.spec.Tags, []TagSpecification{{ResourceType: "instance", Tags: []Tag{mark}}})
	return s, nil
}

// mark is the tag by which AWS tells which fleet an instance is of.
func (f *fleet) mark() Tag {
	if f.isSpotFleet() {
		return Tag{"aws:ec2spot:fleet-request-id", f.id}
	}
	return Tag{"aws:ec2:fleet-id", f.id}
}

// priceOfInstance is the maximum price of an instance, where fleets take that of a unit. What is no price stays as it is,
// to be refused later.
func priceOfInstance(perUnit string, weight float64) string {
	price, err := strconv.ParseFloat(perUnit, 64)
	if err != nil || weight == 1 {
		return perUnit
	}
	return strconv.FormatFloat(price*weight, 'f', -1, 64)
}

// checkPools refuses, as EC2 does, one type twice in a zone, and two subnets of one zone.
func (c *Cloud) checkPools(in *createFleetInput, versions []*templateVersion) error {
	type pool struct{ instanceType, zone string }
	seen, subnetOf := map[pool]bool{}, map[string]string{}
	for n, config := range in.Configs {
		if versions[n].spec.Market != nil {
			return invalidFleet("The launch template %s has InstanceMarketOptions, which a fleet decides itself.", versions[n].template.id)
		}
		for _, o := range config.Overrides {
			p := pool{defaulted(o.InstanceType, versions[n].spec.InstanceType), o.Zone}
			if s, err := c.subnet(o.SubnetID); err == nil {
				p.zone = s.Zone
				if other, ok := subnetOf[s.Zone]; ok && other != s.ID {
					return invalidFleet("The fleet configuration contains duplicate instance pools: the subnets %s and %s are in one Availability Zone.", other, s.ID)
				}
				subnetOf[s.Zone] = s.ID
			}
			if o.Requirements != nil {
				continue
			}
			if seen[p] {
				return invalidFleet("The fleet configuration contains duplicate instance pools.")
			}
			seen[p] = true
		}
	}
	if in.Type != fleetInstant && len(seen) > maxKeptPools {
		return invalidFleet("The fleet has %d instance pools; fleets of the types request and maintain take %d.", len(seen), maxKeptPools)
	}
	return nil
}

// order sorts pools into the sequence in which a strategy tries them, and returns among how many it spreads. What is
// left of a pool's capacity stands for the depth of real pools.
func (c *Cloud) order(pools []*fleetPool, strategy string, poolsToUse *int, units float64) int {
	price := func(p *fleetPool) float64 {
		if p.site == nil {
			return 0
		}
		return c.price(p.site) / p.weight
	}
	depth := func(p *fleetPool) int {
		if p.site == nil {
			return 0
		}
		n, _ := c.room(p.site, math.MaxInt)
		return n
	}
	deepEnough := func(p *fleetPool) int {
		if float64(depth(p))*p.weight >= units {
			return 0
		}
		return 1
	}
	spread := 1
	compare := func(a, b *fleetPool) int { return cmp.Compare(price(a), price(b)) }
	switch strategy {
	case "prioritized":
		compare = func(a, b *fleetPool) int { return cmp.Compare(a.priority, b.priority) }
	case "capacity-optimized":
		compare = func(a, b *fleetPool) int { return cmp.Or(deepEnough(a)-deepEnough(b), cmp.Compare(depth(b), depth(a))) }
	case "capacity-optimized-prioritized":
		compare = func(a, b *fleetPool) int {
			return cmp.Or(deepEnough(a)-deepEnough(b), cmp.Compare(a.priority, b.priority))
		}
	case "price-capacity-optimized":
		compare = func(a, b *fleetPool) int { return cmp.Or(deepEnough(a)-deepEnough(b), cmp.Compare(price(a), price(b))) }
	case "diversified":
		return len(pools)
	default:
		spread = max(1, value(poolsToUse))
	}
	slices.SortStableFunc(pools, compare)
	return spread
}

// allocate launches units of capacity from pools, spread at a time, and returns what it delivered. Each pool rounds up to
// whole instances, so that the last one may overshoot by less than its weight.
func (c *Cloud) allocate(call *call, pools []*fleetPool, spread int, units float64, f *fleet) (delivered float64) {
	left := slices.Clone(pools)
	for delivered < units && len(left) > 0 {
		n := min(spread, len(left))
		var exhausted []*fleetPool
		for i, p := range left[:n] {
			share := (units - delivered) / float64(n-i)
			if share <= 0 {
				break
			}
			// The margin keeps 3 units of weight 0.3 at 10 instances. More than a fleet's largest target is never there.
			wanted := int(max(1, min(math.Ceil(share/p.weight-1e-9), 1<<20)))
			got := c.launchFrom(call, p, wanted, f)
			delivered += float64(got) * p.weight
			if got < wanted {
				exhausted = append(exhausted, p)
			}
		}
		left = slices.DeleteFunc(left, func(p *fleetPool) bool { return slices.Contains(exhausted, p) })
	}
	return delivered
}

func (c *Cloud) launchFrom(call *call, p *fleetPool, wanted int, f *fleet) int {
	if p.site == nil {
		return 0
	}
	count, short := c.room(p.site, wanted)
	if short != nil {
		p.reason = short
	}
	if count > 0 {
		p.made = append(p.made, c.launch(call, p.site, count, f, p.weight)...)
	}
	return count
}

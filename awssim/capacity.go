package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Lifecycles of instances.
const (
	OnDemand = "on-demand"
	Spot     = "spot"
)

// Pool is where instances come from.
type Pool struct {
	InstanceType string `json:"instanceType"`
	// Zone is a zone's full name; empty means every zone.
	Zone string `json:"zone"`
	// Lifecycle is OnDemand or Spot; empty means both.
	Lifecycle string `json:"lifecycle"`
}

// Unlimited is the capacity of a pool that never runs out.
const Unlimited = -1

// SetCapacity lets a pool give n more instances: 0 exhausts it, below zero makes it unlimited. An empty zone means each
// zone, an empty lifecycle both. An instance that ends gives its place back. The error says which part names nothing.
func (c *Cloud) SetCapacity(instanceType, zone, lifecycle string, n int) error {
	pool := Pool{instanceType, zone, lifecycle}
	if err := c.options.checkPool(pool); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What ended before now gives its place back to the old figure, not to the new one.
	c.settle(c.now())
	c.setCapacity(pool, n)
	return nil
}

// Capacity returns the pools that are limited, with how many more instances each gives.
func (c *Cloud) Capacity() map[Pool]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now())
	return maps.Clone(c.capacity)
}

func (o Options) checkPool(p Pool) error {
	switch {
	case p.InstanceType == "":
		return fmt.Errorf("awssim: pool %+v names no instance type", p)
	case p.Zone != "" && !slices.Contains(o.Zones, p.Zone):
		return fmt.Errorf("awssim: pool %+v: zone is none of %s", p, joined(o.Zones))
	case p.Lifecycle != "" && p.Lifecycle != OnDemand && p.Lifecycle != Spot:
		return fmt.Errorf("awssim: pool %+v: lifecycle is neither %s nor %s", p, OnDemand, Spot)
	}
	return nil
}

func (c *Cloud) setCapacity(p Pool, n int) {
	zones, lifecycles := []string{p.Zone}, []string{p.Lifecycle}
	if p.Zone == "" {
		zones = c.options.Zones
	}
	if p.Lifecycle == "" {
		lifecycles = []string{OnDemand, Spot}
	}
	for _, zone := range zones {
		for _, lifecycle := range lifecycles {
			single := Pool{p.InstanceType, zone, lifecycle}
			if n < 0 {
				delete(c.capacity, single)
			} else {
				c.capacity[single] = n
			}
		}
	}
}

// takeCapacity and giveBack keep account of limited pools only.
func (c *Cloud) takeCapacity(p Pool, n int) {
	if left, limited := c.capacity[p]; limited {
		c.capacity[p] = left - n
	}
}

func (c *Cloud) giveBack(p Pool) { c.takeCapacity(p, -1) }

// room is how many of count instances a site can hold, and the error that explains why it is not all of them.
func (c *Cloud) room(s *site, count int) (int, *apiError) {
	n, short := count, (*apiError)(nil)
	if free := s.subnet.addresses.free; free < n {
		n, short = free, errorf("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", s.subnet.ID)
	}
	if left, limited := c.capacity[s.pool()]; limited && left < n {
		n = left
		if s.lifecycle == Spot {
			short = errorf("InsufficientInstanceCapacity", "There is no Spot capacity available that matches your request.")
		} else {
			short = errorf("InsufficientInstanceCapacity", "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s).", s.instanceType.Name, s.subnet.Zone)
		}
	}
	return n, short
}

// fromBroadToNarrow orders pools by how many of zone and lifecycle they name.
func fromBroadToNarrow(a, b Pool) int {
	named := func(p Pool) int {
		n := 0
		for _, word := range []string{p.Zone, p.Lifecycle} {
			if word != "" {
				n++
			}
		}
		return n
	}
	return cmp.Compare(named(a), named(b))
}

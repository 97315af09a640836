package launch

import (
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// What EC2 Fleets, Spot Fleets and Auto Scaling groups have in common.

// maxTarget is the most that one of them may be told to have: EC2's bound of a fleet, kept for groups too.
const maxTarget = 10_000

// The types of fleets.
const (
	instant  = "instant"
	request  = "request"
	maintain = "maintain"
)

// besideTemplate is what to do about a field that a fleet or group cannot lay over an operator's launch template.
const besideTemplate = " beside launchTemplateId: set it in the launch template, or use providerApi RunInstances"

// templateFields are those of a launch template that only RunInstances can lay over an operator's.
func templateFields() []string {
	return []string{"securityGroupIds", "userDataScript", "monitoring", "ebsOptimized", "associatePublicIpAddress"}
}

// contentFields are those that instant fleets can lay over it, too.
func contentFields() []string {
	return []string{"imageId", "keyName", "instanceProfile", "rootDeviceVolumeSize", "volumeType", "iops"}
}

// checkPricing refuses combinations of price type and strategy that AWS does not have.
func checkPricing(s spec.Spec) error {
	spot, onDemand := strategies(s)
	switch {
	case s.PriceType != spec.PriceSpot && onDemand != spec.LowestPrice && onDemand != spec.Prioritized:
		return ohfp.Errorf(ohfp.ErrInvalid, "allocationStrategy %s is for spot; on demand, use lowestPrice or prioritized", onDemand)
	case s.PriceType != spec.PriceOnDemand && spot == spec.Prioritized:
		return ohfp.Errorf(ohfp.ErrInvalid, "allocationStrategy prioritized is for machines on demand; for spot, use capacityOptimizedPrioritized")
	case s.PriceType != spec.PriceOnDemand && s.Own("poolsCount") && spot != spec.LowestPrice:
		return ohfp.Errorf(ohfp.ErrInvalid, "poolsCount needs allocationStrategy lowestPrice")
	case s.PriceType == spec.PriceSpot:
		if err := s.Refuse("spot", "; use allocationStrategy", "allocationStrategyOnDemand"); err != nil {
			return err
		}
	}
	return checkTogether(s)
}

// strategies returns the allocation strategies for spot and on demand, in EC2's spelling, with the defaults.
func strategies(s spec.Spec) (spot, onDemand string) {
	spot, onDemand = s.Strategy, s.StrategyOnDemand
	if onDemand == "" && s.PriceType == spec.PriceOnDemand && s.Own("allocationStrategy") {
		onDemand = s.Strategy
	}
	prioritized := s.Prioritized()
	switch {
	case spot == "" && s.Own("poolsCount"): // it means something with this one only
		spot = spec.LowestPrice
	case spot == "" && prioritized:
		spot = spec.CapacityPrioritized
	case spot == "":
		spot = spec.PriceCapacity
	}
	switch {
	case onDemand == "" && prioritized:
		onDemand = spec.Prioritized
	case onDemand == "":
		onDemand = spec.LowestPrice
	}
	return spot, onDemand
}

// priorities are the ranks of the machine types. Where the strategy goes by priority and the template gives none, the
// order of its types is the priority.
func priorities(s spec.Spec) map[string]*float64 {
	spot, onDemand := strategies(s)
	byOrder := !s.Prioritized() && (lifecycle(s) != ohfp.OnDemand && spot == spec.CapacityPrioritized ||
		lifecycle(s) != ohfp.Spot && onDemand == spec.Prioritized)
	ranks := map[string]*float64{}
	for i, t := range s.Types {
		rank := float64(i)
		switch {
		case byOrder:
			ranks[t.Name] = &rank
		case t.Priority != nil:
			rank = float64(*t.Priority)
			ranks[t.Name] = &rank
		}
	}
	return ranks
}

// oneSubnetPerZone leaves out what is short, while something else is left, and all but the first subnet of each zone:
// EC2 refuses fleets with two.
func oneSubnetPerZone(all []capacity.Offering, short capacity.Shortages) []capacity.Offering {
	left := short.Left(all)
	if len(left) == 0 {
		left = all
	}
	chosen := map[string]string{}
	return slices.DeleteFunc(slices.Clone(left), func(o capacity.Offering) bool {
		first, ok := chosen[o.Zone]
		if !ok || o.Zone == "" {
			chosen[o.Zone] = o.Subnet
			return false
		}
		return first != o.Subnet
	})
}

// everyTypePerZone is like oneSubnetPerZone, but keeps what is short now: what launches by itself outlives a shortage.
func everyTypePerZone(all []capacity.Offering, short capacity.Shortages) []capacity.Offering {
	chosen := map[string]bool{}
	for _, o := range oneSubnetPerZone(all, short) {
		chosen[o.Subnet] = true
	}
	zones := map[string]string{}
	for _, o := range all {
		if chosen[o.Subnet] || zones[o.Zone] == "" {
			zones[o.Zone] = o.Subnet
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(o capacity.Offering) bool { return o.Zone != "" && zones[o.Zone] != o.Subnet })
}

// refused is the answer to a call that made nothing.
func refused(err error, order ohfp.Order) (provider.Launched, error) {
	return provider.Launched{Failures: []ohfp.Failure{failure(err, order.Offering)}, Exhausted: true}, err
}

// describe names what a fleet may choose from.
func describe(offerings []capacity.Offering) string {
	if len(offerings) == 1 {
		return offerings[0].String()
	}
	return fmt.Sprintf("%s and %d more", offerings[0], len(offerings)-1)
}

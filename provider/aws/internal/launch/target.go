package launch

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// target splits a count by lifecycle. A static share on demand is a share of the count and of what the request holds
// already; it is rounded down, but to no less than one unit. A share of the count alone would turn a shortage of spot, try
// by try, into machines on demand.
func target(s spec.Spec, count int, held ohfp.Target) ohfp.Target {
	switch {
	case s.PriceType == spec.PriceSpot:
		return ohfp.Target{Spot: count}
	case mixed(s):
		share := max((count+total(held))**s.PercentOnDemand/100, 1)
		onDemand := min(max(share-held.OnDemand, 0), count)
		return ohfp.Target{OnDemand: onDemand, Spot: count - onDemand}
	default:
		return ohfp.Target{OnDemand: count}
	}
}

// total is the units of both lifecycles.
func total(t ohfp.Target) int { return t.OnDemand + t.Spot }

// least is the smaller target in each lifecycle: targets are lowered, never raised.
func least(a, b ohfp.Target) ohfp.Target {
	return ohfp.Target{OnDemand: min(a.OnDemand, b.OnDemand), Spot: min(a.Spot, b.Spot)}
}

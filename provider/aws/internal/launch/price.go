package launch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// rest is how much of the time that a spot fleet may try is kept for launching the unfilled rest on demand: a tenth,
// and as long as machines take to start, but never more than half.
func rest(whole time.Duration) time.Duration {
	const start = 3 * time.Minute
	return min(max(whole/10, start), whole/2)
}

// twoPhase says whether spot is asked for first and what it leaves unfilled on demand, as IBM's heterogeneous templates
// have it. IBM's default for the static share is 0, which therefore means that there is none.
func twoPhase(s spec.Spec) bool {
	return s.PriceType == spec.PriceHeterogeneous && (s.PercentOnDemand == nil || *s.PercentOnDemand == 0)
}

// mixed says whether one resource has both spot machines and others.
func mixed(s spec.Spec) bool { return s.PriceType == spec.PriceHeterogeneous && !twoPhase(s) }

// onlySpot is the first phase of a template.
func onlySpot(s spec.Spec) spec.Spec {
	s.PriceType, s.OnDemandTypes = spec.PriceSpot, nil
	return s
}

// onlyOnDemand is the second phase of a template.
func onlyOnDemand(s spec.Spec) spec.Spec {
	if len(s.OnDemandTypes) > 0 {
		s.Types, s.OnDemandTypes = s.OnDemandTypes, nil
	}
	_, s.StrategyOnDemand = strategies(s)
	s.PriceType, s.MaxPrice, s.Pools = spec.PriceOnDemand, "", 0
	return s
}

// together lists the types for spot and for on demand as one, since a resource has one list for both. What the template
// wants on demand stands first, and unless the template says otherwise the order is the priority on demand.
func together(s spec.Spec) spec.Spec {
	if len(s.OnDemandTypes) == 0 {
		return s
	}
	if s.StrategyOnDemand == "" {
		s.StrategyOnDemand = spec.Prioritized
	}
	all := slices.Clone(s.OnDemandTypes)
	for _, t := range s.Types {
		if !slices.ContainsFunc(all, func(other spec.Type) bool { return other.Name == t.Name }) {
			all = append(all, t)
		}
	}
	s.Types, s.OnDemandTypes = all, nil
	return s
}

// checkTogether refuses one machine type with two weights in one list.
func checkTogether(s spec.Spec) error {
	if !mixed(s) {
		return nil
	}
	for _, t := range s.Types {
		for _, other := range s.OnDemandTypes {
			if other.Name == t.Name && other.Weight != t.Weight {
				return ohfp.Errorf(ohfp.ErrInvalid, "vmTypes and vmTypesOnDemand give %s different weights; with percentOnDemand, give it one", t.Name)
			}
		}
	}
	return nil
}

// settle reduces a heterogeneous template to what one order asks for. Where launches answer at once, on demand is next
// when all that there is of spot is known to be short; where they do not, the ask tells.
func (p Parts) settle(ctx context.Context, ask Ask, atOnce bool) (Ask, error) {
	switch {
	case mixed(ask.Spec):
		ask.Spec = together(ask.Spec)
		return ask, nil
	case !twoPhase(ask.Spec):
		return ask, nil
	}
	spot := onlySpot(ask.Spec)
	onDemand := ask.Fallback
	if atOnce && !onDemand {
		offerings, err := p.offerings(ctx, spot)
		if err != nil {
			return ask, err
		}
		onDemand = len(p.Board.Read(ctx).Left(offerings)) == 0
	}
	ask.Both = true
	if onDemand {
		ask.Spec = onlyOnDemand(ask.Spec)
		return ask, nil
	}
	ask.Spec = spot
	return ask, nil
}

// target splits a count by lifecycle, beside what the request holds already. A static share is of both, is rounded down,
// but some of it is always there. Asking for the share of what is missing alone would turn a shortage of spot, try by
// try, into machines on demand.
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

// lifecycle is how the machines of an order are paid for, empty for both ways.
func lifecycle(s spec.Spec) ohfp.Lifecycle {
	if mixed(s) {
		return ""
	}
	return s.Lifecycle()
}

// more says whether what the order leaves unfilled can be asked for on demand.
func (a Ask) more() bool { return a.Both && a.Spec.PriceType == spec.PriceSpot }

// yields is after how long the unfilled rest of an order is asked for on demand; 0 is never.
func (a Ask) yields(api string) time.Duration {
	if !a.more() {
		return 0
	}
	whole := a.expiry(api)
	return whole - rest(whole)
}

// lasts is how long requests of the template may take where the template has no time for them; 0 is as usual.
func (a Ask) lasts(api string) time.Duration {
	if a.Template.Timeout == 0 && a.Spec.Expires(api == APISpotFleet) {
		return a.Spec.SpotExpiry
	}
	return 0
}

// usualTime is taken where it is not known how long a request may take.
const usualTime = 10 * time.Minute

// expiry is how long spot capacity may be waited for: as the template says, within the time that its requests have.
func (a Ask) expiry(api string) time.Duration {
	timeout := a.Template.Timeout
	switch {
	case timeout == 0 && a.lasts(api) > 0:
		return a.Spec.SpotExpiry
	case timeout == 0:
		return cmp.Or(a.Timeout, usualTime)
	case a.Spec.Expires(false):
		return min(a.Spec.SpotExpiry, timeout)
	default:
		return timeout
	}
}

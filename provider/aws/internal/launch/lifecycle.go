package launch

import (
	"context"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// twoPhase says whether spot is asked for first, and on demand for what spot leaves unfilled, as IBM's heterogeneous
// templates have it. IBM's default for the static share is 0, which therefore means that there is none.
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

// together makes one list of the types for spot and those for on demand, since a resource has one list for both. The types
// for on demand come first, and unless the template says otherwise their order is the priority on demand.
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

// settle reduces a heterogeneous template to what one order asks for. Where a launch answers at once, it is the turn of on
// demand when everything there is of spot is known to be short; where it does not, the ask says whose turn it is.
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

// lifecycle is how the machines of an order are paid for, empty for both ways.
func lifecycle(s spec.Spec) ohfp.Lifecycle {
	if mixed(s) {
		return ""
	}
	return s.Lifecycle()
}

// more says whether what the order leaves unfilled can be asked for on demand.
func (a Ask) more() bool { return a.Both && a.Spec.PriceType == spec.PriceSpot }

package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// Where prices are from.
const (
	sourceConfigured = "on_demand_prices of the configuration"
	sourceMaxPrice   = "maxSpotPrice of the template"
	sourceBound      = "on_demand_prices, which spot does not exceed"
	sourceUnknown    = "unknown: AWS tells prices on demand only by another service, which is not asked; set on_demand_prices"
)

// prices are what machine types cost on demand in the region of the provider, as its operator says.
type prices map[string]ohfp.Price

// UnmarshalJSON reads {"m5.large": 0.096, …}, dollars an hour.
func (p *prices) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	*p = prices{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text := string(fields[name])
		if len(text) > 0 && text[0] == '"' {
			if err := json.Unmarshal(fields[name], &text); err != nil {
				return err
			}
		}
		price, err := ohfp.ParsePrice(text)
		if err == nil && price == 0 {
			err = ohfp.Errorf(ohfp.ErrInvalid, "the price is 0; write dollars an hour, or leave the machine type out")
		}
		if err != nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: %w", name, err)
		}
		(*p)[name] = price
	}
	return nil
}

// list tells what machine types cost on demand.
func (p prices) list(machineTypes []string) []provider.Price {
	list := make([]provider.Price, len(machineTypes))
	for i, name := range machineTypes {
		list[i] = provider.Price{MachineType: name, Lifecycle: ohfp.OnDemand, Source: sourceUnknown}
		if price, ok := p[name]; ok {
			list[i].Dollars, list[i].Source = price.String(), sourceConfigured
		}
	}
	return list
}

// highest is the highest price of machine types in dollars, empty unless all have one.
func (p prices) highest(machineTypes []string) string {
	var most ohfp.Price
	for _, name := range machineTypes {
		price, ok := p[name]
		if !ok {
			return ""
		}
		most = max(most, price)
	}
	if most == 0 {
		return ""
	}
	return most.String()
}

// estimate is what a request may cost, whatever machine types of its template it is given, and in whichever way.
func (p *Provider) estimate(ctx context.Context, ask provider.Ask, s spec.Spec) ohfp.Estimate {
	if reason, limit := beyond(s); reason != "" {
		e := ohfp.Estimate{NoVCPUs: reason, NoPrice: reason, VCPUs: limit * ask.Count}
		if limit > 0 {
			e.NoVCPUs = ""
		}
		return e
	}
	units := s.Units(ask.Template)
	var spot map[string]string
	if s.PriceType != spec.PriceOnDemand {
		spot = p.parts.Catalog.RememberedAll(ctx)
	}
	var types []ohfp.TypeCost
	add := func(t spec.Type, lifecycle ohfp.Lifecycle) {
		cost := ohfp.TypeCost{Type: t.Name, Lifecycle: lifecycle, Units: 1}
		if units {
			cost.Units = t.Weight
		}
		if known, err := p.parts.Catalog.MachineType(ctx, t.Name); err == nil {
			cost.VCPUs = known.VCPUs
		}
		if price, ok := p.prices[t.Name]; ok {
			cost.Price, cost.Source = price, sourceConfigured
		}
		if lifecycle == ohfp.Spot {
			cost.Cost = spotCost(cost.Cost, spot[t.Name], s.MaxPrice, cost.Units)
		}
		same := func(other ohfp.TypeCost) bool { return other.Type == t.Name && other.Lifecycle == lifecycle }
		if !slices.ContainsFunc(types, same) {
			types = append(types, cost)
		}
	}
	for _, t := range slices.Concat(s.Types, s.OnDemandTypes) {
		if s.PriceType != spec.PriceOnDemand {
			add(t, ohfp.Spot)
		}
		if s.PriceType != spec.PriceSpot {
			add(t, ohfp.OnDemand)
		}
	}
	return ohfp.NewEstimate(ask.Count, types)
}

// beyond says why the machine types of a template are not known beforehand, empty when they are; and the most vCPUs
// that one machine may have all the same, 0 when there is no telling.
func beyond(s spec.Spec) (reason string, vcpus int) {
	switch {
	case namesTypes(s.Native):
		return "its documents in AWS's own words may name other machine types", 0
	case s.Requirements != nil:
		if most := s.Requirements.VCpuCount.Max; most != nil {
			vcpus = int(*most)
		}
		return "EC2 picks its machine types by abisInstanceRequirements", vcpus
	case len(s.Types) == 0:
		return "its machine type is in the launch template", 0
	default:
		return "", 0
	}
}

// namesTypes says whether documents may put other machine types in the place of the template's: they do, or they are in
// files, which are read only to launch.
func namesTypes(n spec.Native) bool {
	for _, document := range [][]byte{n.LaunchTemplate, n.Call} {
		if bytes.Contains(document, []byte("InstanceType")) || bytes.Contains(document, []byte("InstanceRequirements")) {
			return true
		}
	}
	return n.LaunchTemplateFile != "" || n.CallFile != ""
}

// spotCost is what a spot machine costs at most, as far as anybody tells: by the last price that AWS told, and never
// more than the template allows to be paid. Without either it is what the machine costs on demand, which EC2 never
// exceeds.
func spotCost(onDemand ohfp.Cost, told string, maxPrice spec.Price, units int) ohfp.Cost {
	cost := onDemand
	if cost.Price > 0 {
		cost.Source = sourceBound
	}
	if price, err := ohfp.ParsePrice(told); err == nil && price > 0 {
		cost.Price, cost.Source = price, catalog.SourceSpot
	}
	if most, err := ohfp.ParsePrice(string(maxPrice)); err == nil && most > 0 {
		most *= ohfp.Price(units) // EC2 takes it for each unit
		if cost.Price == 0 || most < cost.Price {
			cost.Price, cost.Source = most, sourceMaxPrice
		}
	}
	return cost
}

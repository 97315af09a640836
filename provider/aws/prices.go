package aws

import (
	"context"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

var (
	_ provider.Pricer    = (*Provider)(nil)
	_ provider.Refresher = (*Provider)(nil)
)

// recallTimeout bounds what a listing spends on the memory, which is local or near.
const recallTimeout = 2 * time.Second

// Refresh forgets resolved images and reads the machine types anew.
func (p *Provider) Refresh(ctx context.Context) (int, error) {
	if err := p.parts.Catalog.ForgetImages(ctx); err != nil {
		return 0, err
	}
	return p.parts.Catalog.Refresh(ctx)
}

// Prices tells what the machine types of a template cost in the zones of its subnets, or in all without subnets. Spot
// prices are remembered for the attribute priceInfo.
func (p *Provider) Prices(ctx context.Context, t ohfp.Template) ([]provider.Price, error) {
	s, err := p.decode(t)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
	}
	if len(s.Types) == 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s names no machine types, so their price is not known; set vmType or vmTypes", t.ID)
	}
	var zones []string
	if len(s.Subnets) > 0 {
		bySubnet, err := p.parts.Catalog.Zones(ctx, s.Subnets)
		if err != nil {
			return nil, err
		}
		for _, zone := range bySubnet {
			zones = append(zones, zone)
		}
	}
	var prices []provider.Price
	if s.PriceType != spec.PriceOnDemand {
		if prices, err = p.parts.Catalog.SpotPrices(ctx, names(s.Types), zones, p.now()); err != nil {
			return nil, err
		}
	}
	if s.PriceType != spec.PriceSpot {
		prices = slices.Concat(prices, p.prices.list(names(onDemandTypes(s))))
	}
	return prices, nil
}

// onDemandTypes are the machine types that a template launches on demand.
func onDemandTypes(s spec.Spec) []spec.Type {
	if len(s.OnDemandTypes) > 0 {
		return s.OnDemandTypes
	}
	return s.Types
}

// dearer is the higher of two prices in dollars, either of which may be empty.
func dearer(a, b string) string {
	one, _ := ohfp.ParsePrice(a)
	if other, err := ohfp.ParsePrice(b); err == nil && other > one {
		return b
	}
	return a
}

// checkPriceInfo refuses to promise a price that nobody tells. A default of the provider is for the templates that it
// can be told for.
func (p *Provider) checkPriceInfo(s spec.Spec) error {
	if s.PriceInfo == "" || s.PriceType != spec.PriceOnDemand || !s.Own("priceInfo") {
		return nil
	}
	for _, name := range names(s.Types) {
		if _, ok := p.prices[name]; !ok {
			return ohfp.Errorf(ohfp.ErrInvalid, "priceInfo auto needs the price of %s on demand; set it in on_demand_prices of the provider, or write priceInfo into attributes", name)
		}
	}
	return nil
}

// priceInfo is the attribute priceInfo in the form that Host Factory reads: the highest price that a machine may have, as
// far as prices are known; false when none is.
func (p *Provider) priceInfo(ctx context.Context, s spec.Spec) (ohfp.Attribute, bool) {
	dollars := ""
	if s.PriceType != spec.PriceOnDemand {
		dollars, _ = p.parts.Catalog.Remembered(ctx, names(s.Types))
	}
	if s.PriceType != spec.PriceSpot {
		dollars = dearer(dollars, p.prices.highest(names(onDemandTypes(s))))
	}
	if dollars == "" {
		return ohfp.Attribute{}, false
	}
	return ohfp.Text("price:" + dollars + ",billingTimeUnitType:prorated_hour,billingTimeUnitNumber:1,billingRoundoffType:unit"), true
}

func names(machineTypes []spec.Type) []string {
	list := make([]string, len(machineTypes))
	for i, t := range machineTypes {
		list[i] = t.Name
	}
	return list
}

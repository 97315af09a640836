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
	s, err := spec.Decode(t.Spec, p.defaults)
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
	switch {
	case s.PriceType == spec.PriceOnDemand:
		return p.prices.list(names(s.Types)), nil
	case s.PriceType == spec.PriceHeterogeneous && len(s.OnDemandTypes) > 0:
		return slices.Concat(prices, p.prices.list(names(s.OnDemandTypes))), nil
	case s.PriceType == spec.PriceHeterogeneous:
		return slices.Concat(prices, p.prices.list(names(s.Types))), nil
	}
	return prices, nil
}

// priceInfo is the attribute priceInfo in the form that Host Factory reads, false when no price is remembered.
func (p *Provider) priceInfo(ctx context.Context, s spec.Spec) (ohfp.Attribute, bool) {
	dollars, ok := p.parts.Catalog.Remembered(ctx, names(s.Types))
	if !ok {
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

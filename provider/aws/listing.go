package aws

import (
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// Listing returns the AWS fields of a template that may be shown, by their names in template files. User data is never
// among them, nor what has no meaning for the template's price type.
func (p *Provider) Listing(t ohfp.Template) (map[string]any, error) {
	s, err := p.decode(t)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
	}
	fields := s.Fields()
	shown := make(map[string]any, len(fields))
	withheld := slices.Concat(secret(), suppressed(s.PriceType))
	for name, value := range fields {
		if !slices.Contains(withheld, name) {
			shown[name] = value
		}
	}
	// Both are in every template that IBM's own plug-in lists, in these forms.
	shown["vmTypes"] = s.VMTypes()
	if _, ok := shown["instanceTags"]; ok {
		shown["instanceTags"] = s.Tags.String()
	}
	return shown, nil
}

// secret lists fields that may hold secrets, documents that may hold anything, and the switch whose effect is an attribute.
func secret() []string {
	return []string{"userDataScript", "launch_template_spec", "provider_api_spec", "priceInfo"}
}

// suppressed lists the fields that Host Factory is not shown for a price type, as in the systems that this one replaces.
func suppressed(priceType string) []string {
	always := []string{"vmTypesOnDemand", "vmTypesPriority", "percentOnDemand", "allocationStrategyOnDemand"}
	switch priceType {
	case spec.PriceOnDemand:
		return append(always, "maxSpotPrice", "fleetRole", "poolsCount", "spotFleetRequestExpiry")
	case spec.PriceSpot:
		return always
	default:
		return nil
	}
}

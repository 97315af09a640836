package aws

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
)

var _ provider.Exampler = (*Provider)(nil)

// exampleImage is the newest Amazon Linux 2023, which every account and region has.
const exampleImage = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

// exampleMaxNumber is small enough that a mistake with an example costs little.
const exampleMaxNumber = 10

// example is a template of the list, as far as it differs from the others.
type example struct {
	id   ohfp.TemplateID
	api  string
	what string
	own  map[string]any
}

// several are types of about one size, so that there are more offerings than one.
func several() map[string]int { return map[string]int{"m5.large": 1, "m5a.large": 1, "m6i.large": 1} }

// priced are the price types of the examples by the word in their names.
func priced() []struct {
	word string
	own  map[string]any
} {
	return []struct {
		word string
		own  map[string]any
	}{
		{"OnDemand", map[string]any{"priceType": "ondemand"}},
		{"Spot", map[string]any{"priceType": "spot", "allocationStrategy": "priceCapacityOptimized"}},
		{"Mixed", map[string]any{"priceType": "heterogeneous", "percentOnDemand": 40, "allocationStrategy": "priceCapacityOptimized"}},
	}
}

// Examples implements [provider.Exampler]: EC2Fleet by type and price, SpotFleet by type and strategy, groups by price, and
// single calls.
func (p *Provider) Examples(api string) ([]ohfp.Template, error) {
	if api != "" {
		var err error
		if api, err = apiNamed(api); err != nil {
			return nil, err
		}
	}
	var list []example
	for _, kind := range []string{"Instant", "Request", "Maintain"} {
		for _, price := range priced() {
			list = append(list, example{
				id: ohfp.TemplateID("EC2Fleet-" + kind + "-" + price.word), api: launch.APIEC2Fleet, what: "an EC2 fleet",
				own: with(price.own, "fleetType", strings.ToLower(kind)),
			})
		}
	}
	for _, kind := range []string{"Request", "Maintain"} {
		for _, strategy := range []struct{ word, own string }{
			{"LowestPrice", "lowestPrice"}, {"Diversified", "diversified"}, {"CapacityOptimized", "capacityOptimized"},
		} {
			list = append(list, example{
				id: ohfp.TemplateID("SpotFleet-" + kind + "-" + strategy.word), api: launch.APISpotFleet, what: "a spot fleet",
				own: map[string]any{
					"priceType": "spot", "fleetType": strings.ToLower(kind), "allocationStrategy": strategy.own,
					"fleetRole": "AWSServiceRoleForEC2SpotFleet",
				},
			})
		}
	}
	for _, price := range priced() {
		list = append(list, example{id: ohfp.TemplateID("ASG-" + price.word), api: launch.APIASG, what: "an Auto Scaling group", own: price.own})
	}
	list = append(list,
		example{id: "RunInstances-OnDemand", api: launch.APIRunInstances, what: "a single call", own: map[string]any{"priceType": "ondemand", "vmType": "m5.large"}},
		example{id: "RunInstances-Spot", api: launch.APIRunInstances, what: "a single call", own: map[string]any{"priceType": "spot", "vmType": "m5.large"}},
	)
	var templates []ohfp.Template
	for _, e := range list {
		if api != "" && e.api != api {
			continue
		}
		t, err := p.example(e)
		if err != nil {
			return nil, fmt.Errorf("example template %s: %w", e.id, err)
		}
		templates = append(templates, t)
	}
	return templates, nil
}

func with(fields map[string]any, name string, value any) map[string]any {
	more := map[string]any{name: value}
	for known, value := range fields {
		more[known] = value
	}
	return more
}

// example writes a template of the list. What the defaults say is left out; a type of machine always belongs to it.
func (p *Provider) example(e example) (ohfp.Template, error) {
	fields := e.own
	if fields["vmType"] == nil {
		fields = with(fields, "vmTypes", several())
	}
	if _, ok := p.defaults["imageId"]; !ok {
		fields = with(fields, "imageId", exampleImage)
	}
	document, err := json.Marshal(fields)
	if err != nil {
		return ohfp.Template{}, err
	}
	return ohfp.Template{
		ID: e.id, ProviderAPI: e.api, ProviderType: "aws", MaxNumber: exampleMaxNumber, Spec: document,
		Description: fmt.Sprintf("an example: machines through %s", e.what),
	}, nil
}

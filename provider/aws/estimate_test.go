package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestEstimates(t *testing.T) {
	t.Parallel()
	const told = "ec2 DescribeSpotPriceHistory, Linux"
	w := newWorld(t, awssim.Options{})
	for kind, dollars := range map[string]string{"m5.large": "0.04", "c5.large": "0.05"} {
		if err := w.memory.Remember(t.Context(), "aws/aws-test/spot-price/"+kind, []byte(dollars), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	p := w.open(t, `{"on_demand_prices": {"m5.large": 0.096, "m5.xlarge": "0.192"}}`)
	sub := `", "subnetId": "` + subnetA + `"}`
	for name, c := range map[string]struct {
		api, fields string
		count       int
		want        ohfp.Estimate
		sources     string
	}{
		"on demand": {"", `{"vmType": "m5.large", "imageId": "` + image + sub, 10, ohfp.Estimate{VCPUs: 20, Price: 960_000}, "on_demand_prices of the configuration"},
		"more than one call": {
			"RunInstances", `{"vmType": "m5.large", "imageId": "` + image + sub, 1500,
			ohfp.Estimate{VCPUs: 3000, Price: 144_000_000},
			"on_demand_prices of the configuration",
		},
		"the dearest of several": {
			"", `{"vmTypes": {"m5.large": 1, "m5.xlarge": 1}, "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 40, Price: 1_920_000},
			"on_demand_prices of the configuration",
		},
		"no price": {
			"", `{"vmTypes": {"m5.large": 1, "c5.xlarge": 1}, "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 40, NoPrice: "no price is known of c5.xlarge, ondemand"},
			"on_demand_prices of the configuration",
		},
		"spot, as AWS told": {
			"", `{"vmTypes": {"m5.large": 1, "c5.large": 1}, "priceType": "spot", "imageId": "` + image + sub, 10, ohfp.Estimate{VCPUs: 20, Price: 500_000}, told,
		},
		"spot, less than the template allows": {
			"", `{"vmTypes": {"m5.large": 1, "c5.large": 1}, "priceType": "spot", "maxSpotPrice": 0.03, "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 20, Price: 300_000},
			"maxSpotPrice of the template",
		},
		"spot, never more than on demand": {
			"", `{"vmType": "m5.xlarge", "priceType": "spot", "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 40, Price: 1_920_000},
			"on_demand_prices, which spot does not exceed",
		},
		// Two units: 4 vCPUs for one machine each; one unit more, since the last machine is a whole one.
		"units": {
			"EC2Fleet", `{"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "priceType": "spot", "maxSpotPrice": 0.02, "imageId": "` + image + sub, 9,
			ohfp.Estimate{VCPUs: 20, Price: 200_000},
			"maxSpotPrice of the template",
		},
		"both ways": {
			"EC2Fleet", `{"vmType": "m5.large", "priceType": "heterogeneous", "imageId": "` + image + sub, 10, ohfp.Estimate{VCPUs: 20, Price: 960_000}, told,
		},
		"EC2 picks": {
			"EC2Fleet", `{"abisInstanceRequirements": {"VCpuCount": {"Min": 2, "Max": 8}, "MemoryMiB": {"Min": 4096}}, "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 80, NoPrice: "EC2 picks its machine types by abisInstanceRequirements"},
			"",
		},
		"a document about other things": {
			"", `{"vmType": "m5.large", "provider_api_spec": {"EbsOptimized": true}, "imageId": "` + image + sub, 10,
			ohfp.Estimate{VCPUs: 20, Price: 960_000},
			"on_demand_prices of the configuration",
		},
		"a document": {
			"EC2Fleet", `{"vmType": "m5.large", "provider_api_spec": {"LaunchTemplateConfigs": [{"Overrides": [{"InstanceType": "m5.xlarge"}]}]}, "imageId": "` + image + sub, 10,
			ohfp.Estimate{
				NoVCPUs: "its documents in AWS's own words may name other machine types",
				NoPrice: "its documents in AWS's own words may name other machine types",
			},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order, err := p.Prepare(t.Context(), ask(template(c.api, c.fields), c.count))
			// So many are put off to keep to the cloud's rate; what they may cost is known all the same.
			if paced := (*ohfp.PacedError)(nil); err != nil && !errors.As(err, &paced) {
				t.Fatal(err)
			}
			sources := map[string]bool{}
			for _, kind := range order.Estimate.Types {
				if kind.Price > 0 {
					sources[kind.Source] = true
				}
			}
			if c.sources != "" && !sources[c.sources] {
				t.Errorf("the prices are from %v, want %s among them", sources, c.sources)
			}
			got := order.Estimate
			got.Types = nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%d cost something else (-want +got):\n%s", c.count, diff)
			}
		})
	}
}

func TestConfiguredPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	pricer, ok := w.open(t, `{"on_demand_prices": {"m5.large": 0.096}}`).(provider.Pricer)
	if !ok {
		t.Fatal("the provider knows no prices")
	}
	prices, err := pricer.Prices(t.Context(), template("", plain))
	if err != nil || len(prices) != 1 || prices[0].Dollars != "0.096" || prices[0].Source != "on_demand_prices of the configuration" {
		t.Errorf("told the prices %+v (%v)", prices, err)
	}
	for config, want := range map[string]string{
		`{"on_demand_prices": {"m5.large": 0}}`:    "m5.large: the price is 0",
		`{"on_demand_prices": {"m5.large": "$1"}}`: `m5.large: price "$1" is not an amount of dollars`,
		`{"on_demand_prices": {"m5.large": true}}`: `m5.large: price "true" is not an amount of dollars`,
		`{"on_demand_prices": 1}`:                  "write a JSON object",
	} {
		env := provider.Environment{
			Name: "aws-test", Installation: "0123456789abcdef", Memory: memory.New(w.now), Log: slog.New(slog.DiscardHandler), Now: w.now,
			LookupEnv: func(string) (string, bool) { return "", false },
		}
		if _, err := aws.Open(context.Background(), json.RawMessage(config), env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %q", config, err, want)
		}
	}
}

package aws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

func TestPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	pricer, isPricer := p.(provider.Pricer)
	attributer, isAttributer := p.(provider.Attributer)
	if !isPricer || !isAttributer {
		t.Fatal("the provider knows no prices")
	}
	spot := template("", `{"imageId": "`+image+`", "vmTypes": {"m5.large": 1, "c5.large": 1}, "subnetId": "`+subnetA+`", "priceType": "spot", "priceInfo": "auto"}`)
	if got, err := attributer.Attributes(spot); err != nil || got["priceInfo"].Value != "" {
		t.Errorf("before anybody asked for prices, the attributes are %v, error %v", got, err)
	}
	prices, err := pricer.Prices(t.Context(), spot)
	if err != nil || len(prices) != 2 || prices[0].MachineType != "c5.large" || prices[1].MachineType != "m5.large" {
		t.Fatalf("the prices are %+v, error %v", prices, err)
	}
	highest := ""
	for _, price := range prices {
		if price.Zone != zoneA || price.Lifecycle != ohfp.Spot || price.Dollars == "" || price.Source != "ec2 DescribeSpotPriceHistory, Linux" {
			t.Errorf("told the price %+v", price)
		}
		highest = max(highest, price.Dollars) // of the same number of digits
	}
	got, err := attributer.Attributes(spot)
	if want := "price:" + highest + ",billingTimeUnitType:prorated_hour,billingTimeUnitNumber:1,billingRoundoffType:unit"; err != nil || got["priceInfo"].Value != want {
		t.Errorf("the attributes are %v, error %v; want priceInfo %s", got, err, want)
	}

	w.ResetLedger()
	prices, err = pricer.Prices(t.Context(), template("", plain))
	if err != nil || len(prices) != 1 || prices[0].Dollars != "" || !strings.HasPrefix(prices[0].Source, "unknown: ") || slices.Contains(w.actions(), "DescribeSpotPriceHistory") {
		t.Errorf("on demand the prices are %+v, error %v, after %v", prices, err, w.actions())
	}
}

// TestPriceInfo tells the price that a machine may have, whichever type and way to pay it gets.
func TestPriceInfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	const onDemand = `"imageId": "` + image + `", "vmType": "m5.large", "priceInfo": "auto"`
	const spot = `"imageId": "` + image + `", "vmType": "m5.large", "priceInfo": "auto", "priceType": "spot"`
	const both = `"imageId": "` + image + `", "vmTypes": {"m5.large": 1}, "vmTypesOnDemand": {"c5.large": 1}, "priceInfo": "auto", "priceType": "heterogeneous"`
	for name, test := range map[string]struct{ config, fields, want string }{
		"on demand, told":         {`{"on_demand_prices": {"m5.large": 0.096}}`, onDemand, "price:0.096,"},
		"on demand, unknown":      {`{}`, onDemand, "template compute: priceInfo auto needs the price of m5.large on demand"},
		"on demand, another":      {`{"on_demand_prices": {"c5.large": 0.085}}`, onDemand, "template compute: priceInfo auto needs"},
		"spot":                    {`{"on_demand_prices": {"m5.large": 0.096}}`, spot, "price:0.0"},
		"both, the dearer":        {`{"on_demand_prices": {"c5.large": 0.385}}`, both, "price:0.385,"},
		"both, on demand unknown": {`{}`, both, "price:0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := w.open(t, test.config)
			tmpl := template("", "{"+test.fields+"}")
			if err := p.Validate(t.Context(), tmpl); err != nil {
				if !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("it is refused with %v, want %s", err, test.want)
				}
				return
			}
			pricer, _ := p.(provider.Pricer)
			attributer, _ := p.(provider.Attributer)
			if _, err := pricer.Prices(t.Context(), tmpl); err != nil {
				t.Fatal(err)
			}
			got, err := attributer.Attributes(tmpl)
			if err != nil {
				t.Fatal(err)
			}
			if told := got["priceInfo"].Value; !strings.HasPrefix(told, test.want) {
				t.Errorf("priceInfo is %q, want %q", told, test.want)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{
		Parameters:    map[string]string{"/images/compute": image},
		InstanceTypes: []awssim.InstanceType{{Name: "m99.large", VCPUs: 4, MemoryMiB: 12345, Architectures: []string{"arm64"}}},
	})
	p := w.open(t)
	refresher, isRefresher := p.(provider.Refresher)
	if !isRefresher {
		t.Fatal("the provider refreshes nothing")
	}
	if err := prepareAlias(t, p, "req-1"); err != nil {
		t.Fatal(err)
	}
	unknown := template("", `{"imageId": "`+image+`", "vmType": "m99.large"}`)
	attributer, ok := w.open(t).(provider.Attributer)
	if !ok {
		t.Fatal("the provider tells no attributes")
	}
	if _, err := attributer.Attributes(unknown); err == nil || !strings.Contains(err.Error(), "or refresh the table from AWS") {
		t.Errorf("before the refresh, the attributes of m99.large end with %v", err)
	}
	count, err := refresher.Refresh(t.Context())
	if err != nil || count < 2 {
		t.Fatalf("the refresh found %d machine types, error %v", count, err)
	}
	got, err := attributer.Attributes(unknown)
	if err != nil || got["type"].Value != "AARCH64" || got["ncpus"].Value != "4" || got["nram"].Value != "12345" {
		t.Errorf("after the refresh, the attributes of m99.large are %v, error %v", got, err)
	}
	if got, err := attributer.Attributes(template("", plain)); err != nil || got["ncpus"].Value == "" {
		t.Errorf("after the refresh, the attributes of a known type are %v, error %v", got, err)
	}
	w.ResetLedger()
	if err := prepareAlias(t, p, "req-2"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(w.actions(), "GetParameter") {
		t.Errorf("after the refresh, an alias is still remembered: %v", w.actions())
	}
}

func prepareAlias(t *testing.T, p provider.Provider, request ohfp.RequestID) error {
	t.Helper()
	asked := ask(template("", `{"imageId": "/images/compute", "vmType": "m5.large"}`), 1)
	asked.Request = request
	_, err := p.Prepare(t.Context(), asked)
	return err
}

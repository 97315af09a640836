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
	if err := p.Validate(t.Context(), template("", `{"imageId": "`+image+`", "vmType": "m5.large", "priceInfo": "auto"}`)); err == nil || !strings.Contains(err.Error(), "priceInfo auto needs priceType spot") {
		t.Errorf("a price on demand is refused with %v", err)
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

package ohfp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestPrices(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ohfp.Price{
		"0.096": 96_000, "1": 1_000_000, "0.0000001": 1, "0.1": 100_000, "24.48": 24_480_000, "0": 0, "1e-3": 1000, "1000000": 1e12,
	} {
		if got, err := ohfp.ParsePrice(text); err != nil || got != want {
			t.Errorf("%s dollars are %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "NaN", "Inf", "1,5", "$1", "1000001"} {
		if got, err := ohfp.ParsePrice(text); ohfp.KindOf(err) != ohfp.ErrInvalid {
			t.Errorf("%q is %d (%v), want it refused", text, got, err)
		}
	}
	for price, want := range map[ohfp.Price]string{
		96_000: "0.096", 1_000_000: "1", 12_500_000: "12.5", 1: "0.000001", 0: "0", -250_000: "-0.25", 10_000_000: "10",
	} {
		if got := price.String(); got != want {
			t.Errorf("%d is written %q, want %q", int64(price), got, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	kind := func(name string, units, vcpus int, price ohfp.Price) ohfp.TypeCost {
		return ohfp.TypeCost{Type: name, Lifecycle: ohfp.OnDemand, Units: units, Cost: ohfp.Cost{VCPUs: vcpus, Price: price}}
	}
	for _, c := range []struct {
		name  string
		count int
		types []ohfp.TypeCost
		want  ohfp.Estimate
	}{
		{"one type", 10, []ohfp.TypeCost{kind("a", 1, 2, 100)}, ohfp.Estimate{VCPUs: 20, Price: 1000}},
		{"the dearest in each figure", 10, []ohfp.TypeCost{kind("a", 0, 2, 300), kind("b", 1, 4, 100)}, ohfp.Estimate{VCPUs: 40, Price: 3000}},
		// 8 units may be two machines of 4, or one of 4 and five of 1: never more than for 11 units.
		{"units", 8, []ohfp.TypeCost{kind("a", 1, 2, 100), kind("b", 4, 16, 200)}, ohfp.Estimate{VCPUs: 44, Price: 1100}},
		{"part of a machine", 1, []ohfp.TypeCost{kind("b", 4, 16, 200)}, ohfp.Estimate{VCPUs: 16, Price: 200}},
		{"a price unknown", 2, []ohfp.TypeCost{kind("a", 1, 2, 100), kind("b", 1, 4, 0)}, ohfp.Estimate{VCPUs: 8, NoPrice: "no price is known of b, ondemand"}},
		{"vCPUs unknown", 2, []ohfp.TypeCost{kind("a", 1, 0, 100)}, ohfp.Estimate{Price: 200, NoVCPUs: "how many a has is not known"}},
		{
			"nothing known", 2, nil,
			ohfp.Estimate{NoVCPUs: "its machine types are not known beforehand", NoPrice: "its machine types are not known beforehand"},
		},
	} {
		c.want.Types = c.types
		if diff := cmp.Diff(c.want, ohfp.NewEstimate(c.count, c.types)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestMachinesCostWhatTheirTypeCosts(t *testing.T) {
	t.Parallel()
	small := ohfp.TypeCost{Type: "small", Lifecycle: ohfp.OnDemand, Cost: ohfp.Cost{VCPUs: 1, Price: 100, Source: "list"}}
	spot := ohfp.TypeCost{Type: "small", Lifecycle: ohfp.Spot, Cost: ohfp.Cost{VCPUs: 1, Price: 40, Source: "told"}}
	large := ohfp.TypeCost{Type: "large", Lifecycle: ohfp.OnDemand, Cost: ohfp.Cost{VCPUs: 4, Price: 400, Source: "list"}}
	r, _, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 10}, 3, ohfp.Origin{Face: "cli"}, 0, start())
	if err != nil {
		t.Fatal(err)
	}
	order := ohfp.Order{API: "Fleet", Count: 3, Estimate: ohfp.NewEstimate(3, []ohfp.TypeCost{small, spot, large})}
	if _, err := r.Intend(order, start()); err != nil {
		t.Fatal(err)
	}
	if r.Estimate.VCPUs != 12 || r.Attempts[0].Order.Estimate.Types != nil {
		t.Errorf("the request is estimated as %+v, its order still as %+v", r.Estimate, r.Attempts[0].Order.Estimate)
	}
	machine := func(id ohfp.MachineID, kind string, lifecycle ohfp.Lifecycle) ohfp.Machine {
		return ohfp.Machine{ID: id, Type: kind, Lifecycle: lifecycle, State: ohfp.MachinePending}
	}
	brought := []ohfp.Machine{machine("i-1", "", ""), machine("i-2", "large", ohfp.OnDemand), machine("i-3", "strange", ohfp.OnDemand)}
	if _, err := r.Answer(1, ohfp.Outcome{Resource: "fleet-1", Machines: brought}, start()); err != nil {
		t.Fatal(err)
	}
	if r.Machines[0].Cost != (ohfp.Cost{}) || r.Machines[1].Cost != large.Cost || r.Machines[2].Cost != (ohfp.Cost{}) {
		t.Errorf("at first the machines cost %+v, %+v and %+v", r.Machines[0].Cost, r.Machines[1].Cost, r.Machines[2].Cost)
	}
	r.Fold(ohfp.Facts{Complete: true, ObservedAt: start(), Machines: []ohfp.Machine{machine("i-1", "small", ohfp.Spot)}}, start())
	if r.Machines[0].Cost != spot.Cost {
		t.Errorf("once its type shows, the machine costs %+v, want %+v", r.Machines[0].Cost, spot.Cost)
	}
}

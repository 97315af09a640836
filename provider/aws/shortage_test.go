package aws_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
)

func TestRunInstancesTriesTheNextOffering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	a := ask(template("RunInstances", `{"imageId": "`+image+`", "vmTypes": {"m5.large": 1, "c5.large": 1}, "subnetId": "`+subnetA+","+subnetB+`"}`), 3)
	for _, full := range []struct{ machineType, zone string }{{"m5.large", zoneA}, {"m5.large", zoneB}, {"c5.large", zoneA}} {
		if err := w.SetCapacity(full.machineType, full.zone, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	var tried []string
	for attempt := 1; attempt <= 4; attempt++ {
		p := w.open(t)
		a.Attempt = attempt
		order, err := p.Prepare(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		tried = append(tried, order.Offering)
		launched, err := p.Launch(t.Context(), order)
		if attempt < 4 && (!errors.Is(err, ohfp.ErrCapacity) || launched.Exhausted) || attempt == 4 && err != nil {
			t.Fatalf("attempt %d: exhausted %t, error %v", attempt, launched.Exhausted, err)
		}
	}
	want := []string{
		"m5.large in " + subnetA + " (us-east-1a), on demand", "m5.large in " + subnetB + " (us-east-1b), on demand",
		"c5.large in " + subnetA + " (us-east-1a), on demand", "c5.large in " + subnetB + " (us-east-1b), on demand",
	}
	if diff := cmp.Diff(want, tried); diff != "" {
		t.Errorf("offerings tried (-want +got):\n%s", diff)
	}
	if err := w.SetCapacity("c5.large", zoneB, "", 0); err != nil {
		t.Fatal(err)
	}
	a.Attempt = 5
	order, err := w.open(t).Prepare(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	launched, err := w.open(t).Launch(t.Context(), order)
	if !errors.Is(err, ohfp.ErrCapacity) || !launched.Exhausted {
		t.Errorf("with everything full: exhausted %t, error %v; want exhausted and no capacity", launched.Exhausted, err)
	}
	w.advance(4 * time.Minute)
	a.Attempt = 6
	if order, err = w.open(t).Prepare(t.Context(), a); err != nil || order.Offering != want[0] {
		t.Errorf("after the shortages are forgotten, %q is tried, error %v; want %q", order.Offering, err, want[0])
	}
}

func TestQuotaRulesOutATypeEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t, `{"max_retries": 2}`)
	a := ask(template("RunInstances", `{"imageId": "`+image+`", "vmTypes": {"m5.large": 1, "c5.large": 1}, "subnetId": "`+subnetA+","+subnetB+`"}`), 1)
	launch(t, p, a)
	for code, want := range map[string]string{
		"VcpuLimitExceeded":                 "c5.large in " + subnetA,
		"InsufficientFreeAddressesInSubnet": "m5.large in " + subnetB,
	} {
		w.ResetLedger()
		if err := w.FailNext("RunInstances", code, 1); err != nil {
			t.Fatal(err)
		}
		a.Attempt++
		order, err := p.Prepare(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Launch(t.Context(), order); !errors.Is(err, ohfp.ErrCapacity) {
			t.Fatalf("%s is told as %v", code, err)
		}
		if calls := w.actions(); len(calls) != 1 {
			t.Errorf("%s was tried %d times, want once", code, len(calls))
		}
		a.Attempt++
		if order, err = p.Prepare(t.Context(), a); err != nil || !strings.HasPrefix(order.Offering, want) {
			t.Errorf("after %s, %q is tried, error %v; want %s", code, order.Offering, err, want)
		}
		w.advance(4 * time.Minute)
	}
}

func TestFleetLeavesOutWhatIsShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Subnets: []awssim.Subnet{
		{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/24"},
		{ID: "subnet-000000000000000a2", Zone: zoneA, CIDR: "10.0.1.0/24"},
		{ID: subnetB, Zone: zoneB, CIDR: "10.0.2.0/24"},
	}})
	p := w.open(t)
	a := ask(template("EC2Fleet", `{"imageId": "`+image+`", "vmTypes": {"m5.large": 1, "c5.large": 1},
		"subnetIds": ["`+subnetA+`", "subnet-000000000000000a2", "`+subnetB+`"], "priceType": "spot"}`), 4)
	order, err := p.Prepare(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"m5.large " + zoneA, "m5.large " + zoneB, "c5.large " + zoneA, "c5.large " + zoneB}
	if diff := cmp.Diff(want, offerings(order)); diff != "" {
		t.Errorf("pools of the fleet (-want +got):\n%s", diff)
	}
	for _, zone := range []string{zoneA, zoneB} {
		if err := w.SetCapacity("m5.large", zone, awssim.Spot, 1); err != nil {
			t.Fatal(err)
		}
		if err := w.SetCapacity("c5.large", zone, awssim.Spot, 0); err != nil {
			t.Fatal(err)
		}
	}
	launched, err := p.Launch(t.Context(), order)
	if err != nil || len(launched.Machines) != 2 || !launched.Exhausted {
		t.Fatalf("launched %d machines, exhausted %t, error %v; want 2, exhausted", len(launched.Machines), launched.Exhausted, err)
	}
	if !slices.ContainsFunc(launched.Failures, func(f ohfp.Failure) bool {
		return f.Code == "InsufficientInstanceCapacity" && strings.HasPrefix(f.Offering, "c5.large in "+subnetA) && f.RequestID != ""
	}) {
		t.Errorf("failures are %+v; want c5.large in %s among them, with the call's id", launched.Failures, subnetA)
	}
	a.Attempt = 2
	if order, err = p.Prepare(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got := offerings(order); len(got) == len(want) && !slices.Equal(got, want) {
		t.Errorf("the next fleet asks for %v", got)
	}
}

package aws_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/providertest"
)

// TestConformance holds each launch API to the contract of the port, over the simulated AWS and the real SDK. What
// launches by itself has no machines that are there at once; those of the suite that must be, come by EC2Fleet.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, atOnce, api string
		kinds             map[providertest.Kind]string
	}{
		{"RunInstances", "RunInstances", "RunInstances", nil},
		{"EC2Fleet", "EC2Fleet", "EC2Fleet", map[providertest.Kind]string{
			providertest.Keeping: `"fleetType": "maintain"`, providertest.Filling: `"fleetType": "request"`,
		}},
		{"SpotFleet", "EC2Fleet", "SpotFleet", map[providertest.Kind]string{
			providertest.Keeping: `"fleetType": "maintain", "priceType": "spot"`, providertest.Filling: `"priceType": "spot"`,
		}},
		{"ASG", "EC2Fleet", "ASG", map[providertest.Kind]string{providertest.Keeping: `"priceType": "ondemand"`}},
		{"ASG spot", "RunInstances", "ASG", map[providertest.Kind]string{providertest.Keeping: `"priceType": "spot"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, func(tb testing.TB) providertest.Harness {
				tb.Helper()
				h := harness(tb, test.atOnce, len(test.kinds) == 0)
				for kind, fields := range test.kinds {
					h.Templates[kind] = template(test.api, `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", `+fields+`}`)
				}
				return h
			})
		})
	}
}

func harness(tb testing.TB, api string, lags bool) providertest.Harness {
	tb.Helper()
	options := awssim.Options{
		LaunchDelay: 20 * time.Second, AddressDelay: 5 * time.Second, TerminateDelay: 30 * time.Second,
		FleetDelay: 3 * time.Second, ReplaceDelay: 40 * time.Second,
	}
	if lags {
		options.DescribeLag = 2 * time.Second
	}
	w := newWorld(tb, options)
	common := `"imageId": "` + image + `", "securityGroupIds": ["sg-00000000000000001"], `
	bad := func(fields string) ohfp.Template { return template(api, `{`+common+fields+`}`) }
	weighted := template(api, `{`+common+`"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "subnetId": "`+subnetA+`"}`)
	weighted.CapacityUnit = ohfp.CapacityUnits
	return providertest.Harness{
		New: func(tb testing.TB) provider.Provider {
			tb.Helper()
			return w.open(tb)
		},
		Name: "aws-test",
		Templates: map[providertest.Kind]ohfp.Template{
			providertest.Plain:    template(api, `{`+common+`"vmType": "m5.large", "subnetId": "`+subnetA+`"}`),
			providertest.Several:  template(api, `{`+common+`"vmTypes": {"m5.large": 1, "c5.large": 1}, "subnetId": "`+subnetA+`,`+subnetB+`"}`),
			providertest.Weighted: weighted,
		},
		Advance:         w.advance,
		Live:            func(testing.TB) []ohfp.MachineID { return w.live() },
		UnknownMachine:  "i-0fedcba9876543210",
		UnknownResource: "fleet-01234567-89ab-cdef-0123-456789abcdef",

		Bad: map[string]ohfp.Template{
			"no machine type":      template(api, `{"imageId": "`+image+`"}`),
			"no image":             template(api, `{"vmType": "m5.large"}`),
			"an image of nothing":  template(api, `{"vmType": "m5.large", "imageId": "debian"}`),
			"a spot fleet's field": bad(`"vmType": "m5.large", "spotFleetRequestExpiry": 30`),
			"a mixed price":        bad(`"vmType": "m5.large", "percentOnDemand": 30`),
			"a reserved tag":       bad(`"vmType": "m5.large", "instanceTags": "ohfp:request-id=1"`),
			"a script that is not": bad(`"vmType": "m5.large", "userDataScript": "no-such-file.sh"`),
			"a fleet of no type":   bad(`"vmType": "m5.large", "fleetType": "forever"`),
		},
		Resources: func(testing.TB) []string { return w.resources() },
		Calls:     func() providertest.Calls { return countCalls(w) },
		Offerings: offerings,
		Exhaust: func(offering string, n int) {
			machineType, zone, _ := strings.Cut(offering, " ")
			if err := w.SetCapacity(machineType, zone, "", n); err != nil {
				tb.Fatal(err)
			}
		},
		Foreign: func(tb testing.TB) ohfp.MachineID {
			tb.Helper()
			return foreign(tb, w)
		},
		Lose: func(tb testing.TB, id ohfp.MachineID) {
			tb.Helper()
			if err := w.Cloud.Terminate(string(id)); err != nil {
				tb.Fatal(err)
			}
		},
		Throttle: func(n int) { failLaunches(tb, w, "RequestLimitExceeded", n) },
		Deny: func(denied bool) {
			failLaunches(tb, w, "UnauthorizedOperation", map[bool]int{true: -1}[denied])
		},
		DropReply: func() { w.fault.set(func(f *fault) { f.drop = 1 }) },
		CutReads:  func(cut bool) { w.fault.set(func(f *fault) { f.cut = cut }) },
		Hang: func() func() {
			hang := make(chan struct{})
			w.fault.set(func(f *fault) { f.hang = hang })
			return func() {
				w.fault.set(func(f *fault) {
					if f.hang != nil {
						close(f.hang)
						f.hang = nil
					}
				})
			}
		},
		RefuseTargets: func(_ testing.TB, resource string, refused bool) {
			w.fault.set(func(f *fault) { f.stuck = map[string]bool{resource: refused} })
		},
		ObserveCalls: 1,
	}
}

// resources lists the fleets and groups that exist.
func (w *world) resources() []string {
	var left []string
	for _, f := range slices.Concat(w.Fleets(), w.SpotFleets()) {
		if !strings.HasPrefix(f.State, "deleted") && !strings.HasPrefix(f.State, "cancelled") {
			left = append(left, f.ID)
		}
	}
	for _, g := range w.Groups() {
		left = append(left, g.Name)
	}
	return left
}

func countCalls(w *world) providertest.Calls {
	var calls providertest.Calls
	for _, call := range w.Ledger() {
		if strings.HasPrefix(call.Action, "Describe") || strings.HasPrefix(call.Action, "Get") {
			calls.Reading++
		} else {
			calls.Mutating++
		}
	}
	return calls
}

// offerings lists what an order asks for, as "type zone".
func offerings(order ohfp.Order) []string {
	type place struct {
		InstanceType string
		Subnet       string `json:"SubnetId"`
	}
	type configured struct {
		LaunchTemplateConfigs []struct{ Overrides []place }
	}
	var call struct {
		RunInstances     *place
		CreateFleet      *configured
		RequestSpotFleet *struct{ SpotFleetRequestConfig configured }
		Group            *struct {
			MixedInstancesPolicy struct{ LaunchTemplate struct{ Overrides []place } }
			VPCZoneIdentifier    string
		} `json:"createAutoScalingGroup"`
	}
	zones := map[string]string{subnetA: zoneA, subnetB: zoneB}
	if err := json.Unmarshal(order.Call, &call); err != nil {
		return []string{err.Error()}
	}
	if call.RunInstances != nil {
		return []string{call.RunInstances.InstanceType + " " + zones[call.RunInstances.Subnet]}
	}
	var all []string
	if g := call.Group; g != nil {
		for _, o := range g.MixedInstancesPolicy.LaunchTemplate.Overrides {
			for subnet := range strings.SplitSeq(g.VPCZoneIdentifier, ",") {
				all = append(all, o.InstanceType+" "+zones[subnet])
			}
		}
		return all
	}
	if call.CreateFleet == nil {
		call.CreateFleet = &call.RequestSpotFleet.SpotFleetRequestConfig
	}
	for _, o := range call.CreateFleet.LaunchTemplateConfigs[0].Overrides {
		all = append(all, o.InstanceType+" "+zones[o.Subnet])
	}
	return all
}

func failLaunches(tb testing.TB, w *world, code string, n int) {
	tb.Helper()
	w.ClearFailures()
	if n == 0 {
		return
	}
	for _, action := range []string{"RunInstances", "CreateFleet", "RequestSpotFleet", "CreateAutoScalingGroup"} {
		if err := w.FailNext(action, code, n); err != nil {
			tb.Fatal(err)
		}
	}
}

// foreign launches a machine for another installation, with a request of ours in its tags.
func foreign(tb testing.TB, w *world) ohfp.MachineID {
	tb.Helper()
	env := w.environment(nil)
	env.Installation, env.Name = "fedcba9876543210", "aws-other"
	p := w.openIn(tb, env)
	_, launched := launch(tb, p, ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetB+`"}`), 1))
	return launched.Machines[0].ID
}

func (f *fault) set(change func(*fault)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change(f)
}

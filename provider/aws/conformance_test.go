package aws_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/providertest"
)

// way is a column of the suite: an API, and how machines come by it.
type way struct {
	name   string // as in reports
	api    string // the template's providerApi
	kind   providertest.Kind
	fields string // what its templates have beside the common ones
	looks  int    // how many calls may show 20 requests
}

func ways() []way {
	return []way{
		{"RunInstances", "RunInstances", providertest.Plain, ``, 1},
		{"EC2Fleet instant", "EC2Fleet", providertest.Plain, ``, 1},
		{"EC2Fleet request", "EC2Fleet", providertest.Filling, `"fleetType": "request", `, 3},
		{"EC2Fleet maintain", "EC2Fleet", providertest.Keeping, `"fleetType": "maintain", `, 3},
		{"SpotFleet request", "SpotFleet", providertest.Filling, `"priceType": "spot", `, 3},
		{"SpotFleet maintain", "SpotFleet", providertest.Keeping, `"priceType": "spot", "fleetType": "maintain", `, 3},
		{"ASG", "ASG", providertest.Keeping, ``, 2},
		{"ASG spot", "ASG", providertest.Keeping, `"priceType": "spot", `, 2},
	}
}

// site is what the templates of the suite name in a cloud.
type site struct {
	image         string
	subnets       [2]string // of different zones
	small, other  string    // instance types
	large         string    // counts for two
	securityGroup string    // may be empty
}

func simulatedSite() site {
	return site{
		image: image, subnets: [2]string{subnetA, subnetB}, small: "m5.large", other: "c5.large", large: "m5.xlarge",
		securityGroup: "sg-00000000000000001",
	}
}

// harness is what does not depend on the cloud.
func (w way) harness(s site) providertest.Harness {
	common := fmt.Sprintf(`"imageId": %q, `, s.image)
	if s.securityGroup != "" {
		common += fmt.Sprintf(`"securityGroupIds": [%q], `, s.securityGroup)
	}
	good := func(format string, args ...any) ohfp.Template {
		return template(w.api, `{`+common+w.fields+fmt.Sprintf(format, args...)+`}`)
	}
	bad := func(fields string) ohfp.Template { return template(w.api, `{`+common+fields+`}`) }
	small := fmt.Sprintf(`"vmType": %q, `, s.small)
	weighted := good(`"vmTypes": {%q: 1, %q: 2}, "subnetId": %q`, s.small, s.large, s.subnets[0])
	weighted.CapacityUnit = ohfp.CapacityUnits
	lacks := map[providertest.Capability]string{
		providertest.CanPlain:   "the machines of " + w.name + " come after the answer",
		providertest.CanFilling: w.name + " does not go on until it has all that was asked for, and then stop",
		providertest.CanKeeping: w.name + " replaces nothing",
	}
	delete(lacks, providertest.Capability(w.kind))
	return providertest.Harness{
		Name: "aws-test", API: w.name, Lacks: lacks, ObserveCalls: w.looks,
		Templates: map[providertest.Kind]ohfp.Template{
			w.kind:                good(`"vmType": %q, "subnetId": %q`, s.small, s.subnets[0]),
			providertest.Several:  good(`"vmTypes": {%q: 1, %q: 1}, "subnetId": "%s,%s"`, s.small, s.other, s.subnets[0], s.subnets[1]),
			providertest.Weighted: weighted,
		},
		UnknownMachine:  "i-0fedcba9876543210",
		UnknownResource: "fleet-01234567-89ab-cdef-0123-456789abcdef",
		Bad: map[string]ohfp.Template{
			"no machine type":      template(w.api, fmt.Sprintf(`{"imageId": %q}`, s.image)),
			"no image":             template(w.api, fmt.Sprintf(`{"vmType": %q}`, s.small)),
			"an image of nothing":  template(w.api, `{`+small+`"imageId": "debian"}`),
			"a mixed price":        bad(small + `"percentOnDemand": 30`),
			"a reserved tag":       bad(small + `"instanceTags": "ohfp:request-id=1"`),
			"a script that is not": bad(small + `"userDataScript": "no-such-file.sh"`),
			"a fleet of no type":   bad(small + `"fleetType": "forever"`),
			"a network of no form": bad(small + `"subnetId": "10.0.0.0/8"`),
		},
	}
}

// TestConformance holds each launch API to the contract of the port, over the simulated AWS and the real SDK.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, func(tb testing.TB) providertest.Harness {
				tb.Helper()
				return simulated(tb, way)
			})
		})
	}
}

func simulated(tb testing.TB, way way) providertest.Harness {
	tb.Helper()
	options := awssim.Options{
		LaunchDelay: 20 * time.Second, AddressDelay: 5 * time.Second, TerminateDelay: 30 * time.Second,
		FleetDelay: 3 * time.Second, ReplaceDelay: 40 * time.Second,
	}
	if way.kind == providertest.Plain {
		options.DescribeLag = 2 * time.Second
	}
	w := newWorld(tb, options)
	h := way.harness(simulatedSite())
	h.Backend = "awssim"
	h.New = func(tb testing.TB) provider.Provider {
		tb.Helper()
		return w.open(tb)
	}
	h.Advance = w.advance
	h.Live = func(testing.TB) []ohfp.MachineID { return w.live() }
	h.Resources = func(testing.TB) []string { return w.resources() }
	h.Offerings = offerings
	h.Exhaust = func(offering string, n int) {
		machineType, zone, _ := strings.Cut(offering, " ")
		if err := w.SetCapacity(machineType, zone, "", n); err != nil {
			tb.Fatal(err)
		}
	}
	h.Foreign = w.foreign
	h.Lose = func(tb testing.TB, id ohfp.MachineID) {
		tb.Helper()
		if err := w.Cloud.Terminate(string(id)); err != nil {
			tb.Fatal(err)
		}
	}
	w.fault.equip(&h)
	return h
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

// foreignInstallation is another one in the same account.
const foreignInstallation = "fedcba9876543210"

// foreign launches a machine for another installation.
func (w *world) foreign(tb testing.TB) ohfp.MachineID {
	tb.Helper()
	env := w.environment(nil)
	env.Installation, env.Name = foreignInstallation, "aws-other"
	return simulatedSite().launch(tb, w.openIn(tb, env))
}

// launch launches one machine in the second subnet.
func (s site) launch(tb testing.TB, p provider.Provider) ohfp.MachineID {
	tb.Helper()
	_, launched := launch(tb, p, ask(template("RunInstances", fmt.Sprintf(`{"imageId": %q, "vmType": %q, "subnetId": %q}`, s.image, s.small, s.subnets[1])), 1))
	return launched.Machines[0].ID
}

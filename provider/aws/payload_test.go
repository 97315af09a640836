package aws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// TestPayloads compares the calls of every launch API, fleet type and price type with golden files.
func TestPayloads(t *testing.T) {
	t.Parallel()
	common := `"imageId": "` + image + `", "subnetId": ["` + subnetA + `", "` + subnetB + `"], "instanceTags": "team=risk"`
	priced := map[string]string{
		"ondemand":      `"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "allocationStrategy": "prioritized"`,
		"spot":          `"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "maxSpotPrice": 0.05, "allocationStrategy": "lowestPrice", "poolsCount": 2`,
		"heterogeneous": `"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "percentOnDemand": 40, "vmTypesOnDemand": {"c5.large": 1}, "maxSpotPrice": 0.05`,
	}
	type payload struct {
		api, fields string
		fallback    bool
	}
	payloads := map[string]payload{}
	for _, api := range []string{"EC2Fleet instant", "EC2Fleet request", "EC2Fleet maintain", "SpotFleet request", "SpotFleet maintain", "ASG"} {
		api, kind, fleet := strings.Cut(api, " ")
		for price, fields := range priced {
			name, more := strings.ToLower(api)+"-"+price, ""
			if fleet {
				name, more = strings.ToLower(api)+"-"+kind+"-"+price, fmt.Sprintf(`, "fleetType": %q`, kind)
			}
			payloads[name] = payload{api: api, fields: fmt.Sprintf(`{%s, "priceType": %q, %s%s}`, common, price, fields, more)}
		}
	}
	const phases = `"vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "vmTypesOnDemand": {"c5.large": 1, "c5.xlarge": 3}, "priceType": "heterogeneous",
		"vmTypesPriority": {"c5.xlarge": 1, "c5.large": 2}, "maxSpotPrice": 0.05`
	const needs = `"abisInstanceRequirements": {"VCpuCount": {"Min": 2, "Max": 8}, "MemoryMiB": {"Min": 4096}, "CpuManufacturers": ["intel", "amd"]}`
	for _, api := range []string{"RunInstances", "EC2Fleet", "SpotFleet", "ASG"} {
		payloads[strings.ToLower(api)+"-phase-1"] = payload{api: api, fields: "{" + common + ", " + phases + "}"}
		payloads[strings.ToLower(api)+"-phase-2"] = payload{api: api, fields: "{" + common + ", " + phases + "}", fallback: true}
		if api != "RunInstances" {
			payloads[strings.ToLower(api)+"-abis"] = payload{api: api, fields: "{" + common + `, "priceType": "spot", "context": "c-1", ` + needs + "}"}
		}
	}
	payloads["ec2fleet-maintain-own-template"] = payload{api: "EC2Fleet", fields: `{"launchTemplateId": "lt-0123456789abcdef0", "vmType": "c5.large",
		"fleetType": "maintain", "spotFleetRequestExpiry": 20}`}
	payloads["spotfleet-own-template"] = payload{api: "SpotFleet", fields: `{"launchTemplateId": "lt-0123456789abcdef0", "launchTemplateVersion": 3,
		"vmTypes": {"c5.large": 4}, "priceType": "spot", "fleetRole": "arn:aws-cn:iam::1:role/x", "spotFleetRequestExpiry": 20}`}
	payloads["asg-own-template"] = payload{api: "ASG", fields: `{"launchTemplateId": "lt-0123456789abcdef0", "subnetId": "` + subnetA + `"}`}
	for name, test := range payloads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			order, err := w.open(t).Prepare(t.Context(), provider.Ask{
				Request: "req-01020304-0506-7708-890a-0b0c0d0e0f10", Attempt: 2, Template: template(test.api, test.fields), Count: 9, Fallback: test.fallback,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(order, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(got, '\n'))
		})
	}
}

// TestPayloadsAreComplete checks that every way to launch has a golden call for every price that it has.
func TestPayloadsAreComplete(t *testing.T) {
	t.Parallel()
	wanted := map[string]bool{}
	for _, api := range []string{"runinstances", "ec2fleet", "spotfleet", "asg"} {
		// The two phases of a heterogeneous template without percentOnDemand.
		wanted[api+"-phase-1.json"], wanted[api+"-phase-2.json"] = true, true
	}
	for _, price := range []string{"ondemand", "spot", "heterogeneous"} {
		for _, way := range []string{"ec2fleet-instant", "ec2fleet-request", "ec2fleet-maintain", "spotfleet-request", "spotfleet-maintain", "asg", "runinstances"} {
			// RunInstances has one price for a call; that of a mixture is its phases.
			wanted[way+"-"+price+".json"] = way != "runinstances" || price != "heterogeneous"
		}
	}
	for name, want := range wanted {
		if _, err := os.Stat(filepath.Join("testdata", name)); (err == nil) != want {
			t.Errorf("testdata/%s: there %t, want %t", name, err == nil, want)
		}
	}
}

// TestLaunchersRefuse checks that no field is accepted where it would have no effect.
func TestLaunchersRefuse(t *testing.T) {
	t.Parallel()
	p := newWorld(t, awssim.Options{}).open(t)
	const base = `"imageId": "` + image + `", "subnetId": "` + subnetA + `", `
	const needs = `"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}`
	for _, test := range []struct{ api, fields, want string }{
		{"SpotFleet", base + `"vmType": "m5.large", "fleetType": "instant"`, "fleetType instant has no meaning for SpotFleet"},
		{"SpotFleet", `"launchTemplateId": "lt-1", "keyName": "ops"`, "keyName has no meaning for SpotFleet beside launchTemplateId"},
		{"SpotFleet", base + `"vmType": "m5.large", "priceType": "spot", "allocationStrategy": "diversified", "poolsCount": 3`, "poolsCount needs allocationStrategy lowestPrice"},
		{"SpotFleet", base + `"vmType": "m5.large", "allocationStrategy": "diversified"`, "allocationStrategy diversified is for spot"},
		{"EC2Fleet", `"launchTemplateId": "lt-1", "imageId": "ami-1", "fleetType": "maintain"`, "imageId has no meaning for EC2Fleet beside launchTemplateId"},
		{"EC2Fleet", base + `"vmType": "m5.large", "spotFleetRequestExpiry": 30`, "spotFleetRequestExpiry has no meaning for fleets of type instant; use timeout"},
		{"EC2Fleet", base + `"vmType": "m5.large", "fleetType": "request", "fleetRole": "r"`, "fleetRole has no meaning for EC2Fleet, which has a role of its own"},
		{"EC2Fleet", base + `"vmTypes": {"m5.large": 1}, "vmTypesOnDemand": {"m5.large": 2}, "priceType": "heterogeneous", "percentOnDemand": 9`, "vmTypes and vmTypesOnDemand give m5.large different weights"},
		{"ASG", `"imageId": "` + image + `", "vmType": "m5.large"`, "subnetId is missing; an Auto Scaling group needs one or more subnets"},
		{"ASG", base + `"vmType": "m5.large", "fleetType": "request"`, "fleetType has no meaning for ASG"},
		{"ASG", base + `"vmType": "m5.large", "fleetRole": "r"`, "fleetRole has no meaning for ASG"},
		{"ASG", base + `"vmType": "m5.large", "spotFleetRequestExpiry": 30`, "spotFleetRequestExpiry has no meaning for ASG; use timeout"},
		{"ASG", base + `"vmType": "m5.large", "priceType": "spot", "allocationStrategy": "diversified"`, "allocationStrategy diversified is not known to ASG"},
		{"ASG", base + needs + `, "priceType": "spot", "allocationStrategy": "capacityOptimizedPrioritized"`, "a prioritized allocation strategy has no meaning for ASG beside abisInstanceRequirements"},
		{"ASG", base + `"priceType": "spot", "abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "RequireEncryptionInTransit": true}`, "abisInstanceRequirements for ASG: RequireEncryptionInTransit is not known to AWS"},
		{"ASG", `"launchTemplateId": "lt-1", "subnetId": "` + subnetA + `", "securityGroupIds": ["sg-1"]`, "securityGroupIds has no meaning for ASG beside launchTemplateId"},
		{"RunInstances", base + `"vmType": "m5.large", "priceType": "heterogeneous", "percentOnDemand": 9`, "percentOnDemand has no meaning for RunInstances"},
		{"RunInstances", base + needs, "abisInstanceRequirements has no meaning for RunInstances"},
	} {
		err := p.Validate(t.Context(), template(test.api, "{"+test.fields+"}"))
		if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s:\n got %v\nwant %s", test.api, test.fields, err, test.want)
		}
	}
}

func TestDefaultAPIByFields(t *testing.T) {
	t.Parallel()
	p := newWorld(t, awssim.Options{}).open(t)
	for fields, want := range map[string]string{
		`"vmType": "m5.large", "fleetType": "maintain"`:                                                "EC2Fleet",
		`"vmType": "m5.large", "priceType": "heterogeneous"`:                                           "EC2Fleet",
		`"vmType": "m5.large", "priceType": "spot", "fleetRole": "AWSServiceRoleForEC2SpotFleet"`:      "SpotFleet",
		`"vmTypes": {"m5.large": 1}, "priceType": "heterogeneous", "fleetRole": "r"`:                   "SpotFleet",
		`"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}`:               "EC2Fleet",
		`"vmType": "m5.large", "priceType": "heterogeneous", "percentOnDemand": 0, "context": "c-001"`: "EC2Fleet",
	} {
		order, err := p.Prepare(t.Context(), ask(template("", `{"imageId": "`+image+`", `+fields+`}`), 1))
		if err != nil || order.API != want {
			t.Errorf("%s launches by %q, error %v; want %s", fields, order.API, err, want)
		}
	}
}

// TestFleetRole checks what becomes of the names of roles.
func TestFleetRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	const linked = ":role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet"
	for role, want := range map[string]string{
		``: linked,
		`"fleetRole": "AWSServiceRoleForEC2SpotFleet", `: linked,
		`"fleetRole": "AWSServiceRoleForEC2Fleet", `:     linked,
		`"fleetRole": "arn:aws:iam::123456789012:role/aws-service-role/ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet", `: linked,
		`"fleetRole": "fleets", `:                               ":role/fleets",
		`"fleetRole": "arn:aws-us-gov:iam::1:role/fleets", `:    "arn:aws-us-gov:iam::1:role/fleets",
		`"fleetRole": "service-role/aws-ec2-spot-fleet-role", `: ":role/service-role/aws-ec2-spot-fleet-role",
	} {
		order, err := p.Prepare(t.Context(), ask(template("SpotFleet", `{`+role+`"imageId": "`+image+`", "vmType": "m5.large", "priceType": "spot"}`), 1))
		if err != nil {
			t.Fatal(err)
		}
		var call struct {
			RequestSpotFleet struct {
				SpotFleetRequestConfig struct{ IamFleetRole string }
			}
		}
		if err := json.Unmarshal(order.Call, &call); err != nil {
			t.Fatal(err)
		}
		got := call.RequestSpotFleet.SpotFleetRequestConfig.IamFleetRole
		if !strings.HasSuffix(got, want) || !strings.HasPrefix(got, "arn:aws") {
			t.Errorf("%s is the role %s, want %s", role, got, want)
		}
	}
	if calls := w.actions(); len(calls) != 1 || calls[0] != "GetCallerIdentity" {
		t.Errorf("seven templates called %v, want one GetCallerIdentity", calls)
	}
}

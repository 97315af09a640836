package spec

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

func TestDecodeValues(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]func(Spec) (got, want any){
		`{"subnetId": "subnet-1"}`:                                 func(s Spec) (any, any) { return s.Subnets, []string{"subnet-1"} },
		`{"subnetId": "subnet-1, subnet-2,"}`:                      func(s Spec) (any, any) { return s.Subnets, []string{"subnet-1", "subnet-2"} },
		`{"subnetId": ["subnet-1,subnet-2", "subnet-1"]}`:          func(s Spec) (any, any) { return s.Subnets, []string{"subnet-1", "subnet-2"} },
		`{"subnetIds": ["subnet-2"]}`:                              func(s Spec) (any, any) { return s.Subnets, []string{"subnet-2"} },
		`{"imageId": "/a/b"}`:                                      func(s Spec) (any, any) { return s.Image, "resolve:ssm:/a/b" },
		`{"imageId": "resolve:ssm:a:3"}`:                           func(s Spec) (any, any) { return s.Image, "resolve:ssm:a:3" },
		`{"maxSpotPrice": 0.0125}`:                                 func(s Spec) (any, any) { return s.MaxPrice, Price("0.0125") },
		`{"maxSpotPrice": "0.50"}`:                                 func(s Spec) (any, any) { return s.MaxPrice, Price("0.5") },
		`{"allocationStrategy": "priceCapacityOptimized"}`:         func(s Spec) (any, any) { return s.Strategy, PriceCapacity },
		`{"allocationStrategy": "capacity-optimized-prioritized"}`: func(s Spec) (any, any) { return s.Strategy, CapacityPrioritized },
		`{"instanceTags": "b=2=3; a=1;"}`:                          func(s Spec) (any, any) { return s.Tags, Tags{{"a", "1"}, {"b", "2=3"}} },
		`{"instanceTags": {"b": "2", "a": ""}}`:                    func(s Spec) (any, any) { return s.Tags.String(), "a=;b=2" },
		`{"launchTemplateId": "lt-1", "launchTemplateVersion": 3}`: func(s Spec) (any, any) { return s.LaunchTemplateVersion, "3" },
		`{"vmType": "m5.large"}`:                                   func(s Spec) (any, any) { return s.Types, []Type{{Name: "m5.large", Weight: 1}} },
		`{"vmTypes": {"z1d.large": 1, "m5.large": 1, "a1.large": 3}}`: func(s Spec) (any, any) {
			return s.Types, []Type{{Name: "a1.large", Weight: 3}, {Name: "z1d.large", Weight: 1}, {Name: "m5.large", Weight: 1}}
		},
		`{"vmTypes": {"m5.large": 1, "c5.large": 2, "r5.large": 3}, "vmTypesPriority": {"c5.large": 0, "m5.large": 5}}`: func(s Spec) (any, any) {
			names := []string{}
			for _, t := range s.Types {
				names = append(names, t.Name)
			}
			return names, []string{"c5.large", "m5.large", "r5.large"}
		},
		`{"vmTypes": {"u-6tb1.metal": 1, "p4de.24xlarge": 1, "u7i-12tb.224xlarge": 1, "mac2-m2pro.metal": 1}}`: func(s Spec) (any, any) { return len(s.Types), 4 },
		`{"subnet_ids": ["subnet-2"], "image_id": "ami-1"}`:                                                    func(s Spec) (any, any) { return []string{s.Subnets[0], s.Image}, []string{"subnet-2", "ami-1"} },
		`{"percentOnDemand": 0, "priceType": "heterogeneous"}`:                                                 func(s Spec) (any, any) { return *s.PercentOnDemand, 0 },
		`{"priceType": "heterogeneous"}`:                                                                       func(s Spec) (any, any) { return s.PercentOnDemand == nil, true },
		`{"spotFleetRequestExpiry": 5}`:                                                                        func(s Spec) (any, any) { return s.SpotExpiry, 5 * time.Minute },
		`{"fleetType": "maintain", "fleet_role": "r"}`:                                                         func(s Spec) (any, any) { return s.FleetType + s.FleetRole, "maintainr" },
		`{"launchTemplateSpec": {"a": 1}, "providerApiSpecFile": "f"}`: func(s Spec) (any, any) {
			return string(s.Native.LaunchTemplate) + s.Native.CallFile, `{"a": 1}f`
		},
		`{"launch_template_spec_file": "g", "provider_api_spec": "text"}`: func(s Spec) (any, any) {
			return s.Native.LaunchTemplateFile + string(s.Native.Call), `g"text"`
		},
		`{"vmTypes": {"m5.large": 1}, "vmTypesOnDemand": {"c5.large": 1, "c5.xlarge": 3}, "priceType": "heterogeneous"}`: func(s Spec) (any, any) {
			return s.OnDemandTypes, []Type{{Name: "c5.xlarge", Weight: 3}, {Name: "c5.large", Weight: 1}}
		},
		`{"abis_instance_requirements": {"VCpuCount": {"Min": 2, "Max": 8}, "MemoryMiB": {"Min": 4096}, "MemoryGiBPerVCpu": {"Min": 1.5},
			"CpuManufacturers": ["intel", "amd"], "InstanceGenerations": ["current"], "BareMetal": "excluded", "AllowedInstanceTypes": ["m5.*"],
			"SpotMaxPricePercentageOverLowestPrice": 50, "RequireHibernateSupport": false}}`: func(s Spec) (any, any) {
			r := s.Requirements
			return []any{*r.VCpuCount.Max, *r.MemoryMiB.Min, *r.MemoryGiBPerVCpu.Min, r.CpuManufacturers[1], r.BareMetal, *r.RequireHibernateSupport},
				[]any{int32(8), int32(4096), 1.5, types.CpuManufacturerAmd, types.BareMetalExcluded, false}
		},
		`{"keyName": null}`: func(s Spec) (any, any) { return s.Key, "" },
		``:                  func(s Spec) (any, any) { return s.PriceType, PriceOnDemand },
	} {
		s, err := Decode(json.RawMessage(in), nil)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got, expected := want(s)
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"abisInstanceRequirements": {"VcpuCount": {"Min": 2}}}`:                                                                                         "abisInstanceRequirements: VcpuCount is not known to AWS; did you mean VCpuCount?",
		`{"abisInstanceRequirements": {"VCpuCount": {"Min": "x"}}}`:                                                                                       "abisInstanceRequirements: VCpuCount.Min: text given, want a whole number",
		`{"abisInstanceRequirements": {"VCpuCount": {"Max": 2}, "MemoryMiB": {"Min": 1}}}`:                                                                "abisInstanceRequirements: VCpuCount.Min is missing",
		`{"abisInstanceRequirements": {"VCpuCount": {"Min": 4, "Max": 2}, "MemoryMiB": {"Min": 1}}}`:                                                      "abisInstanceRequirements: VCpuCount.Max is below VCpuCount.Min",
		`{"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "NetworkBandwidthGbps": {"Min": -1}}}`:                           "abisInstanceRequirements: NetworkBandwidthGbps.Min is below zero",
		`{"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "AcceleratorCount": {}}}`:                                        "abisInstanceRequirements: AcceleratorCount has neither Min nor Max",
		`{"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "AllowedInstanceTypes": ["a"], "ExcludedInstanceTypes": ["b"]}}`: "abisInstanceRequirements: AllowedInstanceTypes and ExcludedInstanceTypes are both set",
		`{"abisInstanceRequirements": [], "keyName": "x"}`:                                                                                                "abisInstanceRequirements: array given, want an object",
		`{"vmTypes": {"m5.large": 1}, "vmTypesOnDemand": {"m5.large": 0}}`:                                                                                "vmTypesOnDemand: the weight 0 of m5.large is out of range",
		`{"spotFleetRequestExpiry": 20000}`:                                                                                                               "spotFleetRequestExpiry 20000 is out of range; use 1 to 10080 minutes",
		`{"percentOnDemand": -1}`:                                                                                                                         "percentOnDemand -1 is out of range; use 0 to 100",
		`{"launch_template_spec": {}, "launchTemplateSpecFile": "x"}`:                                                                                     "launch_template_spec and launch_template_spec_file are both set",
		`{"priceInfo": "yes"}`: `priceInfo "yes" is not known`,
	} {
		if _, err := Decode(json.RawMessage(in), nil); !errors.Is(err, ohfp.ErrInvalid) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %s", in, err, want)
		}
	}
}

// TestDefaultsThatDoNotApply are passed over, while a template's own fields of the same name are refused.
func TestDefaultsThatDoNotApply(t *testing.T) {
	t.Parallel()
	defaults, err := strict.Parse([]byte(`{"percentOnDemand": 20, "vmTypesOnDemand": {"m5.large": 1}, "maxSpotPrice": 0.5, "poolsCount": 2,
		"abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}, "priceInfo": "auto", "launch_template_spec": {"KeyName": "k"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode(json.RawMessage(`{"vmType": "m5.large", "imageId": "ami-1", "launch_template_spec_file": "own.json"}`), defaults)
	if err != nil {
		t.Fatal(err)
	}
	if s.PercentOnDemand != nil || s.OnDemandTypes != nil || s.MaxPrice != "" || s.Pools != 0 || s.Requirements != nil ||
		s.Native.LaunchTemplate != nil || s.Launchable() != nil {
		t.Errorf("defaults of other price types reached the template: %+v, %v", s, s.Launchable())
	}
	s, err = Decode(json.RawMessage(`{"priceType": "heterogeneous", "imageId": "ami-1"}`), defaults)
	if err != nil || *s.PercentOnDemand != 20 || len(s.OnDemandTypes) != 1 || s.MaxPrice != "0.5" || s.Requirements == nil || s.PriceInfo != PriceAuto {
		t.Errorf("defaults that apply are %+v, error %v", s, err)
	}
	s, err = Decode(json.RawMessage(`{"priceType": "spot", "imageId": "ami-1", "vmType": "m5.large", "percentOnDemand": 0}`), nil)
	if err != nil || s.Launchable() != nil {
		t.Errorf("none on demand is what spot means, and is refused: %v, %v", err, s.Launchable())
	}
	for in, want := range map[string]string{
		`{"imageId": "ami-1", "vmType": "m5.large", "priceType": "spot", "percentOnDemand": 20}`:              "percentOnDemand needs priceType heterogeneous",
		`{"imageId": "ami-1", "vmType": "m5.large", "percentOnDemand": 20}`:                                   "percentOnDemand needs priceType heterogeneous",
		`{"imageId": "ami-1", "vmType": "m5.large", "vmTypesOnDemand": {"m5.large": 1}}`:                      "vmTypesOnDemand needs priceType heterogeneous",
		`{"imageId": "ami-1", "vmType": "m5.large", "priceType": "spot", "vmTypesOnDemand": {"m5.large": 1}}`: "vmTypesOnDemand needs priceType heterogeneous",
		`{"imageId": "ami-1", "vmType": "m5.large", "poolsCount": 2}`:                                         "poolsCount needs priceType spot",
	} {
		s, err := Decode(json.RawMessage(in), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Launchable(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %s", in, err, want)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"vmTypes": "vmtype", "vm_type": "vmtype", "abisInstanceRequirements": "vmtype", "subnetIds": "subnetid", "keyName": "keyname",
		"launchTemplateSpecFile": "launchtemplatespec", "provider_api_spec_file": "providerapispec",
	} {
		if got := Group(field); got != want {
			t.Errorf("%s is in the group %s, want %s", field, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fields string
		unit   ohfp.CapacityUnit
		want   bool
	}{
		{`{"vmTypes": {"m5.large": 2}, "priceType": "spot"}`, ohfp.CapacityDefault, true},
		{`{"vmTypes": {"m5.large": 2}, "priceType": "spot"}`, ohfp.CapacityMachines, false},
		{`{"vmType": "m5.large", "priceType": "spot"}`, ohfp.CapacityDefault, false},
		{`{"vmTypes": {"m5.large": 2}}`, ohfp.CapacityDefault, false},
		{`{"vmTypes": {"m5.large": 2}}`, ohfp.CapacityUnits, true},
	} {
		s, err := Decode(json.RawMessage(test.fields), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Units(ohfp.Template{CapacityUnit: test.unit}); got != test.want {
			t.Errorf("%s with capacityUnit %q counts units: %t, want %t", test.fields, test.unit, got, test.want)
		}
	}
}

// TestEveryFieldIsKnown holds the list of names against the fields of the systems that this one replaces.
func TestEveryFieldIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, name := range Names() {
		known[name] = true
	}
	for _, name := range []string{
		"imageId", "subnetId", "subnetIds", "vmType", "vmTypes", "vmTypesOnDemand", "vmTypesPriority", "rootDeviceVolumeSize", "volumeType",
		"iops", "instanceTags", "keyName", "securityGroupIds", "instanceProfile", "userDataScript", "launchTemplateId", "launchTemplateVersion",
		"fleetRole", "fleetType", "maxSpotPrice", "spotFleetRequestExpiry", "poolsCount", "allocationStrategy", "allocationStrategyOnDemand",
		"percentOnDemand", "priceType", "context", "abisInstanceRequirements", "launch_template_spec", "launch_template_spec_file",
		"provider_api_spec", "provider_api_spec_file", "monitoring", "ebsOptimized", "associatePublicIpAddress", "ncpusMode",
	} {
		if !known[name] {
			t.Errorf("%s is not known", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"vmTypes": {"m5.large": 1}, "vmTypesPriority": {"m5.large": 1}, "subnetId": "subnet-1,subnet-2", "instanceTags": "a=b"}`,
		`{"imageId": "/x", "maxSpotPrice": "0.1", "launchTemplateVersion": 1, "launchTemplateId": "lt-1", "monitoring": true}`,
		`{"allocationStrategy": "lowestPrice", "iops": 100, "volumeType": "io1", "rootDeviceVolumeSize": 1}`,
		`{"vmTypes": {"": 1}}`, `[]`, `null`, `{"vmTypes": {"a": {}}}`, `{"instanceTags": {"a": 1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Decode(raw, nil)
		if err != nil {
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("error %v is not ErrInvalid", err)
			}
			return
		}
		for _, machine := range s.Types {
			if machine.Name == "" || machine.Weight < 1 {
				t.Errorf("machine type %+v was accepted", machine)
			}
		}
		if again, err := Decode(raw, nil); err != nil || s.Tags.String() != again.Tags.String() {
			t.Errorf("decoded twice, the tags are %q and %q, error %v", s.Tags, again.Tags, err)
		}
	})
}

// TestNamesOfOtherSystems: fields that other systems call otherwise are refused with the name that they have here.
func TestNamesOfOtherSystems(t *testing.T) {
	t.Parallel()
	for name, ours := range map[string]string{
		"user_data": "userDataScript", "userData": "userDataScript", "tags": "instanceTags", "max_price": "maxSpotPrice",
		"instance_type": "vmType", "machine_types": "vmTypes", "machine_types_ondemand": "vmTypesOnDemand", "machineTypesPriority": "vmTypesPriority",
		"root_volume_size": "rootDeviceVolumeSize", "root_volume_type": "volumeType", "root_volume_iops": "iops",
	} {
		_, err := Decode(json.RawMessage(`{"`+name+`": "x"}`), nil)
		if want := name + " is not known; write " + ours; err == nil || !errors.Is(err, ohfp.ErrInvalid) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if !slices.Contains(Names(), ours) {
			t.Errorf("%s is not known either", ours)
		}
	}
}

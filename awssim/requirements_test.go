package awssim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func requirements(vcpus, mib int32) *types.InstanceRequirementsRequest {
	return &types.InstanceRequirementsRequest{
		VCpuCount: &types.VCpuCountRangeRequest{Min: &vcpus, Max: &vcpus}, MemoryMiB: &types.MemoryMiBRequest{Min: &mib, Max: &mib},
	}
}

func TestInstanceTypesFromRequirements(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{InstanceTypes: []awssim.InstanceType{{Name: "m5d.xlarge", VCPUs: 4, MemoryMiB: 16 << 10, LocalStorageGB: 150}}})
	matching := func(in *ec2.GetInstanceTypesFromInstanceRequirementsInput) []string {
		var names []string
		pages := ec2.NewGetInstanceTypesFromInstanceRequirementsPaginator(w.ec2, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			wantCode(t, err, "")
			for _, i := range out.InstanceTypes {
				names = append(names, *i.InstanceType)
			}
		}
		return names
	}
	for name, test := range map[string]struct {
		change func(*types.InstanceRequirementsRequest)
		want   string
	}{
		"size alone": {func(*types.InstanceRequirementsRequest) {}, "m5.xlarge m5a.xlarge m5d.xlarge m6a.xlarge m6i.xlarge m7a.xlarge m7i.xlarge"},
		"manufacturer": {func(r *types.InstanceRequirementsRequest) {
			r.CpuManufacturers = []types.CpuManufacturer{types.CpuManufacturerAmd}
		}, "m5a.xlarge m6a.xlarge m7a.xlarge"},
		"burstable": {func(r *types.InstanceRequirementsRequest) {
			r.BurstablePerformance = types.BurstablePerformanceRequired
		}, "t2.xlarge t3.xlarge t3a.xlarge"},
		"previous": {func(r *types.InstanceRequirementsRequest) {
			r.BurstablePerformance, r.InstanceGenerations = types.BurstablePerformanceIncluded, []types.InstanceGeneration{types.InstanceGenerationPrevious}
		}, "t2.xlarge"},
		"allowed":       {func(r *types.InstanceRequirementsRequest) { r.AllowedInstanceTypes = []string{"m6*", "c5.large"} }, "m6a.xlarge m6i.xlarge"},
		"excluded":      {func(r *types.InstanceRequirementsRequest) { r.ExcludedInstanceTypes = []string{"m5*", "*7*"} }, "m6a.xlarge m6i.xlarge"},
		"local storage": {func(r *types.InstanceRequirementsRequest) { r.LocalStorage = types.LocalStorageRequired }, "m5d.xlarge"},
		"bare metal":    {func(r *types.InstanceRequirementsRequest) { r.BareMetal = types.BareMetalRequired }, ""},
		"accelerators": {func(r *types.InstanceRequirementsRequest) {
			r.AcceleratorCount = &types.AcceleratorCountRequest{Min: aws.Int32(1)}
		}, ""},
		"memory per vCPU": {func(r *types.InstanceRequirementsRequest) {
			r.MemoryMiB.Max, r.MemoryMiB.Min = nil, aws.Int32(1)
			r.MemoryGiBPerVCpu = &types.MemoryGiBPerVCpuRequest{Max: aws.Float64(2)}
			r.ExcludedInstanceTypes = []string{"c5*", "c7*"}
		}, "c6a.xlarge c6i.xlarge"},
	} {
		r := requirements(4, 16<<10)
		test.change(r)
		in := &ec2.GetInstanceTypesFromInstanceRequirementsInput{
			ArchitectureTypes: []types.ArchitectureType{types.ArchitectureTypeX8664}, VirtualizationTypes: []types.VirtualizationType{types.VirtualizationTypeHvm},
			InstanceRequirements: r, MaxResults: aws.Int32(3),
		}
		if got := strings.Join(matching(in), " "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestFleetByRequirements(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5a.xlarge"}: 1}})
	w.template(t, "workers")
	in := fleetInput(3, "on-demand", override{"", subnetA, 0, 0})
	o := &in.LaunchTemplateConfigs[0].Overrides[0]
	o.InstanceRequirements = requirements(4, 16<<10)
	create := func() *ec2.CreateFleetOutput {
		// The SDK writes its own token into the input, for a repetition.
		in.ClientToken = nil
		out, err := w.ec2.CreateFleet(t.Context(), in)
		wantCode(t, err, "")
		return out
	}
	out := create()
	want := map[string]int{
		"m5a.xlarge " + subnetA + " on-demand": 1, "m5a.xlarge " + subnetA + " on-demand InsufficientInstanceCapacity": -1,
		"m6a.xlarge " + subnetA + " on-demand": 2,
	}
	if diff := cmp.Diff(want, delivered(out)); diff != "" {
		t.Errorf("cheapest first: %s", diff)
	}
	// 32 vCPUs of types with four.
	in.TargetCapacitySpecification.TotalTargetCapacity, in.TargetCapacitySpecification.TargetCapacityUnitType = aws.Int32(30), types.TargetCapacityUnitTypeVcpu
	out = create()
	if diff := cmp.Diff(map[string]int{"m5a.xlarge " + subnetA + " on-demand InsufficientInstanceCapacity": -1, "m6a.xlarge " + subnetA + " on-demand": 8}, delivered(out)); diff != "" {
		t.Errorf("by vCPU: %s", diff)
	}
	// The protected price is 20 percent above the cheapest: m7a is 34 percent above m6a's.
	must(t, w.SetCapacity("m5a.xlarge", "", "", -1))
	for _, kind := range []string{"m5.xlarge", "m5a.xlarge", "m6i.xlarge", "m6a.xlarge", "m7i.xlarge"} {
		must(t, w.SetCapacity(kind, "", "", 0))
	}
	in.TargetCapacitySpecification.TotalTargetCapacity, in.TargetCapacitySpecification.TargetCapacityUnitType = aws.Int32(1), ""
	out = create()
	if len(out.Instances) != 0 {
		t.Errorf("a type beyond the protected price: %v", delivered(out))
	}
	o.InstanceRequirements.OnDemandMaxPricePercentageOverLowestPrice = aws.Int32(100)
	out = create()
	if delivered(out)["m7a.xlarge "+subnetA+" on-demand"] != 1 {
		t.Errorf("a higher price allowed: %v", delivered(out))
	}
	o.InstanceRequirements = requirements(3, 1)
	out = create()
	if len(out.Errors) != 1 || *out.Errors[0].ErrorCode != "UnfulfillableCapacity" {
		t.Errorf("nothing matches: %+v", out.Errors)
	}
	o.InstanceType = "m5.large"
	_, err := w.ec2.CreateFleet(t.Context(), in)
	wantCode(t, err, "InvalidParameterCombination")
}

func TestGroupByRequirements(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	in := mixed(groupInput(10), &asgtypes.InstancesDistribution{OnDemandPercentageAboveBaseCapacity: aws.Int32(0), SpotAllocationStrategy: aws.String("price-capacity-optimized")}, "")
	in.DesiredCapacityType = aws.String("vcpu")
	in.MixedInstancesPolicy.LaunchTemplate.Overrides[0] = asgtypes.LaunchTemplateOverrides{InstanceRequirements: &asgtypes.InstanceRequirements{
		VCpuCount: &asgtypes.VCpuCountRequest{Min: aws.Int32(4), Max: aws.Int32(4)}, MemoryMiB: &asgtypes.MemoryMiBRequest{Min: aws.Int32(8 << 10), Max: aws.Int32(8 << 10)},
		ExcludedInstanceTypes: []string{"c7*"}, CpuManufacturers: []asgtypes.CpuManufacturer{asgtypes.CpuManufacturerIntel},
	}}
	w.group(t, in)
	g := w.Groups()[0]
	if g.Units != 12 || len(g.Members) != 3 {
		t.Errorf("%d vCPUs in %d instances, want 12 in 3", g.Units, len(g.Members))
	}
	for _, i := range w.Instances() {
		if !slices.Contains([]string{"c5.xlarge", "c6i.xlarge"}, i.Type) || i.Lifecycle != awssim.Spot {
			t.Errorf("instance of type %s, %s", i.Type, i.Lifecycle)
		}
	}
	described := w.groupData(t).MixedInstancesPolicy.LaunchTemplate.Overrides[0].InstanceRequirements
	if *described.VCpuCount.Min != 4 || described.ExcludedInstanceTypes[0] != "c7*" || described.CpuManufacturers[0] != asgtypes.CpuManufacturerIntel {
		t.Errorf("described requirements: %+v", described)
	}
}

func TestSpotFleetByRequirements(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.template(t, "workers")
	in := spotFleetInput(types.FleetTypeRequest, 2, override{"", subnetA, 0, 0})
	in.SpotFleetRequestConfig.LaunchTemplateConfigs[0].Overrides[0].InstanceRequirements = &types.InstanceRequirements{
		VCpuCount: &types.VCpuCountRange{Min: aws.Int32(4), Max: aws.Int32(4)}, MemoryMiB: &types.MemoryMiB{Min: aws.Int32(8 << 10), Max: aws.Int32(8 << 10)},
		AllowedInstanceTypes: []string{"c6*"},
	}
	id := w.spotFleet(t, in)
	if n := len(w.spotFleetInstances(t, id)); n != 2 || !strings.HasPrefix(w.Instances()[0].Type, "c6") {
		t.Errorf("%d instances: %+v", n, w.Instances())
	}
	described := w.spotFleetConfig(t, id).SpotFleetRequestConfig.LaunchTemplateConfigs[0].Overrides[0].InstanceRequirements
	if *described.MemoryMiB.Max != 8<<10 || described.AllowedInstanceTypes[0] != "c6*" {
		t.Errorf("described requirements: %+v", described)
	}
}

func TestOfferingsAndKeyPairs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{KeyPairs: []string{"alice", "bob"}, InstanceTypes: []awssim.InstanceType{{Name: "hpc9.huge", VCPUs: 8, MemoryMiB: 1024, Zones: []string{zoneB}}}})
	out, err := w.ec2.DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filterOn("instance-type", "hpc9.huge", "m5.large")},
	})
	wantCode(t, err, "")
	var got []string
	for _, o := range out.InstanceTypeOfferings {
		got = append(got, string(o.InstanceType)+" "+*o.Location)
	}
	if diff := cmp.Diff([]string{"hpc9.huge " + zoneB, "m5.large " + zoneA, "m5.large " + zoneB, "m5.large " + zoneC}, got); diff != "" {
		t.Error(diff)
	}
	launch := launchInput(1)
	launch.InstanceType = "hpc9.huge"
	_, err = w.ec2.RunInstances(t.Context(), launch)
	wantCode(t, err, "Unsupported")
	keys, err := w.ec2.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{Filters: []types.Filter{filterOn("key-name", "b*")}})
	wantCode(t, err, "")
	if len(keys.KeyPairs) != 1 || *keys.KeyPairs[0].KeyName != "bob" {
		t.Errorf("keys: %+v", keys.KeyPairs)
	}
	_, err = w.ec2.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{KeyNames: []string{"carol"}})
	wantCode(t, err, "InvalidKeyPair.NotFound")
}

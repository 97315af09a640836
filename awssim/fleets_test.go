package awssim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

// template makes a launch template that a fleet can use.
func (w *world) template(tb testing.TB, name string) string {
	tb.Helper()
	out, err := w.ec2.CreateLaunchTemplate(tb.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String(testImage), InstanceType: types.InstanceTypeM5Large,
			TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("from"), Value: aws.String("template")}}}},
		},
	})
	wantCode(tb, err, "")
	return *out.LaunchTemplate.LaunchTemplateId
}

type override struct {
	kind, subnet     string
	weight, priority float64
}

func fleetInput(total int32, lifecycle types.DefaultTargetCapacityType, overrides ...override) *ec2.CreateFleetInput {
	config := types.FleetLaunchTemplateConfigRequest{
		LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateName: aws.String("workers"), Version: aws.String("$Latest")},
	}
	for _, o := range overrides {
		request := types.FleetLaunchTemplateOverridesRequest{InstanceType: types.InstanceType(o.kind), SubnetId: aws.String(o.subnet)}
		if o.weight > 0 {
			request.WeightedCapacity = aws.Float64(o.weight)
		}
		if o.priority > 0 {
			request.Priority = aws.Float64(o.priority)
		}
		config.Overrides = append(config.Overrides, request)
	}
	return &ec2.CreateFleetInput{
		Type:                        types.FleetTypeInstant,
		LaunchTemplateConfigs:       []types.FleetLaunchTemplateConfigRequest{config},
		TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(total), DefaultTargetCapacityType: lifecycle},
	}
}

// delivered says how many instances came from which type, subnet and lifecycle, and which errors.
func delivered(out *ec2.CreateFleetOutput) map[string]int {
	got := map[string]int{}
	for _, i := range out.Instances {
		o := i.LaunchTemplateAndOverrides.Overrides
		got[fmt.Sprintf("%s %s %s", o.InstanceType, aws.ToString(o.SubnetId), i.Lifecycle)] += len(i.InstanceIds)
	}
	for _, e := range out.Errors {
		o := e.LaunchTemplateAndOverrides.Overrides
		got[fmt.Sprintf("%s %s %s %s", o.InstanceType, aws.ToString(o.SubnetId), e.Lifecycle, *e.ErrorCode)]--
	}
	return got
}

func TestCreateFleetAllocation(t *testing.T) {
	t.Parallel()
	const demand, spot = types.DefaultTargetCapacityTypeOnDemand, types.DefaultTargetCapacityTypeSpot
	for name, test := range map[string]struct {
		total     int32
		lifecycle types.DefaultTargetCapacityType
		change    func(*ec2.CreateFleetInput)
		overrides []override
		capacity  map[awssim.Pool]int
		want      map[string]int
	}{
		"template alone": {3, demand, nil, nil, nil, map[string]int{"  on-demand": 3}},
		"lowest price on demand": {
			4, demand, nil,
			[]override{{"m5.xlarge", subnetA, 0, 0}, {"c5.large", subnetB, 0, 0}, {"m5.large", subnetC, 0, 0}},
			nil,
			map[string]int{"c5.large " + subnetB + " on-demand": 4},
		},
		"lowest price per unit": {
			8, demand, nil,
			// 0.192/4 is below 0.085/1.
			[]override{{"m5.xlarge", subnetA, 4, 0}, {"c5.large", subnetB, 1, 0}},
			nil,
			map[string]int{"m5.xlarge " + subnetA + " on-demand": 2},
		},
		"prioritized": {
			4, demand, func(in *ec2.CreateFleetInput) {
				in.OnDemandOptions = &types.OnDemandOptionsRequest{AllocationStrategy: types.FleetOnDemandAllocationStrategyPrioritized}
			},
			[]override{{"c5.large", subnetB, 0, 2}, {"m5.xlarge", subnetA, 0, 1}},
			nil,
			map[string]int{"m5.xlarge " + subnetA + " on-demand": 4},
		},
		"exhausted pool is an error, the next one delivers": {
			5, demand, nil,
			[]override{{"c5.large", subnetA, 0, 0}, {"m5.large", subnetA, 0, 0}},
			map[awssim.Pool]int{{InstanceType: "c5.large"}: 2},
			map[string]int{
				"c5.large " + subnetA + " on-demand": 2, "m5.large " + subnetA + " on-demand": 3,
				"c5.large " + subnetA + " on-demand InsufficientInstanceCapacity": -1,
			},
		},
		"everything exhausted": {
			5, spot, nil,
			[]override{{"c5.large", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}},
			map[awssim.Pool]int{{InstanceType: "c5.large"}: 0, {InstanceType: "m5.large"}: 0},
			map[string]int{
				"c5.large " + subnetA + " spot InsufficientInstanceCapacity": -1,
				"m5.large " + subnetB + " spot InsufficientInstanceCapacity": -1,
			},
		},
		"weights round up": {
			10, demand, nil,
			[]override{{"m5.xlarge", subnetA, 4, 0}},
			nil,
			map[string]int{"m5.xlarge " + subnetA + " on-demand": 3},
		},
		"weights round up per pool": {
			10, demand, nil,
			[]override{{"m5.2xlarge", subnetA, 8, 0}, {"m5.xlarge", subnetB, 3, 0}},
			map[awssim.Pool]int{{InstanceType: "m5.2xlarge"}: 1},
			map[string]int{
				"m5.2xlarge " + subnetA + " on-demand": 1, "m5.xlarge " + subnetB + " on-demand": 1,
				"m5.2xlarge " + subnetA + " on-demand InsufficientInstanceCapacity": -1,
			},
		},
		"fractional weight": {
			1, demand, nil,
			[]override{{"m5.large", subnetA, 0.3, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " on-demand": 4},
		},
		"weight beyond the target": {
			1, demand, nil,
			[]override{{"m5.large", subnetA, 1e12, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " on-demand": 1},
		},
		"weight next to nothing": {
			1, demand, nil,
			[]override{{"m5.large", subnetA, 1e-300, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " on-demand": 4091, "m5.large " + subnetA + " on-demand InsufficientFreeAddressesInSubnet": -1},
		},
		"diversified": {
			7, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyDiversified}
			},
			[]override{{"m5.large", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}, {"m5.large", subnetC, 0, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " spot": 3, "m5.large " + subnetB + " spot": 2, "m5.large " + subnetC + " spot": 2},
		},
		"diversified, one pool short": {
			9, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyDiversified}
			},
			[]override{{"m5.large", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}, {"m5.large", subnetC, 0, 0}},
			map[awssim.Pool]int{{InstanceType: "m5.large", Zone: zoneA}: 1},
			map[string]int{
				"m5.large " + subnetA + " spot": 1, "m5.large " + subnetB + " spot": 4, "m5.large " + subnetC + " spot": 4,
				"m5.large " + subnetA + " spot InsufficientInstanceCapacity": -1,
			},
		},
		"two cheapest pools": {
			4, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{InstancePoolsToUseCount: aws.Int32(2)}
			},
			[]override{{"m5.24xlarge", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}, {"m5.xlarge", subnetC, 0, 0}},
			nil,
			map[string]int{"m5.large " + subnetB + " spot": 2, "m5.xlarge " + subnetC + " spot": 2},
		},
		"capacity optimized goes where there is room": {
			4, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyCapacityOptimized}
			},
			[]override{{"m5.large", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}},
			map[awssim.Pool]int{{InstanceType: "m5.large", Zone: zoneA}: 5, {InstanceType: "m5.large", Zone: zoneB}: 9},
			map[string]int{"m5.large " + subnetB + " spot": 4},
		},
		"capacity optimized, prioritized": {
			4, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyCapacityOptimizedPrioritized}
			},
			[]override{{"m5.large", subnetA, 0, 1}, {"m5.large", subnetB, 0, 3}, {"m5.large", subnetC, 0, 2}},
			map[awssim.Pool]int{{InstanceType: "m5.large", Zone: zoneA}: 3},
			map[string]int{"m5.large " + subnetC + " spot": 4},
		},
		"price and capacity": {
			4, spot, func(in *ec2.CreateFleetInput) {
				in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyPriceCapacityOptimized}
			},
			[]override{{"m5.4xlarge", subnetA, 0, 0}, {"m5.large", subnetB, 0, 0}, {"m5.xlarge", subnetC, 0, 0}},
			map[awssim.Pool]int{{InstanceType: "m5.large"}: 3},
			map[string]int{"m5.xlarge " + subnetC + " spot": 4},
		},
		"on demand and spot": {
			10, spot, func(in *ec2.CreateFleetInput) { in.TargetCapacitySpecification.OnDemandTargetCapacity = aws.Int32(3) },
			[]override{{"m5.large", subnetA, 0, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " on-demand": 3, "m5.large " + subnetA + " spot": 7},
		},
		"permanent errors are the pool's own": {
			2, demand, nil,
			[]override{{"m5.enormous", subnetA, 0, 0}, {"m5.large", "subnet-0123456789abcdef0", 0, 0}, {"m5.large", subnetB, 0, 0}},
			nil,
			map[string]int{
				"m5.large " + subnetB + " on-demand": 2, "m5.enormous " + subnetA + " on-demand InvalidParameterValue": -1,
				"m5.large subnet-0123456789abcdef0 on-demand InvalidSubnetID.NotFound": -1,
			},
		},
		"price too low": {
			1, spot, func(in *ec2.CreateFleetInput) {
				in.LaunchTemplateConfigs[0].Overrides[0].MaxPrice = aws.String("0.0001")
			},
			[]override{{"m5.large", subnetA, 0, 0}},
			nil,
			map[string]int{"m5.large " + subnetA + " spot SpotMaxPriceTooLow": -1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{Capacity: test.capacity})
			w.template(t, "workers")
			input := fleetInput(test.total, test.lifecycle, test.overrides...)
			if test.change != nil {
				test.change(input)
			}
			out, err := w.ec2.CreateFleet(t.Context(), input)
			wantCode(t, err, "")
			if diff := cmp.Diff(test.want, delivered(out)); diff != "" {
				t.Error(diff)
			}
			launched := 0
			for _, i := range out.Instances {
				launched += len(i.InstanceIds)
			}
			if alive := len(w.Instances()); alive != launched {
				t.Errorf("%d instances exist, the answer lists %d", alive, launched)
			}
		})
	}
}

func TestCreateFleetRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Subnets: []awssim.Subnet{
		{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/20"}, {ID: subnetB, Zone: zoneA, CIDR: "10.0.16.0/20"}, {ID: subnetC, Zone: zoneC, CIDR: "10.0.32.0/20"},
	}})
	w.template(t, "workers")
	_, err := w.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("spotty"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceMarketOptions: &types.LaunchTemplateInstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}},
	})
	wantCode(t, err, "")
	for name, test := range map[string]struct {
		change func(*ec2.CreateFleetInput)
		code   string
	}{
		"instance tags of a maintain fleet": {func(in *ec2.CreateFleetInput) {
			in.Type = types.FleetTypeMaintain
			in.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", "b")}
		}, "InvalidParameterValue"},
		"policy of a request fleet": {func(in *ec2.CreateFleetInput) {
			in.Type, in.ExcessCapacityTerminationPolicy = types.FleetTypeRequest, types.FleetExcessCapacityTerminationPolicyTermination
		}, "InvalidFleetConfig"},
		"an instant fleet until": {func(in *ec2.CreateFleetInput) { in.ValidUntil = aws.Time(time.Now()) }, "InvalidFleetConfig"},
		"type":                   {func(in *ec2.CreateFleetInput) { in.Type = "forever" }, "InvalidParameterValue"},
		"no target":              {func(in *ec2.CreateFleetInput) { in.TargetCapacitySpecification.TotalTargetCapacity = aws.Int32(0) }, "InvalidParameterValue"},
		"large target":           {func(in *ec2.CreateFleetInput) { in.TargetCapacitySpecification.TotalTargetCapacity = aws.Int32(10_001) }, "InvalidParameterValue"},
		"parts too big":          {func(in *ec2.CreateFleetInput) { in.TargetCapacitySpecification.SpotTargetCapacity = aws.Int32(3) }, "InvalidFleetConfig"},
		"unit": {func(in *ec2.CreateFleetInput) {
			in.TargetCapacitySpecification.TargetCapacityUnitType = types.TargetCapacityUnitTypeVcpu
		}, "InvalidFleetConfig"},
		"template": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].LaunchTemplateSpecification.LaunchTemplateName = aws.String("none")
		}, "InvalidLaunchTemplateName.NotFoundException"},
		"version": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].LaunchTemplateSpecification.Version = aws.String("7")
		}, "InvalidLaunchTemplateId.VersionNotFound"},
		"no version": {func(in *ec2.CreateFleetInput) { in.LaunchTemplateConfigs[0].LaunchTemplateSpecification.Version = nil }, "MissingParameter"},
		"market": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].LaunchTemplateSpecification.LaunchTemplateName = aws.String("spotty")
		}, "InvalidFleetConfig"},
		"same pool twice": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].Overrides = append(in.LaunchTemplateConfigs[0].Overrides, in.LaunchTemplateConfigs[0].Overrides[0])
		}, "InvalidFleetConfig"},
		"two subnets of a zone": {func(in *ec2.CreateFleetInput) {
			in.LaunchTemplateConfigs[0].Overrides = append(in.LaunchTemplateConfigs[0].Overrides, types.FleetLaunchTemplateOverridesRequest{InstanceType: "c5.large", SubnetId: aws.String(subnetB)})
		}, "InvalidFleetConfig"},
		"strategy": {func(in *ec2.CreateFleetInput) {
			in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: "cheapest"}
		}, "InvalidParameterValue"},
		"pools to use": {func(in *ec2.CreateFleetInput) {
			in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: "diversified", InstancePoolsToUseCount: aws.Int32(2)}
		}, "InvalidFleetConfig"},
		"minimum target": {func(in *ec2.CreateFleetInput) {
			in.SpotOptions = &types.SpotOptionsRequest{MinTargetCapacity: aws.Int32(1)}
		}, "UnknownParameter"},
		"hibernation": {func(in *ec2.CreateFleetInput) {
			in.SpotOptions = &types.SpotOptionsRequest{InstanceInterruptionBehavior: "hibernate"}
		}, "UnsupportedOperation"},
		"dry run": {func(in *ec2.CreateFleetInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := fleetInput(2, "", override{"m5.large", subnetA, 0, 0})
			test.change(input)
			_, err := w.ec2.CreateFleet(t.Context(), input)
			wantCode(t, err, test.code)
			if n := len(w.Instances()) + len(w.Fleets()); n != 0 {
				t.Errorf("%d instances and fleets exist after the refusal", n)
			}
		})
	}
}

func TestFleetLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute, Capacity: map[awssim.Pool]int{{InstanceType: "c5.large"}: 0}})
	template := w.template(t, "workers")
	input := fleetInput(3, "on-demand", override{"c5.large", subnetA, 2, 0}, override{"m5.large", subnetB, 2, 0})
	input.ClientToken = aws.String("fleet-token")
	input.TagSpecifications = []types.TagSpecification{
		sdkTags(types.ResourceTypeFleet, "ohfp:request-id", "req-1"), sdkTags(types.ResourceTypeInstance, "ohfp:request-id", "req-1"),
		sdkTags(types.ResourceTypeVolume, "ohfp:request-id", "req-1"),
	}
	first, err := w.ec2.CreateFleet(t.Context(), input)
	wantCode(t, err, "")
	again, err := w.ec2.CreateFleet(t.Context(), input)
	wantCode(t, err, "")
	if diff := cmp.Diff(delivered(first), delivered(again)); diff != "" || *first.FleetId != *again.FleetId || len(w.Instances()) != 2 {
		t.Errorf("repeated: fleets %s and %s, %d instances: %s", *first.FleetId, *again.FleetId, len(w.Instances()), diff)
	}
	input.TargetCapacitySpecification.TotalTargetCapacity = aws.Int32(4)
	_, err = w.ec2.CreateFleet(t.Context(), input)
	wantCode(t, err, "IdempotentParameterMismatch")

	id := *first.FleetId
	mine := w.describe(t, &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("tag:aws:ec2:fleet-id", id)}})
	tags := map[string]string{}
	for _, tag := range mine[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	want := map[string]string{
		"from": "template", "ohfp:request-id": "req-1", "aws:ec2:fleet-id": id,
		"aws:ec2launchtemplate:id": template, "aws:ec2launchtemplate:version": "1",
	}
	if diff := cmp.Diff(want, tags); diff != "" || len(mine) != 2 {
		t.Errorf("%d instances of the fleet: %s", len(mine), diff)
	}

	all, err := w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{})
	wantCode(t, err, "")
	if len(all.Fleets) != 0 {
		t.Errorf("%d instant fleets listed without naming them, want none", len(all.Fleets))
	}
	_, err = w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{FleetIds: []string{id, "fleet-12345678-0000-0000-0000-000000000000"}})
	wantCode(t, err, "InvalidFleetId.NotFound")
	state := func() types.FleetData {
		out, err := w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{FleetIds: []string{id}})
		wantCode(t, err, "")
		return out.Fleets[0]
	}
	f := state()
	got := []any{f.FleetState, *f.FulfilledCapacity, *f.FulfilledOnDemandCapacity, *f.ClientToken, len(f.Instances), len(f.Instances[0].InstanceIds), len(f.Errors), *f.Errors[0].ErrorCode, *f.Tags[0].Value, *f.TargetCapacitySpecification.TotalTargetCapacity, *f.LaunchTemplateConfigs[0].Overrides[1].WeightedCapacity}
	wantState := []any{types.FleetStateCodeActive, 4.0, 4.0, "fleet-token", 1, 2, 1, "InsufficientInstanceCapacity", "req-1", int32(3), 2.0}
	if diff := cmp.Diff(wantState, got); diff != "" {
		t.Error(diff)
	}

	_, err = w.ec2.DeleteFleets(t.Context(), &ec2.DeleteFleetsInput{FleetIds: []string{id}, TerminateInstances: aws.Bool(false)})
	wantCode(t, err, "InvalidParameterValue")
	if err := w.Terminate(first.Instances[0].InstanceIds[0]); err != nil {
		t.Fatal(err)
	}
	deleted, err := w.ec2.DeleteFleets(t.Context(), &ec2.DeleteFleetsInput{FleetIds: []string{id, "fleet-nonsense"}, TerminateInstances: aws.Bool(true)})
	wantCode(t, err, "")
	if s := deleted.SuccessfulFleetDeletions; len(s) != 1 || s[0].PreviousFleetState != "active" || s[0].CurrentFleetState != "deleted_terminating" {
		t.Errorf("deleted: %+v", s)
	}
	if u := deleted.UnsuccessfulFleetDeletions; len(u) != 1 || u[0].Error.Code != types.DeleteFleetErrorCodeFleetIdDoesNotExist {
		t.Errorf("not deleted: %+v", u)
	}
	ledger := w.Ledger()
	if last := ledger[len(ledger)-1]; !slices.Equal(last.Terminated, first.Instances[0].InstanceIds[1:]) {
		t.Errorf("the deletion ended %v, want the instance that was left of %v", last.Terminated, first.Instances[0].InstanceIds)
	}
	w.clock.advance(time.Minute)
	if s := state().FleetState; s != types.FleetStateCodeDeleted {
		t.Errorf("state %s, want deleted", s)
	}
	w.clock.advance(49 * time.Hour)
	if n := len(w.Fleets()); n != 0 {
		t.Errorf("%d fleets still there two days after deletion", n)
	}
}

func TestFleetSubnetGoesIntoTemplatesInterface(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	_, err := w.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("workers"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId:           aws.String(testImage),
			NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{DeviceIndex: aws.Int32(0), Groups: []string{"sg-00000000000000001"}}},
		},
	})
	wantCode(t, err, "")
	out, err := w.ec2.CreateFleet(t.Context(), fleetInput(1, "spot", override{"m5.large", subnetC, 0, 0}))
	wantCode(t, err, "")
	if len(out.Errors) > 0 {
		t.Fatalf("fleet error %s: %s", *out.Errors[0].ErrorCode, *out.Errors[0].ErrorMessage)
	}
	if i := w.one(t, out.Instances[0].InstanceIds[0]); *i.SubnetId != subnetC {
		t.Errorf("subnet %s, want %s", *i.SubnetId, subnetC)
	}
	if f := w.Fleets()[0]; f.Target != 1 || f.Fulfilled != 1 || len(f.Instances) != 1 || f.State != "active" {
		t.Errorf("snapshot %+v", f)
	}
}

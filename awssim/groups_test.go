package awssim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func groupInput(desired int32) *autoscaling.CreateAutoScalingGroupInput {
	return &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("g"), MinSize: aws.Int32(0), MaxSize: aws.Int32(2 * desired), DesiredCapacity: &desired,
		LaunchTemplate:    &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("workers"), Version: aws.String("$Latest")},
		VPCZoneIdentifier: aws.String(strings.Join([]string{subnetA, subnetB, subnetC}, ",")),
	}
}

// mixed gives a group several types; a type is written type or type:weight.
func mixed(in *autoscaling.CreateAutoScalingGroupInput, distribution *types.InstancesDistribution, kinds ...string) *autoscaling.CreateAutoScalingGroupInput {
	policy := &types.MixedInstancesPolicy{
		LaunchTemplate:        &types.LaunchTemplate{LaunchTemplateSpecification: in.LaunchTemplate},
		InstancesDistribution: distribution,
	}
	for _, kind := range kinds {
		name, weight, weighted := strings.Cut(kind, ":")
		o := types.LaunchTemplateOverrides{InstanceType: aws.String(name)}
		if weighted {
			o.WeightedCapacity = aws.String(weight)
		}
		policy.LaunchTemplate.Overrides = append(policy.LaunchTemplate.Overrides, o)
	}
	in.LaunchTemplate, in.MixedInstancesPolicy = nil, policy
	return in
}

func (w *world) group(tb testing.TB, in *autoscaling.CreateAutoScalingGroupInput) {
	tb.Helper()
	w.template(tb, "workers")
	_, err := w.asg.CreateAutoScalingGroup(tb.Context(), in)
	wantCode(tb, err, "")
}

func (w *world) groupData(tb testing.TB) types.AutoScalingGroup {
	tb.Helper()
	out, err := w.asg.DescribeAutoScalingGroups(tb.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"g"}})
	wantCode(tb, err, "")
	if len(out.AutoScalingGroups) == 0 {
		return types.AutoScalingGroup{}
	}
	return out.AutoScalingGroups[0]
}

func members(g types.AutoScalingGroup) []string {
	var ids []string
	for _, i := range g.Instances {
		if i.LifecycleState == types.LifecycleStateInService {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

func (w *world) desire(tb testing.TB, desired int32) {
	tb.Helper()
	_, err := w.asg.SetDesiredCapacity(tb.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("g"), DesiredCapacity: &desired})
	wantCode(tb, err, "")
}

func (w *world) zones() map[string]int {
	zones := map[string]int{}
	for _, i := range w.Instances() {
		if i.Alive() {
			zones[i.Zone]++
		}
	}
	return zones
}

func TestGroupLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{FleetDelay: 5 * time.Second, LaunchDelay: 20 * time.Second, TerminateDelay: 30 * time.Second})
	in := groupInput(6)
	in.Context, in.DefaultCooldown = aws.String("ctx"), aws.Int32(60)
	in.Tags = []types.Tag{
		{Key: aws.String("a"), Value: aws.String("b"), PropagateAtLaunch: aws.Bool(true)},
		{Key: aws.String("c"), Value: aws.String("d"), PropagateAtLaunch: aws.Bool(false)},
	}
	w.group(t, in)
	_, err := w.asg.CreateAutoScalingGroup(t.Context(), in)
	wantCode(t, err, "AlreadyExists")
	if g := w.groupData(t); len(g.Instances) != 0 || *g.DesiredCapacity != 6 || *g.MaxSize != 12 || *g.Context != "ctx" || *g.DefaultCooldown != 60 || len(g.Tags) != 2 || len(g.AvailabilityZones) != 3 {
		t.Errorf("at first: %+v", g)
	}
	w.clock.advance(5 * time.Second)
	if g := w.groupData(t); len(g.Instances) != 6 || g.Instances[0].LifecycleState != types.LifecycleStatePending {
		t.Errorf("after the delay: %+v", g.Instances)
	}
	w.clock.advance(20 * time.Second)
	ids := members(w.groupData(t))
	if diff := cmp.Diff(map[string]int{zoneA: 2, zoneB: 2, zoneC: 2}, w.zones()); diff != "" || len(ids) != 6 {
		t.Error(diff)
	}
	tags := w.Instances()[0].Tags
	if tags["aws:autoscaling:groupName"] != "g" || tags["a"] != "b" || tags["c"] != "" || tags["from"] != "template" || w.Instances()[0].Group != "g" {
		t.Errorf("tags of an instance: %v", tags)
	}

	// A loss is replaced, also one by TerminateInstanceInAutoScalingGroup without decrement.
	_, err = w.terminate(t.Context(), ids[0])
	wantCode(t, err, "")
	end := func(id string, decrement bool) error {
		_, err := w.asg.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{InstanceId: &id, ShouldDecrementDesiredCapacity: &decrement})
		return err
	}
	wantCode(t, end(ids[1], false), "")
	wantCode(t, end(ids[1], false), "ValidationError")
	w.clock.advance(2 * time.Minute)
	after := members(w.groupData(t))
	if len(after) != 6 || slices.Contains(after, ids[0]) || slices.Contains(after, ids[1]) || !slices.Contains(after, ids[2]) {
		t.Errorf("%v after the loss of two of %v", after, ids)
	}
	wantCode(t, end(after[0], true), "")
	w.clock.advance(time.Hour)
	if g := w.groupData(t); *g.DesiredCapacity != 5 || len(members(g)) != 5 {
		t.Errorf("%d desired and %d there after a decrement, want 5", *g.DesiredCapacity, len(members(g)))
	}

	deletion := func(force bool) error {
		_, err := w.asg.DeleteAutoScalingGroup(t.Context(), &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("g"), ForceDelete: &force})
		return err
	}
	wantCode(t, deletion(false), "ResourceInUse")
	wantCode(t, deletion(true), "")
	if g := w.groupData(t); aws.ToString(g.Status) != "Delete in progress" || len(w.alive()) != 0 {
		t.Errorf("status %q with %d instances", aws.ToString(g.Status), len(w.alive()))
	}
	w.clock.advance(30 * time.Second)
	if n := len(w.Groups()); n != 0 {
		t.Errorf("%d groups after the end", n)
	}
	wantCode(t, deletion(true), "ValidationError")
}

func TestGroupLaunchesTheLatestVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(1))
	_, err := w.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: aws.String("workers"), SourceVersion: aws.String("1"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{InstanceType: "c5.large"},
	})
	wantCode(t, err, "")
	w.desire(t, 2)
	var got []string
	for _, i := range w.Instances() {
		got = append(got, i.Type)
	}
	if diff := cmp.Diff([]string{"m5.large", "c5.large"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGroupScaleInRespectsProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	in := groupInput(8)
	in.NewInstancesProtectedFromScaleIn = aws.Bool(true)
	w.group(t, in)
	ids := members(w.groupData(t))
	w.desire(t, 3)
	w.clock.advance(time.Hour)
	if n := len(members(w.groupData(t))); n != 8 {
		t.Fatalf("%d of 8 protected instances left", n)
	}
	_, err := w.asg.SetInstanceProtection(t.Context(), &autoscaling.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("g"), InstanceIds: ids[:6], ProtectedFromScaleIn: aws.Bool(false)})
	wantCode(t, err, "")
	_, err = w.asg.SetInstanceProtection(t.Context(), &autoscaling.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("g"), InstanceIds: []string{"i-0123456789abcdef0"}, ProtectedFromScaleIn: aws.Bool(false)})
	wantCode(t, err, "ValidationError")
	// What the caller ends counts for what is desired.
	_, err = w.terminate(t.Context(), ids[0])
	wantCode(t, err, "")
	w.clock.advance(time.Hour)
	left := members(w.groupData(t))
	if len(left) != 3 || !slices.Contains(left, ids[6]) || !slices.Contains(left, ids[7]) || slices.Contains(left, ids[0]) {
		t.Errorf("%v left of %v, want 3 with the last two", left, ids)
	}
	for name, desired := range map[string]int32{"below": -1, "above": 17} {
		_, err = w.asg.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("g"), DesiredCapacity: &desired})
		if err == nil {
			t.Errorf("%s the bounds: no error", name)
		}
	}
}

func TestGroupSuspension(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(4))
	ids := members(w.groupData(t))
	process := func(names ...string) {
		_, err := w.asg.SuspendProcesses(t.Context(), &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("g"), ScalingProcesses: names})
		wantCode(t, err, "")
	}
	process("ReplaceUnhealthy")
	must(t, w.Terminate(ids[0]))
	w.clock.advance(time.Hour)
	g := w.groupData(t)
	if len(w.alive()) != 3 || len(g.Instances) != 4 || *g.Instances[0].HealthStatus != "Unhealthy" {
		t.Errorf("%d instances, nobody replaces the unhealthy: %+v", len(w.alive()), g.Instances)
	}
	// Scaling in takes the dead one first.
	w.desire(t, 3)
	if diff := cmp.Diff(ids[1:], w.alive()); diff != "" {
		t.Error(diff)
	}
	process("Launch", "Terminate")
	w.desire(t, 1)
	w.clock.advance(time.Hour)
	if diff := cmp.Diff(ids[1:], w.alive()); diff != "" {
		t.Error(diff)
	}
	if g := w.groupData(t); len(g.SuspendedProcesses) != 3 || *g.SuspendedProcesses[0].ProcessName != "Launch" {
		t.Errorf("suspended: %+v", g.SuspendedProcesses)
	}
	_, err := w.asg.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("g")})
	wantCode(t, err, "")
	if n := len(w.alive()); n != 1 {
		t.Errorf("%d instances once everything is resumed, want 1", n)
	}
	_, err = w.asg.SuspendProcesses(t.Context(), &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("g"), ScalingProcesses: []string{"Sleep"}})
	wantCode(t, err, "ValidationError")
}

func TestGroupDetach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(5))
	ids := members(w.groupData(t))
	detach := func(decrement bool, ids ...string) error {
		_, err := w.asg.DetachInstances(t.Context(), &autoscaling.DetachInstancesInput{AutoScalingGroupName: aws.String("g"), InstanceIds: ids, ShouldDecrementDesiredCapacity: &decrement})
		return err
	}
	wantCode(t, detach(true, ids[:2]...), "")
	wantCode(t, detach(true, ids[0]), "ValidationError")
	if g := w.groupData(t); *g.DesiredCapacity != 3 || !slices.Equal(members(g), ids[2:]) || len(w.alive()) != 5 {
		t.Errorf("%d desired, members %v, %d alive", *g.DesiredCapacity, members(g), len(w.alive()))
	}
	tagged := w.describe(t, &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{filterOn("tag:aws:autoscaling:groupName", "g")}})
	if diff := cmp.Diff(ids[2:], instanceIDs(tagged)); diff != "" {
		t.Error(diff)
	}
	wantCode(t, detach(false, ids[2]), "")
	if n := len(w.alive()); n != 6 {
		t.Errorf("%d instances, want a replacement for one that was detached without decrement", n)
	}
	_, err := w.asg.UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("g"), MinSize: aws.Int32(3)})
	wantCode(t, err, "")
	wantCode(t, detach(true, ids[3]), "ValidationError")
	out, err := w.asg.DescribeAutoScalingInstances(t.Context(), &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{ids[0], ids[3], "i-0123456789abcdef0"}})
	wantCode(t, err, "")
	if len(out.AutoScalingInstances) != 1 || *out.AutoScalingInstances[0].InstanceId != ids[3] || *out.AutoScalingInstances[0].AutoScalingGroupName != "g" {
		t.Errorf("instances of groups: %+v", out.AutoScalingInstances)
	}
	_, err = w.asg.DescribeAutoScalingInstances(t.Context(), &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: make([]string, 51)})
	wantCode(t, err, "ValidationError")
}

func TestGroupDistribution(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		desired      int32
		distribution *types.InstancesDistribution
		kinds        []string
		capacity     map[awssim.Pool]int
		want         map[string]int
	}{
		"on demand by priority": {6, nil, []string{"m5.xlarge", "m5.large"}, nil, map[string]int{"m5.xlarge on-demand": 6}},
		"lowest price": {
			6, &types.InstancesDistribution{OnDemandAllocationStrategy: aws.String("lowest-price")},
			[]string{"m5.xlarge", "m5.large"},
			nil,
			map[string]int{"m5.large on-demand": 6},
		},
		"base and percentage": {
			11, &types.InstancesDistribution{OnDemandBaseCapacity: aws.Int32(2), OnDemandPercentageAboveBaseCapacity: aws.Int32(30), SpotAllocationStrategy: aws.String("price-capacity-optimized")},
			[]string{"m5.large"},
			nil,
			map[string]int{"m5.large on-demand": 5, "m5.large spot": 6},
		},
		"weights exceed by less than the heaviest": {
			10, nil,
			[]string{"m5.2xlarge:8", "m5.large:2"},
			map[awssim.Pool]int{{InstanceType: "m5.2xlarge", Zone: zoneA}: 1, {InstanceType: "m5.2xlarge", Zone: zoneB}: 0, {InstanceType: "m5.2xlarge", Zone: zoneC}: 0},
			map[string]int{"m5.2xlarge on-demand": 1, "m5.large on-demand": 1},
		},
		"several spot pools": {
			12, &types.InstancesDistribution{OnDemandPercentageAboveBaseCapacity: aws.Int32(0), SpotAllocationStrategy: aws.String("lowest-price"), SpotInstancePools: aws.Int32(2)},
			[]string{"m5.large", "m5.xlarge", "m5.24xlarge"},
			nil,
			map[string]int{"m5.large spot": 6, "m5.xlarge spot": 6},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{Capacity: test.capacity})
			w.group(t, mixed(groupInput(test.desired), test.distribution, test.kinds...))
			got := map[string]int{}
			for _, i := range w.Instances() {
				got[i.Type+" "+i.Lifecycle]++
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGroupShortage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5.large"}: 0, {InstanceType: "m5.large", Zone: zoneA, Lifecycle: awssim.OnDemand}: 2}})
	w.group(t, mixed(groupInput(5), &types.InstancesDistribution{OnDemandPercentageAboveBaseCapacity: aws.Int32(40)}, "m5.large"))
	activities := func() map[string]int {
		got := map[string]int{}
		var token *string
		for {
			out, err := w.asg.DescribeScalingActivities(t.Context(), &autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: aws.String("g"), MaxRecords: aws.Int32(2), NextToken: token})
			wantCode(t, err, "")
			for _, a := range out.Activities {
				message, _, _ := strings.Cut(aws.ToString(a.StatusMessage), " m5.large capacity")
				got[fmt.Sprintf("%s %s", a.StatusCode, message)]++
			}
			if token = out.NextToken; token == nil {
				return got
			}
		}
	}
	const spot = "Failed Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed."
	want := map[string]int{"Successful ": 2, spot: 3, "Failed Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient": 2}
	if diff := cmp.Diff(want, activities()); diff != "" {
		t.Error(diff)
	}
	must(t, w.SetCapacity("m5.large", zoneB, awssim.Spot, 5))
	w.clock.advance(time.Minute)
	if n := len(members(w.groupData(t))); n != 5 {
		t.Errorf("%d instances once there is capacity, want 5", n)
	}
	if n := activities()["Successful "]; n != 5 {
		t.Errorf("%d successful activities, want 5", n)
	}
}

func TestGroupRebalances(t *testing.T) {
	t.Parallel()
	for _, suspended := range []bool{false, true} {
		w := newWorld(t, awssim.Options{Rebalance: true})
		w.group(t, groupInput(9))
		if suspended {
			_, err := w.asg.SuspendProcesses(t.Context(), &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("g"), ScalingProcesses: []string{"AZRebalance"}})
			wantCode(t, err, "")
		}
		var inA []string
		for _, i := range w.Instances() {
			if i.Zone == zoneA {
				inA = append(inA, i.ID)
			}
		}
		_, err := w.asg.DetachInstances(t.Context(), &autoscaling.DetachInstancesInput{AutoScalingGroupName: aws.String("g"), InstanceIds: inA, ShouldDecrementDesiredCapacity: aws.Bool(true)})
		wantCode(t, err, "")
		_, err = w.terminate(t.Context(), inA...)
		wantCode(t, err, "")
		w.clock.advance(time.Hour)
		want := map[string]int{zoneA: 2, zoneB: 2, zoneC: 2}
		if suspended {
			want = map[string]int{zoneB: 3, zoneC: 3}
		}
		if diff := cmp.Diff(want, w.zones()); diff != "" {
			t.Errorf("suspended %t: %s", suspended, diff)
		}
	}
}

func TestGroupTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(1))
	second := groupInput(1)
	second.AutoScalingGroupName = aws.String("h")
	_, err := w.asg.CreateAutoScalingGroup(t.Context(), second)
	wantCode(t, err, "")
	tag := func(key, value string) types.Tag {
		return types.Tag{ResourceId: aws.String("g"), ResourceType: aws.String("auto-scaling-group"), Key: &key, Value: &value, PropagateAtLaunch: aws.Bool(true)}
	}
	_, err = w.asg.CreateOrUpdateTags(t.Context(), &autoscaling.CreateOrUpdateTagsInput{Tags: []types.Tag{tag("a", "1"), tag("b", "2"), tag("a", "3")}})
	wantCode(t, err, "")
	_, err = w.asg.DeleteTags(t.Context(), &autoscaling.DeleteTagsInput{Tags: []types.Tag{tag("b", "2")}})
	wantCode(t, err, "")
	out, err := w.asg.DescribeTags(t.Context(), &autoscaling.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("auto-scaling-group"), Values: []string{"g", "h"}}}})
	wantCode(t, err, "")
	if len(out.Tags) != 1 || *out.Tags[0].Key != "a" || *out.Tags[0].Value != "3" || *out.Tags[0].ResourceId != "g" {
		t.Errorf("tags: %+v", out.Tags)
	}
	found, err := w.asg.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{Filters: []types.Filter{{Name: aws.String("tag:a"), Values: []string{"3"}}}})
	wantCode(t, err, "")
	if len(found.AutoScalingGroups) != 1 || *found.AutoScalingGroups[0].AutoScalingGroupName != "g" {
		t.Errorf("groups by tag: %+v", found.AutoScalingGroups)
	}
	page, err := w.asg.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(1)})
	wantCode(t, err, "")
	next, err := w.asg.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(1), NextToken: page.NextToken})
	wantCode(t, err, "")
	if *next.AutoScalingGroups[0].AutoScalingGroupName != "h" || next.NextToken != nil {
		t.Errorf("second page: %+v", next)
	}
	_, err = w.asg.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(101)})
	wantCode(t, err, "ValidationError")
}

func TestGroupRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.template(t, "workers")
	for name, change := range map[string]func(*autoscaling.CreateAutoScalingGroupInput){
		"bounds":      func(in *autoscaling.CreateAutoScalingGroupInput) { in.MinSize = aws.Int32(9) },
		"desired":     func(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(9) },
		"no template": func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = nil },
		"template": func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.LaunchTemplate.LaunchTemplateName = aws.String("none")
		},
		"no network": func(in *autoscaling.CreateAutoScalingGroupInput) { in.VPCZoneIdentifier = nil },
		"subnet": func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.VPCZoneIdentifier = aws.String("subnet-0123456789abcdef0")
		},
		"weight":       func(in *autoscaling.CreateAutoScalingGroupInput) { mixed(in, nil, "m5.large:0") },
		"some weights": func(in *autoscaling.CreateAutoScalingGroupInput) { mixed(in, nil, "m5.large:1", "m5.xlarge") },
		"strategy": func(in *autoscaling.CreateAutoScalingGroupInput) {
			mixed(in, &types.InstancesDistribution{SpotAllocationStrategy: aws.String("lowestPrice")}, "m5.large")
		},
		"both": func(in *autoscaling.CreateAutoScalingGroupInput) {
			template := in.LaunchTemplate
			mixed(in, nil, "m5.large")
			in.LaunchTemplate = template
		},
		"placement group": func(in *autoscaling.CreateAutoScalingGroupInput) { in.PlacementGroup = aws.String("p") },
	} {
		in := groupInput(2)
		change(in)
		_, err := w.asg.CreateAutoScalingGroup(t.Context(), in)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantCode(t, err, "ValidationError")
		})
	}
	if n := len(w.Groups()); n != 0 {
		t.Errorf("%d groups exist after the refusals", n)
	}
}

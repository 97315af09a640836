package awssim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

// keptFleet makes a fleet of type request or maintain and returns its ID.
func (w *world) keptFleet(tb testing.TB, in *ec2.CreateFleetInput) string {
	tb.Helper()
	out, err := w.ec2.CreateFleet(tb.Context(), in)
	wantCode(tb, err, "")
	if len(out.Instances)+len(out.Errors) > 0 {
		tb.Fatalf("a fleet of type %s answers with instances or errors", in.Type)
	}
	return *out.FleetId
}

func keptInput(kind types.FleetType, total int32, lifecycle types.DefaultTargetCapacityType, overrides ...override) *ec2.CreateFleetInput {
	in := fleetInput(total, lifecycle, overrides...)
	in.Type = kind
	return in
}

// fleetData is what DescribeFleets says about a fleet.
func (w *world) fleetData(tb testing.TB, id string) types.FleetData {
	tb.Helper()
	out, err := w.ec2.DescribeFleets(tb.Context(), &ec2.DescribeFleetsInput{FleetIds: []string{id}})
	wantCode(tb, err, "")
	return out.Fleets[0]
}

func (w *world) activeInstances(tb testing.TB, id string, pageSize int32) []string {
	tb.Helper()
	var ids []string
	var token *string
	for {
		out, err := w.ec2.DescribeFleetInstances(tb.Context(), &ec2.DescribeFleetInstancesInput{FleetId: &id, MaxResults: &pageSize, NextToken: token})
		wantCode(tb, err, "")
		for _, i := range out.ActiveInstances {
			ids = append(ids, *i.InstanceId)
		}
		if token = out.NextToken; token == nil {
			return ids
		}
	}
}

// alive returns the IDs of the instances that are pending or running.
func (w *world) alive() []string {
	var ids []string
	for _, i := range w.Instances() {
		if i.Alive() {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

func modifyTo(id string, total int32) *ec2.ModifyFleetInput {
	return &ec2.ModifyFleetInput{FleetId: &id, TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: &total}}
}

func TestMaintainFleetLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{FleetDelay: 10 * time.Second, TerminateDelay: 30 * time.Second})
	w.template(t, "workers")
	in := keptInput(types.FleetTypeMaintain, 7, "on-demand", override{"m5.large", subnetA, 0, 0}, override{"m5.large", subnetB, 0, 0})
	in.ExcessCapacityTerminationPolicy, in.Context = types.FleetExcessCapacityTerminationPolicyNoTermination, aws.String("ctx")
	in.ReplaceUnhealthyInstances = aws.Bool(true)
	in.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeFleet, "a", "b")}
	in.ClientToken = aws.String("once")
	id := w.keptFleet(t, in)
	if again := w.keptFleet(t, in); again != id {
		t.Errorf("fleets %s and %s from one token", id, again)
	}
	f := w.fleetData(t, id)
	if f.FleetState != types.FleetStateCodeSubmitted || f.ActivityStatus != types.FleetActivityStatusPendingFulfillment || *f.FulfilledCapacity != 0 || *f.Context != "ctx" || *f.Tags[0].Key != "a" {
		t.Errorf("at first: %+v", f)
	}
	w.clock.advance(10 * time.Second)
	f = w.fleetData(t, id)
	if f.FleetState != types.FleetStateCodeActive || f.ActivityStatus != types.FleetActivityStatusFulfilled || *f.FulfilledCapacity != 7 || *f.FulfilledOnDemandCapacity != 7 || !*f.ReplaceUnhealthyInstances {
		t.Errorf("after the delay: %+v", f)
	}
	ids := w.activeInstances(t, id, 3)
	if diff := cmp.Diff(w.alive(), ids); diff != "" || len(ids) != 7 {
		t.Error(diff)
	}
	tagged := w.describe(t, &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("tag:aws:ec2:fleet-id", id), filterOn("tag:from", "template")}})
	if len(tagged) != 7 {
		t.Errorf("%d instances carry AWS's tag and the template's, want 7", len(tagged))
	}

	// What is lost comes back, as something else.
	_, err := w.terminate(t.Context(), ids[0], ids[1])
	wantCode(t, err, "")
	if n := len(w.activeInstances(t, id, 1000)); n != 5 {
		t.Errorf("%d active instances after two ended, want 5", n)
	}
	w.clock.advance(time.Minute)
	after := w.activeInstances(t, id, 1000)
	if len(after) != 7 || slices.Contains(after, ids[0]) || !slices.Contains(after, ids[2]) {
		t.Errorf("%v a minute after %v were lost", after, ids[:2])
	}

	// A lowered target keeps everything under no-termination; afterwards nothing is replaced until it is below.
	_, err = w.ec2.ModifyFleet(t.Context(), modifyTo(id, 4))
	wantCode(t, err, "")
	if s := w.fleetData(t, id).FleetState; s != types.FleetStateCodeModifying {
		t.Errorf("state %s, want modifying", s)
	}
	_, err = w.ec2.ModifyFleet(t.Context(), modifyTo(id, 3))
	wantCode(t, err, "FleetNotInModifiableState")
	w.clock.advance(10 * time.Second)
	if f = w.fleetData(t, id); f.FleetState != types.FleetStateCodeActive || *f.TargetCapacitySpecification.TotalTargetCapacity != 4 || *f.FulfilledCapacity != 7 {
		t.Errorf("after the modification: %+v", f)
	}
	_, err = w.terminate(t.Context(), after[:3]...)
	wantCode(t, err, "")
	w.clock.advance(time.Hour)
	if diff := cmp.Diff(after[3:], w.activeInstances(t, id, 1000)); diff != "" {
		t.Errorf("what was not returned: %s", diff)
	}

	gone, err := w.ec2.DeleteFleets(t.Context(), &ec2.DeleteFleetsInput{FleetIds: []string{id}, TerminateInstances: aws.Bool(false)})
	wantCode(t, err, "")
	if d := gone.SuccessfulFleetDeletions[0]; d.CurrentFleetState != types.FleetStateCodeDeletedRunning {
		t.Errorf("deletion: %+v", d)
	}
	_, err = w.terminate(t.Context(), after[3:]...)
	wantCode(t, err, "")
	w.clock.advance(time.Hour)
	if s := w.fleetData(t, id).FleetState; s != types.FleetStateCodeDeleted || len(w.alive()) != 0 {
		t.Errorf("state %s with %d instances, want deleted and none", s, len(w.alive()))
	}
	again, err := w.ec2.DeleteFleets(t.Context(), &ec2.DeleteFleetsInput{FleetIds: []string{id}, TerminateInstances: aws.Bool(true)})
	wantCode(t, err, "")
	if u := again.UnsuccessfulFleetDeletions; len(u) != 1 || u[0].Error.Code != types.DeleteFleetErrorCodeFleetNotInDeletableState {
		t.Errorf("deleted again: %+v", u)
	}
}

func TestFleetChoosesItsVictims(t *testing.T) {
	t.Parallel()
	victims := func() (before, after []string) {
		w := newWorld(t, awssim.Options{})
		w.template(t, "workers")
		in := keptInput(types.FleetTypeMaintain, 20, "spot", override{"m5.large", subnetA, 2, 0})
		in.TargetCapacitySpecification.OnDemandTargetCapacity = aws.Int32(6)
		id := w.keptFleet(t, in)
		before = w.activeInstances(t, id, 1000)
		_, err := w.ec2.ModifyFleet(t.Context(), modifyTo(id, 9))
		wantCode(t, err, "")
		f := w.fleetData(t, id)
		// 6 units on demand stay; 3 of spot need two instances of two units.
		if *f.FulfilledCapacity != 10 || *f.FulfilledOnDemandCapacity != 6 {
			t.Errorf("%g units, %g of them on demand, want 10 and 6", *f.FulfilledCapacity, *f.FulfilledOnDemandCapacity)
		}
		w.clock.advance(time.Hour)
		return before, w.activeInstances(t, id, 1000)
	}
	before, after := victims()
	if len(before) != 10 || len(after) != 5 || slices.Equal(after, before[:5]) {
		t.Errorf("%v remain of %v", after, before)
	}
	if _, again := victims(); !slices.Equal(after, again) {
		t.Errorf("the same seed left %v and %v", after, again)
	}
}

func TestRequestFleetDeliversOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5.large"}: 0, {InstanceType: "m5.large", Zone: zoneA, Lifecycle: awssim.Spot}: 2}})
	w.template(t, "workers")
	in := keptInput(types.FleetTypeRequest, 3, "spot", override{"m5.large", subnetA, 0, 0})
	id := w.keptFleet(t, in)
	f := w.fleetData(t, id)
	if f.ActivityStatus != types.FleetActivityStatusError || *f.FulfilledCapacity != 2 {
		t.Errorf("short: %+v", f)
	}
	must(t, w.SetCapacity("m5.large", zoneA, awssim.Spot, 9))
	w.clock.advance(time.Minute)
	ids := w.activeInstances(t, id, 1000)
	if len(ids) != 3 || w.fleetData(t, id).ActivityStatus != types.FleetActivityStatusFulfilled {
		t.Errorf("%d instances once there is capacity, want 3", len(ids))
	}
	_, err := w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	w.clock.advance(time.Hour)
	if n := len(w.Instances()); n != 3 && len(w.alive()) != 0 {
		t.Errorf("%d instances, want no replacement of a one-time request", n)
	}
	_, err = w.ec2.ModifyFleet(t.Context(), modifyTo(id, 4))
	wantCode(t, err, "UnsupportedOperation")
}

func TestFleetHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5.large"}: 1, {InstanceType: "c5.large"}: 0}, DescribeLag: 30 * time.Second})
	start := w.clock.Now()
	w.template(t, "workers")
	in := keptInput(types.FleetTypeMaintain, 2, "spot", override{"m5.large", subnetA, 0, 0}, override{"c5.large", subnetA, 0, 0}, override{"m5.xlarge", subnetA, 0, 0})
	in.LaunchTemplateConfigs[0].Overrides[2].MaxPrice = aws.String("0.001")
	id := w.keptFleet(t, in)
	_, err := w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{FleetIds: []string{id}})
	wantCode(t, err, "InvalidFleetId.NotFound")
	w.clock.advance(31 * time.Second)
	events := func(kind types.FleetEventType) []string {
		var got []string
		var token *string
		for {
			out, err := w.ec2.DescribeFleetHistory(t.Context(), &ec2.DescribeFleetHistoryInput{FleetId: &id, StartTime: &start, EventType: kind, MaxResults: aws.Int32(2), NextToken: token})
			wantCode(t, err, "")
			for _, r := range out.HistoryRecords {
				code := ""
				if _, after, ok := strings.Cut(aws.ToString(r.EventInformation.EventDescription), "Error Code: "); ok {
					code = " " + strings.TrimSuffix(after, ")")
				}
				got = append(got, fmt.Sprintf("%s %s%s", r.EventType, *r.EventInformation.EventSubType, code))
			}
			if token = out.NextToken; token == nil {
				return got
			}
		}
	}
	want := []string{
		"fleet-change submitted", "fleet-change active", "instance-change launched",
		"service-error launchSpecTemporarilyBlacklisted InsufficientInstanceCapacity",
		"service-error launchSpecTemporarilyBlacklisted InsufficientInstanceCapacity",
		"service-error launchSpecUnusable SpotMaxPriceTooLow",
	}
	got := events("")
	slices.Sort(got[2:])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must(t, w.Interrupt(2*time.Minute, w.alive()...))
	w.clock.advance(10 * time.Minute)
	want = []string{"instance-change launched", "instance-change termination_notified", "instance-change terminated", "instance-change launched"}
	if diff := cmp.Diff(want, events(types.FleetEventTypeInstanceChange)); diff != "" {
		t.Error(diff)
	}
	if s := w.Fleets()[0]; len(s.History) < 8 || s.State != "active" {
		t.Errorf("snapshot %+v", s)
	}
	_, err = w.ec2.DescribeFleetHistory(t.Context(), &ec2.DescribeFleetHistoryInput{FleetId: &id, StartTime: &start, EventType: "rumour"})
	wantCode(t, err, "InvalidParameterValue")
	instant, err := w.ec2.CreateFleet(t.Context(), fleetInput(1, "on-demand", override{"m5.large", subnetB, 0, 0}))
	wantCode(t, err, "")
	_, err = w.ec2.DescribeFleetHistory(t.Context(), &ec2.DescribeFleetHistoryInput{FleetId: instant.FleetId, StartTime: &start})
	wantCode(t, err, "UnsupportedOperation")
	_, err = w.ec2.DescribeFleetInstances(t.Context(), &ec2.DescribeFleetInstancesInput{FleetId: instant.FleetId})
	wantCode(t, err, "UnsupportedOperation")
}

// TestKeepersNeedTheirTemplate takes away what fleets and groups would replace a loss with.
func TestKeepersNeedTheirTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(1))
	w.keptFleet(t, keptInput(types.FleetTypeMaintain, 1, "spot", override{"m5.large", subnetA, 0, 0}))
	ids := w.alive()
	_, err := w.ec2.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("workers")})
	wantCode(t, err, "")
	_, err = w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	w.clock.advance(time.Minute)
	if n := len(w.alive()); len(ids) != 2 || n != 0 {
		t.Errorf("%d instances without a launch template, of %d before", n, len(ids))
	}
	const want = "InvalidLaunchTemplateId.NotFound"
	var told bool
	for _, e := range w.Fleets()[0].History {
		told = told || e.SubType == "spotFleetRequestConfigurationInvalid" && strings.Contains(e.Description, want)
	}
	activities := w.Groups()[0].Activities
	if last := activities[len(activities)-1]; !told || last.Status != "Failed" || !strings.Contains(last.Message, "does not exist") {
		t.Errorf("the fleet told of %s: %t; the group's last activity: %+v", want, told, last)
	}
}

// TestKeepersShowLate looks at what was made before the describe lag is over.
func TestKeepersShowLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{DescribeLag: 10 * time.Second})
	w.group(t, groupInput(1))
	id := w.spotFleet(t, spotFleetInput(types.FleetTypeMaintain, 1, override{"m5.large", subnetA, 0, 0}))
	if g := w.groupData(t); g.AutoScalingGroupName != nil {
		t.Errorf("the group shows at once: %+v", g)
	}
	_, err := w.ec2.DescribeSpotFleetInstances(t.Context(), &ec2.DescribeSpotFleetInstancesInput{SpotFleetRequestId: &id})
	wantCode(t, err, "InvalidSpotFleetRequestId.NotFound")
	if n := len(w.alive()); n != 2 {
		t.Errorf("%d instances, want 2", n)
	}
	w.clock.advance(10 * time.Second)
	if g := w.groupData(t); len(g.Instances) != 1 {
		t.Errorf("after the lag: %+v", g)
	}
	if n := len(w.spotFleetInstances(t, id)); n != 1 {
		t.Errorf("%d instances of the fleet after the lag, want 1", n)
	}
}

func TestFleetExpires(t *testing.T) {
	t.Parallel()
	for _, terminate := range []bool{true, false} {
		w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
		w.template(t, "workers")
		in := keptInput(types.FleetTypeRequest, 2, "spot", override{"m5.large", subnetA, 0, 0})
		in.ValidFrom, in.ValidUntil = aws.Time(w.clock.Now().Add(time.Minute)), aws.Time(w.clock.Now().Add(time.Hour))
		in.TerminateInstancesWithExpiration = &terminate
		id := w.keptFleet(t, in)
		if n := len(w.alive()); n != 0 {
			t.Errorf("%d instances before ValidFrom", n)
		}
		w.clock.advance(time.Minute)
		if n := len(w.alive()); n != 2 {
			t.Errorf("%d instances after ValidFrom, want 2", n)
		}
		w.clock.advance(time.Hour)
		want, left := types.FleetStateCodeDeletedRunning, 2
		if terminate {
			want, left = types.FleetStateCodeDeleted, 0
		}
		if s := w.fleetData(t, id).FleetState; s != want || len(w.alive()) != left {
			t.Errorf("termination with expiration %t: state %s and %d instances, want %s and %d", terminate, s, len(w.alive()), want, left)
		}
	}
}

func TestDescribeFleetsFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.template(t, "workers")
	keep := keptInput(types.FleetTypeMaintain, 1, "spot", override{"m5.large", subnetA, 0, 0})
	keep.ExcessCapacityTerminationPolicy = types.FleetExcessCapacityTerminationPolicyNoTermination
	trim := keptInput(types.FleetTypeMaintain, 1, "spot", override{"m5.large", subnetA, 0, 0})
	trim.ReplaceUnhealthyInstances = aws.Bool(true)
	once := keptInput(types.FleetTypeRequest, 1, "spot", override{"m5.large", subnetA, 0, 0})
	ids := []string{w.keptFleet(t, keep), w.keptFleet(t, trim), w.keptFleet(t, once)}
	_, err := w.ec2.CreateFleet(t.Context(), fleetInput(1, "spot"))
	wantCode(t, err, "")
	_, err = w.ec2.DeleteFleets(t.Context(), &ec2.DeleteFleetsInput{FleetIds: ids[2:], TerminateInstances: aws.Bool(true)})
	wantCode(t, err, "")
	for _, test := range []struct {
		filter types.Filter
		want   []int
	}{
		{filterOn("type", "maintain", "request"), []int{0, 1, 2}},
		{filterOn("type", "request"), []int{2}},
		{filterOn("fleet-state", "active"), []int{0, 1}},
		{filterOn("activity-status", "fulfilled"), []int{0, 1}},
		{filterOn("excess-capacity-termination-policy", "true"), []int{1}},
		{filterOn("replace-unhealthy-instances", "true"), []int{1}},
	} {
		out, err := w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{Filters: []types.Filter{test.filter}})
		wantCode(t, err, "")
		var got, want []string
		for _, f := range out.Fleets {
			got = append(got, *f.FleetId)
		}
		for _, n := range test.want {
			want = append(want, ids[n])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("filter %s=%v: %s", *test.filter.Name, test.filter.Values, diff)
		}
	}
	_, err = w.ec2.DescribeFleets(t.Context(), &ec2.DescribeFleetsInput{Filters: []types.Filter{filterOn("tag:a", "b")}})
	wantCode(t, err, "InvalidParameterValue")
}

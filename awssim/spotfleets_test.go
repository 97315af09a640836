package awssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

const fleetRole = "arn:aws:iam::123456789012:role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet"

func spotFleetInput(kind types.FleetType, total int32, overrides ...override) *ec2.RequestSpotFleetInput {
	config := types.LaunchTemplateConfig{
		LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateName: aws.String("workers"), Version: aws.String("1")},
	}
	for _, o := range overrides {
		one := types.LaunchTemplateOverrides{InstanceType: types.InstanceType(o.kind), SubnetId: aws.String(o.subnet)}
		if o.weight > 0 {
			one.WeightedCapacity = aws.Float64(o.weight)
		}
		config.Overrides = append(config.Overrides, one)
	}
	return &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
		IamFleetRole: aws.String(fleetRole), TargetCapacity: &total, Type: kind, LaunchTemplateConfigs: []types.LaunchTemplateConfig{config},
	}}
}

func (w *world) spotFleet(tb testing.TB, in *ec2.RequestSpotFleetInput) string {
	tb.Helper()
	out, err := w.ec2.RequestSpotFleet(tb.Context(), in)
	wantCode(tb, err, "")
	return *out.SpotFleetRequestId
}

func (w *world) spotFleetConfig(tb testing.TB, id string) types.SpotFleetRequestConfig {
	tb.Helper()
	out, err := w.ec2.DescribeSpotFleetRequests(tb.Context(), &ec2.DescribeSpotFleetRequestsInput{SpotFleetRequestIds: []string{id}})
	wantCode(tb, err, "")
	return out.SpotFleetRequestConfigs[0]
}

func (w *world) spotFleetInstances(tb testing.TB, id string) []string {
	tb.Helper()
	var ids []string
	var token *string
	for {
		out, err := w.ec2.DescribeSpotFleetInstances(tb.Context(), &ec2.DescribeSpotFleetInstancesInput{SpotFleetRequestId: &id, MaxResults: aws.Int32(2), NextToken: token})
		wantCode(tb, err, "")
		for _, i := range out.ActiveInstances {
			ids = append(ids, *i.InstanceId)
		}
		if token = out.NextToken; token == nil {
			return ids
		}
	}
}

func TestSpotFleetLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{FleetDelay: 5 * time.Second, TerminateDelay: time.Minute, Capacity: map[awssim.Pool]int{{InstanceType: "c5.large"}: 0}})
	start := w.clock.Now()
	w.template(t, "workers")
	in := spotFleetInput(types.FleetTypeMaintain, 10, override{"m5.large", subnetA, 3, 0}, override{"c5.large", subnetB, 4, 0})
	config := in.SpotFleetRequestConfig
	config.OnDemandTargetCapacity, config.AllocationStrategy = aws.Int32(4), types.AllocationStrategyLowestPrice
	config.ExcessCapacityTerminationPolicy, config.ClientToken = types.ExcessCapacityTerminationPolicyNoTermination, aws.String("sf")
	config.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeSpotFleetRequest, "a", "b")}
	id := w.spotFleet(t, in)
	if again := w.spotFleet(t, in); again != id {
		t.Errorf("requests %s and %s from one token", id, again)
	}
	config.TargetCapacity = aws.Int32(11)
	_, err := w.ec2.RequestSpotFleet(t.Context(), in)
	wantCode(t, err, "IdempotentParameterMismatch")
	if r := w.spotFleetConfig(t, id); r.SpotFleetRequestState != types.BatchStateSubmitted {
		t.Errorf("state %s, want submitted", r.SpotFleetRequestState)
	}
	w.clock.advance(5 * time.Second)
	r := w.spotFleetConfig(t, id)
	// Both lifecycles round up: two instances of 3 units for 4, and for 6.
	got := []any{r.SpotFleetRequestState, r.ActivityStatus, *r.SpotFleetRequestConfig.FulfilledCapacity, *r.SpotFleetRequestConfig.OnDemandFulfilledCapacity, *r.Tags[0].Value}
	want := []any{types.BatchStateActive, types.ActivityStatusFulfilled, 12.0, 6.0, "b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ids := w.spotFleetInstances(t, id)
	tagged := w.describe(t, &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("tag:aws:ec2spot:fleet-request-id", id)}})
	if diff := cmp.Diff(ids, instanceIDs(tagged)); diff != "" || len(ids) != 4 || w.Instances()[0].SpotFleet != id {
		t.Error(diff)
	}
	history, err := w.ec2.DescribeSpotFleetRequestHistory(t.Context(), &ec2.DescribeSpotFleetRequestHistoryInput{SpotFleetRequestId: &id, StartTime: &start, EventType: types.EventTypeInformation})
	wantCode(t, err, "")
	if n := len(history.HistoryRecords); n != 2 || *history.HistoryRecords[0].EventInformation.EventSubType != "launchSpecTemporarilyBlacklisted" {
		t.Errorf("%d pieces of information about c5.large, want one per lifecycle: %+v", n, history.HistoryRecords)
	}

	_, err = w.ec2.ModifySpotFleetRequest(t.Context(), &ec2.ModifySpotFleetRequestInput{SpotFleetRequestId: &id, TargetCapacity: aws.Int32(5), OnDemandTargetCapacity: aws.Int32(3)})
	wantCode(t, err, "")
	_, err = w.ec2.ModifySpotFleetRequest(t.Context(), &ec2.ModifySpotFleetRequestInput{SpotFleetRequestId: &id, TargetCapacity: aws.Int32(4)})
	wantCode(t, err, "FleetNotInModifiableState")
	w.clock.advance(5 * time.Second)
	_, err = w.terminate(t.Context(), ids[0], ids[2])
	wantCode(t, err, "")
	w.clock.advance(time.Hour)
	r = w.spotFleetConfig(t, id)
	if diff := cmp.Diff([]string{ids[1], ids[3]}, w.spotFleetInstances(t, id)); diff != "" || *r.SpotFleetRequestConfig.TargetCapacity != 5 || *r.SpotFleetRequestConfig.OnDemandTargetCapacity != 3 {
		t.Errorf("%+v: %s", r.SpotFleetRequestConfig, diff)
	}
	out, err := w.ec2.CancelSpotFleetRequests(t.Context(), &ec2.CancelSpotFleetRequestsInput{SpotFleetRequestIds: []string{id, "sfr-0", "x"}, TerminateInstances: aws.Bool(true)})
	wantCode(t, err, "")
	if c := out.SuccessfulFleetRequests; len(c) != 1 || c[0].CurrentSpotFleetRequestState != types.BatchStateCancelledTerminatingInstances {
		t.Errorf("cancelled: %+v", c)
	}
	if u := out.UnsuccessfulFleetRequests; len(u) != 2 || u[0].Error.Code != types.CancelBatchErrorCodeFleetRequestIdDoesNotExist || u[1].Error.Code != types.CancelBatchErrorCodeFleetRequestIdMalformed {
		t.Errorf("not cancelled: %+v", u)
	}
	w.clock.advance(time.Minute)
	if s := w.SpotFleets()[0]; s.State != "cancelled" || len(w.alive()) != 0 || len(w.Fleets()) != 0 {
		t.Errorf("in the end: %+v", s)
	}
}

func TestSpotFleetRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.template(t, "workers")
	for name, test := range map[string]struct {
		change func(*types.SpotFleetRequestConfigData)
		code   string
	}{
		"role": {func(c *types.SpotFleetRequestConfigData) {
			c.IamFleetRole = aws.String("AWSServiceRoleForEC2SpotFleet")
		}, "InvalidSpotFleetRequestConfig"},
		"type":     {func(c *types.SpotFleetRequestConfigData) { c.Type = types.FleetTypeInstant }, "InvalidSpotFleetRequestConfig"},
		"hyphens":  {func(c *types.SpotFleetRequestConfigData) { c.AllocationStrategy = "lowest-price" }, "InvalidSpotFleetRequestConfig"},
		"strategy": {func(c *types.SpotFleetRequestConfigData) { c.AllocationStrategy = "cheapest" }, "InvalidSpotFleetRequestConfig"},
		"parts":    {func(c *types.SpotFleetRequestConfigData) { c.OnDemandTargetCapacity = aws.Int32(3) }, "InvalidSpotFleetRequestConfig"},
		"tags": {func(c *types.SpotFleetRequestConfigData) {
			c.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", "b")}
		}, "InvalidParameterValue"},
		"pools": {func(c *types.SpotFleetRequestConfigData) {
			c.AllocationStrategy, c.InstancePoolsToUseCount = "diversified", aws.Int32(2)
		}, "InvalidSpotFleetRequestConfig"},
		"no pool": {func(c *types.SpotFleetRequestConfigData) { c.LaunchTemplateConfigs = nil }, "MissingParameter"},
		"balancers": {func(c *types.SpotFleetRequestConfigData) {
			c.LoadBalancersConfig = &types.LoadBalancersConfig{TargetGroupsConfig: &types.TargetGroupsConfig{TargetGroups: []types.TargetGroup{{Arn: aws.String("x")}}}}
		}, "UnknownParameter"},
	} {
		in := spotFleetInput(types.FleetTypeRequest, 2, override{"m5.large", subnetA, 0, 0})
		test.change(in.SpotFleetRequestConfig)
		_, err := w.ec2.RequestSpotFleet(t.Context(), in)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantCode(t, err, test.code)
		})
	}
	id := w.spotFleet(t, spotFleetInput(types.FleetTypeRequest, 2, override{"m5.large", subnetA, 0, 0}))
	_, err := w.ec2.ModifySpotFleetRequest(t.Context(), &ec2.ModifySpotFleetRequestInput{SpotFleetRequestId: &id, TargetCapacity: aws.Int32(1)})
	wantCode(t, err, "UnsupportedOperation")
	_, err = w.ec2.DescribeSpotFleetRequests(t.Context(), &ec2.DescribeSpotFleetRequestsInput{SpotFleetRequestIds: []string{"sfr-unknown"}})
	wantCode(t, err, "InvalidSpotFleetRequestId.NotFound")
}

// TestPriceIsMeantPerUnit compares a maximum price with that of the market, which is per instance.
func TestPriceIsMeantPerUnit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.template(t, "workers")
	prices, err := w.ec2.DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{
		InstanceTypes: []types.InstanceType{"m5.large"}, AvailabilityZone: aws.String(zoneA), ProductDescriptions: []string{"Linux/UNIX"},
	})
	wantCode(t, err, "")
	if len(prices.SpotPriceHistory) != 1 || *prices.SpotPriceHistory[0].SpotPrice < "0.02" || *prices.SpotPriceHistory[0].SpotPrice > "0.05" {
		t.Fatalf("prices: %+v", prices.SpotPriceHistory)
	}
	for price, want := range map[string]int{"0.005": 0, "0.015": 1} {
		in := spotFleetInput(types.FleetTypeRequest, 4, override{"m5.large", subnetA, 4, 0})
		in.SpotFleetRequestConfig.SpotPrice = aws.String(price)
		if n := len(w.spotFleetInstances(t, w.spotFleet(t, in))); n != want {
			t.Errorf("%s a unit: %d instances of four units, want %d", price, n, want)
		}
	}
}

func TestSpotInstanceRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	w.template(t, "workers")
	fleet := w.spotFleet(t, spotFleetInput(types.FleetTypeRequest, 4, override{"m5.large", subnetA, 0, 0}))
	ids := w.spotFleetInstances(t, fleet)
	w.run(t, launchInput(1))
	statuses := func(filters ...types.Filter) map[string]string {
		out, err := w.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{Filters: filters, MaxResults: aws.Int32(1000)})
		wantCode(t, err, "")
		got := map[string]string{}
		for _, r := range out.SpotInstanceRequests {
			got[*r.InstanceId] = string(r.State) + " " + *r.Status.Code
		}
		return got
	}
	must(t, w.Interrupt(2*time.Minute, ids[0]))
	must(t, w.Terminate(ids[1]))
	_, err := w.ec2.CancelSpotFleetRequests(t.Context(), &ec2.CancelSpotFleetRequestsInput{SpotFleetRequestIds: []string{fleet}, TerminateInstances: aws.Bool(false)})
	wantCode(t, err, "")
	want := map[string]string{
		ids[0]: "active marked-for-termination", ids[1]: "closed instance-terminated-by-user",
		ids[2]: "cancelled request-canceled-and-instance-running", ids[3]: "cancelled request-canceled-and-instance-running",
	}
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{ids[0]: want[ids[0]]}, statuses(filterOn("status-code", "marked-for-*"), filterOn("state", "active"))); diff != "" {
		t.Error(diff)
	}
	w.clock.advance(3 * time.Minute)
	if got := statuses(filterOn("instance-id", ids[0])); got[ids[0]] != "closed instance-terminated-no-capacity" {
		t.Errorf("after the interruption: %v", got)
	}
	_, err = w.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{"sir-unknown"}})
	wantCode(t, err, "InvalidSpotInstanceRequestID.NotFound")
}

package awssim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func changes(out *ec2.TerminateInstancesOutput) map[string][2]types.InstanceStateName {
	m := map[string][2]types.InstanceStateName{}
	for _, c := range out.TerminatingInstances {
		m[*c.InstanceId] = [2]types.InstanceStateName{c.PreviousState.Name, c.CurrentState.Name}
	}
	return m
}

func TestTerminateInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	ids := w.run(t, launchInput(2))
	out, err := w.terminate(t.Context(), ids[0], ids[0])
	wantCode(t, err, "")
	if diff := cmp.Diff(map[string][2]types.InstanceStateName{ids[0]: {"running", "shutting-down"}}, changes(out)); diff != "" {
		t.Error(diff)
	}
	out, err = w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	if diff := cmp.Diff(map[string][2]types.InstanceStateName{ids[0]: {"shutting-down", "shutting-down"}, ids[1]: {"running", "shutting-down"}}, changes(out)); diff != "" {
		t.Error(diff)
	}
	w.clock.advance(time.Minute)
	out, err = w.terminate(t.Context(), ids[0])
	wantCode(t, err, "")
	if diff := cmp.Diff(map[string][2]types.InstanceStateName{ids[0]: {"terminated", "terminated"}}, changes(out)); diff != "" {
		t.Error(diff)
	}
	i := w.one(t, ids[0])
	if *i.StateReason.Code != "Client.UserInitiatedShutdown" || len(i.BlockDeviceMappings) != 0 {
		t.Errorf("reason %s, %d volumes", *i.StateReason.Code, len(i.BlockDeviceMappings))
	}
	var terminated []int
	for _, call := range w.Ledger() {
		if call.Action == "TerminateInstances" {
			terminated = append(terminated, len(call.Terminated))
		}
	}
	if diff := cmp.Diff([]int{1, 1, 0}, terminated); diff != "" {
		t.Errorf("instances ended per call of the ledger: %s", diff)
	}
}

func TestTerminateInstancesRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	id := w.run(t, launchInput(1))[0]
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("i-%017x", i)
	}
	for name, test := range map[string]struct {
		ids  []string
		code string
	}{
		"one unknown":   {[]string{id, "i-0123456789abcdef0"}, "InvalidInstanceID.NotFound"},
		"one malformed": {[]string{id, "x"}, "InvalidInstanceID.Malformed"},
		"too many":      {many, "InvalidParameterValue"},
	} {
		_, err := w.terminate(t.Context(), test.ids...)
		wantCode(t, err, test.code)
		if state := w.one(t, id).State.Name; state != types.InstanceStateNameRunning {
			t.Errorf("%s: the known instance is %s, want running", name, state)
		}
	}
}

func TestTerminationProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	input := launchInput(1)
	input.DisableApiTermination = aws.Bool(true)
	protected := w.run(t, input)[0]
	neighbour := w.run(t, launchInput(1))[0]
	elsewhere := launchInput(1)
	elsewhere.SubnetId = aws.String(subnetB)
	other := w.run(t, elsewhere)[0]
	_, err := w.terminate(t.Context(), protected, neighbour, other)
	wantCode(t, err, "OperationNotPermitted")
	got := map[string]string{}
	for _, i := range w.Instances() {
		got[i.ID] = i.State
	}
	if diff := cmp.Diff(map[string]string{protected: "running", neighbour: "running", other: "terminated"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTerminateSkipsShutdown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Hour})
	id := w.run(t, launchInput(1))[0]
	_, err := w.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}, SkipOsShutdown: aws.Bool(true)})
	wantCode(t, err, "")
	if state := w.one(t, id).State.Name; state != types.InstanceStateNameTerminated {
		t.Errorf("state %s, want terminated", state)
	}
}

func TestEndFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	spot := launchInput(2)
	spot.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	spots, plain := w.run(t, spot), w.run(t, launchInput(1))[0]
	if err := w.Interrupt(2*time.Minute, spots[0], plain); err == nil {
		t.Error("an instance on demand was interrupted")
	}
	if err := w.Terminate(plain, "i-0123456789abcdef0"); err == nil {
		t.Error("no error for an unknown instance")
	}
	if err := w.Interrupt(2*time.Minute, spots...); err != nil {
		t.Fatal(err)
	}
	states := func() []types.InstanceStateName {
		var got []types.InstanceStateName
		for _, i := range w.describe(t, &ec2.DescribeInstancesInput{}) {
			got = append(got, i.State.Name)
		}
		return got
	}
	if diff := cmp.Diff([]types.InstanceStateName{"running", "running", "running"}, states()); diff != "" {
		t.Errorf("after the notice: %s", diff)
	}
	// Whoever ends it before the notice runs out is first.
	_, err := w.terminate(t.Context(), spots[1])
	wantCode(t, err, "")
	w.Advance(2 * time.Minute)
	if err := w.Terminate(plain); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]types.InstanceStateName{"terminated", "terminated", "terminated"}, states()); diff != "" {
		t.Error(diff)
	}
	if a, b := *w.one(t, spots[0]).StateReason.Code, *w.one(t, spots[1]).StateReason.Code; a != "Server.SpotInstanceTermination" || b != "Client.UserInitiatedShutdown" {
		t.Errorf("reasons %s and %s", a, b)
	}
}

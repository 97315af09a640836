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

func (w *world) states() []string {
	var states []string
	for _, i := range w.Instances() {
		states = append(states, i.State)
	}
	return states
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LaunchDelay: 20 * time.Second, TerminateDelay: time.Minute, Capacity: map[awssim.Pool]int{{InstanceType: "m5.large", Zone: zoneA}: 2}})
	ids := w.run(t, launchInput(2))
	stop := func(ids ...string) error {
		_, err := w.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
		return err
	}
	start := func(ids ...string) error {
		_, err := w.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
		return err
	}
	wantCode(t, stop(ids[0]), "IncorrectInstanceState")
	w.clock.advance(20 * time.Second)
	address := *w.one(t, ids[0]).PrivateIpAddress
	wantCode(t, stop(ids[0]), "")
	wantCode(t, start(ids[0]), "IncorrectInstanceState")
	if diff := cmp.Diff([]string{"stopping", "running"}, w.states()); diff != "" {
		t.Error(diff)
	}
	w.clock.advance(time.Minute)
	if i := w.one(t, ids[0]); i.State.Name != types.InstanceStateNameStopped || *i.State.Code != 80 || *i.PrivateIpAddress != address {
		t.Errorf("stopped: %v %v", i.State, *i.PrivateIpAddress)
	}
	// Its place went back to the pool, and somebody else takes it.
	other := w.run(t, launchInput(1))
	wantCode(t, start(ids[0]), "InsufficientInstanceCapacity")
	_, err := w.terminate(t.Context(), other...)
	wantCode(t, err, "")
	w.clock.advance(time.Minute)
	wantCode(t, start(ids[0]), "")
	if s := w.states()[0]; s != "pending" {
		t.Errorf("state %s after the start, want pending", s)
	}
	w.clock.advance(20 * time.Second)
	if i := w.one(t, ids[0]); i.State.Name != types.InstanceStateNameRunning || *i.PrivateIpAddress != address {
		t.Errorf("started again: %v", i.State)
	}
	wantCode(t, stop(ids[1]), "")
	_, err = w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	w.clock.advance(time.Minute)
	if left := w.Capacity()[awssim.Pool{InstanceType: "m5.large", Zone: zoneA, Lifecycle: awssim.OnDemand}]; left != 2 {
		t.Errorf("the pool has %d places in the end, want 2", left)
	}
	wantCode(t, start(ids[0]), "IncorrectInstanceState")
	spot := launchInput(1)
	spot.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	wantCode(t, stop(w.run(t, spot)...), "UnsupportedOperation")
}

func TestGroupReplacesStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.group(t, groupInput(2))
	ids := members(w.groupData(t))
	_, err := w.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids[:1]})
	wantCode(t, err, "")
	w.clock.advance(time.Minute)
	if diff := cmp.Diff([]string{"terminated", "running", "running"}, w.states()); diff != "" {
		t.Error(diff)
	}
}

// TestProtectionHoldsPerZone ends one protected instance among others: its zone keeps all of them.
func TestProtectionHoldsPerZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ids := w.run(t, launchInput(2))
	inB := launchInput(2)
	inB.SubnetId = aws.String(subnetB)
	ids = append(ids, w.run(t, inB)...)
	protect := func(on bool) {
		_, err := w.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: &ids[0], DisableApiTermination: &types.AttributeBooleanValue{Value: &on}})
		wantCode(t, err, "")
	}
	protect(true)
	_, err := w.terminate(t.Context(), ids...)
	wantCode(t, err, "OperationNotPermitted")
	if diff := cmp.Diff([]string{"running", "running", "terminated", "terminated"}, w.states()); diff != "" {
		t.Error(diff)
	}
	protect(false)
	_, err = w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	if n := len(w.alive()); n != 0 {
		t.Errorf("%d instances alive without protection", n)
	}
	_, err = w.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: &ids[0], Attribute: types.InstanceAttributeNameUserData, Value: aws.String("true")})
	wantCode(t, err, "UnsupportedOperation")
	out, err := w.ec2.RunInstances(t.Context(), launchInput(1))
	wantCode(t, err, "")
	_, err = w.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: out.Instances[0].InstanceId, Attribute: types.InstanceAttributeNameDisableApiStop, Value: aws.String("true")})
	wantCode(t, err, "")
	_, err = w.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*out.Instances[0].InstanceId}})
	wantCode(t, err, "OperationNotPermitted")
}

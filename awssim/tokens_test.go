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

func tokenInput(token string, count int32) *ec2.RunInstancesInput {
	input := launchInput(count)
	input.ClientToken = aws.String(token)
	return input
}

func TestTokenReplaysLaunch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LaunchDelay: time.Minute})
	first, err := w.ec2.RunInstances(t.Context(), tokenInput("t1", 3))
	wantCode(t, err, "")
	w.clock.advance(time.Minute)
	second, err := w.ec2.RunInstances(t.Context(), tokenInput("t1", 3))
	wantCode(t, err, "")
	if diff := cmp.Diff(instanceIDs(first.Instances), instanceIDs(second.Instances)); diff != "" || *first.ReservationId != *second.ReservationId {
		t.Errorf("reservations %s and %s: %s", *first.ReservationId, *second.ReservationId, diff)
	}
	if state := second.Instances[0].State.Name; state != types.InstanceStateNameRunning {
		t.Errorf("state %s in the second answer, want the present one, running", state)
	}
	if n := len(w.Instances()); n != 3 {
		t.Errorf("%d instances exist, want 3", n)
	}
	ledger := w.Ledger()
	if ledger[0].Replayed || !ledger[1].Replayed || len(ledger[0].Launched) != 3 || len(ledger[1].Launched) != 0 || ledger[0].Digest != ledger[1].Digest {
		t.Errorf("ledger: %+v", ledger)
	}

	_, err = w.ec2.RunInstances(t.Context(), tokenInput("t1", 4))
	wantCode(t, err, "IdempotentParameterMismatch")
	w.run(t, tokenInput("t2", 3))
	if n := len(w.Instances()); n != 6 {
		t.Errorf("%d instances exist, want 6", n)
	}
}

func TestTokenAfterTermination(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	ids := w.run(t, tokenInput("t", 2))
	_, err := w.terminate(t.Context(), ids[0])
	wantCode(t, err, "")
	w.clock.advance(2 * time.Minute)
	out, err := w.ec2.RunInstances(t.Context(), tokenInput("t", 2))
	wantCode(t, err, "")
	if a, b := out.Instances[0].State.Name, out.Instances[1].State.Name; a != types.InstanceStateNameTerminated || b != types.InstanceStateNameRunning {
		t.Errorf("states %s and %s, want terminated and running", a, b)
	}
	_, err = w.terminate(t.Context(), ids[1])
	wantCode(t, err, "")
	w.clock.advance(2 * time.Minute)
	_, err = w.ec2.RunInstances(t.Context(), tokenInput("t", 2))
	wantCode(t, err, "IdempotentInstanceTerminated")
	// The instances are no longer described, the token still holds.
	w.clock.advance(3 * time.Hour)
	_, err = w.ec2.RunInstances(t.Context(), tokenInput("t", 2))
	wantCode(t, err, "IdempotentInstanceTerminated")
	w.clock.advance(24 * time.Hour)
	if again := w.run(t, tokenInput("t", 2)); again[0] == ids[0] {
		t.Error("the token still holds after a day")
	}
}

func TestTokenIsZonal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	inZone := func(subnet string) []string {
		input := tokenInput("t", 1)
		input.SubnetId = aws.String(subnet)
		return w.run(t, input)
	}
	a, b := inZone(subnetA), inZone(subnetB)
	if a[0] == b[0] || len(w.Instances()) != 2 {
		t.Errorf("%d instances from one token in two zones, want 2", len(w.Instances()))
	}
	if again := inZone(subnetA); again[0] != a[0] {
		t.Errorf("instance %s from the token in its first zone, want %s", again[0], a[0])
	}
	anywhere := func() []string {
		input := tokenInput("t", 1)
		input.SubnetId = nil
		return w.run(t, input)
	}
	if x, y := anywhere(), anywhere(); x[0] != y[0] || x[0] == a[0] {
		t.Errorf("instances %s and %s from the token without a zone, want one, and not %s", x[0], y[0], a[0])
	}
}

func TestFailedLaunchLeavesTokenFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5.large"}: 0}})
	_, err := w.ec2.RunInstances(t.Context(), tokenInput("t", 1))
	wantCode(t, err, "InsufficientInstanceCapacity")
	if err := w.SetCapacity("m5.large", "", "", 1); err != nil {
		t.Fatal(err)
	}
	w.run(t, tokenInput("t", 1))
}

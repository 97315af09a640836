package awssim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// got returns the value of a call that must not fail.
func got[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(value T, err error) T {
		tb.Helper()
		must(tb, err)
		return value
	}
}

// TestControlEqualsMethods drives a cloud through HTTP and compares with what its methods say.
func TestControlEqualsMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	ctx, control := t.Context(), awssim.Control{URL: w.url + "/"}
	w.template(t, "workers")
	_, err := w.ec2.CreateFleet(ctx, fleetInput(2, types.DefaultTargetCapacityTypeSpot, override{"m5.large", subnetA, 0, 0}))
	wantCode(t, err, "")

	w.spotFleet(t, spotFleetInput(types.FleetTypeMaintain, 1, override{"m5.large", subnetA, 0, 0}))
	_, err = w.asg.CreateAutoScalingGroup(ctx, groupInput(2))
	wantCode(t, err, "")

	must(t, control.SetCapacity(ctx, "m5.large", zoneB, awssim.Spot, 7))
	must(t, control.FailNext(ctx, "DescribeInstances", "RequestLimitExceeded", 1))
	_, err = w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	wantCode(t, err, "RequestLimitExceeded")
	must(t, control.FailNext(ctx, "*", "InternalError", -1))
	_, err = w.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InternalError")
	must(t, control.ClearFailures(ctx))

	ids := w.Fleets()[0].Instances
	must(t, control.Terminate(ctx, ids[0]))
	must(t, control.Interrupt(ctx, 2*time.Minute, ids[1]))
	must(t, control.Advance(ctx, 2*time.Minute))

	for name, pair := range map[string][2]any{
		"instances":        {w.Instances(), got[[]awssim.Instance](t)(control.Instances(ctx))},
		"ledger":           {w.Ledger(), got[[]awssim.Call](t)(control.Ledger(ctx))},
		"launch templates": {w.LaunchTemplates(), got[[]awssim.LaunchTemplate](t)(control.LaunchTemplates(ctx))},
		"fleets":           {w.Fleets(), got[[]awssim.Fleet](t)(control.Fleets(ctx))},
		"spot fleets":      {w.SpotFleets(), got[[]awssim.Fleet](t)(control.SpotFleets(ctx))},
		"groups":           {w.Groups(), got[[]awssim.Group](t)(control.Groups(ctx))},
		"capacity":         {w.Capacity(), got[map[awssim.Pool]int](t)(control.Capacity(ctx))},
		"description":      {w.Describe(), got[awssim.Description](t)(control.Describe(ctx))},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	states := []string{w.Instances()[0].State, w.Instances()[1].State}
	if diff := cmp.Diff([]string{"terminated", "shutting-down"}, states); diff != "" {
		t.Error(diff)
	}
	some := got[[]awssim.Call](t)(control.LedgerAfter(ctx, 4, "DescribeInstances"))
	if len(some) != 1 || some[0].Number != 5 || some[0].Code != "RequestLimitExceeded" || some[0].Status != http.StatusServiceUnavailable {
		t.Errorf("narrowed ledger: %+v", some)
	}
	must(t, control.ResetLedger(ctx))
	if n := len(w.Ledger()); n != 0 {
		t.Errorf("%d calls in the ledger after its reset", n)
	}
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx, control := t.Context(), awssim.Control{URL: w.url}
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"capacity":  {control.SetCapacity(ctx, "m5.large", "mars", "", 1), "mars"},
		"failure":   {control.FailNext(ctx, "LaunchRockets", "Boom", 1), "LaunchRockets"},
		"no times":  {control.FailNext(ctx, "RunInstances", "Boom", 0), "times"},
		"terminate": {control.Terminate(ctx, "i-0123456789abcdef0"), "InvalidInstanceID.NotFound"},
		"interrupt": {control.Interrupt(ctx, time.Second, "x"), "InvalidInstanceID.Malformed"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.says) {
			t.Errorf("%s: got error %v, want one about %s", name, test.err, test.says)
		}
	}
	for path, status := range map[string]int{"/_simulator/nothing": 404, "/elsewhere": 404, "/_simulator/ledger?after=x": 400, "/_simulator/": 200} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		if response.StatusCode != status {
			t.Errorf("GET %s: status %d, want %d", path, response.StatusCode, status)
		}
	}
}

func TestControlIsNotForWebPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.url+"/_simulator/ledger", nil)
	must(t, err)
	request.Header.Set("Origin", "https://example.com")
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, response.Body.Close())
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", response.StatusCode)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LedgerSize: 20})
	input := tokenInput("token-1", 2)
	input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", strings.Repeat("x", 250))}
	input.UserData = aws.String(strings.Repeat("aGVs", 100))
	ids := w.run(t, input)
	_, err := w.terminate(t.Context(), "i-0123456789abcdef0")
	wantCode(t, err, "InvalidInstanceID.NotFound")
	calls := w.Ledger()
	launch, end := calls[0], calls[1]
	if launch.Action != "RunInstances" || launch.ClientToken != "token-1" || launch.Code != "" || launch.Status != 200 || launch.Service != "ec2" || !launch.Time.Equal(w.clock.Now()) {
		t.Errorf("launch: %+v", launch)
	}
	if diff := cmp.Diff(ids, launch.Launched); diff != "" {
		t.Error(diff)
	}
	if launch.Parameters["MaxCount"] != "2" || len(launch.Parameters["UserData"]) > 300 || launch.Parameters["Action"] != "" {
		t.Errorf("parameters: %v", launch.Parameters)
	}
	if end.Code != "InvalidInstanceID.NotFound" || end.Status != 400 || end.RequestID == launch.RequestID || end.Number != 2 || len(end.Terminated) != 0 {
		t.Errorf("termination: %+v", end)
	}
	for range 100 {
		_, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, err, "")
	}
	calls = w.Ledger()
	if len(calls) > 20 || calls[len(calls)-1].Number != 102 || calls[len(calls)-1].Service != "sts" {
		t.Errorf("%d calls kept, the last is %+v, want at most 20 and number 102", len(calls), calls[len(calls)-1])
	}
}

func TestFailNextQueues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	must(t, w.FailNext("RunInstances", "RequestLimitExceeded", 2))
	must(t, w.Fail(awssim.Failure{Action: "RunInstances", Code: "UnauthorizedOperation", Message: "not you", Times: 1}))
	for _, code := range []string{"RequestLimitExceeded", "RequestLimitExceeded", "UnauthorizedOperation", ""} {
		_, err := w.ec2.RunInstances(t.Context(), launchInput(1))
		wantCode(t, err, code)
	}
	if n := len(w.Instances()); n != 1 {
		t.Errorf("%d instances, want those of the call that did not fail", n)
	}
	must(t, w.FailNext("autoscaling:DescribeTags", "Throttling", 1))
	_, err := w.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
	wantCode(t, err, "")
	_, err = w.asg.DescribeTags(t.Context(), &autoscaling.DescribeTagsInput{})
	wantCode(t, err, "Throttling")
	must(t, w.FailNext("TerminateInstances", "InternalError", 1))
	if len(w.Failures()) != 1 {
		t.Errorf("failures %v, want one", w.Failures())
	}
	w.ClearFailures()
	if len(w.Failures()) != 0 {
		t.Errorf("failures %v, want none", w.Failures())
	}
}

func TestListenAndServe(t *testing.T) {
	t.Parallel()
	cloud, err := awssim.New(awssim.Options{Latency: time.Millisecond})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- cloud.ListenAndServe(ctx, "127.0.0.1:0", func(url string) { ready <- url }) }()
	url := <-ready
	out, err := sts.NewFromConfig(awsConfig(url, "us-east-1")).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wantCode(t, err, "")
	if *out.Account != "123456789012" || !strings.HasSuffix(*out.Arn, ":user/simulator") {
		t.Errorf("identity %s %s", *out.Account, *out.Arn)
	}
	if err := cloud.ListenAndServe(ctx, strings.TrimPrefix(url, "http://"), nil); err == nil {
		t.Error("no error for a port in use")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got error %v at the end, want none", err)
	}
}

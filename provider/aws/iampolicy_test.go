package aws_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// allowed are the actions of the whole policy.
func allowed(tb testing.TB, p provider.Provider, features ...string) []string {
	tb.Helper()
	permitter, ok := p.(provider.Permitter)
	if !ok {
		tb.Fatal("the provider has no policy")
	}
	raw, err := permitter.Policy(features...)
	if err != nil {
		tb.Fatal(err)
	}
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect, Resource string
			Action                []string
		}
	}
	if err := json.Unmarshal(raw, &policy); err != nil || policy.Version != "2012-10-17" {
		tb.Fatalf("%s is no policy: %v", raw, err)
	}
	var actions []string
	for _, s := range policy.Statement {
		if s.Sid == "" || s.Effect != "Allow" || s.Resource == "" || len(s.Action) == 0 {
			tb.Errorf("the policy has the statement %+v", s)
		}
		actions = append(actions, s.Action...)
	}
	return actions
}

// TestPolicyHoldsEveryCall compares with the calls in the source of the one package that makes any.
func TestPolicyHoldsEveryCall(t *testing.T) {
	t.Parallel()
	p := newWorld(t, awssim.Options{}).open(t)
	actions := allowed(t, p)
	files, err := filepath.Glob("internal/awsapi/*.go")
	if err != nil {
		t.Fatal(err)
	}
	called := []string{"sts:GetCallerIdentity", "ssm:GetParameter"}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for service, pattern := range map[string]string{"ec2": `on(?:EC2|Machines)\(ctx, a, "([A-Za-z]+)"`, "autoscaling": `onAutoScaling\(ctx, a, "([A-Za-z]+)"`, "sqs": `onSQS\(ctx, a, "([A-Za-z]+)"`} {
			for _, found := range regexp.MustCompile(pattern).FindAllSubmatch(source, -1) {
				called = append(called, permissionFor(service+":"+string(found[1])))
			}
		}
	}
	if len(called) < 30 {
		t.Fatalf("found only the calls %v", called)
	}
	for _, action := range called {
		if !slices.Contains(actions, action) {
			t.Errorf("the code calls %s, which the policy does not allow", action)
		}
	}
	implied := []string{"ec2:CreateTags", "iam:PassRole", "iam:CreateServiceLinkedRole"}
	for _, action := range actions {
		if !slices.Contains(called, action) && !slices.Contains(implied, action) {
			t.Errorf("the policy allows %s, which the code does not call", action)
		}
	}
}

// permissionFor is what a call takes: SQS has one permission for one message and for several.
func permissionFor(call string) string {
	if call == "sqs:DeleteMessageBatch" {
		return "sqs:DeleteMessage"
	}
	return call
}

func TestPolicyByFeature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	if got := allowed(t, p, "prices"); !slices.Equal(got, []string{"ec2:DescribeSpotPriceHistory"}) {
		t.Errorf("prices take %v", got)
	}
	for config, resource := range map[string]string{
		`{}`: "arn:*:sqs:*:*:*", `{"interruption_queue": "taken"}`: "arn:*:sqs:*:*:taken",
		`{"interruption_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/taken"}`: "arn:*:sqs:*:*:taken",
	} {
		permitter, ok := w.open(t, config).(provider.Permitter)
		if !ok {
			t.Fatal("the provider has no policy")
		}
		if raw, err := permitter.Policy("interruptions"); err != nil || !strings.Contains(string(raw), `"Resource": "`+resource+`"`) {
			t.Errorf("with %s the policy is %s, error %v; want the queue %s", config, raw, err, resource)
		}
	}
	permitter, ok := w.open(t, `{"handlers": {"spot_fleet": {"enabled": false}}}`).(provider.Permitter)
	if !ok {
		t.Fatal("the provider has no policy")
	}
	if raw, err := permitter.Policy(); err != nil || strings.Contains(string(raw), "ec2:RequestSpotFleet\"") {
		t.Errorf("with Spot Fleets switched off, the policy is %s, error %v", raw, err)
	}
	if _, err := permitter.Policy("SpotFleet"); err == nil || !strings.Contains(err.Error(), `feature "SpotFleet" is not known or switched off; use machines, RunInstances, `) {
		t.Errorf("the policy for a feature that is switched off: %v", err)
	}
}

// checkPolicy holds what a test has called against the policy.
func checkPolicy(tb testing.TB, w *world) {
	tb.Helper()
	actions := allowed(tb, w.open(tb))
	for _, call := range w.Ledger() {
		// A role is assumed by the identity before it, whose policy this is not.
		if action := permissionFor(call.Service + ":" + call.Action); call.Action != "AssumeRole" && !slices.Contains(actions, action) {
			tb.Errorf("the provider called %s, which its policy does not allow", action)
		}
	}
}

package aws_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider/providertest"
)

// TestAWSConformance holds each launch API to the contract on real AWS. It costs money, so it runs only where somebody
// says which account and which subnets may be used; docs/testing.md has the variables.
func TestAWSConformance(t *testing.T) {
	if os.Getenv("OHFP_TEST_AWS") != "1" {
		t.Skip("OHFP_TEST_AWS is not 1; docs/testing.md says what real AWS needs")
	}
	a, err := realAccount(t.Context(), os.LookupEnv, realTime())
	if err != nil {
		t.Fatal(err)
	}
	a.conformance(t, ways())
}

// clock is what time is in an account.
type clock struct {
	now   func() time.Time
	pause func(ctx context.Context, d time.Duration) error
}

func realTime() clock {
	return clock{now: time.Now, pause: func(ctx context.Context, d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}}
}

// conformance runs the suite one way after the other. What a run that was killed has left is ended before, and whatever a
// case leaves is ended after it.
func (a *remote) conformance(t *testing.T, ways []way) {
	t.Helper()
	a.sweep(t)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			providertest.Run(t, func(tb testing.TB) providertest.Harness {
				tb.Helper()
				tb.Cleanup(func() { a.sweep(tb) })
				h := a.harness(tb, way)
				h.Backend = "aws"
				h.Many = 3
				for _, c := range []providertest.Capability{
					providertest.CanExhaust, providertest.CanThrottle, providertest.CanDeny, providertest.CanDropReply,
					providertest.CanCutReads, providertest.CanHang, providertest.CanRefuseTargets,
				} {
					h.Lacks[c] = "AWS does not fail when it is asked to"
				}
				h.Lacks[providertest.CanCalls] = "nobody counts the calls to AWS"
				return h
			})
		})
	}
}

// realAccount reads from variables where the suite may launch, and checks that it is there.
func realAccount(ctx context.Context, lookup func(string) (string, bool), c clock) (*remote, error) {
	value := func(name string) string { v, _ := lookup(name); return v }
	if value("CI") != "" && value("CI") != "false" {
		return nil, errors.New("CI is set: the suite does not launch on real AWS from there; run it by hand")
	}
	a := &remote{
		site:   site{image: value("OHFP_TEST_AWS_IMAGE"), small: "t3.micro", other: "t3a.micro", large: "t3.small"},
		region: value("AWS_REGION"), endpoint: value("OHFP_TEST_AWS_ENDPOINT"), installation: "c0f0c0f0c0f0c0f0",
		now: c.now, pause: c.pause, lag: 5 * time.Second, lookup: lookup,
	}
	if a.image == "" {
		a.image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	}
	subnets := strings.Split(value("OHFP_TEST_AWS_SUBNETS"), ",")
	if a.region == "" || value("OHFP_TEST_AWS_ACCOUNT") == "" || len(subnets) != 2 {
		return nil, errors.New("set AWS_REGION, OHFP_TEST_AWS_ACCOUNT to the account that may be used, and OHFP_TEST_AWS_SUBNETS " +
			"to two subnets of different zones, as a,b, which nothing else uses")
	}
	a.subnets = [2]string(subnets)
	options := []func(*config.LoadOptions) error{config.WithRegion(a.region)}
	if key := value("AWS_ACCESS_KEY_ID"); key != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(key, value("AWS_SECRET_ACCESS_KEY"), value("AWS_SESSION_TOKEN")),
		))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	if a.endpoint != "" {
		loaded.BaseEndpoint = awssdk.String(a.endpoint)
	}
	a.connect(loaded)
	return a, a.check(ctx, loaded, value("OHFP_TEST_AWS_ACCOUNT"))
}

// check makes sure that this is the account that was named, and that its subnets are as the suite needs them.
func (a *remote) check(ctx context.Context, loaded awssdk.Config, want string) error {
	identity, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("GetCallerIdentity: %w", err)
	}
	if got := awssdk.ToString(identity.Account); got != want {
		return fmt.Errorf("the credentials are of account %s and OHFP_TEST_AWS_ACCOUNT says %s", got, want)
	}
	out, err := a.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: a.subnets[:]})
	if err != nil {
		return fmt.Errorf("DescribeSubnets: %w", err)
	}
	if len(out.Subnets) != 2 || awssdk.ToString(out.Subnets[0].AvailabilityZone) == awssdk.ToString(out.Subnets[1].AvailabilityZone) {
		return fmt.Errorf("%s and %s are not two subnets of different zones", a.subnets[0], a.subnets[1])
	}
	return nil
}

// inSimulator is what the variables say of a simulated AWS.
func inSimulator(w *world, more map[string]string) func(string) (string, bool) {
	all := map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "OHFP_TEST_AWS_ENDPOINT": w.url,
		"OHFP_TEST_AWS_ACCOUNT": "123456789012", "OHFP_TEST_AWS_SUBNETS": subnetA + "," + subnetB,
	}
	for name, value := range more {
		all[name] = value
	}
	return func(name string) (string, bool) { value, ok := all[name]; return value, ok }
}

func (w *world) clock() clock {
	return clock{now: w.now, pause: func(ctx context.Context, d time.Duration) error { w.advance(d); return ctx.Err() }}
}

// TestRealAccount runs what runs on real AWS, the set-up and the clearing away included, against the simulated one.
func TestRealAccount(t *testing.T) { //nolint:tparallel // its subtests share one account
	t.Parallel()
	w := newSharedWorld(t, awssim.Options{
		LaunchDelay: 20 * time.Second, TerminateDelay: 30 * time.Second, DescribeLag: 2 * time.Second, FleetDelay: 3 * time.Second,
		ReplaceDelay: 40 * time.Second,
	})
	a, err := realAccount(t.Context(), inSimulator(w, nil), w.clock())
	if err != nil {
		t.Fatal(err)
	}
	a.conformance(t, ways()[1:2]) // the others differ in what the simulated AWS is asked, which TestConformance covers
}

// TestSweep leaves something of every way to launch behind, as a run that was killed does.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := newSharedWorld(t, awssim.Options{LaunchDelay: 20 * time.Second, TerminateDelay: 30 * time.Second})
	a, err := realAccount(t.Context(), inSimulator(w, nil), w.clock())
	if err != nil {
		t.Fatal(err)
	}
	p := a.open(t, a.installation)
	for _, way := range ways() {
		launch(t, p, ask(way.harness(a.site).Templates[way.kind], 2))
	}
	a.site.launch(t, a.open(t, foreignInstallation))
	theirs := a.site.launch(t, a.open(t, ohfp.InstallationID("0123456789abcdef")))
	w.advance(time.Minute)
	if live := len(a.live(t)); live != 18 {
		t.Fatalf("%d machines live before anything is ended, want 18", live)
	}
	a.sweep(t)
	if live := a.live(t); len(live) != 1 || live[0] != theirs {
		t.Errorf("%v live after all of the suite's were ended, want just %s, which is not the suite's", live, theirs)
	}
	if left := w.resources(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

func TestRealAccountRefuses(t *testing.T) {
	t.Parallel()
	w := newSharedWorld(t, awssim.Options{})
	for _, test := range []struct{ name, value, want string }{
		{"CI", "true", "CI is set"},
		{"AWS_REGION", "", "set AWS_REGION"},
		{"OHFP_TEST_AWS_ACCOUNT", "", "set AWS_REGION, OHFP_TEST_AWS_ACCOUNT"},
		{"OHFP_TEST_AWS_ACCOUNT", "999999999999", "the credentials are of account 123456789012"},
		{"OHFP_TEST_AWS_SUBNETS", subnetA, "two subnets"},
		{"OHFP_TEST_AWS_SUBNETS", subnetA + "," + subnetA, "not two subnets of different zones"},
	} {
		_, err := realAccount(t.Context(), inSimulator(w, map[string]string{test.name: test.value}), w.clock())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s=%s: error %v, want %q", test.name, test.value, err, test.want)
		}
	}
}

package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/provider/providertest"
	"github.com/openhostfactory/ohfp/store/memory"
)

// remote is an AWS account that the suite uses from outside only: real AWS, or whatever answers like it.
type remote struct {
	site
	ec2          *ec2.Client
	groups       *autoscaling.Client
	region       string
	endpoint     string // empty: AWS itself
	installation ohfp.InstallationID
	now          func() time.Time
	pause        func(ctx context.Context, d time.Duration) error // lets time pass in the account
	lag          time.Duration                                    // after which reads show what was launched
	lookup       func(string) (string, bool)
	memory       provider.Memory
}

// connect makes clients of the suite's own.
func (a *remote) connect(config awssdk.Config) {
	a.ec2 = ec2.NewFromConfig(config)
	a.groups = autoscaling.NewFromConfig(config)
	a.memory = memory.New(a.now)
}

// open opens a provider as another process would.
func (a *remote) open(tb testing.TB, installation ohfp.InstallationID) provider.Provider {
	tb.Helper()
	fields := map[string]any{"region": a.region}
	if a.endpoint != "" {
		fields["endpoint_url"], fields["max_retries"] = a.endpoint, 0
	}
	config, err := json.Marshal(fields)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := aws.Open(tb.Context(), config, provider.Environment{
		Name: "aws-test", Installation: installation, Memory: a.memory, Log: slog.New(slog.DiscardHandler), Now: a.now, LookupEnv: a.lookup,
	})
	if err != nil {
		tb.Fatal(err)
	}
	aws.SetPause(p, a.pause)
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// harness is what the suite can do in an account.
func (a *remote) harness(tb testing.TB, way way) providertest.Harness {
	tb.Helper()
	h := way.harness(a.site)
	h.New = func(tb testing.TB) provider.Provider {
		tb.Helper()
		return a.open(tb, a.installation)
	}
	h.Advance = func(d time.Duration) { a.wait(tb, d) }
	h.Live = a.live
	h.Resources = func(tb testing.TB) []string {
		tb.Helper()
		return slices.Concat(a.fleets(tb, a.installation), a.spotFleets(tb, a.installation), a.autoScalingGroups(tb, a.installation))
	}
	h.Lose = func(tb testing.TB, id ohfp.MachineID) {
		tb.Helper()
		a.terminate(tb, string(id))
	}
	h.Foreign = func(tb testing.TB) ohfp.MachineID {
		tb.Helper()
		return a.launch(tb, a.open(tb, foreignInstallation))
	}
	return h
}

func (a *remote) wait(tb testing.TB, d time.Duration) {
	tb.Helper()
	if err := a.pause(context.WithoutCancel(tb.Context()), d); err != nil {
		tb.Fatal(err)
	}
}

// live lists the machines in the subnets, which nobody else uses.
func (a *remote) live(tb testing.TB) []ohfp.MachineID {
	tb.Helper()
	a.wait(tb, a.lag)
	var ids []ohfp.MachineID
	for _, i := range a.instances(tb) {
		if i.State.Name != types.InstanceStateNameTerminated {
			ids = append(ids, ohfp.MachineID(*i.InstanceId))
		}
	}
	return ids
}

func (a *remote) instances(tb testing.TB) []types.Instance {
	tb.Helper()
	var all []types.Instance
	pages := ec2.NewDescribeInstancesPaginator(a.ec2, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: awssdk.String("subnet-id"), Values: a.subnets[:]},
	}})
	for pages.HasMorePages() {
		page := must(pages.NextPage(context.WithoutCancel(tb.Context())))(tb, "DescribeInstances")
		for _, r := range page.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all
}

// fleets lists the EC2 Fleets of an installation. AWS lists instant ones by their ids only, which their machines tell.
func (a *remote) fleets(tb testing.TB, of ohfp.InstallationID) []string {
	tb.Helper()
	in := []*ec2.DescribeFleetsInput{{}}
	var instant []string
	for _, i := range a.instances(tb) {
		if id := tagged(i.Tags, "aws:ec2:fleet-id"); id != "" && !slices.Contains(instant, id) {
			instant = append(instant, id)
		}
	}
	if len(instant) > 0 {
		in = append(in, &ec2.DescribeFleetsInput{FleetIds: instant})
	}
	var ids []string
	for _, in := range in {
		pages := ec2.NewDescribeFleetsPaginator(a.ec2, in)
		for pages.HasMorePages() {
			page := must(pages.NextPage(context.WithoutCancel(tb.Context())))(tb, "DescribeFleets")
			for _, f := range page.Fleets {
				deleted := strings.HasPrefix(string(f.FleetState), "deleted") || f.FleetState == types.FleetStateCodeFailed
				if !deleted && tagged(f.Tags, "ohfp:installation") == string(of) && !slices.Contains(ids, *f.FleetId) {
					ids = append(ids, *f.FleetId)
				}
			}
		}
	}
	return ids
}

func (a *remote) spotFleets(tb testing.TB, of ohfp.InstallationID) []string {
	tb.Helper()
	var ids []string
	pages := ec2.NewDescribeSpotFleetRequestsPaginator(a.ec2, &ec2.DescribeSpotFleetRequestsInput{})
	for pages.HasMorePages() {
		page := must(pages.NextPage(context.WithoutCancel(tb.Context())))(tb, "DescribeSpotFleetRequests")
		for _, f := range page.SpotFleetRequestConfigs {
			cancelled := strings.HasPrefix(string(f.SpotFleetRequestState), "cancelled")
			if !cancelled && tagged(f.Tags, "ohfp:installation") == string(of) {
				ids = append(ids, *f.SpotFleetRequestId)
			}
		}
	}
	return ids
}

func (a *remote) autoScalingGroups(tb testing.TB, of ohfp.InstallationID) []string {
	tb.Helper()
	var names []string
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(a.groups, &autoscaling.DescribeAutoScalingGroupsInput{})
	for pages.HasMorePages() {
		page := must(pages.NextPage(context.WithoutCancel(tb.Context())))(tb, "DescribeAutoScalingGroups")
		for _, g := range page.AutoScalingGroups {
			if slices.ContainsFunc(g.Tags, func(t asgtypes.TagDescription) bool {
				return awssdk.ToString(t.Key) == "ohfp:installation" && awssdk.ToString(t.Value) == string(of)
			}) {
				names = append(names, *g.AutoScalingGroupName)
			}
		}
	}
	return names
}

func (a *remote) terminate(tb testing.TB, ids ...string) {
	tb.Helper()
	_, err := a.ec2.TerminateInstances(context.WithoutCancel(tb.Context()), &ec2.TerminateInstancesInput{InstanceIds: ids})
	if err != nil {
		tb.Fatalf("TerminateInstances: %v", err)
	}
}

// sweep ends and removes everything that the suite has made, without the provider, and waits until it is gone.
func (a *remote) sweep(tb testing.TB) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	const rounds = 40
	for round := range rounds {
		left := 0
		for _, of := range []ohfp.InstallationID{a.installation, foreignInstallation} {
			fleets, spotFleets, groups := a.fleets(tb, of), a.spotFleets(tb, of), a.autoScalingGroups(tb, of)
			left += len(fleets) + len(spotFleets) + len(groups)
			if len(fleets) > 0 {
				must(a.ec2.DeleteFleets(ctx, &ec2.DeleteFleetsInput{FleetIds: fleets, TerminateInstances: awssdk.Bool(true)}))(tb, "DeleteFleets")
			}
			if len(spotFleets) > 0 {
				must(a.ec2.CancelSpotFleetRequests(ctx, &ec2.CancelSpotFleetRequestsInput{
					SpotFleetRequestIds: spotFleets, TerminateInstances: awssdk.Bool(true),
				}))(tb, "CancelSpotFleetRequests")
			}
			for _, name := range groups {
				// One that is being deleted already refuses; the next round sees it gone.
				_, err := a.groups.DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{
					AutoScalingGroupName: awssdk.String(name), ForceDelete: awssdk.Bool(true),
				})
				if err != nil && !strings.Contains(err.Error(), "ScalingActivityInProgress") {
					tb.Fatalf("DeleteAutoScalingGroup: %v", err)
				}
			}
		}
		if ids := a.ours(tb); len(ids) > 0 {
			left += len(ids)
			a.terminate(tb, ids...)
		}
		if left == 0 {
			a.sweepTemplates(tb)
			return
		}
		if round == rounds-1 {
			tb.Errorf("%d machines, fleets and groups of the suite are still there; end them by hand: they cost money", left)
		}
		a.wait(tb, 15*time.Second)
	}
}

// ours lists the machines that carry the tag of one of the suite's installations and are not terminated.
func (a *remote) ours(tb testing.TB) []string {
	tb.Helper()
	var ids []string
	for _, i := range a.instances(tb) {
		of := tagged(i.Tags, "ohfp:installation")
		if i.State.Name != types.InstanceStateNameTerminated && (of == string(a.installation) || of == foreignInstallation) {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

func (a *remote) sweepTemplates(tb testing.TB) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	pages := ec2.NewDescribeLaunchTemplatesPaginator(a.ec2, &ec2.DescribeLaunchTemplatesInput{Filters: []types.Filter{
		{Name: awssdk.String("tag:ohfp:installation"), Values: []string{string(a.installation), foreignInstallation}},
	}})
	for pages.HasMorePages() {
		page := must(pages.NextPage(ctx))(tb, "DescribeLaunchTemplates")
		for _, t := range page.LaunchTemplates {
			must(a.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: t.LaunchTemplateId}))(tb, "DeleteLaunchTemplate")
		}
	}
}

func tagged(tags []types.Tag, key string) string {
	for _, t := range tags {
		if awssdk.ToString(t.Key) == key {
			return awssdk.ToString(t.Value)
		}
	}
	return ""
}

// must ends the test when a call has failed.
func must[T any](out T, err error) func(testing.TB, string) T {
	return func(tb testing.TB, what string) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(fmt.Errorf("%s: %w", what, err))
		}
		return out
	}
}

package awssim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func TestDescribeInstancesFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	tagged := func(subnet, request string, spot bool) string {
		input := launchInput(1)
		input.SubnetId = aws.String(subnet)
		input.ClientToken = aws.String("token-" + request)
		input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "ohfp:request-id", request)}
		if spot {
			input.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		}
		return w.run(t, input)[0]
	}
	one, two, star := tagged(subnetA, "req-1", false), tagged(subnetB, "req-2", true), tagged(subnetC, "req-*", false)
	bare := w.run(t, launchInput(1))[0]
	_, err := w.terminate(t.Context(), bare)
	wantCode(t, err, "")
	w.clock.advance(time.Minute)

	for name, test := range map[string]struct {
		filters []types.Filter
		want    []string
	}{
		"none":               {nil, []string{one, two, star, bare}},
		"tag":                {[]types.Filter{filterOn("tag:ohfp:request-id", "req-1")}, []string{one}},
		"tag, two values":    {[]types.Filter{filterOn("tag:ohfp:request-id", "req-2", "req-1")}, []string{one, two}},
		"tag, star":          {[]types.Filter{filterOn("tag:ohfp:request-id", "req-*")}, []string{one, two, star}},
		"tag, question mark": {[]types.Filter{filterOn("tag:ohfp:request-id", "r?q-1")}, []string{one}},
		"tag, quoted star":   {[]types.Filter{filterOn("tag:ohfp:request-id", `req-\*`)}, []string{star}},
		"tag, other case":    {[]types.Filter{filterOn("tag:ohfp:request-id", "REQ-1")}, nil},
		"tag-key":            {[]types.Filter{filterOn("tag-key", "ohfp:request-id")}, []string{one, two, star}},
		"state":              {[]types.Filter{filterOn("instance-state-name", "running")}, []string{one, two, star}},
		"state terminated":   {[]types.Filter{filterOn("instance-state-name", "terminated", "shutting-down")}, []string{bare}},
		"id":                 {[]types.Filter{filterOn("instance-id", one, "i-0123456789abcdef0")}, []string{one}},
		"zone":               {[]types.Filter{filterOn("availability-zone", zoneB)}, []string{two}},
		"type":               {[]types.Filter{filterOn("instance-type", "m5.*")}, []string{one, two, star, bare}},
		"lifecycle":          {[]types.Filter{filterOn("instance-lifecycle", "spot")}, []string{two}},
		"subnet":             {[]types.Filter{filterOn("subnet-id", subnetA)}, []string{one}},
		"client token":       {[]types.Filter{filterOn("client-token", "token-req-2")}, []string{two}},
		"private name":       {[]types.Filter{filterOn("private-dns-name", "ip-10-0-16-4.ec2.internal")}, []string{two}},
		"private address":    {[]types.Filter{filterOn("private-ip-address", "10.0.32.4")}, []string{star}},
		"reservation":        {[]types.Filter{filterOn("reservation-id", w.Instances()[2].Reservation)}, []string{star}},
		"two filters":        {[]types.Filter{filterOn("tag-key", "*"), filterOn("availability-zone", zoneA, zoneB)}, []string{one, two}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.describe(t, &ec2.DescribeInstancesInput{Filters: test.filters})
			if diff := cmp.Diff(test.want, append([]string(nil), instanceIDs(got)...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDescribeInstancesRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	id := w.run(t, launchInput(1))[0]
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, test := range map[string]struct {
		input ec2.DescribeInstancesInput
		code  string
	}{
		"one unknown ID":     {ec2.DescribeInstancesInput{InstanceIds: []string{id, "i-0123456789abcdef0"}}, "InvalidInstanceID.NotFound"},
		"malformed ID":       {ec2.DescribeInstancesInput{InstanceIds: []string{id, "machine"}}, "InvalidInstanceID.Malformed"},
		"unknown filter":     {ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("colour", "red")}}, "InvalidParameterValue"},
		"empty filter":       {ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("instance-id")}}, "InvalidParameterValue"},
		"too many values":    {ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("instance-id", many...)}}, "FilterLimitExceeded"},
		"IDs and MaxResults": {ec2.DescribeInstancesInput{InstanceIds: []string{id}, MaxResults: aws.Int32(10)}, "InvalidParameterCombination"},
		"small page":         {ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		"large page":         {ec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue"},
		"token":              {ec2.DescribeInstancesInput{NextToken: aws.String("nonsense")}, "InvalidNextToken"},
		"dry run":            {ec2.DescribeInstancesInput{DryRun: aws.Bool(true)}, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.ec2.DescribeInstances(t.Context(), &test.input)
			wantCode(t, err, test.code)
		})
	}
}

func TestDescribeInstancesPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ids := slices.Concat(w.run(t, launchInput(7)), w.run(t, launchInput(6)))
	var sizes []int
	var got []string
	pages := ec2.NewDescribeInstancesPaginator(w.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		wantCode(t, err, "")
		sizes = append(sizes, len(flatten(out)))
		got = append(got, instanceIDs(flatten(out))...)
		if len(sizes) == 1 {
			// What comes and goes between pages neither repeats nor hides the others.
			w.run(t, launchInput(1))
			if err := w.Terminate(ids[0], ids[12]); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(2 * time.Hour)
		}
	}
	if diff := cmp.Diff([]int{5, 5, 3}, sizes); diff != "" {
		t.Error(diff)
	}
	want := append(slices.Clone(ids[:12]), w.Instances()[11].ID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	first, err := w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	wantCode(t, err, "")
	_, err = w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(5), NextToken: first.NextToken, Filters: []types.Filter{filterOn("instance-state-name", "running")},
	})
	wantCode(t, err, "InvalidNextToken")
}

func TestDescribeLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{DescribeLag: 10 * time.Second})
	input := launchInput(1)
	input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", "b")}
	id := w.run(t, input)[0]
	if found := w.describe(t, &ec2.DescribeInstancesInput{}); len(found) != 0 {
		t.Errorf("%d instances described at once, want none yet", len(found))
	}
	_, err := w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
	tags, err := w.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
	wantCode(t, err, "")
	if len(tags.Tags) != 0 {
		t.Errorf("%d tags described at once, want none yet", len(tags.Tags))
	}
	if len(w.Instances()) != 1 {
		t.Error("the snapshot does not see the instance")
	}
	w.clock.advance(10 * time.Second)
	w.one(t, id)
}

func TestDescribeInstanceStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LaunchDelay: time.Minute})
	ids := w.run(t, launchInput(2))
	w.clock.advance(time.Minute)
	pending := w.run(t, launchInput(1))[0]
	out, err := w.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{})
	wantCode(t, err, "")
	if len(out.InstanceStatuses) != 2 || *out.InstanceStatuses[0].InstanceId != ids[0] || out.InstanceStatuses[0].SystemStatus.Status != types.SummaryStatusOk {
		t.Errorf("statuses of running instances: %+v", out.InstanceStatuses)
	}
	out, err = w.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true), InstanceIds: []string{pending}})
	wantCode(t, err, "")
	if len(out.InstanceStatuses) != 1 || out.InstanceStatuses[0].InstanceState.Name != types.InstanceStateNamePending {
		t.Errorf("status of the pending instance: %+v", out.InstanceStatuses)
	}
}

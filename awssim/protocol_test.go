package awssim_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

const signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00"

func post(t *testing.T, address, authorization, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	text, err := io.ReadAll(response.Body)
	must(t, err)
	must(t, response.Body.Close())
	return response.StatusCode, string(text)
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for name, test := range map[string]struct {
		authorization, body string
		status              int
		says                string
	}{
		"answer":           {signature, "Action=DescribeVpcs&Version=2016-11-15", 200, `<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>`},
		"unknown action":   {signature, "Action=LaunchRockets&Version=2016-11-15", 400, "<Response><Errors><Error><Code>InvalidAction</Code><Message>The action LaunchRockets"},
		"escaped":          {signature, "Action=%3Cb%3E&Version=2016-11-15", 400, "The action &lt;b&gt; is"},
		"version":          {signature, "Action=DescribeVpcs&Version=2010-01-01", 400, "<Code>NoSuchVersion</Code>"},
		"no action":        {signature, "", 400, "<Code>NoSuchVersion</Code>"},
		"no signature":     {"", "Action=DescribeVpcs&Version=2016-11-15", 401, "<Code>AuthFailure</Code>"},
		"other region":     {strings.Replace(signature, "us-east-1", "eu-west-1", 1), "Action=DescribeVpcs&Version=2016-11-15", 401, "this simulator is us-east-1, the request is signed for eu-west-1"},
		"other service":    {strings.Replace(signature, "/ec2/", "/sts/", 1), "Action=DescribeVpcs&Version=2016-11-15", 403, "<Code>SignatureDoesNotMatch</Code>"},
		"STS error":        {strings.Replace(signature, "/ec2/", "/sts/", 1), "Action=DecodeAuthorizationMessage&Version=2011-06-15", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>`},
		"group error":      {strings.Replace(signature, "/ec2/", "/autoscaling/", 1), "Action=DeleteAutoScalingGroup&Version=2011-01-01", 400, `<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type><Code>ValidationError</Code>`},
		"group answer":     {strings.Replace(signature, "/ec2/", "/autoscaling/", 1), "Action=DescribeAutoScalingGroups&Version=2011-01-01&AutoScalingGroupNames=", 200, `<DescribeAutoScalingGroupsResult><AutoScalingGroups></AutoScalingGroups></DescribeAutoScalingGroupsResult><ResponseMetadata>`},
		"group parameter":  {strings.Replace(signature, "/ec2/", "/autoscaling/", 1), "Action=DescribeAutoScalingGroups&Version=2011-01-01&AutoScalingGroupNames.1=g", 400, "The parameter AutoScalingGroupNames.1 is not recognized"},
		"groups elsewhere": {strings.NewReplacer("/ec2/", "/autoscaling/", "us-east-1", "eu-west-1").Replace(signature), "Action=DescribeAutoScalingGroups&Version=2011-01-01", 403, "this simulator is us-east-1"},
		"EC2 call at STS":  {strings.Replace(signature, "/ec2/", "/sts/", 1), "Action=DescribeVpcs&Version=2011-06-15", 400, "<Code>InvalidAction</Code>"},
		"STS no signature": {"", "Action=GetCallerIdentity&Version=2011-06-15", 403, "<Code>MissingAuthenticationToken</Code>"},
		"no form":          {signature, "%zz", 400, "the request is no form"},
		"unknown name":     {signature, "Action=DescribeVpcs&Version=2016-11-15&Colour=red", 400, "The parameter Colour is not recognized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, text := post(t, w.url, test.authorization, test.body)
			if status != test.status || !strings.Contains(text, test.says) {
				t.Errorf("status %d, want %d, and %q in:\n%s", status, test.status, test.says, text)
			}
		})
	}
	if status, text := post(t, w.url+"/?Action=DescribeVpcs&Version=2016-11-15", signature, ""); status != 200 {
		t.Errorf("parameters in the URL: status %d: %s", status, text)
	}
	if status, _ := post(t, w.url, signature, "Action="+strings.Repeat("x", 5<<20)); status != 400 {
		t.Errorf("a body of 5 MiB: status %d, want 400", status)
	}
}

// TestDryRunChangesNothing goes through every operation that changes something.
func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	id, template := w.run(t, launchInput(1))[0], w.template(t, "workers")
	fleet, err := w.ec2.CreateFleet(t.Context(), fleetInput(1, ""))
	wantCode(t, err, "")
	kept := w.keptFleet(t, keptInput("maintain", 1, "spot", override{"m5.large", subnetA, 0, 0}))
	spotFleet := w.spotFleet(t, spotFleetInput("maintain", 1, override{"m5.large", subnetA, 0, 0}))
	w.clock.advance(time.Second)
	before := []any{w.Instances(), w.LaunchTemplates(), w.Fleets(), w.SpotFleets()}
	for action, parameters := range map[string]url.Values{
		"RunInstances":                {"ImageId": {testImage}, "InstanceType": {"m5.large"}, "MinCount": {"1"}, "MaxCount": {"1"}, "ClientToken": {"dry"}},
		"TerminateInstances":          {"InstanceId.1": {id}},
		"CreateFleet":                 {"Type": {"instant"}, "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId": {template}, "LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version": {"1"}, "TargetCapacitySpecification.TotalTargetCapacity": {"1"}},
		"DeleteFleets":                {"FleetId.1": {*fleet.FleetId}, "TerminateInstances": {"true"}},
		"CreateLaunchTemplate":        {"LaunchTemplateName": {"other"}, "LaunchTemplateData.InstanceType": {"m5.large"}},
		"CreateLaunchTemplateVersion": {"LaunchTemplateId": {template}, "LaunchTemplateData.InstanceType": {"m5.large"}},
		"ModifyLaunchTemplate":        {"LaunchTemplateId": {template}, "SetDefaultVersion": {"1"}},
		"DeleteLaunchTemplate":        {"LaunchTemplateId": {template}},
		"ModifyFleet":                 {"FleetId": {kept}, "TargetCapacitySpecification.TotalTargetCapacity": {"3"}},
		"RequestSpotFleet":            {"SpotFleetRequestConfig.IamFleetRole": {fleetRole}, "SpotFleetRequestConfig.TargetCapacity": {"1"}, "SpotFleetRequestConfig.LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId": {template}, "SpotFleetRequestConfig.LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version": {"1"}},
		"ModifySpotFleetRequest":      {"SpotFleetRequestId": {spotFleet}, "TargetCapacity": {"3"}},
		"CancelSpotFleetRequests":     {"SpotFleetRequestId.1": {spotFleet}, "TerminateInstances": {"true"}},
		"StopInstances":               {"InstanceId.1": {id}},
		"StartInstances":              {"InstanceId.1": {id}},
		"ModifyInstanceAttribute":     {"InstanceId": {id}, "DisableApiTermination.Value": {"true"}},
		"CreateTags":                  {"ResourceId.1": {id}, "Tag.1.Key": {"a"}, "Tag.1.Value": {"b"}},
		"DeleteTags":                  {"ResourceId.1": {id}, "Tag.1.Key": {"a"}},
	} {
		parameters.Set("Action", action)
		parameters.Set("Version", "2016-11-15")
		parameters.Set("DryRun", "true")
		status, text := post(t, w.url, signature, parameters.Encode())
		if status != http.StatusPreconditionFailed || !strings.Contains(text, "<Code>DryRunOperation</Code>") {
			t.Errorf("%s: status %d: %s", action, status, text)
		}
	}
	after := []any{w.Instances(), w.LaunchTemplates(), w.Fleets(), w.SpotFleets()}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Throttle: true, Subnets: wide().Subnets})
	succeeding := func(call func() error, attempts int) int {
		n := 0
		for range attempts {
			if err := call(); err == nil {
				n++
			} else {
				wantCode(t, err, "RequestLimitExceeded")
			}
		}
		return n
	}
	launch := func(count int32) func() error {
		return func() error {
			_, err := w.ec2.RunInstances(t.Context(), launchInput(count))
			return err
		}
	}
	unfiltered := func() error {
		_, err := w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		return err
	}
	paged := func() error {
		_, err := w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), Filters: []types.Filter{filterOn("instance-id", "none")}})
		return err
	}
	spotFleets := func() error {
		_, err := w.ec2.DescribeSpotFleetRequests(t.Context(), &ec2.DescribeSpotFleetRequestsInput{})
		return err
	}
	for _, step := range []struct {
		name     string
		wait     time.Duration
		call     func() error
		attempts int
		want     int
	}{
		{"fifty unfiltered reads", 0, unfiltered, 60, 50},
		{"a hundred others", 0, paged, 110, 100},
		{"ten per second", time.Second, unfiltered, 15, 10},
		{"fifty reads of Spot Fleet requests", 0, spotFleets, 60, 50},
		{"three per second", time.Second, spotFleets, 10, 3},
		{"five launches at once", 0, launch(1), 8, 5},
		{"two more per second", time.Second, launch(1), 4, 2},
		{"990 of the thousand instances", time.Minute, launch(990), 1, 1},
		{"the bucket of instances is empty", time.Second, launch(50), 1, 0},
		{"and fills by two per second", 20 * time.Second, launch(50), 2, 1},
	} {
		w.clock.advance(step.wait)
		if got := succeeding(step.call, step.attempts); got != step.want {
			t.Errorf("%s: %d of %d calls succeeded, want %d", step.name, got, step.attempts, step.want)
		}
	}
	var ids []string
	for _, i := range w.Instances() {
		ids = append(ids, i.ID)
	}
	_, err := w.terminate(t.Context(), ids[:900]...)
	wantCode(t, err, "")
	_, err = w.terminate(t.Context(), ids[:900]...)
	wantCode(t, err, "RequestLimitExceeded")
	// STS has limits of its own, which are not simulated.
	for range 200 {
		_, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, err, "")
	}
}

// TestConcurrentUse launches, describes, tags and terminates from many sides; the race detector and the count judge.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LaunchDelay: time.Second})
	w.template(t, "workers")
	var mu sync.Mutex
	var all []string
	var group sync.WaitGroup
	for n := range 16 {
		group.Go(func() {
			input := tokenInput("token-"+string(rune('a'+n/2)), 5)
			out, err := w.ec2.RunInstances(t.Context(), input)
			if err != nil {
				t.Error(err)
				return
			}
			ids := instanceIDs(out.Instances)
			mu.Lock()
			all = append(all, ids...)
			mu.Unlock()
			w.clock.advance(time.Millisecond)
			_, err = w.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids, Tags: pairs("n", "x")})
			must2(t, err)
			_, err = w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("tag:n", "x")}})
			must2(t, err)
			_, err = w.ec2.CreateFleet(t.Context(), fleetInput(3, "spot"))
			must2(t, err)
			_, err = w.terminate(t.Context(), ids[0])
			must2(t, err)
			w.Instances()
			w.Ledger()
			w.Fleets()
			must2(t, w.SetCapacity("c5.large", "", "", n))
		})
	}
	group.Wait()
	slices.Sort(all)
	if unique := len(slices.Compact(all)); unique != 40 {
		t.Errorf("%d instances from 8 tokens of 5, want 40", unique)
	}
	if n := len(w.Instances()); n != 40+16*3 {
		t.Errorf("%d instances exist, want 88", n)
	}
}

// must2 is must for goroutines, which must not end the test themselves.
func must2(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]awssim.Options{
		"account":        {Account: "acme"},
		"subnet zone":    {Subnets: []awssim.Subnet{{ID: subnetA, Zone: "mars", CIDR: "10.0.0.0/20"}}},
		"subnet block":   {Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0"}}},
		"subnet size":    {Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/8"}}},
		"subnet ID":      {Subnets: []awssim.Subnet{{ID: "subnet-a", Zone: zoneA, CIDR: "10.0.0.0/20"}}},
		"subnet twice":   {Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/20"}, {ID: subnetA, Zone: zoneA, CIDR: "10.0.16.0/20"}}},
		"security group": {SecurityGroups: []awssim.SecurityGroup{{ID: "default"}}},
		"image":          {Images: []awssim.Image{{ID: "linux"}}},
		"instance type":  {InstanceTypes: []awssim.InstanceType{{Name: "x.large"}}},
	} {
		if _, err := awssim.New(options); err == nil || !strings.HasPrefix(err.Error(), "awssim: ") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

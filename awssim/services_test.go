package awssim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// post sends a call as a service's client would, signed for the service.
func post(tb testing.TB, c *Cloud, service, target, body string) *httptest.ResponseRecorder {
	tb.Helper()
	request := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", strings.Replace(testSignature, "/ec2/", "/"+service+"/", 1))
	if target != "" {
		request.Header.Set("X-Amz-Target", target)
	}
	recorder := httptest.NewRecorder()
	c.ServeHTTP(recorder, request)
	return recorder
}

// FuzzGroupCalls sends anything to a cloud that has a group, and lets time pass after it.
func FuzzGroupCalls(f *testing.F) {
	const version = "&Version=2011-01-01"
	for _, seed := range []string{
		"Action=CreateAutoScalingGroup&AutoScalingGroupName=h&MinSize=1&MaxSize=3&LaunchTemplate.LaunchTemplateName=workers&VPCZoneIdentifier=subnet-0000000000000000a",
		"Action=CreateAutoScalingGroup&AutoScalingGroupName=h&MinSize=0&MaxSize=9&DesiredCapacity=7&AvailabilityZones.member.1=us-east-1a&MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName=workers&MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType=m5.large&MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.WeightedCapacity=3&MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity=50",
		"Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=5", "Action=UpdateAutoScalingGroup&AutoScalingGroupName=g&MaxSize=1",
		"Action=DescribeAutoScalingGroups&Filters.member.1.Name=tag:a&Filters.member.1.Values.member.1=*", "Action=SuspendProcesses&AutoScalingGroupName=g",
		"Action=DetachInstances&AutoScalingGroupName=g&InstanceIds.member.1=i-1&ShouldDecrementDesiredCapacity=true", "Action=DescribeScalingActivities&MaxRecords=2",
		"Action=DeleteAutoScalingGroup&AutoScalingGroupName=g&ForceDelete=true", "Action=CreateOrUpdateTags&Tags.member.1.ResourceId=g&Tags.member.1.Key=k", "Action=DescribeTags",
	} {
		f.Add(seed + version)
	}
	f.Fuzz(func(t *testing.T, body string) {
		// A launch that nobody could wait for is not what is looked for here.
		if form, err := url.ParseQuery(body); err == nil && len(form.Get("MaxSize"))+len(form.Get("MinSize")) > 4 {
			return
		}
		c, err := New(Options{Seed: 1, Rebalance: true, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		serve(t, c, "Version=2016-11-15&Action=CreateLaunchTemplate&LaunchTemplateName=workers&LaunchTemplateData.ImageId=ami-0123456789abcdef0&LaunchTemplateData.InstanceType=m5.large")
		if answer := post(t, c, serviceASG, "", "Action=CreateAutoScalingGroup&AutoScalingGroupName=g&MinSize=0&MaxSize=4&DesiredCapacity=2&LaunchTemplate.LaunchTemplateName=workers&VPCZoneIdentifier=subnet-0000000000000000a"+version); answer.Code != http.StatusOK {
			t.Fatal(answer.Body)
		}
		if answer := post(t, c, serviceASG, "", body); answer.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		c.Advance(time.Hour)
		for _, g := range c.Groups() {
			if g.Status == "" && len(g.Suspended) == 0 && g.Units < g.Desired && g.Desired < 100 && len(g.Activities) == 0 {
				t.Fatalf("the group has %d of %d units and says nothing", g.Units, g.Desired)
			}
		}
	})
}

// FuzzJSONCalls sends anything to SSM. The answer is JSON unless the call was none.
func FuzzJSONCalls(f *testing.F) {
	f.Add("GetParameter", `{"Name":"/aws/service/image","WithDecryption":true}`)
	f.Add("GetParameters", `{"Names":["a","b:1",null]}`)
	f.Add("GetParameter", `{"Name":{"a":[1,2.5e9,"x"]}}`)
	f.Fuzz(func(t *testing.T, action, body string) {
		c, err := New(Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		answer := post(t, c, serviceSSM, "AmazonSSM."+action, body)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		if strings.HasPrefix(answer.Header().Get("Content-Type"), "application/x-amz-json") && !json.Valid(answer.Body.Bytes()) {
			t.Fatalf("no JSON: %s", answer.Body)
		}
	})
}

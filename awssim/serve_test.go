package awssim

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const testSignature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00"

func serve(tb testing.TB, c *Cloud, body string) *httptest.ResponseRecorder {
	tb.Helper()
	request := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", testSignature)
	recorder := httptest.NewRecorder()
	c.ServeHTTP(recorder, request)
	return recorder
}

// FuzzCalls sends anything to a cloud that has a bit of everything. The answer is always an XML document, and only what
// the caller did is ever wrong.
func FuzzCalls(f *testing.F) {
	const version = "&Version=2016-11-15"
	for _, seed := range []string{
		"Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=m5.large&MinCount=1&MaxCount=3&ClientToken=t",
		"Action=RunInstances&LaunchTemplate.LaunchTemplateName=workers&MinCount=1&MaxCount=1&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.AssociatePublicIpAddress=true",
		"Action=CreateFleet&Type=instant&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=workers&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1&LaunchTemplateConfigs.1.Overrides.1.WeightedCapacity=0.5&TargetCapacitySpecification.TotalTargetCapacity=3&SpotOptions.AllocationStrategy=diversified",
		"Action=DescribeInstances&Filter.1.Name=tag:a&Filter.1.Value.1=*&MaxResults=5",
		"Action=DescribeInstances&NextToken=MSAx",
		"Action=DescribeTags&MaxResults=5", "Action=DescribeInstanceTypes&MaxResults=5", "Action=DescribeImages&ImageId.1=ami-0123456789abcdef0",
		"Action=CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.UserData=aGk=&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/sda",
		"Action=CreateLaunchTemplateVersion&LaunchTemplateName=workers&SourceVersion=$Latest&LaunchTemplateData.Placement.Tenancy=host",
		"Action=DescribeLaunchTemplateVersions&LaunchTemplateName=workers&MinVersion=-1", "Action=DeleteLaunchTemplate&LaunchTemplateName=workers",
		"Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=?", "Action=DescribeSecurityGroups&GroupName.1=default", "Action=DescribeInstanceStatus&IncludeAllInstances=true",
		"Action=CreateFleet&Type=maintain&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=workers&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1&LaunchTemplateConfigs.1.Overrides.1.InstanceRequirements.VCpuCount.Min=1&LaunchTemplateConfigs.1.Overrides.1.InstanceRequirements.MemoryMiB.Min=1&TargetCapacitySpecification.TotalTargetCapacity=3&TargetCapacitySpecification.TargetCapacityUnitType=vcpu",
		"Action=RequestSpotFleet&SpotFleetRequestConfig.IamFleetRole=arn:aws:iam::123456789012:role/r&SpotFleetRequestConfig.TargetCapacity=2&SpotFleetRequestConfig.LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=workers&SpotFleetRequestConfig.LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1",
		"Action=DescribeSpotInstanceRequests", "Action=DescribeSpotPriceHistory&InstanceType.1=m5.large", "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&MaxResults=5",
		"Action=StopInstances&InstanceId.1=i-0123456789abcdef0", "Action=ModifyFleet&FleetId=x", "Action=DescribeFleetHistory&FleetId=x&StartTime=2026-01-02T03:04:05Z",
		"Action=TerminateInstances&InstanceId.1=i-0123456789abcdef0", "Action=DeleteTags&ResourceId.1=i-1&Tag.1.Key=a", "Action=DescribeFleets", "Action=DeleteFleets&FleetId.1=x&TerminateInstances=true",
	} {
		f.Add(seed + version)
	}
	f.Fuzz(func(t *testing.T, body string) {
		// A launch that nobody could wait for is not what is looked for here.
		if form, err := url.ParseQuery(body); err == nil && len(form.Get("MaxCount"))+len(form.Get("TargetCapacitySpecification.TotalTargetCapacity")) > 4 {
			return
		}
		c, err := New(Options{Seed: 1, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		for _, setup := range []string{
			"Action=CreateLaunchTemplate&LaunchTemplateName=workers&LaunchTemplateData.ImageId=ami-0123456789abcdef0&LaunchTemplateData.InstanceType=m5.large",
			"Action=RunInstances&LaunchTemplate.LaunchTemplateName=workers&MinCount=6&MaxCount=6&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a",
		} {
			if answer := serve(t, c, setup+version); answer.Code != http.StatusOK {
				t.Fatal(answer.Body)
			}
		}
		answer := serve(t, c, body)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		if !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/xml") {
			return
		}
		decoder := xml.NewDecoder(answer.Body)
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkServeTenThousand is the server's share of describing ten thousand instances in pages of a thousand.
func BenchmarkServeTenThousand(b *testing.B) {
	c, err := New(Options{Seed: 1, Subnets: []Subnet{{ID: "subnet-0000000000000000a", Zone: "us-east-1a", CIDR: "10.0.0.0/16"}}})
	if err != nil {
		b.Fatal(err)
	}
	for range 10 {
		serve(b, c, "Action=RunInstances&Version=2016-11-15&ImageId=ami-0123456789abcdef0&InstanceType=m5.large&MinCount=1&MaxCount=1000&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b")
	}
	for b.Loop() {
		token, size := "", 0
		for range 10 {
			answer := serve(b, c, "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000&Filter.1.Name=tag:a&Filter.1.Value.1=b"+token).Body.String()
			size += len(answer)
			_, after, _ := strings.Cut(answer, "<nextToken>")
			next, _, _ := strings.Cut(after, "</nextToken>")
			token = "&NextToken=" + next
		}
		if token != "&NextToken=" {
			b.Fatal("more than ten pages")
		}
		b.ReportMetric(float64(size), "bytes")
	}
}

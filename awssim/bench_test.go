package awssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp/awssim"
)

// wide has one subnet that holds ten thousand machines.
func wide() awssim.Options {
	return awssim.Options{Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/16"}}}
}

func BenchmarkTenThousand(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, wide())
		start := time.Now()
		for range 10 {
			w.run(b, launchInput(1000))
		}
		launched := time.Now()
		pages := ec2.NewDescribeInstancesPaginator(w.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)})
		seen := 0
		for pages.HasMorePages() {
			out, err := pages.NextPage(b.Context())
			wantCode(b, err, "")
			seen += len(flatten(out))
		}
		if seen != 10_000 {
			b.Fatalf("%d instances described, want 10000", seen)
		}
		b.ReportMetric(launched.Sub(start).Seconds(), "s/launch10k")
		b.ReportMetric(time.Since(launched).Seconds(), "s/describe10k")
	}
}

func BenchmarkSingle(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	for b.Loop() {
		// A new input each time: the SDK writes the token it makes up into the one it is given.
		must(b, w.Terminate(w.run(b, launchInput(1))...))
		w.Advance(2 * time.Hour)
	}
}

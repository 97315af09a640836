package awssim_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp/awssim"
)

const (
	zoneA, zoneB, zoneC       = "us-east-1a", "us-east-1b", "us-east-1c"
	subnetA, subnetB, subnetC = "subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"
	testImage                 = "ami-0123456789abcdef0"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a simulated cloud behind a socket, with the SDK's clients.
type world struct {
	*awssim.Cloud
	clock *clock
	url   string
	ec2   *ec2.Client
	sts   *sts.Client
	asg   *autoscaling.Client
	ssm   *ssm.Client
}

func newWorld(tb testing.TB, options awssim.Options) *world {
	tb.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	options.Now = w.clock.Now
	options.Seed = 1
	cloud, err := awssim.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	tb.Cleanup(server.Close)
	w.Cloud, w.url = cloud, server.URL
	w.ec2 = ec2.NewFromConfig(awsConfig(server.URL, "us-east-1"))
	if options.Region != "" {
		w.ec2 = ec2.NewFromConfig(awsConfig(server.URL, options.Region))
	}
	w.sts = sts.NewFromConfig(awsConfig(server.URL, "us-east-1"))
	w.asg = autoscaling.NewFromConfig(awsConfig(server.URL, "us-east-1"))
	w.ssm = ssm.NewFromConfig(awsConfig(server.URL, "us-east-1"))
	return w
}

func awsConfig(url, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:   &http.Client{Transport: detachedBody{http.DefaultTransport}},
		// One call of a test is one call of the ledger.
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// detachedBody gives net/http a body of its own: the SDK closes its one as soon as it has an answer, which a server as
// near as this one may send while net/http still looks at the body.
type detachedBody struct{ next http.RoundTripper }

func (d detachedBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return d.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return d.next.RoundTrip(own)
}

// wantCode fails the test unless err is the AWS error code; an empty code wants no error.
func wantCode(tb testing.TB, err error, code string) {
	tb.Helper()
	if code == "" {
		if err != nil {
			tb.Fatalf("got error %v, want none", err)
		}
		return
	}
	var got smithy.APIError
	if !errors.As(err, &got) {
		tb.Fatalf("got error %v, want AWS error %s", err, code)
	}
	if got.ErrorCode() != code {
		tb.Fatalf("got AWS error %s (%s), want %s", got.ErrorCode(), got.ErrorMessage(), code)
	}
}

func launchInput(count int32) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{
		ImageId: aws.String(testImage), InstanceType: types.InstanceTypeM5Large, SubnetId: aws.String(subnetA),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(count),
	}
}

// run launches instances and returns their IDs.
func (w *world) run(tb testing.TB, in *ec2.RunInstancesInput) []string {
	tb.Helper()
	out, err := w.ec2.RunInstances(tb.Context(), in)
	wantCode(tb, err, "")
	return instanceIDs(out.Instances)
}

func instanceIDs(instances []types.Instance) []string {
	ids := make([]string, len(instances))
	for i, instance := range instances {
		ids[i] = *instance.InstanceId
	}
	return ids
}

// describe returns the instances that match.
func (w *world) describe(tb testing.TB, in *ec2.DescribeInstancesInput) []types.Instance {
	tb.Helper()
	out, err := w.ec2.DescribeInstances(tb.Context(), in)
	wantCode(tb, err, "")
	return flatten(out)
}

func flatten(out *ec2.DescribeInstancesOutput) []types.Instance {
	var instances []types.Instance
	for _, reservation := range out.Reservations {
		instances = append(instances, reservation.Instances...)
	}
	return instances
}

func (w *world) one(tb testing.TB, id string) types.Instance {
	tb.Helper()
	found := w.describe(tb, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if len(found) != 1 {
		tb.Fatalf("%d instances with ID %s, want 1", len(found), id)
	}
	return found[0]
}

func (w *world) terminate(ctx context.Context, ids ...string) (*ec2.TerminateInstancesOutput, error) {
	return w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
}

func filterOn(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func sdkTags(kind types.ResourceType, pairs ...string) types.TagSpecification {
	specification := types.TagSpecification{ResourceType: kind}
	for i := 0; i < len(pairs); i += 2 {
		specification.Tags = append(specification.Tags, types.Tag{Key: aws.String(pairs[i]), Value: aws.String(pairs[i+1])})
	}
	return specification
}

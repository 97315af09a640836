package awssim_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func TestCapacityMinAndMax(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		min, max int32
		want     int
		code     string
	}{
		"all":          {1, 2, 2, ""},
		"as many":      {1, 10, 3, ""},
		"just enough":  {3, 10, 3, ""},
		"below min":    {4, 10, 0, "InsufficientInstanceCapacity"},
		"exactly":      {3, 3, 3, ""},
		"one too many": {4, 4, 0, "InsufficientInstanceCapacity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{Capacity: map[awssim.Pool]int{{InstanceType: "m5.large", Zone: zoneA}: 3}})
			input := launchInput(test.max)
			input.MinCount = aws.Int32(test.min)
			out, err := w.ec2.RunInstances(t.Context(), input)
			wantCode(t, err, test.code)
			if test.code == "" && len(out.Instances) != test.want {
				t.Errorf("%d instances in the answer, want %d", len(out.Instances), test.want)
			}
			if n := len(w.Instances()); n != test.want {
				t.Errorf("%d instances exist, want %d", n, test.want)
			}
			if test.code != "" {
				var response *awshttp.ResponseError
				if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusInternalServerError {
					t.Errorf("got %v, want HTTP status 500", err)
				}
			}
		})
	}
}

func TestCapacityComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	if err := w.SetCapacity("m5.large", zoneA, "", 2); err != nil {
		t.Fatal(err)
	}
	ids := w.run(t, launchInput(2))
	_, err := w.ec2.RunInstances(t.Context(), launchInput(1))
	wantCode(t, err, "InsufficientInstanceCapacity")
	_, err = w.terminate(t.Context(), ids[0])
	wantCode(t, err, "")
	_, err = w.ec2.RunInstances(t.Context(), launchInput(1))
	wantCode(t, err, "InsufficientInstanceCapacity")
	w.clock.advance(time.Minute)
	w.run(t, launchInput(1))

	want := map[awssim.Pool]int{
		{InstanceType: "m5.large", Zone: zoneA, Lifecycle: awssim.OnDemand}: 0,
		{InstanceType: "m5.large", Zone: zoneA, Lifecycle: awssim.Spot}:     2,
	}
	if diff := cmp.Diff(want, w.Capacity()); diff != "" {
		t.Error(diff)
	}
	// Another type, zone or lifecycle is another pool.
	other := launchInput(1)
	other.InstanceType = types.InstanceTypeM5Xlarge
	w.run(t, other)
	other = launchInput(1)
	other.SubnetId = aws.String(subnetB)
	w.run(t, other)
	if err := w.SetCapacity("m5.large", "", "", awssim.Unlimited); err != nil {
		t.Fatal(err)
	}
	w.run(t, launchInput(50))
}

func TestCapacityRefusesNonsense(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for name, pool := range map[string]awssim.Pool{
		"no type":   {},
		"zone":      {InstanceType: "m5.large", Zone: "mars-1a"},
		"lifecycle": {InstanceType: "m5.large", Lifecycle: "free"},
	} {
		if err := w.SetCapacity(pool.InstanceType, pool.Zone, pool.Lifecycle, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := awssim.New(awssim.Options{Capacity: map[awssim.Pool]int{pool: 1}}); err == nil {
			t.Errorf("%s: no error from New", name)
		}
	}
}

func TestAddressesRunOut(t *testing.T) {
	t.Parallel()
	// A /28 has 16 addresses, of which AWS keeps 5.
	w := newWorld(t, awssim.Options{Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.1.2.0/28"}}})
	if n := len(w.run(t, launchInput(100))); n != 11 {
		t.Errorf("%d instances in a /28, want 11", n)
	}
	_, err := w.ec2.RunInstances(t.Context(), launchInput(1))
	wantCode(t, err, "InsufficientFreeAddressesInSubnet")
	subnets, err := w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	wantCode(t, err, "")
	if free := *subnets.Subnets[0].AvailableIpAddressCount; free != 0 {
		t.Errorf("%d free addresses described, want 0", free)
	}
}

func TestAddressesAreUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminateDelay: time.Minute})
	ids := w.run(t, launchInput(3))
	_, err := w.terminate(t.Context(), ids[1])
	wantCode(t, err, "")
	if ip := *w.one(t, w.run(t, launchInput(1))[0]).PrivateIpAddress; ip != "10.0.0.7" {
		t.Errorf("address %s while the old one is still shutting down, want 10.0.0.7", ip)
	}
	w.clock.advance(time.Minute)
	again := w.one(t, w.run(t, launchInput(1))[0])
	if *again.PrivateIpAddress != "10.0.0.5" || *again.PrivateDnsName != "ip-10-0-0-5.ec2.internal" {
		t.Errorf("address %s and name %s, want those of the terminated instance", *again.PrivateIpAddress, *again.PrivateDnsName)
	}
	named := w.describe(t, &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("private-dns-name", "ip-10-0-0-5.ec2.internal")}})
	if len(named) != 1 || *named[0].InstanceId != *again.InstanceId {
		t.Errorf("instances of that name: %v, want %s alone", instanceIDs(named), *again.InstanceId)
	}
}

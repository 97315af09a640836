package awssim_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp/awssim"
)

// A test gives the simulator's URL to the SDK as endpoint, and moves the cloud's time instead of waiting.
func Example() {
	ctx := context.Background()
	cloud, err := awssim.New(awssim.Options{LaunchDelay: 30 * time.Second})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(cloud)
	defer server.Close()
	client := ec2.NewFromConfig(awsConfig(server.URL, "us-east-1"))

	if err := cloud.SetCapacity("m5.large", "us-east-1a", awssim.OnDemand, 2); err != nil {
		panic(err)
	}
	launched, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(5),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(launched.Instances), "launched,", launched.Instances[0].State.Name)

	cloud.Advance(time.Minute)
	for _, instance := range cloud.Instances() {
		fmt.Println(instance.PrivateDNS, instance.State)
	}
	fmt.Println(cloud.Ledger()[0].Action, cloud.Ledger()[0].Status)
	// Output:
	// 2 launched, pending
	// ip-10-0-0-4.ec2.internal running
	// ip-10-0-0-5.ec2.internal running
	// RunInstances 200
}

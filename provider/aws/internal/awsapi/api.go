// Package awsapi is the way to AWS: which calls this provider makes, how the SDK is configured for them, its one retry
// layer, and what AWS's error codes mean here.
// It refuses to decide anything about machines; that is for the packages that call it.
package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// EC2 is what this provider uses of EC2. [ec2.Client] implements it.
type EC2 interface {
	EC2Keepers
	EC2Discovery
	RunInstances(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error)
	CreateFleet(context.Context, *ec2.CreateFleetInput, ...func(*ec2.Options)) (*ec2.CreateFleetOutput, error)
	CreateLaunchTemplate(context.Context, *ec2.CreateLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateOutput, error)
	DeleteLaunchTemplate(context.Context, *ec2.DeleteLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.DeleteLaunchTemplateOutput, error)
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
	DescribeFleets(context.Context, *ec2.DescribeFleetsInput, ...func(*ec2.Options)) (*ec2.DescribeFleetsOutput, error)
	DeleteFleets(context.Context, *ec2.DeleteFleetsInput, ...func(*ec2.Options)) (*ec2.DeleteFleetsOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error)
}

// STS is what this provider uses of STS. [sts.Client] implements it.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Clients talk to one account and region.
type Clients struct {
	EC2         EC2
	STS         STS
	SSM         SSM
	AutoScaling func() AutoScaling // made when it is first needed: few processes use it
	Region      string
}

// API calls AWS. Its errors are [ohfp.CloudError] with a kind, so that nobody above reads error codes.
type API struct {
	// Connect returns the clients; it makes no call to AWS.
	Connect func(ctx context.Context) (Clients, error)
}

// RunInstances launches machines of one type in one subnet.
func (a API) RunInstances(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	return onEC2(ctx, a, "RunInstances", EC2.RunInstances, in)
}

// CreateFleet launches machines by a fleet.
func (a API) CreateFleet(ctx context.Context, in *ec2.CreateFleetInput) (*ec2.CreateFleetOutput, error) {
	return onEC2(ctx, a, "CreateFleet", EC2.CreateFleet, in)
}

// CreateLaunchTemplate makes a launch template.
func (a API) CreateLaunchTemplate(ctx context.Context, in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	return onEC2(ctx, a, "CreateLaunchTemplate", EC2.CreateLaunchTemplate, in)
}

// DeleteLaunchTemplate removes a launch template.
func (a API) DeleteLaunchTemplate(ctx context.Context, in *ec2.DeleteLaunchTemplateInput) (*ec2.DeleteLaunchTemplateOutput, error) {
	return onEC2(ctx, a, "DeleteLaunchTemplate", EC2.DeleteLaunchTemplate, in)
}

// DescribeInstances reads one page of machines.
func (a API) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	return onEC2(ctx, a, "DescribeInstances", EC2.DescribeInstances, in)
}

// TerminateInstances ends machines.
func (a API) TerminateInstances(ctx context.Context, in *ec2.TerminateInstancesInput) (*ec2.TerminateInstancesOutput, error) {
	return onEC2(ctx, a, "TerminateInstances", EC2.TerminateInstances, in)
}

// DescribeFleets reads fleets.
func (a API) DescribeFleets(ctx context.Context, in *ec2.DescribeFleetsInput) (*ec2.DescribeFleetsOutput, error) {
	return onEC2(ctx, a, "DescribeFleets", EC2.DescribeFleets, in)
}

// DeleteFleets removes fleets.
func (a API) DeleteFleets(ctx context.Context, in *ec2.DeleteFleetsInput) (*ec2.DeleteFleetsOutput, error) {
	return onEC2(ctx, a, "DeleteFleets", EC2.DeleteFleets, in)
}

// DescribeSubnets reads subnets.
func (a API) DescribeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput) (*ec2.DescribeSubnetsOutput, error) {
	return onEC2(ctx, a, "DescribeSubnets", EC2.DescribeSubnets, in)
}

// DescribeImages reads images.
func (a API) DescribeImages(ctx context.Context, in *ec2.DescribeImagesInput) (*ec2.DescribeImagesOutput, error) {
	return onEC2(ctx, a, "DescribeImages", EC2.DescribeImages, in)
}

// GetCallerIdentity says whose credentials are in use.
func (a API) GetCallerIdentity(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return nil, err
	}
	out, err := clients.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, Fail("GetCallerIdentity", err)
	}
	return out, nil
}

type ec2Call[In, Out any] func(EC2, context.Context, *In, ...func(*ec2.Options)) (*Out, error)

func onEC2[In, Out any](ctx context.Context, a API, operation string, call ec2Call[In, Out], in *In) (*Out, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return nil, err
	}
	out, err := call(clients.EC2, ctx, in)
	if err != nil {
		return nil, Fail(operation, err)
	}
	return out, nil
}

// Package awsapi is the way to AWS: which calls this provider makes, how the SDK is configured for them, its one retry
// layer, and what AWS's error codes mean here.
// It refuses to decide anything about machines; that is for the packages that call it.
package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/openhostfactory/ohfp/provider"
)

// EC2 is what this provider uses of EC2. [ec2.Client] implements it.
type EC2 interface {
	EC2Keepers
	EC2Discovery
	EC2Interruptions
	RunInstances(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error)
	CreateFleet(context.Context, *ec2.CreateFleetInput, ...func(*ec2.Options)) (*ec2.CreateFleetOutput, error)
	CreateLaunchTemplate(context.Context, *ec2.CreateLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateOutput, error)
	DeleteLaunchTemplate(context.Context, *ec2.DeleteLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.DeleteLaunchTemplateOutput, error)
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	TerminateInstances(context.Context, *ec2.TerminateInstancesInput, ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error)
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
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
	SQS         func() SQS         // likewise
	Region      string
}

// API calls AWS. Its errors are [ohfp.CloudError] with a kind, so that nobody above reads error codes.
type API struct {
	// Connect returns the clients; it makes no call to AWS.
	Connect  func(ctx context.Context) (Clients, error)
	Retry    *Retry   // nil: each call is tried once
	Pacer    *Pacer   // nil: calls are not paced
	Priority Priority // of all calls; ByOperation: each has its own
	// Called is told of every try of a call, for those who count them; nil: nobody does. It needs Now.
	Called func(ctx context.Context, c provider.Call)
	Now    func() time.Time
}

// As is the same way to AWS for calls that are more or less urgent than calls of their operations usually are.
func (a API) As(p Priority) API {
	a.Priority = p
	return a
}

// ClaimRun takes the right to launch machines by RunInstances with a token: as many as are wanted, up to most, or fewer
// where EC2's rate leaves no more. An [ohfp.PacedError] says when there will be some.
func (a API) ClaimRun(ctx context.Context, token string, wanted, most int) (int, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return 0, err
	}
	return a.Pacer.claim(ctx, call{operation: "RunInstances", region: clients.Region, cost: cost{token: token}}, wanted, most)
}

// RunInstances launches machines of one type in one subnet.
func (a API) RunInstances(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	return onMachines(ctx, a, "RunInstances", EC2.RunInstances, in, cost{int(aws.ToInt32(in.MaxCount)), aws.ToString(in.ClientToken)})
}

// CreateFleet launches machines by a fleet.
func (a API) CreateFleet(ctx context.Context, in *ec2.CreateFleetInput) (*ec2.CreateFleetOutput, error) {
	out, err := onEC2(ctx, a, "CreateFleet", EC2.CreateFleet, in)
	if err == nil {
		a.Retry.note(out.FleetId)
	}
	return out, err
}

// CreateLaunchTemplate makes a launch template.
func (a API) CreateLaunchTemplate(ctx context.Context, in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	out, err := onEC2(ctx, a, "CreateLaunchTemplate", EC2.CreateLaunchTemplate, in)
	if err == nil {
		a.Retry.note(in.LaunchTemplateName)
	}
	return out, err
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
	return onMachines(ctx, a, "TerminateInstances", EC2.TerminateInstances, in, cost{machines: len(in.InstanceIds)})
}

// StartInstances starts machines that were stopped.
func (a API) StartInstances(ctx context.Context, in *ec2.StartInstancesInput) (*ec2.StartInstancesOutput, error) {
	return onMachines(ctx, a, "StartInstances", EC2.StartInstances, in, cost{machines: len(in.InstanceIds)})
}

// StopInstances stops machines, which keep their disks.
func (a API) StopInstances(ctx context.Context, in *ec2.StopInstancesInput) (*ec2.StopInstancesOutput, error) {
	return onMachines(ctx, a, "StopInstances", EC2.StopInstances, in, cost{machines: len(in.InstanceIds)})
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
	var out *sts.GetCallerIdentityOutput
	err = a.do(ctx, call{operation: "GetCallerIdentity"}, func() error {
		out, err = clients.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	})
	return out, err
}

type ec2Call[In, Out any] func(EC2, context.Context, *In, ...func(*ec2.Options)) (*Out, error)

// onEC2 makes a call to EC2, whose rates are known.
func onEC2[In, Out any](ctx context.Context, a API, operation string, try ec2Call[In, Out], in *In) (*Out, error) {
	return onMachines(ctx, a, operation, try, in, cost{})
}

// onMachines makes a call to EC2 that costs more than itself: it launches, ends or switches machines.
func onMachines[In, Out any](ctx context.Context, a API, operation string, try ec2Call[In, Out], in *In, of cost) (*Out, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := call{operation: operation, region: clients.Region, priority: a.Priority, cost: of}
	if c.priority == ByOperation {
		c.priority = priorityOf(operation)
	}
	var out *Out
	err = a.do(ctx, c, func() (err error) {
		out, err = try(clients.EC2, ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

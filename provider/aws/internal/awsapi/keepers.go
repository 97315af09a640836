package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// EC2Keepers is what this provider uses of EC2 for resources that launch by themselves.
type EC2Keepers interface {
	ModifyFleet(context.Context, *ec2.ModifyFleetInput, ...func(*ec2.Options)) (*ec2.ModifyFleetOutput, error)
	DescribeFleetHistory(context.Context, *ec2.DescribeFleetHistoryInput, ...func(*ec2.Options)) (*ec2.DescribeFleetHistoryOutput, error)
	RequestSpotFleet(context.Context, *ec2.RequestSpotFleetInput, ...func(*ec2.Options)) (*ec2.RequestSpotFleetOutput, error)
	ModifySpotFleetRequest(context.Context, *ec2.ModifySpotFleetRequestInput, ...func(*ec2.Options)) (*ec2.ModifySpotFleetRequestOutput, error)
	CancelSpotFleetRequests(context.Context, *ec2.CancelSpotFleetRequestsInput, ...func(*ec2.Options)) (*ec2.CancelSpotFleetRequestsOutput, error)
	DescribeSpotFleetRequests(context.Context, *ec2.DescribeSpotFleetRequestsInput, ...func(*ec2.Options)) (*ec2.DescribeSpotFleetRequestsOutput, error)
	DescribeSpotFleetRequestHistory(context.Context, *ec2.DescribeSpotFleetRequestHistoryInput, ...func(*ec2.Options)) (*ec2.DescribeSpotFleetRequestHistoryOutput, error)
	DescribeTags(context.Context, *ec2.DescribeTagsInput, ...func(*ec2.Options)) (*ec2.DescribeTagsOutput, error)
}

// AutoScaling is what this provider uses of Auto Scaling. [autoscaling.Client] implements it.
type AutoScaling interface {
	CreateAutoScalingGroup(context.Context, *autoscaling.CreateAutoScalingGroupInput, ...func(*autoscaling.Options)) (*autoscaling.CreateAutoScalingGroupOutput, error)
	UpdateAutoScalingGroup(context.Context, *autoscaling.UpdateAutoScalingGroupInput, ...func(*autoscaling.Options)) (*autoscaling.UpdateAutoScalingGroupOutput, error)
	DeleteAutoScalingGroup(context.Context, *autoscaling.DeleteAutoScalingGroupInput, ...func(*autoscaling.Options)) (*autoscaling.DeleteAutoScalingGroupOutput, error)
	DescribeAutoScalingGroups(context.Context, *autoscaling.DescribeAutoScalingGroupsInput, ...func(*autoscaling.Options)) (*autoscaling.DescribeAutoScalingGroupsOutput, error)
	DescribeScalingActivities(context.Context, *autoscaling.DescribeScalingActivitiesInput, ...func(*autoscaling.Options)) (*autoscaling.DescribeScalingActivitiesOutput, error)
	SuspendProcesses(context.Context, *autoscaling.SuspendProcessesInput, ...func(*autoscaling.Options)) (*autoscaling.SuspendProcessesOutput, error)
}

// ModifyFleet gives a fleet another target.
func (a API) ModifyFleet(ctx context.Context, in *ec2.ModifyFleetInput) (*ec2.ModifyFleetOutput, error) {
	return onEC2(ctx, a, "ModifyFleet", EC2.ModifyFleet, in)
}

// DescribeFleetHistory reads what a fleet went through.
func (a API) DescribeFleetHistory(ctx context.Context, in *ec2.DescribeFleetHistoryInput) (*ec2.DescribeFleetHistoryOutput, error) {
	return onEC2(ctx, a, "DescribeFleetHistory", EC2.DescribeFleetHistory, in)
}

// RequestSpotFleet makes a Spot Fleet.
func (a API) RequestSpotFleet(ctx context.Context, in *ec2.RequestSpotFleetInput) (*ec2.RequestSpotFleetOutput, error) {
	out, err := onEC2(ctx, a, "RequestSpotFleet", EC2.RequestSpotFleet, in)
	if err == nil {
		a.Retry.note(out.SpotFleetRequestId)
	}
	return out, err
}

// ModifySpotFleetRequest gives a Spot Fleet another target.
func (a API) ModifySpotFleetRequest(ctx context.Context, in *ec2.ModifySpotFleetRequestInput) (*ec2.ModifySpotFleetRequestOutput, error) {
	return onEC2(ctx, a, "ModifySpotFleetRequest", EC2.ModifySpotFleetRequest, in)
}

// CancelSpotFleetRequests ends Spot Fleets.
func (a API) CancelSpotFleetRequests(ctx context.Context, in *ec2.CancelSpotFleetRequestsInput) (*ec2.CancelSpotFleetRequestsOutput, error) {
	return onEC2(ctx, a, "CancelSpotFleetRequests", EC2.CancelSpotFleetRequests, in)
}

// DescribeSpotFleetRequests reads Spot Fleets.
func (a API) DescribeSpotFleetRequests(ctx context.Context, in *ec2.DescribeSpotFleetRequestsInput) (*ec2.DescribeSpotFleetRequestsOutput, error) {
	return onEC2(ctx, a, "DescribeSpotFleetRequests", EC2.DescribeSpotFleetRequests, in)
}

// DescribeSpotFleetRequestHistory reads what a Spot Fleet went through.
func (a API) DescribeSpotFleetRequestHistory(ctx context.Context, in *ec2.DescribeSpotFleetRequestHistoryInput) (*ec2.DescribeSpotFleetRequestHistoryOutput, error) {
	return onEC2(ctx, a, "DescribeSpotFleetRequestHistory", EC2.DescribeSpotFleetRequestHistory, in)
}

// DescribeTags reads one page of tags.
func (a API) DescribeTags(ctx context.Context, in *ec2.DescribeTagsInput) (*ec2.DescribeTagsOutput, error) {
	return onEC2(ctx, a, "DescribeTags", EC2.DescribeTags, in)
}

// CreateAutoScalingGroup makes a group.
func (a API) CreateAutoScalingGroup(ctx context.Context, in *autoscaling.CreateAutoScalingGroupInput) (*autoscaling.CreateAutoScalingGroupOutput, error) {
	out, err := onAutoScaling(ctx, a, "CreateAutoScalingGroup", AutoScaling.CreateAutoScalingGroup, in)
	if err == nil {
		a.Retry.note(in.AutoScalingGroupName)
	}
	return out, err
}

// UpdateAutoScalingGroup gives a group another size.
func (a API) UpdateAutoScalingGroup(ctx context.Context, in *autoscaling.UpdateAutoScalingGroupInput) (*autoscaling.UpdateAutoScalingGroupOutput, error) {
	return onAutoScaling(ctx, a, "UpdateAutoScalingGroup", AutoScaling.UpdateAutoScalingGroup, in)
}

// DeleteAutoScalingGroup removes a group.
func (a API) DeleteAutoScalingGroup(ctx context.Context, in *autoscaling.DeleteAutoScalingGroupInput) (*autoscaling.DeleteAutoScalingGroupOutput, error) {
	return onAutoScaling(ctx, a, "DeleteAutoScalingGroup", AutoScaling.DeleteAutoScalingGroup, in)
}

// DescribeAutoScalingGroups reads groups.
func (a API) DescribeAutoScalingGroups(ctx context.Context, in *autoscaling.DescribeAutoScalingGroupsInput) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	return onAutoScaling(ctx, a, "DescribeAutoScalingGroups", AutoScaling.DescribeAutoScalingGroups, in)
}

// DescribeScalingActivities reads what a group went through, newest first.
func (a API) DescribeScalingActivities(ctx context.Context, in *autoscaling.DescribeScalingActivitiesInput) (*autoscaling.DescribeScalingActivitiesOutput, error) {
	return onAutoScaling(ctx, a, "DescribeScalingActivities", AutoScaling.DescribeScalingActivities, in)
}

// SuspendProcesses keeps a group from doing some of what it does by itself.
func (a API) SuspendProcesses(ctx context.Context, in *autoscaling.SuspendProcessesInput) (*autoscaling.SuspendProcessesOutput, error) {
	return onAutoScaling(ctx, a, "SuspendProcesses", AutoScaling.SuspendProcesses, in)
}

type autoScalingCall[In, Out any] func(AutoScaling, context.Context, *In, ...func(*autoscaling.Options)) (*Out, error)

func onAutoScaling[In, Out any](ctx context.Context, a API, operation string, try autoScalingCall[In, Out], in *In) (*Out, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return nil, err
	}
	var out *Out
	err = a.do(ctx, call{operation: operation}, func() (err error) {
		out, err = try(clients.AutoScaling(), ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// EC2Discovery is what this provider uses of EC2 to tell people what there is. Launching machines needs none of it.
type EC2Discovery interface {
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	DescribeKeyPairs(context.Context, *ec2.DescribeKeyPairsInput, ...func(*ec2.Options)) (*ec2.DescribeKeyPairsOutput, error)
	DescribeInstanceTypes(context.Context, *ec2.DescribeInstanceTypesInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error)
	DescribeSpotPriceHistory(context.Context, *ec2.DescribeSpotPriceHistoryInput, ...func(*ec2.Options)) (*ec2.DescribeSpotPriceHistoryOutput, error)
	DescribeLaunchTemplates(context.Context, *ec2.DescribeLaunchTemplatesInput, ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplatesOutput, error)
}

// DescribeLaunchTemplates reads one page of launch templates.
func (a API) DescribeLaunchTemplates(ctx context.Context, in *ec2.DescribeLaunchTemplatesInput) (*ec2.DescribeLaunchTemplatesOutput, error) {
	return onEC2(ctx, a, "DescribeLaunchTemplates", EC2.DescribeLaunchTemplates, in)
}

// DescribeVpcs reads one page of networks.
func (a API) DescribeVpcs(ctx context.Context, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
	return onEC2(ctx, a, "DescribeVpcs", EC2.DescribeVpcs, in)
}

// DescribeSecurityGroups reads one page of security groups.
func (a API) DescribeSecurityGroups(ctx context.Context, in *ec2.DescribeSecurityGroupsInput) (*ec2.DescribeSecurityGroupsOutput, error) {
	return onEC2(ctx, a, "DescribeSecurityGroups", EC2.DescribeSecurityGroups, in)
}

// DescribeKeyPairs reads key pairs.
func (a API) DescribeKeyPairs(ctx context.Context, in *ec2.DescribeKeyPairsInput) (*ec2.DescribeKeyPairsOutput, error) {
	return onEC2(ctx, a, "DescribeKeyPairs", EC2.DescribeKeyPairs, in)
}

// DescribeInstanceTypes reads one page of machine types.
func (a API) DescribeInstanceTypes(ctx context.Context, in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput, error) {
	return onEC2(ctx, a, "DescribeInstanceTypes", EC2.DescribeInstanceTypes, in)
}

// DescribeSpotPriceHistory reads one page of spot prices.
func (a API) DescribeSpotPriceHistory(ctx context.Context, in *ec2.DescribeSpotPriceHistoryInput) (*ec2.DescribeSpotPriceHistoryOutput, error) {
	return onEC2(ctx, a, "DescribeSpotPriceHistory", EC2.DescribeSpotPriceHistory, in)
}

// Package discovery lists what an AWS account has that templates may refer to, and says what of it is missing.
// It refuses to change anything, and to guess: what the identity may not read is told as unread.
package discovery

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// The kinds of resources.
const (
	KindVPC            = "vpc"
	KindSubnet         = "subnet"
	KindSecurityGroup  = "security-group"
	KindKeyPair        = "key-pair"
	KindRole           = "role"
	KindImage          = "image"
	KindMachineType    = "machine-type"
	KindLaunchTemplate = "launch-template"
)

// Account is where to look.
type Account struct{ API awsapi.API }

// Inventory reads everything. A part that cannot be read does not spoil the others.
func (a Account) Inventory(ctx context.Context) (provider.Inventory, error) {
	clients, err := a.API.Connect(ctx)
	if err != nil {
		return provider.Inventory{}, err
	}
	who, err := a.API.GetCallerIdentity(ctx)
	if err != nil {
		return provider.Inventory{}, err
	}
	all := provider.Inventory{Identity: aws.ToString(who.Arn), Region: clients.Region}
	for _, part := range []struct {
		name string
		read func(context.Context) ([]provider.Resource, error)
	}{
		{"vpcs", a.networks}, {"subnets", a.subnets}, {"security groups", a.securityGroups}, {"key pairs", a.keyPairs}, {"images", a.images},
	} {
		found, err := part.read(ctx)
		if err != nil {
			all.Unread = append(all.Unread, part.name+": "+err.Error())
			continue
		}
		all.Resources = append(all.Resources, found...)
	}
	if role, ok := fleetRole(aws.ToString(who.Arn)); ok {
		all.Resources = append(all.Resources, role)
	}
	all.Resources = append(all.Resources, aliases()...)
	return all, nil
}

// networks lists the VPCs.
func (a Account) networks(ctx context.Context) ([]provider.Resource, error) {
	return pages(func(token *string) ([]provider.Resource, *string, error) {
		out, err := a.API.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var list []provider.Resource
		for _, v := range out.Vpcs {
			list = append(list, provider.Resource{
				Kind: KindVPC, ID: aws.ToString(v.VpcId), Name: nameTag(v.Tags),
				Details: details("cidr", aws.ToString(v.CidrBlock), "default", yes(v.IsDefault)),
			})
		}
		return list, out.NextToken, nil
	})
}

// subnets lists the subnets with the addresses that are left in them.
func (a Account) subnets(ctx context.Context) ([]provider.Resource, error) {
	return pages(func(token *string) ([]provider.Resource, *string, error) {
		out, err := a.API.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var list []provider.Resource
		for _, s := range out.Subnets {
			list = append(list, provider.Resource{
				Kind: KindSubnet, ID: aws.ToString(s.SubnetId), Name: nameTag(s.Tags), Field: "subnetId",
				Details: details("vpc", aws.ToString(s.VpcId), "zone", aws.ToString(s.AvailabilityZone), "cidr", aws.ToString(s.CidrBlock),
					"freeAddresses", strconv.Itoa(int(aws.ToInt32(s.AvailableIpAddressCount))), "publicAddresses", yes(s.MapPublicIpOnLaunch)),
			})
		}
		return list, out.NextToken, nil
	})
}

func (a Account) securityGroups(ctx context.Context) ([]provider.Resource, error) {
	return pages(func(token *string) ([]provider.Resource, *string, error) {
		out, err := a.API.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var list []provider.Resource
		for _, g := range out.SecurityGroups {
			list = append(list, provider.Resource{
				Kind: KindSecurityGroup, ID: aws.ToString(g.GroupId), Name: aws.ToString(g.GroupName), Field: "securityGroupIds",
				Details: details("vpc", aws.ToString(g.VpcId), "description", aws.ToString(g.Description)),
			})
		}
		return list, out.NextToken, nil
	})
}

func (a Account) keyPairs(ctx context.Context) ([]provider.Resource, error) {
	out, err := a.API.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})
	if err != nil {
		return nil, err
	}
	var list []provider.Resource
	for _, k := range out.KeyPairs {
		list = append(list, provider.Resource{
			Kind: KindKeyPair, ID: aws.ToString(k.KeyName), Field: "keyName", Details: details("type", string(k.KeyType)),
		})
	}
	return list, nil
}

// images lists the account's own; there are too many of others.
func (a Account) images(ctx context.Context) ([]provider.Resource, error) {
	return pages(func(token *string) ([]provider.Resource, *string, error) {
		out, err := a.API.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var list []provider.Resource
		for _, i := range out.Images {
			list = append(list, provider.Resource{
				Kind: KindImage, ID: aws.ToString(i.ImageId), Name: aws.ToString(i.Name), Field: "imageId",
				Details: details("architecture", string(i.Architecture), "state", string(i.State), "created", aws.ToString(i.CreationDate)),
			})
		}
		return list, out.NextToken, nil
	})
}

// aliases are public names of images that are the same in every account and region.
func aliases() []provider.Resource {
	const prefix = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
	list := make([]provider.Resource, 0, 2)
	for _, architecture := range []string{"x86_64", "arm64"} {
		list = append(list, provider.Resource{
			Kind: KindImage, ID: prefix + architecture, Name: "newest Amazon Linux 2023", Field: "imageId",
			Details: details("architecture", architecture, "source", "a public SSM parameter of Amazon; not checked"),
		})
	}
	return list
}

// fleetRole is the role that AWS makes for Spot Fleets, by the account of the caller. Reading it would take a permission
// for IAM that nothing else needs.
func fleetRole(caller string) (provider.Resource, bool) {
	parts := strings.Split(caller, ":")
	if len(parts) < 6 {
		return provider.Resource{}, false
	}
	const name = "AWSServiceRoleForEC2SpotFleet"
	return provider.Resource{
		Kind: KindRole, ID: "arn:" + parts[1] + ":iam::" + parts[4] + ":role/aws-service-role/spotfleet.amazonaws.com/" + name, Name: name,
		Field: "fleetRole", Details: details("source", "AWS's convention; AWS makes it with the first Spot Fleet; not checked"),
	}, true
}

// pages reads all pages.
func pages(read func(token *string) ([]provider.Resource, *string, error)) ([]provider.Resource, error) {
	var all []provider.Resource
	var token *string
	for {
		list, next, err := read(token)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if next == nil || *next == "" {
			slices.SortStableFunc(all, func(a, b provider.Resource) int { return cmp.Compare(a.ID, b.ID) })
			return all, nil
		}
		if token != nil && *token == *next {
			return nil, ohfp.Errorf(ohfp.ErrUnavailable, "AWS gave the same page twice")
		}
		token = next
	}
}

// details pairs names and values and leaves out what is empty.
func details(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

func yes(b *bool) string { return strconv.FormatBool(aws.ToBool(b)) }

func nameTag(tags []types.Tag) string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == "Name" {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}

package discovery

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// maxFilter is how many values EC2 takes in one filter.
const maxFilter = 200

// References lists what a template refers to.
func References(s spec.Spec) []provider.Resource {
	var list []provider.Resource
	add := func(kind, field string, ids ...string) {
		for _, id := range ids {
			if id != "" {
				list = append(list, provider.Resource{Kind: kind, ID: id, Field: field})
			}
		}
	}
	add(KindImage, "imageId", s.Image)
	add(KindSubnet, "subnetId", s.Subnets...)
	add(KindSecurityGroup, "securityGroupIds", s.SecurityGroups...)
	add(KindKeyPair, "keyName", s.Key)
	add(KindLaunchTemplate, "launchTemplateId", s.LaunchTemplate)
	for _, t := range s.Types {
		add(KindMachineType, "vmTypes", t.Name)
	}
	for _, t := range s.OnDemandTypes {
		add(KindMachineType, "vmTypesOnDemand", t.Name)
	}
	return list
}

// Missing returns those of the resources that are not there. One call answers for up to 200 of a kind.
func (a Account) Missing(ctx context.Context, wanted []provider.Resource) ([]provider.Resource, error) {
	byKind := map[string][]string{}
	for _, r := range wanted {
		if !slices.Contains(byKind[r.Kind], r.ID) {
			byKind[r.Kind] = append(byKind[r.Kind], r.ID)
		}
	}
	there := map[string]map[string]bool{}
	for kind, ids := range byKind {
		read, ok := map[string]func(context.Context, []string) ([]string, error){
			KindImage: a.imagesNamed, KindSubnet: a.subnetsNamed, KindSecurityGroup: a.groupsNamed, KindKeyPair: a.keysNamed,
			KindMachineType: a.typesNamed, KindLaunchTemplate: a.launchTemplatesNamed, KindVPC: a.networksNamed,
		}[kind]
		if !ok {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "resources of the kind %s cannot be looked up", kind)
		}
		there[kind] = map[string]bool{}
		for some := range slices.Chunk(ids, maxFilter) {
			found, err := read(ctx, some)
			if err != nil {
				return nil, err
			}
			for _, id := range found {
				there[kind][id] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(r provider.Resource) bool { return there[r.Kind][r.ID] }), nil
}

// filter asks by values that need not exist; asking by id is an error when one does not.
func filter(name string, values []string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}

// imagesNamed asks one by one, as for launch templates: images that are shared or public are found by id alone.
func (a Account) imagesNamed(ctx context.Context, names []string) ([]string, error) {
	var found []string
	for _, name := range names {
		var err error
		if parameter, isAlias := catalog.Alias(name); isAlias {
			_, err = catalog.Catalog{API: a.API}.Resolve(ctx, parameter)
		} else {
			_, err = a.API.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{name}})
		}
		switch {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, ohfp.ErrNotFound) && !errors.Is(err, ohfp.ErrInvalid):
			return nil, err
		}
	}
	return found, nil
}

func (a Account) subnetsNamed(ctx context.Context, ids []string) ([]string, error) {
	out, err := a.API.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: filter("subnet-id", ids)})
	if err != nil {
		return nil, err
	}
	return each(out.Subnets, func(s types.Subnet) *string { return s.SubnetId }), nil
}

func (a Account) networksNamed(ctx context.Context, ids []string) ([]string, error) {
	out, err := a.API.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: filter("vpc-id", ids)})
	if err != nil {
		return nil, err
	}
	return each(out.Vpcs, func(v types.Vpc) *string { return v.VpcId }), nil
}

func (a Account) groupsNamed(ctx context.Context, ids []string) ([]string, error) {
	out, err := a.API.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: filter("group-id", ids)})
	if err != nil {
		return nil, err
	}
	return each(out.SecurityGroups, func(g types.SecurityGroup) *string { return g.GroupId }), nil
}

func (a Account) keysNamed(ctx context.Context, names []string) ([]string, error) {
	out, err := a.API.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{Filters: filter("key-name", names)})
	if err != nil {
		return nil, err
	}
	return each(out.KeyPairs, func(k types.KeyPairInfo) *string { return k.KeyName }), nil
}

func (a Account) typesNamed(ctx context.Context, names []string) ([]string, error) {
	var found []string
	var token *string
	for {
		out, err := a.API.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{Filters: filter("instance-type", names), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, t := range out.InstanceTypes {
			found = append(found, string(t.InstanceType))
		}
		if token = out.NextToken; aws.ToString(token) == "" {
			return found, nil
		}
	}
}

// launchTemplatesNamed asks one by one: there is no filter by id, and one that is missing spoils the others.
func (a Account) launchTemplatesNamed(ctx context.Context, ids []string) ([]string, error) {
	var found []string
	for _, id := range ids {
		_, err := a.API.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{id}})
		switch {
		case err == nil:
			found = append(found, id)
		case !errors.Is(err, ohfp.ErrNotFound) && !errors.Is(err, ohfp.ErrInvalid):
			return nil, err
		}
	}
	return found, nil
}

func each[T any](list []T, id func(T) *string) []string {
	ids := make([]string, len(list))
	for i, item := range list {
		ids[i] = aws.ToString(id(item))
	}
	return ids
}

package native

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
)

// checkContent refuses launch templates that EC2 would refuse, and what would have no effect in them.
func (d Documents) checkContent(document map[string]any, out *types.RequestLaunchTemplateData) error {
	typed := len(d.Spec.Types) > 0 || d.Spec.Requirements != nil
	_, names := document["InstanceType"]
	_, requires := document["InstanceRequirements"]
	switch {
	case out.ImageId == nil:
		return ohfp.Errorf(ohfp.ErrInvalid, "the launch template has no ImageId; set it, or imageId in the template")
	case typed && (names || requires):
		return ohfp.Errorf(ohfp.ErrInvalid, "InstanceType and InstanceRequirements have no effect beside vmType, vmTypes or abisInstanceRequirements; keep one of them")
	case !typed && !names && !requires:
		return ohfp.Errorf(ohfp.ErrInvalid, "the launch template has no InstanceType; set it, or vmType in the template")
	case len(out.NetworkInterfaces) > 0 && len(out.SecurityGroupIds) > 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "NetworkInterfaces and securityGroupIds rule each other out; name the groups in NetworkInterfaces[].Groups")
	case len(out.NetworkInterfaces) > 0 && d.API == "RunInstances" && len(d.Spec.Subnets) > 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "NetworkInterfaces in a launch template and subnetId rule each other out for RunInstances; move them to provider_api_spec")
	}
	return nil
}

// placeInterfaces puts the subnet of a RunInstances call where EC2 wants it: in the network interfaces when there are
// any, else beside them.
func (d Documents) placeInterfaces(out, generated any) error {
	in, ok := out.(*ec2.RunInstancesInput)
	from, ok2 := generated.(*ec2.RunInstancesInput)
	if !ok || !ok2 {
		return nil
	}
	subnet, groups := from.SubnetId, from.SecurityGroupIds
	if len(from.NetworkInterfaces) > 0 {
		subnet, groups = from.NetworkInterfaces[0].SubnetId, from.NetworkInterfaces[0].Groups
	}
	if len(in.NetworkInterfaces) == 0 {
		in.SubnetId = subnet
		return nil
	}
	if len(groups) == 0 && len(d.Spec.SecurityGroups) > 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "NetworkInterfaces and securityGroupIds rule each other out; name the groups in NetworkInterfaces[].Groups")
	}
	interfaces := make([]types.InstanceNetworkInterfaceSpecification, len(in.NetworkInterfaces))
	for i, one := range in.NetworkInterfaces {
		if one.NetworkInterfaceId == nil {
			one.SubnetId = subnet
			if len(one.Groups) == 0 {
				one.Groups = groups
			}
		}
		if one.DeviceIndex == nil {
			one.DeviceIndex = aws.Int32(int32(i))
		}
		interfaces[i] = one
	}
	in.NetworkInterfaces, in.SubnetId, in.SecurityGroupIds = interfaces, nil, nil
	return nil
}

package launch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// launchTemplate makes the call that would create the launch template of an ask, nil where the operator's own is used.
// Subnets, machine types and the tags of one request are never in it. The tags given are for machines and volumes.
func (p Parts) launchTemplate(ctx context.Context, api string, ask Ask, network bool, tags []types.Tag) (*ec2.CreateLaunchTemplateInput, error) {
	s := ask.Spec
	if s.LaunchTemplate != "" {
		return nil, nil
	}
	data := &types.RequestLaunchTemplateData{ImageId: optional(s.Image), KeyName: optional(s.Key), EbsOptimized: s.EBSOptimized}
	if s.InstanceProfile != "" {
		name, arn := profileOf(s)
		data.IamInstanceProfile = &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: name, Arn: arn}
	}
	if s.Monitoring != nil {
		data.Monitoring = &types.LaunchTemplatesMonitoringRequest{Enabled: s.Monitoring}
	}
	switch {
	case s.PublicIP == nil:
		data.SecurityGroupIds = s.SecurityGroups
	case network:
		// A public address belongs to a network interface, and security groups then do too.
		data.NetworkInterfaces = []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{
			DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: s.PublicIP, Groups: s.SecurityGroups,
			DeleteOnTermination: aws.Bool(true),
		}}
	}
	var err error
	if data.UserData, err = p.userData(s); err != nil {
		return nil, err
	}
	if s.Volume.Set() {
		device, err := p.Catalog.RootDevice(ctx, s.Image)
		if err != nil {
			return nil, err
		}
		data.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{
			DeviceName: aws.String(device),
			Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{
				VolumeSize: number(s.Volume.Size), VolumeType: types.VolumeType(s.Volume.Type), Iops: number(s.Volume.IOPS),
				DeleteOnTermination: aws.Bool(true),
			},
		}}
	}
	if len(tags) > 0 {
		for _, kind := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
			data.TagSpecifications = append(data.TagSpecifications, types.LaunchTemplateTagSpecificationRequest{ResourceType: kind, Tags: tags})
		}
	}
	d, err := p.documents(api, ask)
	if err != nil {
		return nil, err
	}
	if data, err = d.LaunchTemplate(ctx, data); err != nil {
		return nil, err
	}
	return launchtemplate.Describe(data, p.owner(ask).SharedTags())
}

// Shelf is where the launch templates are.
func (p Parts) Shelf() launchtemplate.Shelf {
	return launchtemplate.Shelf{API: p.API, Memory: p.Memory, Prefix: p.Prefix, Installation: p.Installation, Now: p.Now}
}

// templateOf names the launch template of a call: by its name the one that is made for the call, by its id the operator's
// own.
func templateOf(made *ec2.CreateLaunchTemplateInput, s spec.Spec) (name, id, version *string) {
	if made != nil {
		return made.LaunchTemplateName, nil, aws.String(launchtemplate.Version)
	}
	return nil, aws.String(s.LaunchTemplate), operatorVersion(s)
}

// profileOf names a template's instance profile, which the API takes as a name or an ARN.
func profileOf(s spec.Spec) (name, arn *string) {
	if isARN(s.InstanceProfile) {
		return nil, aws.String(s.InstanceProfile)
	}
	return aws.String(s.InstanceProfile), nil
}

// operatorVersion is the version of the operator's launch template to use.
func operatorVersion(s spec.Spec) *string {
	if s.LaunchTemplateVersion == "" {
		return aws.String("$Default")
	}
	return aws.String(s.LaunchTemplateVersion)
}

// optional is nil for empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return aws.String(text)
}

// number is nil for zero. All numbers that get here are held to EC2's limits.
func number(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n))
}

// units is a count that may be zero.
func units(n int) *int32 { return aws.Int32(int32(n)) }

package launch

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// maxUserData is EC2's limit, in bytes before the base64 encoding.
const maxUserData = 16 * 1024

// UserData returns a template's user data, base64 encoded as EC2 wants it.
func (p Parts) UserData(s spec.Spec) (string, error) {
	if s.UserDataScript == "" {
		return "", nil
	}
	text := s.UserDataScript
	if !literal(text) {
		path := p.path(text)
		content, err := os.ReadFile(path)
		if err != nil {
			return "", ohfp.Errorf(ohfp.ErrInvalid, "userDataScript: %w; correct the path, or write the script itself", err)
		}
		text = string(content)
	}
	if len(text) > maxUserData {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "userDataScript has %d bytes; EC2 takes at most %d", len(text), maxUserData)
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

// literal says whether text is a script rather than the path of one.
func literal(text string) bool {
	return strings.Contains(text, "\n") || strings.HasPrefix(text, "#!")
}

// path is where a relative path, ~ and $NAME lead.
func (p Parts) path(text string) string {
	variable := func(name string) string {
		if p.LookupEnv == nil {
			return ""
		}
		value, _ := p.LookupEnv(name)
		return value
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		text = filepath.Join(variable("HOME"), rest)
	}
	text = os.Expand(text, variable)
	if !filepath.IsAbs(text) {
		text = filepath.Join(p.ConfDir, text)
	}
	return text
}

// launchTemplate makes the call that would create the launch template of an ask, nil where the operator's own is used.
// Subnets, machine types and the tags of one request are never in it. The tags given are for machines and volumes.
func (p Parts) launchTemplate(ctx context.Context, api string, ask Ask, network bool, tags []types.Tag) (*ec2.CreateLaunchTemplateInput, error) {
	s := ask.Spec
	if s.LaunchTemplate != "" {
		return nil, nil
	}
	data := &types.RequestLaunchTemplateData{ImageId: optional(s.Image), KeyName: optional(s.Key), EbsOptimized: s.EBSOptimized}
	if s.InstanceProfile != "" {
		data.IamInstanceProfile = &types.LaunchTemplateIamInstanceProfileSpecificationRequest{}
		if isARN(s.InstanceProfile) {
			data.IamInstanceProfile.Arn = aws.String(s.InstanceProfile)
		} else {
			data.IamInstanceProfile.Name = aws.String(s.InstanceProfile)
		}
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

func (p Parts) userData(s spec.Spec) (*string, error) {
	text, err := p.UserData(s)
	return optional(text), err
}

// Shelf is where the launch templates are.
func (p Parts) Shelf() launchtemplate.Shelf {
	return launchtemplate.Shelf{API: p.API, Memory: p.Memory, Prefix: p.Prefix, Installation: p.Installation, Now: p.Now}
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

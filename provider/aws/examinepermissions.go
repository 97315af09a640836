package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
)

// nobody are ids that no account has, for calls that are not to find anything.
const (
	nobodysMachine  = "i-00000000000000000"
	nobodysTemplate = "lt-00000000000000000"
)

// trial is a call that shows whether it is allowed.
type trial struct {
	action string // as policies write it
	try    func(ctx context.Context) error
}

// permissions tries what the templates need. AWS looks at the permission before anything else, so any other refusal means
// that the call itself is allowed.
func (e *examination) permissions(ctx context.Context) {
	var denied []string
	var said error
	tried := e.trials()
	for _, t := range tried {
		err := t.try(ctx)
		if errors.Is(err, ohfp.ErrDenied) && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			if !slices.Contains(denied, t.action) {
				denied = append(denied, t.action)
			}
			said = errors.Join(said, err)
		}
	}
	switch {
	case ctx.Err() != nil:
		e.say(lookPermissions, provider.LevelWarning, e.name, "the permissions could not be tried in the time that there was", "run ohfp doctor --timeout with more")
	case len(denied) > 0:
		first, _, _ := strings.Cut(said.Error(), "\n")
		e.say(lookPermissions, provider.LevelFailure, e.name, "not allowed: "+strings.Join(denied, ", ")+" ("+first+")",
			"allow it to the identity in use; ohfp providers iam-policy "+e.name+" prints the policy that is needed")
	default:
		e.fine(lookPermissions, e.name, fmt.Sprintf("%d calls were tried, as dry runs where they change something", len(tried)))
	}
}

func (e *examination) trials() []trial {
	list := []trial{
		{"ec2:DescribeInstances", func(ctx context.Context) error {
			_, err := e.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
			return err
		}},
		{"ec2:DescribeTags", func(ctx context.Context) error {
			_, err := e.api.DescribeTags(ctx, &ec2.DescribeTagsInput{MaxResults: aws.Int32(5)})
			return err
		}},
		{"ec2:TerminateInstances", func(ctx context.Context) error {
			_, err := e.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{nobodysMachine}, DryRun: aws.Bool(true)})
			return err
		}},
	}
	first := map[string]subject{} // by API
	for _, s := range slices.Backward(e.subjects) {
		first[s.api] = s
	}
	for _, s := range e.subjects {
		if first[s.api].template.ID == s.template.ID {
			list = append(list, e.trialsOf(s)...)
		}
	}
	return list
}

// trialsOf are the calls of a launch API, with what a template of it says.
func (e *examination) trialsOf(s subject) []trial {
	dry := aws.Bool(true)
	if s.api == launch.APIRunInstances {
		in := &ec2.RunInstancesInput{DryRun: dry, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ImageId: aws.String(ec2Image(s.spec.Image))}
		if len(s.spec.Types) > 0 {
			in.InstanceType = types.InstanceType(s.spec.Types[0].Name)
		}
		if len(s.spec.Subnets) > 0 {
			in.SubnetId, in.SecurityGroupIds = aws.String(s.spec.Subnets[0]), s.spec.SecurityGroups
		}
		return []trial{{"ec2:RunInstances", func(ctx context.Context) error {
			_, err := e.api.RunInstances(ctx, in)
			return err
		}}}
	}
	list := []trial{{"ec2:CreateLaunchTemplate", func(ctx context.Context) error {
		_, err := e.api.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
			DryRun: dry, LaunchTemplateName: aws.String("ohfp-doctor"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2Image(s.spec.Image))},
		})
		return err
	}}}
	switch s.api {
	case launch.APIEC2Fleet:
		return append(list, trial{"ec2:CreateFleet", func(ctx context.Context) error {
			_, err := e.api.CreateFleet(ctx, &ec2.CreateFleetInput{
				DryRun: dry, Type: types.FleetTypeInstant,
				TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1)},
				LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
					LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: aws.String(nobodysTemplate), Version: aws.String("1")},
				}},
			})
			return err
		}})
	case launch.APISpotFleet:
		return append(list, trial{"ec2:RequestSpotFleet", func(ctx context.Context) error {
			_, err := e.api.RequestSpotFleet(ctx, &ec2.RequestSpotFleetInput{
				DryRun: dry,
				SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
					IamFleetRole: aws.String(e.linkedRole()), TargetCapacity: aws.Int32(1), Type: types.FleetTypeRequest,
					LaunchTemplateConfigs: []types.LaunchTemplateConfig{{
						LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateId: aws.String(nobodysTemplate), Version: aws.String("1")},
					}},
				},
			})
			return err
		}})
	case launch.APIASG: // Auto Scaling has no dry run
		return append(list, trial{"autoscaling:DescribeAutoScalingGroups", func(ctx context.Context) error {
			_, err := e.api.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(1)})
			return err
		}})
	}
	return list
}

// ec2Image is an image as EC2 takes it: it resolves aliases itself.
func ec2Image(name string) string {
	if strings.HasPrefix(name, "/") {
		return "resolve:ssm:" + name
	}
	return name
}

func (e *examination) linkedRole() string {
	return e.account + ":role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet"
}

// fleetRoles looks at how templates name the roles of Spot Fleets. Whether a role exists takes a permission for IAM that
// nothing else needs.
func (e *examination) fleetRoles() {
	for _, s := range e.subjects {
		role := s.spec.FleetRole
		if s.api != launch.APISpotFleet {
			continue
		}
		parts := strings.Split(role, ":")
		about := string(s.template.ID)
		switch {
		case strings.HasSuffix(role, "AWSServiceRoleForEC2Fleet"):
			e.say(lookFleetRole, provider.LevelWarning, about, "fleetRole names the role of EC2 fleets, which Spot Fleets cannot use; theirs is used in its place",
				"write AWSServiceRoleForEC2SpotFleet")
		case strings.HasPrefix(role, "arn:") && (len(parts) < 6 || !strings.HasPrefix(parts[5], "role/")):
			e.say(lookFleetRole, provider.LevelFailure, about, "fleetRole "+role+" is not the ARN of a role", "write "+e.account+":role/NAME")
		case strings.HasPrefix(role, "arn:") && e.account != "" && !strings.HasPrefix(role, e.account+":"):
			e.say(lookFleetRole, provider.LevelFailure, about, "fleetRole "+role+" is of another account than the credentials, whose Spot Fleets cannot use it",
				"name a role that begins with "+e.account)
		default:
			e.fine(lookFleetRole, about, "it is named right; whether it exists is seen at the first launch")
		}
	}
}

package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
)

var _ provider.Permitter = (*Provider)(nil)

// The features of the policy besides the launch APIs, which go by their own names.
const (
	featureMachines  = "machines" // what every launch API needs
	featureImages    = "images"
	featureDiscovery = "discovery"
	featureCatalog   = "catalog"
	featurePrices    = "prices"
	featureCleaning  = "cleaning" // of launch templates that nothing uses

	featureInterruptions = "interruptions"
	featureSwitching     = "switching" // stopping machines and starting them again
)

// permissions are the actions by feature. Some are never called by name: EC2 asks for CreateTags when something is made
// with tags, for RunInstances when a fleet or group is made, for PassRole when machines or fleets get a role, and for
// CreateServiceLinkedRole the first time that an account uses a feature.
func permissions() []provider.Permission {
	const linked = "iam:CreateServiceLinkedRole"
	return []provider.Permission{
		{Feature: featureMachines, Actions: []string{
			"ec2:CreateLaunchTemplate", "ec2:CreateTags", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSubnets", "ec2:DescribeTags",
			"ec2:RunInstances", "ec2:TerminateInstances", "iam:PassRole", "sts:GetCallerIdentity",
		}},
		{Feature: launch.APIRunInstances, Actions: []string{linked}},
		{Feature: launch.APIEC2Fleet, Actions: []string{
			"ec2:CreateFleet", "ec2:DeleteFleets", "ec2:DescribeFleetHistory", "ec2:DescribeFleets", "ec2:ModifyFleet", linked,
		}},
		{Feature: launch.APISpotFleet, Actions: []string{
			"ec2:CancelSpotFleetRequests", "ec2:DescribeSpotFleetRequestHistory", "ec2:DescribeSpotFleetRequests", "ec2:ModifySpotFleetRequest",
			"ec2:RequestSpotFleet", linked,
		}},
		{Feature: launch.APIASG, Actions: []string{
			"autoscaling:CreateAutoScalingGroup", "autoscaling:DeleteAutoScalingGroup", "autoscaling:DescribeAutoScalingGroups",
			"autoscaling:DescribeScalingActivities", "autoscaling:SuspendProcesses", "autoscaling:UpdateAutoScalingGroup", linked,
		}},
		{Feature: featureImages, Actions: []string{"ssm:GetParameter"}},
		{Feature: featureDiscovery, Actions: []string{
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeKeyPairs", "ec2:DescribeLaunchTemplates", "ec2:DescribeSecurityGroups",
			"ec2:DescribeSubnets", "ec2:DescribeVpcs", "sts:GetCallerIdentity",
		}},
		{Feature: featureCatalog, Actions: []string{"ec2:DescribeInstanceTypes"}},
		{Feature: featureCleaning, Actions: []string{"ec2:DeleteLaunchTemplate", "ec2:DescribeLaunchTemplates"}},
		{Feature: featureSwitching, Actions: []string{"ec2:StartInstances", "ec2:StopInstances"}},
		{Feature: featurePrices, Actions: []string{"ec2:DescribeSpotPriceHistory"}},
		// DeleteMessageBatch goes by the permission for DeleteMessage.
		{Feature: featureInterruptions, Actions: []string{
			"ec2:DescribeInstanceStatus", "ec2:DescribeSpotInstanceRequests", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage",
		}},
	}
}

// Permissions lists the features and the actions that they take. Launch APIs that are switched off are not among them.
func (p *Provider) Permissions() []provider.Permission {
	return slices.DeleteFunc(permissions(), func(one provider.Permission) bool { return p.handlers.disabled[one.Feature] })
}

// statement is one of an IAM policy.
type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// Policy returns the IAM policy that allows the features named, or all of them. Launching takes the machines' feature too.
func (p *Provider) Policy(features ...string) ([]byte, error) {
	all := p.Permissions()
	known := make([]string, len(all))
	for i, one := range all {
		known[i] = one.Feature
	}
	for _, feature := range features {
		if !slices.Contains(known, feature) {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "feature %q is not known or switched off; use %s", feature, strings.Join(known, ", "))
		}
	}
	var actions []string
	for _, one := range all {
		if len(features) == 0 || slices.Contains(features, one.Feature) {
			actions = append(actions, one.Actions...)
		}
	}
	slices.Sort(actions)
	policy, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements(slices.Compact(actions), queueName(p.queue.Name))}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return append(policy, '\n'), nil
}

// statements puts each action where it is bound the tightest. Calls that make or read things of any name have no
// resource to be bound to.
func statements(actions []string, queue string) []statement {
	list := []statement{{Sid: "Calls", Effect: "Allow", Resource: "*"}}
	listening := statement{Sid: "InterruptionQueue", Effect: "Allow", Resource: "arn:*:sqs:*:*:" + cmp.Or(queue, "*")}
	for _, action := range actions {
		if strings.HasPrefix(action, "sqs:") {
			listening.Action = append(listening.Action, action)
			continue
		}
		s := statement{Effect: "Allow", Action: []string{action}, Resource: "*"}
		switch action {
		case "ec2:CreateTags":
			s.Sid = "TagsOfWhatIsMade"
			s.Condition = equals("ec2:CreateAction", "RunInstances", "CreateFleet", "CreateLaunchTemplate", "RequestSpotFleet")
		case "iam:PassRole":
			s.Sid = "RolesOfMachinesAndFleets"
			s.Condition = equals("iam:PassedToService", "ec2.amazonaws.com", "ec2.amazonaws.com.cn", "spotfleet.amazonaws.com")
		case "iam:CreateServiceLinkedRole":
			s.Sid, s.Resource = "RolesOfServices", "arn:*:iam::*:role/aws-service-role/*"
			s.Condition = equals("iam:AWSServiceName", "spot.amazonaws.com", "spotfleet.amazonaws.com", "ec2fleet.amazonaws.com", "autoscaling.amazonaws.com")
		case "ec2:DeleteLaunchTemplate":
			s.Sid, s.Resource = "LaunchTemplatesOfOurs", "arn:*:ec2:*:*:launch-template/*"
			s.Condition = equals("aws:ResourceTag/"+instances.TagManagedBy, instances.ManagedBy)
		case "ssm:GetParameter":
			s.Sid, s.Resource = "ImageAliases", "arn:*:ssm:*:*:parameter/*"
		default:
			list[0].Action = append(list[0].Action, action)
			continue
		}
		list = append(list, s)
	}
	if len(listening.Action) > 0 {
		list = append(list, listening)
	}
	if len(list[0].Action) == 0 {
		return list[1:]
	}
	return list
}

func equals(key string, values ...string) map[string]map[string][]string {
	return map[string]map[string][]string{"StringEquals": {key: values}}
}

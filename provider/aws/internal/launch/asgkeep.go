package launch

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// Tag implements [Keeper].
func (l ASG) Tag() string { return instances.TagGroup }

// Look implements [Keeper].
func (l ASG) Look(ctx context.Context, groups []string) ([]Standing, error) {
	return l.lookUp(ctx, groups, func(names []string) ([]Standing, error) {
		return l.read(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: names})
	}, isNoGroup, func(ctx context.Context, name string) Standing { return l.omittedGroup(ctx, l.Tag(), name) })
}

// GroupsOf finds the groups of requests.
func (l ASG) GroupsOf(ctx context.Context, requests []string) ([]Standing, error) {
	var found []Standing
	for some := range slices.Chunk(requests, lookChunk) {
		more, err := l.read(ctx, &autoscaling.DescribeAutoScalingGroupsInput{Filters: []types.Filter{
			{Name: aws.String("tag:" + instances.TagRequest), Values: some},
			{Name: aws.String("tag:" + instances.TagInstallation), Values: []string{string(l.Installation)}},
		}})
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// OwnGroups finds the groups of this installation.
func (l ASG) OwnGroups(ctx context.Context) ([]Standing, error) {
	return l.read(ctx, &autoscaling.DescribeAutoScalingGroupsInput{Filters: []types.Filter{
		{Name: aws.String("tag:" + instances.TagInstallation), Values: []string{string(l.Installation)}},
	}})
}

// read reads groups without their machines, which are read from EC2 with all that there is to know of them.
func (l ASG) read(ctx context.Context, in *autoscaling.DescribeAutoScalingGroupsInput) ([]Standing, error) {
	in.MaxRecords, in.IncludeInstances = units(lookChunk), aws.Bool(false)
	var found []Standing
	for {
		out, err := l.API.DescribeAutoScalingGroups(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, g := range out.AutoScalingGroups {
			found = append(found, groupStanding(g))
		}
		if aws.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

func groupStanding(g types.AutoScalingGroup) Standing {
	s := Standing{Keeps: true, Since: aws.ToTime(g.CreatedTime), Tags: map[string]string{}}
	s.Resource = aws.ToString(g.AutoScalingGroupName)
	for _, tag := range g.Tags {
		s.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	s.Gone = aws.ToString(g.Status) != "" // it is being deleted
	desired := int(aws.ToInt32(g.DesiredCapacity))
	s.Target = ohfp.Target{OnDemand: desired}
	if g.MixedInstancesPolicy != nil && g.MixedInstancesPolicy.InstancesDistribution != nil && g.MixedInstancesPolicy.LaunchTemplate != nil {
		s.policy = g.MixedInstancesPolicy
		d := g.MixedInstancesPolicy.InstancesDistribution
		base, above := min(int(aws.ToInt32(d.OnDemandBaseCapacity)), desired), 100
		if d.OnDemandPercentageAboveBaseCapacity != nil {
			above = int(*d.OnDemandPercentageAboveBaseCapacity)
		}
		onDemand := base + ((desired-base)*above+99)/100
		s.Target = ohfp.Target{OnDemand: onDemand, Spot: desired - onDemand}
	}
	s.Active = !s.Gone && s.mayLaunch(false)
	return s
}

// Retarget implements [Keeper]. The machines to end are then ended directly, 1000 a call. Detaching them first would
// take a call for every 20, TerminateInstanceInAutoScalingGroup one for each, and both lower the target by what they
// find, so that a repeated call lowers it twice. Here it is absolute. A group that has more than it is told looks for
// machines to end, but all are protected from that; and one whose machine ends finds that it has what it should, so it
// launches nothing in its place. The share on demand falls with the target, so that what is lost later is replaced in
// kind.
func (l ASG) Retarget(ctx context.Context, targets []ohfp.ResourceTarget) Outcome {
	return l.retarget(ctx, l, targets, func(s Standing, to ohfp.Target) error {
		in := &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String(s.Resource), MinSize: units(0), MaxSize: units(total(to)), DesiredCapacity: units(total(to)),
		}
		if s.Target.Spot > 0 && s.Target.OnDemand != to.OnDemand {
			in.MixedInstancesPolicy = withBase(s.policy, to.OnDemand)
		}
		_, err := l.API.UpdateAutoScalingGroup(ctx, in)
		if isNoGroup(err) {
			return nil
		}
		return err
	})
}

// withBase is a group's policy with another share on demand. The description of a group names its launch template twice,
// which no call may.
func withBase(policy *types.MixedInstancesPolicy, onDemand int) *types.MixedInstancesPolicy {
	distribution, template := *policy.InstancesDistribution, *policy.LaunchTemplate
	distribution.OnDemandBaseCapacity = units(onDemand)
	if reference := template.LaunchTemplateSpecification; reference != nil && reference.LaunchTemplateId != nil {
		template.LaunchTemplateSpecification = &types.LaunchTemplateSpecification{
			LaunchTemplateId: reference.LaunchTemplateId, Version: reference.Version,
		}
	}
	return &types.MixedInstancesPolicy{InstancesDistribution: &distribution, LaunchTemplate: &template}
}

// Reasons implements [Keeper].
func (l ASG) Reasons(ctx context.Context, s Standing) ([]ohfp.Failure, error) {
	out, err := l.API.DescribeScalingActivities(ctx, &autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: aws.String(s.Resource)})
	if err != nil {
		return nil, err
	}
	told := reasons{parts: l.Parts}
	for _, activity := range out.Activities {
		at := aws.ToTime(activity.StartTime)
		if activity.StatusCode != types.ScalingActivityStatusCodeFailed || l.Now().Sub(at) > reasonsOf {
			continue
		}
		words := aws.ToString(activity.StatusMessage)
		if strings.Contains(words, "protected from scale-in") || strings.Contains(words, "protected from scale in") {
			continue // that is how we want it
		}
		told.add(ctx, at, "ScalingActivityFailed", words, lifecycleOf(words, s.Target))
	}
	return told.failures(), nil
}

// Retire deletes a group none of whose machines is alive. Without force Auto Scaling refuses itself as long as the group
// lists a machine, which it does until it has noticed the machine's end.
func (l ASG) Retire(ctx context.Context, group string) error {
	if _, err := l.checkDead(ctx, instances.TagGroup, group); err != nil {
		return err
	}
	_, err := l.API.DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String(group)})
	if isNoGroup(err) {
		return l.unseen(ctx, group)
	}
	return err
}

// isNoGroup says whether Auto Scaling does not know a group. It has no code of its own for that.
func isNoGroup(err error) bool {
	var cloud *ohfp.CloudError
	return errors.As(err, &cloud) && cloud.Code == "ValidationError" && strings.Contains(cloud.Message, "not found")
}

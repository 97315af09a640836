package launch

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// ASG launches machines by an Auto Scaling group, which goes on by itself. Groups have no idempotency token; their name
// is one.
type ASG struct{ Parts }

// maxGroupTypes is how many machine types the overrides of a group may list.
const maxGroupTypes = 40

// Check refuses what groups cannot do.
func (l ASG) Check(s spec.Spec) error {
	if err := checkPricing(s); err != nil {
		return err
	}
	if err := reword(APIASG, s.Requirements, &types.InstanceRequirements{}); err != nil {
		return err
	}
	spot, _ := strategies(s)
	switch {
	case len(s.Subnets) == 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "subnetId is missing; an Auto Scaling group needs one or more subnets")
	case len(s.Types) > maxGroupTypes:
		return ohfp.Errorf(ohfp.ErrInvalid, "vmTypes lists %d types; an Auto Scaling group takes at most %d", len(s.Types), maxGroupTypes)
	case s.PriceType != spec.PriceOnDemand && spot == spec.Diversified:
		return ohfp.Errorf(ohfp.ErrInvalid, "allocationStrategy diversified is not known to ASG; use lowestPrice with poolsCount, or priceCapacityOptimized")
	case s.Requirements != nil && (s.Strategy == spec.CapacityPrioritized || s.Strategy == spec.Prioritized || s.StrategyOnDemand == spec.Prioritized):
		return ohfp.Errorf(ohfp.ErrInvalid, "a prioritized allocation strategy has no meaning for ASG beside abisInstanceRequirements, which ranks no types; use another")
	case s.Own("poolsCount") && s.Pools > 20:
		return ohfp.Errorf(ohfp.ErrInvalid, "poolsCount %d is out of range for ASG; use 1 to 20", s.Pools)
	}
	if !twoPhase(s) {
		if err := s.Refuse(APIASG, "; use timeout", "spotFleetRequestExpiry"); err != nil {
			return err
		}
	}
	if s.LaunchTemplate != "" {
		if err := s.Refuse(APIASG, besideTemplate, slices.Concat(contentFields(), templateFields())...); err != nil {
			return err
		}
	}
	return s.Refuse(APIASG, ", which has neither", "fleetType", "fleetRole")
}

// Prepare makes one group of everything that the template allows.
func (l ASG) Prepare(ctx context.Context, ask Ask) (ohfp.Order, error) {
	ask, err := l.settle(ctx, ask, false)
	if err != nil {
		return ohfp.Order{}, err
	}
	s := ask.Spec
	offerings, err := l.offerings(ctx, s)
	if err != nil {
		return ohfp.Order{}, err
	}
	weights, err := ask.weights()
	if err != nil {
		return ohfp.Order{}, err
	}
	template, err := l.launchTemplate(ctx, APIASG, ask, true, l.owner(ask).TemplateTags(weights, s.Tags))
	if err != nil {
		return ohfp.Order{}, err
	}
	templateName, id, version := templateOf(template, s)
	reference := &types.LaunchTemplateSpecification{LaunchTemplateName: templateName, LaunchTemplateId: id, Version: version}
	over, err := groupOverrides(s, weights)
	if err != nil {
		return ohfp.Order{}, err
	}
	count := min(ask.Count, maxTarget)
	wanted := target(s, count, ask.Held)
	name := GroupPrefix + strings.TrimPrefix(string(ask.Request), "req-") + "-" + strconv.Itoa(ask.Attempt)
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name),
		MinSize:              units(0),
		MaxSize:              units(count),
		DesiredCapacity:      units(count),
		VPCZoneIdentifier:    aws.String(strings.Join(s.Subnets, ",")),
		Context:              optional(s.Context),
		HealthCheckType:      aws.String("EC2"),
		// A group may end machines when it scales in or evens out its zones, but never protected ones.
		NewInstancesProtectedFromScaleIn: aws.Bool(true),
		MixedInstancesPolicy: &types.MixedInstancesPolicy{
			InstancesDistribution: distribution(s, wanted),
			LaunchTemplate:        &types.LaunchTemplate{LaunchTemplateSpecification: reference, Overrides: over},
		},
		Tags: groupTags(name, l.owner(ask).Tags(weights, s.Tags)),
	}
	if in, err = documented(ctx, l.Parts, APIASG, ask, in); err != nil {
		return ohfp.Order{}, err
	}
	o, err := order(APIASG, l.token(ask), count, describe(offerings), call{
		Request: ask.Request, Attempt: ask.Attempt, LaunchTemplate: template, Group: in,
		Offerings: offerings, Weights: weights, Image: s.Image, More: ask.more(),
	})
	return ask.lasting(o, wanted, true), err
}

// distribution says how a group's machines are paid for, and how AWS chooses. The share on demand is a number, so that
// it is what the other launch APIs have, and what a lowered target says.
func distribution(s spec.Spec, wanted ohfp.Target) *types.InstancesDistribution {
	spot, onDemand := strategies(s)
	d := &types.InstancesDistribution{OnDemandBaseCapacity: units(wanted.OnDemand), OnDemandPercentageAboveBaseCapacity: units(0)}
	if wanted.Spot == 0 {
		d.OnDemandBaseCapacity, d.OnDemandPercentageAboveBaseCapacity = units(0), units(100)
	}
	if wanted.OnDemand > 0 {
		d.OnDemandAllocationStrategy = aws.String(onDemand)
	}
	if wanted.Spot > 0 {
		d.SpotAllocationStrategy, d.SpotMaxPrice = aws.String(spot), optional(string(s.MaxPrice))
		if spot == spec.LowestPrice {
			d.SpotInstancePools = number(s.Pools)
		}
	}
	return d
}

// groupOverrides is one entry per machine type, the best first: groups rank by order. Subnets are the group's.
func groupOverrides(s spec.Spec, weights map[string]int) ([]types.LaunchTemplateOverrides, error) {
	if s.Requirements != nil {
		needs := &types.InstanceRequirements{}
		if err := reword(APIASG, s.Requirements, needs); err != nil {
			return nil, err
		}
		return []types.LaunchTemplateOverrides{{InstanceRequirements: needs}}, nil
	}
	out := make([]types.LaunchTemplateOverrides, 0, len(s.Types))
	for _, t := range s.Types {
		entry := types.LaunchTemplateOverrides{InstanceType: aws.String(t.Name)}
		if weight := weights[t.Name]; weight > 0 {
			entry.WeightedCapacity = aws.String(strconv.Itoa(weight))
		}
		out = append(out, entry)
	}
	return out, nil
}

// groupTags puts tags on a group and on the machines that it launches.
func groupTags(name string, tags []ec2types.Tag) []types.Tag {
	out := make([]types.Tag, len(tags))
	for i, tag := range tags {
		out[i] = types.Tag{
			Key: tag.Key, Value: tag.Value, PropagateAtLaunch: aws.Bool(true), ResourceId: aws.String(name), ResourceType: aws.String("auto-scaling-group"),
		}
	}
	return out
}

// Launch creates the group of an order. Created before and still there is success: the order is being repeated.
func (l ASG) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	c, err := decode(order)
	if err != nil {
		return provider.Launched{}, err
	}
	if c.Group == nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "the order for %s holds no call", order.API)
	}
	name := aws.ToString(c.Group.AutoScalingGroupName)
	l.mark(ctx, APIASG)
	_, err = launchtemplate.Use(ctx, l.Shelf(), c.LaunchTemplate, order.Token, func() (*autoscaling.CreateAutoScalingGroupOutput, error) {
		return l.API.CreateAutoScalingGroup(ctx, c.Group)
	})
	if awsapi.Code(err) == "AlreadyExists" {
		err = l.checkOurs(ctx, name, c)
	}
	if err != nil {
		return refused(err, order)
	}
	if strings.Contains(aws.ToString(c.Group.VPCZoneIdentifier), ",") {
		// Evening out its zones, a group launches more than it is told and ends others, if they let it. Nothing is lost
		// when this call is: the order is then repeated.
		if _, err := l.API.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{
			AutoScalingGroupName: aws.String(name), ScalingProcesses: []string{"AZRebalance"},
		}); err != nil && !isNoGroup(err) {
			return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "group %s is made, but may still even out its zones: %v", name, err)
		}
	}
	return l.made(ctx, name), nil
}

// checkOurs refuses a group that exists with our name but without our tags.
func (l ASG) checkOurs(ctx context.Context, name string, c call) error {
	standings, err := l.Look(ctx, []string{name})
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "group %s was made before, but cannot be read: %v", name, err)
	}
	for _, s := range standings {
		switch {
		case s.Unseen, s.Tags[instances.TagInstallation] == string(l.Installation) && s.Tags[instances.TagRequest] == string(c.Request):
			return nil
		case s.Gone:
			return ohfp.Errorf(ohfp.ErrUnavailable, "group %s was made before and does not show yet", name)
		}
	}
	return ohfp.Errorf(ohfp.ErrConflict, "group %s exists and is not this installation's; remove it", name)
}

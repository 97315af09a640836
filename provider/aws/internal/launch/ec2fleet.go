package launch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// EC2Fleet launches machines by a fleet. One of type instant is a single call that tries every type and zone at once and
// says what was refused where; those of the types request and maintain go on by themselves.
type EC2Fleet struct{ Parts }

// fleetType is the type of a template's EC2 fleet.
func fleetType(s spec.Spec) string {
	if s.FleetType == "" {
		return instant
	}
	return s.FleetType
}

// Check refuses combinations that EC2 does not have.
func (l EC2Fleet) Check(s spec.Spec) error {
	if err := checkPricing(s); err != nil {
		return err
	}
	if s.LaunchTemplate != "" {
		inTemplate := []string{"securityGroupIds", "userDataScript", "monitoring", "ebsOptimized", "associatePublicIpAddress"}
		if fleetType(s) != instant {
			// Which can change only types and subnets.
			inTemplate = append(inTemplate, contentFields()...)
		}
		if err := s.Refuse(APIEC2Fleet, " beside launchTemplateId: set it in the launch template, or use providerApi RunInstances", inTemplate...); err != nil {
			return err
		}
	}
	if fleetType(s) == instant {
		if err := s.Refuse("fleets of type instant", "; use timeout", "spotFleetRequestExpiry"); err != nil {
			return err
		}
	}
	return s.Refuse(APIEC2Fleet, ", which has a role of its own", "fleetRole")
}

// contentFields are those of a launch template that only single launches and instant fleets can lay over an operator's.
func contentFields() []string {
	return []string{"imageId", "keyName", "instanceProfile", "rootDeviceVolumeSize", "volumeType", "iops"}
}

// Prepare makes one fleet of everything that the template allows.
func (l EC2Fleet) Prepare(ctx context.Context, ask Ask) (ohfp.Order, error) {
	kind := fleetType(ask.Spec)
	atOnce := kind == instant
	ask, err := l.settle(ctx, ask, atOnce)
	if err != nil {
		return ohfp.Order{}, err
	}
	s := ask.Spec
	offerings, err := l.offerings(ctx, s)
	if err != nil {
		return ohfp.Order{}, err
	}
	weights, tags := ask.weights(), []types.Tag(nil)
	if err := instances.CheckWeights(weights); err != nil {
		return ohfp.Order{}, err
	}
	if atOnce {
		offerings = oneSubnetPerZone(offerings, l.Board.Read(ctx))
	} else {
		offerings = everyTypePerZone(offerings, l.Board.Read(ctx))
		tags = l.owner(ask).TemplateTags(weights, s.Tags)
	}
	template, err := l.launchTemplate(ctx, APIEC2Fleet, ask, true, tags)
	if err != nil {
		return ohfp.Order{}, err
	}
	reference := &types.FleetLaunchTemplateSpecificationRequest{}
	var over types.FleetLaunchTemplateOverridesRequest
	if template != nil {
		reference.LaunchTemplateName, reference.Version = template.LaunchTemplateName, aws.String(launchtemplate.Version)
	} else {
		reference.LaunchTemplateId, reference.Version = aws.String(s.LaunchTemplate), operatorVersion(s)
		if atOnce {
			if over, err = l.overOperators(ctx, s); err != nil {
				return ohfp.Order{}, err
			}
		}
	}
	token, count := l.token(ask), min(ask.Count, maxTarget)
	in := &ec2.CreateFleetInput{
		ClientToken: aws.String(token),
		Type:        types.FleetType(kind),
		Context:     optional(s.Context),
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
			LaunchTemplateSpecification: reference, Overrides: overrides(s, offerings, weights, over),
		}},
	}
	wanted := target(s, count, ask.Held)
	capacityOf(in, s, wanted)
	c := call{
		Request: ask.Request, Attempt: ask.Attempt, LaunchTemplate: template, CreateFleet: in,
		Offerings: offerings, Weights: weights, Image: s.Image, More: ask.more(),
	}
	if atOnce {
		own := l.owner(ask).Tags(weights, s.Tags)
		in.TagSpecifications = tagAll(own, types.ResourceTypeFleet, types.ResourceTypeInstance, types.ResourceTypeVolume)
		if c.CreateFleet, err = documented(ctx, l.Parts, APIEC2Fleet, ask, in); err != nil {
			return ohfp.Order{}, err
		}
		return order(APIEC2Fleet, token, count, describe(offerings), c)
	}
	in.TagSpecifications = tagAll(l.owner(ask).FleetTags(weights, s.Tags, template == nil), types.ResourceTypeFleet)
	if s.Expires(false) {
		in.ValidUntil = l.until(s)
	}
	if kind == maintain {
		// A fleet must never choose which machines end, neither when its target falls nor when it finds one unhealthy.
		in.ExcessCapacityTerminationPolicy = types.FleetExcessCapacityTerminationPolicyNoTermination
	}
	if c.CreateFleet, err = documented(ctx, l.Parts, APIEC2Fleet, ask, in); err != nil {
		return ohfp.Order{}, err
	}
	prepared, err := order(APIEC2Fleet, token, count, describe(offerings), c)
	prepared.Lasts = ask.lasts(APIEC2Fleet)
	prepared.Async, prepared.Keeps, prepared.Target, prepared.Yields = true, kind == maintain, wanted, ask.yields(APIEC2Fleet)
	return prepared, err
}

// until is when a fleet stops trying. What it has launched by then stays.
func (p Parts) until(s spec.Spec) *time.Time {
	return aws.Time(p.Now().Add(s.SpotExpiry).UTC().Truncate(time.Second))
}

// capacityOf says how much is wanted, and how EC2 chooses.
func capacityOf(in *ec2.CreateFleetInput, s spec.Spec, wanted ohfp.Target) {
	spot, onDemand := strategies(s)
	in.TargetCapacitySpecification = &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: units(total(wanted))}
	in.TargetCapacitySpecification.DefaultTargetCapacityType = types.DefaultTargetCapacityTypeOnDemand
	if wanted.Spot > 0 {
		in.TargetCapacitySpecification.DefaultTargetCapacityType = types.DefaultTargetCapacityTypeSpot
		in.SpotOptions = &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategy(spot)}
		if spot == spec.LowestPrice {
			in.SpotOptions.InstancePoolsToUseCount = number(s.Pools)
		}
	}
	if wanted.OnDemand > 0 {
		in.OnDemandOptions = &types.OnDemandOptionsRequest{AllocationStrategy: types.FleetOnDemandAllocationStrategy(onDemand)}
	}
	if in.Type != types.FleetTypeInstant || mixed(s) {
		in.TargetCapacitySpecification.OnDemandTargetCapacity = units(wanted.OnDemand)
		in.TargetCapacitySpecification.SpotTargetCapacity = units(wanted.Spot)
	}
}

// overrides is one entry per offering.
func overrides(s spec.Spec, offerings []capacity.Offering, weights map[string]int, over types.FleetLaunchTemplateOverridesRequest) []types.FleetLaunchTemplateOverridesRequest {
	ranks := priorities(s)
	out := make([]types.FleetLaunchTemplateOverridesRequest, 0, len(offerings))
	for _, o := range offerings {
		entry := over
		entry.InstanceType, entry.SubnetId, entry.MaxPrice = types.InstanceType(o.Type), optional(o.Subnet), optional(o.MaxPrice)
		entry.InstanceRequirements, entry.Priority = s.Requirements, ranks[o.Type]
		if weight := weights[o.Type]; weight > 0 {
			entry.WeightedCapacity = aws.Float64(float64(weight))
		}
		out = append(out, entry)
	}
	return out
}

// overOperators puts a template's fields over those of the operator's launch template, as far as instant fleets can.
func (l EC2Fleet) overOperators(ctx context.Context, s spec.Spec) (types.FleetLaunchTemplateOverridesRequest, error) {
	over := types.FleetLaunchTemplateOverridesRequest{ImageId: optional(s.Image), KeyName: optional(s.Key)}
	if s.InstanceProfile != "" {
		over.IamInstanceProfile = &types.FleetIamInstanceProfileSpecificationRequest{Name: aws.String(s.InstanceProfile)}
		if isARN(s.InstanceProfile) {
			over.IamInstanceProfile = &types.FleetIamInstanceProfileSpecificationRequest{Arn: aws.String(s.InstanceProfile)}
		}
	}
	if s.Volume.Set() {
		device, err := l.Catalog.RootDevice(ctx, s.Image)
		if err != nil {
			return over, err
		}
		over.BlockDeviceMappings = []types.FleetBlockDeviceMappingRequest{{
			DeviceName: aws.String(device),
			Ebs: &types.FleetEbsBlockDeviceRequest{
				VolumeSize: number(s.Volume.Size), VolumeType: types.VolumeType(s.Volume.Type), Iops: number(s.Volume.IOPS),
				DeleteOnTermination: aws.Bool(true),
			},
		}}
	}
	return over, nil
}

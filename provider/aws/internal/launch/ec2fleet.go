package launch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
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
		fields := templateFields()
		if fleetType(s) != instant {
			fields = append(fields, contentFields()...) // its overrides are of types and subnets alone
		}
		if err := s.Refuse(APIEC2Fleet, besideTemplate, fields...); err != nil {
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
	weights, err := ask.weights()
	if err != nil {
		return ohfp.Order{}, err
	}
	var machineTags []types.Tag // a fleet itself tags its machines only when it launches them at once
	if atOnce {
		offerings = oneSubnetPerZone(offerings, l.Board.Read(ctx))
	} else {
		offerings = everyTypePerZone(offerings, l.Board.Read(ctx))
		machineTags = l.owner(ask).TemplateTags(weights, s.Tags)
	}
	template, err := l.launchTemplate(ctx, APIEC2Fleet, ask, true, machineTags)
	if err != nil {
		return ohfp.Order{}, err
	}
	var over types.FleetLaunchTemplateOverridesRequest
	if template == nil && atOnce {
		if over, err = l.overOperators(ctx, s); err != nil {
			return ohfp.Order{}, err
		}
	}
	name, id, version := templateOf(template, s)
	token, count := l.token(ask), min(ask.Count, maxTarget)
	wanted := target(s, count, ask.Held)
	in := &ec2.CreateFleetInput{
		ClientToken: aws.String(token),
		Type:        types.FleetType(kind),
		Context:     optional(s.Context),
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
			LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{
				LaunchTemplateName: name, LaunchTemplateId: id, Version: version,
			},
			Overrides: overrides(s, offerings, weights, over),
		}},
	}
	capacityOf(in, s, wanted)
	if atOnce {
		tags := l.owner(ask).Tags(weights, s.Tags)
		in.TagSpecifications = tagAll(tags, types.ResourceTypeFleet, types.ResourceTypeInstance, types.ResourceTypeVolume)
	} else {
		tags := l.owner(ask).FleetTags(weights, s.Tags, template == nil)
		in.TagSpecifications = tagAll(tags, types.ResourceTypeFleet)
		l.outlast(in, s)
	}
	if in, err = documented(ctx, l.Parts, APIEC2Fleet, ask, in); err != nil {
		return ohfp.Order{}, err
	}
	o, err := order(APIEC2Fleet, token, count, describe(offerings), call{
		Request: ask.Request, Attempt: ask.Attempt, LaunchTemplate: template, CreateFleet: in,
		Offerings: offerings, Weights: weights, Image: s.Image, More: ask.more(),
	})
	if atOnce {
		return o, err
	}
	return ask.lasting(o, wanted, kind == maintain), err
}

// outlast says what a fleet that goes on by itself does when its time is up, and when it has too many machines.
func (l EC2Fleet) outlast(in *ec2.CreateFleetInput, s spec.Spec) {
	if s.Expires(false) {
		in.ValidUntil = l.until(s)
	}
	if in.Type == types.FleetTypeMaintain {
		// A fleet must never choose which machines end, neither when its target falls nor when it finds one unhealthy.
		in.ExcessCapacityTerminationPolicy = types.FleetExcessCapacityTerminationPolicyNoTermination
	}
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
		name, arn := profileOf(s)
		over.IamInstanceProfile = &types.FleetIamInstanceProfileSpecificationRequest{Name: name, Arn: arn}
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

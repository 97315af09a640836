package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// maxRun is how many machines one RunInstances call asks for at most: the size of EC2's bucket of instances, beyond which
// it refuses at once. Where the bucket holds less, a call asks for what is in it; more are asked for by the next attempts.
const maxRun = 1000

// RunInstances launches machines of one type in one subnet a call; when EC2 is short of them, the next order names the
// next type or subnet. Its tokens hold per zone, so an order never changes place.
type RunInstances struct{ Parts }

// Check refuses what only fleets can do.
func (l RunInstances) Check(s spec.Spec) error {
	return s.Refuse(APIRunInstances, ", which tries vmTypes and subnets one after the other",
		"allocationStrategy", "allocationStrategyOnDemand", "poolsCount", "fleetType", "fleetRole", "context",
		"abisInstanceRequirements", "percentOnDemand", "spotFleetRequestExpiry")
}

// Prepare asks for the first offering that is not known to be short.
func (l RunInstances) Prepare(ctx context.Context, ask Ask) (ohfp.Order, error) {
	ask, err := l.settle(ctx, ask, true)
	if err != nil {
		return ohfp.Order{}, err
	}
	offerings, err := l.offerings(ctx, ask.Spec)
	if err != nil {
		return ohfp.Order{}, err
	}
	chosen := offerings[0]
	if left := l.Board.Read(ctx).Left(offerings); len(left) > 0 {
		chosen = left[0]
	}
	weights, err := ask.weights()
	if err != nil {
		return ohfp.Order{}, err
	}
	weight := max(weights[chosen.Type], 1)
	template, err := l.launchTemplate(ctx, APIRunInstances, ask, false, nil)
	if err != nil {
		return ohfp.Order{}, err
	}
	token := l.token(ask)
	machines, err := l.API.ClaimRun(ctx, token, (ask.Count+weight-1)/weight, maxRun)
	if err != nil {
		return ohfp.Order{}, err
	}
	name, id, version := templateOf(template, ask.Spec)
	in := &ec2.RunInstancesInput{
		ClientToken:    aws.String(token),
		MinCount:       aws.Int32(1),
		MaxCount:       number(machines),
		InstanceType:   types.InstanceType(chosen.Type),
		LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: name, LaunchTemplateId: id, Version: version},
	}
	kinds := []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume}
	if chosen.Lifecycle == ohfp.Spot {
		kinds = append(kinds, types.ResourceTypeSpotInstancesRequest)
		in.InstanceMarketOptions = onSpot(instancePrice(ask.Spec.MaxPrice, weight))
	}
	in.TagSpecifications = tagAll(l.owner(ask).Tags(weights, ask.Spec.Tags), kinds...)
	if template == nil {
		if err := l.overOperators(ctx, ask.Spec, in); err != nil {
			return ohfp.Order{}, err
		}
	}
	place(in, ask.Spec, chosen.Subnet, template != nil)
	if in, err = documented(ctx, l.Parts, APIRunInstances, ask, in); err != nil {
		return ohfp.Order{}, err
	}
	others := slices.DeleteFunc(slices.Clone(offerings), func(o capacity.Offering) bool { return o == chosen })
	return order(APIRunInstances, token, min(ask.Count, machines*weight), chosen.String(), call{
		Request: ask.Request, Attempt: ask.Attempt, LaunchTemplate: template, RunInstances: in,
		Offerings: append([]capacity.Offering{chosen}, others...), Weights: weights, Image: ask.Spec.Image, More: ask.more(),
	})
}

// onSpot asks for spot machines that are not asked for again once they have ended.
func onSpot(maxPrice *string) *types.InstanceMarketOptionsRequest {
	return &types.InstanceMarketOptionsRequest{
		MarketType:  types.MarketTypeSpot,
		SpotOptions: &types.SpotMarketOptions{MaxPrice: maxPrice, SpotInstanceType: types.SpotInstanceTypeOneTime},
	}
}

// place says where the machines go. A public address needs a network interface in the call, which then holds subnet and
// security groups: EC2 refuses them beside it.
func place(in *ec2.RunInstancesInput, s spec.Spec, subnet string, ours bool) {
	switch {
	case s.PublicIP != nil:
		in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: s.PublicIP, SubnetId: optional(subnet), Groups: s.SecurityGroups,
			DeleteOnTermination: aws.Bool(true),
		}}
	case ours:
		in.SubnetId = optional(subnet)
	default:
		in.SubnetId, in.SecurityGroupIds = optional(subnet), s.SecurityGroups
	}
}

// overOperators puts a template's fields over those of the operator's launch template.
func (l RunInstances) overOperators(ctx context.Context, s spec.Spec, in *ec2.RunInstancesInput) error {
	in.ImageId, in.KeyName, in.EbsOptimized = optional(s.Image), optional(s.Key), s.EBSOptimized
	if s.InstanceProfile != "" {
		name, arn := profileOf(s)
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: name, Arn: arn}
	}
	if s.Monitoring != nil {
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: s.Monitoring}
	}
	if s.Volume.Set() {
		device, err := l.Catalog.RootDevice(ctx, s.Image)
		if err != nil {
			return err
		}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{
			DeviceName: aws.String(device),
			Ebs: &types.EbsBlockDevice{
				VolumeSize: number(s.Volume.Size), VolumeType: types.VolumeType(s.Volume.Type), Iops: number(s.Volume.IOPS),
				DeleteOnTermination: aws.Bool(true),
			},
		}}
	}
	var err error
	in.UserData, err = l.userData(s)
	return err
}

// instancePrice is what a machine may cost whose units may each cost price.
func instancePrice(price spec.Price, weight int) *string {
	unit, err := strconv.ParseFloat(string(price), 64)
	if err != nil {
		return nil
	}
	// Ten digits are more than EC2's prices have, and drop what binary fractions add.
	return aws.String(strconv.FormatFloat(unit*float64(weight), 'g', 10, 64))
}

// Launch runs the instances of an order.
func (l RunInstances) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	c, err := decode(order)
	if err != nil {
		return provider.Launched{}, err
	}
	if c.RunInstances == nil || len(c.Offerings) == 0 {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "the order for %s holds no call", order.API)
	}
	chosen := c.Offerings[0]
	out, err := launchtemplate.Use(ctx, l.Shelf(), c.LaunchTemplate, order.Token, func() (*ec2.RunInstancesOutput, error) {
		return l.API.RunInstances(ctx, c.RunInstances)
	})
	switch {
	case isSpent(err):
		return l.spent(ctx, c, err)
	case errors.Is(err, ohfp.ErrCapacity):
		return provider.Launched{
			Failures:  []ohfp.Failure{failure(err, chosen.String())},
			Exhausted: l.exhausted(ctx, c, awsapi.Code(err)),
		}, err
	case err != nil:
		return provider.Launched{}, err
	}
	launched := provider.Launched{Resource: aws.ToString(out.ReservationId)}
	for _, instance := range out.Instances {
		m := l.Reader.Machine(instance, launched.Resource)
		m.Weight = max(c.Weights[m.Type], 1)
		launched.Machines = append(launched.Machines, m)
	}
	if wanted := int(aws.ToInt32(c.RunInstances.MaxCount)); len(out.Instances) < wanted {
		// EC2 launches what it has and does not say why there is no more.
		const code = "InsufficientInstanceCapacity"
		launched.Failures = []ohfp.Failure{{
			Code: code, Message: fmt.Sprintf("EC2 had %d of %d", len(out.Instances), wanted), Offering: chosen.String(),
		}}
		launched.Exhausted = l.exhausted(ctx, c, code)
	}
	return launched, nil
}

// exhausted writes a shortage down and says whether nothing else is left to try now.
func (l RunInstances) exhausted(ctx context.Context, c call, code string) bool {
	if l.Board.Mark(ctx, c.Offerings[0], code) != nil {
		// What cannot be remembered would be chosen again at once.
		return true
	}
	return !c.More && len(l.Board.Read(ctx).Left(c.Offerings[1:])) == 0
}

// Retire has nothing to do: a reservation goes with its machines.
func (l RunInstances) Retire(context.Context, string) error { return nil }

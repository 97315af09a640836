package launch

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
)

// Launch creates the fleet of an order.
func (l EC2Fleet) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	c, err := decode(order)
	if err != nil {
		return provider.Launched{}, err
	}
	if c.CreateFleet == nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "the order for %s holds no call", order.API)
	}
	if order.Async {
		l.mark(ctx, APIEC2Fleet)
	}
	out, err := launchtemplate.Use(ctx, l.Shelf(), c.LaunchTemplate, order.Token, func() (*ec2.CreateFleetOutput, error) {
		return l.API.CreateFleet(ctx, c.CreateFleet)
	})
	switch {
	case isSpent(err) && order.Async:
		return l.spentResource(ctx, c, err)
	case isSpent(err):
		return l.spent(ctx, c, err)
	case err != nil:
		return refused(err, order)
	}
	if order.Async {
		return l.made(ctx, aws.ToString(out.FleetId)), nil
	}
	launched := provider.Launched{Resource: aws.ToString(out.FleetId), Exhausted: !c.More}
	for _, group := range out.Instances {
		launched.Machines = append(launched.Machines, l.machines(c, group, launched.Resource)...)
	}
	requestID, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	for _, refused := range out.Errors {
		o := l.offering(c, refused.LaunchTemplateAndOverrides, string(refused.Lifecycle))
		code := aws.ToString(refused.ErrorCode)
		launched.Failures = append(launched.Failures, ohfp.Failure{
			Code: code, Message: aws.ToString(refused.ErrorMessage), Offering: o.String(), RequestID: requestID,
		})
		// A shortage that cannot be remembered only costs another try.
		_ = l.Board.Mark(ctx, o, code)
	}
	if len(launched.Machines) > 0 {
		return launched, nil
	}
	err = l.nothing(ctx, c, order, &launched)
	if l.remove(ctx, launched.Resource) == nil {
		// Otherwise it is retired with the others, later.
		launched.Resource = ""
	}
	return launched, err
}

// nothing is the error of a fleet without machines. Asking again helps unless every refusal is for good.
func (l EC2Fleet) nothing(ctx context.Context, c call, order ohfp.Order, launched *provider.Launched) error {
	if len(launched.Failures) == 0 {
		return ohfp.Errorf(ohfp.ErrCapacity, "fleet %s launched nothing and EC2 gave no reason", launched.Resource)
	}
	for _, f := range launched.Failures {
		switch {
		case launchtemplate.MissingCode(f.Code) && c.LaunchTemplate != nil:
			// The fleet exists and its token is used up, so the launch template is for the next attempt.
			launched.Exhausted = false
			if err := launchtemplate.Ensure(ctx, l.API, c.LaunchTemplate, order.Token); err != nil {
				return err
			}
		case !ohfp.Retryable(awsapi.Refused("CreateFleet", f.Code, f.Message, f.RequestID)):
			continue
		}
		return &ohfp.CloudError{
			Kind: ohfp.ErrCapacity, Operation: "CreateFleet", Code: f.Code, Message: f.Message, RequestID: f.RequestID,
		}
	}
	first := launched.Failures[0]
	return awsapi.Refused("CreateFleet", first.Code, first.Message, first.RequestID)
}

// machines are the instances of one group of a fleet's answer.
func (l EC2Fleet) machines(c call, group types.CreateFleetInstance, fleet string) []ohfp.Machine {
	lifecycle := string(group.Lifecycle)
	o := l.offering(c, group.LaunchTemplateAndOverrides, lifecycle)
	zone := o.Zone
	if told := aws.ToString(group.AvailabilityZone); told != "" {
		zone = told
	}
	machines := make([]ohfp.Machine, 0, len(group.InstanceIds))
	for _, id := range group.InstanceIds {
		machines = append(machines, ohfp.Machine{
			Provider:   l.Reader.Provider,
			ID:         ohfp.MachineID(id),
			Request:    c.Request,
			Resource:   fleet,
			State:      ohfp.MachinePending,
			Type:       string(group.InstanceType),
			Zone:       zone,
			Subnet:     o.Subnet,
			Image:      c.machineImage(),
			Lifecycle:  o.Lifecycle,
			Weight:     max(c.Weights[string(group.InstanceType)], 1),
			LaunchedAt: l.Now().UTC(),
		})
	}
	return machines
}

// machineImage is the image where the order names one; an alias is resolved by EC2.
func (c call) machineImage() string {
	if strings.HasPrefix(c.Image, "ami-") {
		return c.Image
	}
	return ""
}

// offering finds what a part of a fleet's answer is about. The answer names type and subnet; the order knows the rest.
func (l EC2Fleet) offering(c call, told *types.LaunchTemplateAndOverridesResponse, lifecycle string) capacity.Offering {
	o := capacity.Offering{Lifecycle: ohfp.OnDemand}
	if lifecycle == string(types.InstanceLifecycleSpot) {
		o.Lifecycle = ohfp.Spot
	}
	if told != nil && told.Overrides != nil {
		o.Type = string(told.Overrides.InstanceType)
		o.Subnet = aws.ToString(told.Overrides.SubnetId)
		o.Zone = aws.ToString(told.Overrides.AvailabilityZone)
	}
	for _, known := range c.Offerings {
		if known.Type == o.Type && (known.Subnet == o.Subnet || o.Subnet == "" && known.Zone == o.Zone) {
			known.Lifecycle = o.Lifecycle
			return known
		}
	}
	return o
}

package launch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
	"github.com/openhostfactory/ohfp/provider/aws/internal/payload"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// SpotFleet launches machines by a Spot Fleet request, which goes on by itself. AWS keeps the API for those who have it;
// IBM's templates do.
type SpotFleet struct{ Parts }

// spotFleetType is the type of a template's Spot Fleet. A default of the provider may be for EC2 fleets.
func spotFleetType(s spec.Spec) string {
	if s.FleetType == maintain || s.FleetType == request {
		return s.FleetType
	}
	return request
}

// Check refuses combinations that Spot Fleets do not have.
func (l SpotFleet) Check(s spec.Spec) error {
	if s.Own("fleetType") && s.FleetType == instant {
		return ohfp.Errorf(ohfp.ErrInvalid, "fleetType instant has no meaning for SpotFleet; use request, maintain, or providerApi EC2Fleet")
	}
	if err := checkPricing(s); err != nil {
		return err
	}
	if err := reword(APISpotFleet, s.Requirements, &types.InstanceRequirements{}); err != nil {
		return err
	}
	if s.LaunchTemplate == "" {
		return nil
	}
	return s.Refuse(APISpotFleet, besideTemplate, slices.Concat(contentFields(), templateFields())...)
}

// Prepare makes one Spot Fleet of everything that the template allows.
func (l SpotFleet) Prepare(ctx context.Context, ask Ask) (ohfp.Order, error) {
	ask, err := l.settle(ctx, ask, false)
	if err != nil {
		return ohfp.Order{}, err
	}
	s := ask.Spec
	offerings, err := l.offerings(ctx, s)
	if err != nil {
		return ohfp.Order{}, err
	}
	offerings = everyTypePerZone(offerings, l.Board.Read(ctx))
	weights, err := ask.weights()
	if err != nil {
		return ohfp.Order{}, err
	}
	role, err := l.role(ctx, s.FleetRole)
	if err != nil {
		return ohfp.Order{}, err
	}
	template, err := l.launchTemplate(ctx, APISpotFleet, ask, true, l.owner(ask).TemplateTags(weights, s.Tags))
	if err != nil {
		return ohfp.Order{}, err
	}
	name, id, version := templateOf(template, s)
	reference := &types.FleetLaunchTemplateSpecification{LaunchTemplateName: name, LaunchTemplateId: id, Version: version}
	over, err := spotOverrides(s, offerings, weights)
	if err != nil {
		return ohfp.Order{}, err
	}
	token, count, kind := l.token(ask), min(ask.Count, maxTarget), spotFleetType(s)
	wanted := target(s, count, ask.Held)
	spot, onDemand := strategies(s)
	config := &types.SpotFleetRequestConfigData{
		ClientToken:                      aws.String(token),
		Type:                             types.FleetType(kind),
		IamFleetRole:                     aws.String(role),
		Context:                          optional(s.Context),
		TargetCapacity:                   units(total(wanted)),
		OnDemandTargetCapacity:           units(wanted.OnDemand),
		AllocationStrategy:               types.AllocationStrategy(camel(spot)),
		ValidUntil:                       l.until(s),
		TerminateInstancesWithExpiration: aws.Bool(false), // machines outlive the time in which they could be launched
		LaunchTemplateConfigs:            []types.LaunchTemplateConfig{{LaunchTemplateSpecification: reference, Overrides: over}},
		TagSpecifications:                tagAll(l.owner(ask).FleetTags(weights, s.Tags, template == nil), types.ResourceTypeSpotFleetRequest),
	}
	if wanted.OnDemand > 0 {
		config.OnDemandAllocationStrategy = types.OnDemandAllocationStrategy(camel(onDemand))
	}
	if wanted.Spot > 0 {
		config.SpotPrice = optional(string(s.MaxPrice))
		if spot == spec.LowestPrice {
			config.InstancePoolsToUseCount = number(s.Pools)
		}
	}
	if kind == maintain {
		// A fleet must never choose which machines end, neither when its target falls nor when it finds one unhealthy.
		config.ExcessCapacityTerminationPolicy = types.ExcessCapacityTerminationPolicyNoTermination
		config.ReplaceUnhealthyInstances = aws.Bool(false)
	}
	if config, err = documented(ctx, l.Parts, APISpotFleet, ask, config); err != nil {
		return ohfp.Order{}, err
	}
	o, err := order(APISpotFleet, token, count, describe(offerings), call{
		Request: ask.Request, Attempt: ask.Attempt, LaunchTemplate: template,
		SpotFleet: &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: config},
		Offerings: offerings, Weights: weights, Image: s.Image, More: ask.more(),
	})
	return ask.lasting(o, wanted, kind == maintain), err
}

// camel is a strategy in the spelling of Spot Fleets: lowest-price is lowestPrice there.
func camel(strategy string) string {
	words := strings.Split(strategy, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// spotOverrides is one entry per offering.
func spotOverrides(s spec.Spec, offerings []capacity.Offering, weights map[string]int) ([]types.LaunchTemplateOverrides, error) {
	var needs *types.InstanceRequirements
	if s.Requirements != nil {
		needs = &types.InstanceRequirements{}
		if err := reword(APISpotFleet, s.Requirements, needs); err != nil {
			return nil, err
		}
	}
	ranks := priorities(s)
	out := make([]types.LaunchTemplateOverrides, 0, len(offerings))
	for _, o := range offerings {
		entry := types.LaunchTemplateOverrides{
			InstanceType: types.InstanceType(o.Type), InstanceRequirements: needs, SubnetId: optional(o.Subnet), Priority: ranks[o.Type],
		}
		if weight := weights[o.Type]; weight > 0 {
			entry.WeightedCapacity = aws.Float64(float64(weight))
		}
		out = append(out, entry)
	}
	return out, nil
}

// reword puts requirements into the type that another API of AWS has for them. It does not have all of their names.
func reword(api string, needs *types.InstanceRequirementsRequest, to any) error {
	if needs == nil {
		return nil
	}
	content, err := awsapi.Encode(needs)
	if err != nil {
		return err
	}
	document, err := payload.Parse(content)
	if err != nil {
		return err
	}
	if err := payload.Decode(document, to); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "abisInstanceRequirements for %s: %w", api, err)
	}
	return nil
}

const (
	// linkedRole is the role that AWS makes for Spot Fleets itself.
	linkedRole = "AWSServiceRoleForEC2SpotFleet"
	// fleetRole is the one for EC2 fleets, which templates name by mistake. Spot Fleets cannot use it.
	fleetRole = "AWSServiceRoleForEC2Fleet"

	keepAccount = 24 * time.Hour
)

// role is the ARN of a template's fleet role. A name alone is expanded with the account and partition in use.
func (l SpotFleet) role(ctx context.Context, name string) (string, error) {
	if isARN(name) && !strings.HasSuffix(name, "/"+fleetRole) {
		return name, nil
	}
	account, err := l.account(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case name == "" || name == linkedRole || strings.HasSuffix(name, fleetRole):
		return account + ":role/aws-service-role/spotfleet.amazonaws.com/" + linkedRole, nil
	default:
		return account + ":role/" + strings.TrimPrefix(strings.TrimPrefix(name, "/"), "role/"), nil
	}
}

// account is how ARNs of roles begin here, "arn:aws:iam::123456789012". It is asked for once, and remembered.
func (l SpotFleet) account(ctx context.Context) (string, error) {
	key := l.Prefix + "account"
	if known, ok, err := l.Memory.Recall(ctx, key); err == nil && ok {
		return string(known), nil
	}
	who, err := l.API.GetCallerIdentity(ctx)
	if err != nil {
		return "", fmt.Errorf("fleetRole: %w", err)
	}
	parts := strings.SplitN(aws.ToString(who.Arn), ":", 3)
	if len(parts) < 3 || aws.ToString(who.Account) == "" {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "fleetRole cannot be expanded: %q does not tell the partition; write the role's ARN", aws.ToString(who.Arn))
	}
	found := "arn:" + parts[1] + ":iam::" + aws.ToString(who.Account)
	// What cannot be remembered is asked for again.
	_ = l.Memory.Remember(ctx, key, []byte(found), keepAccount)
	return found, nil
}

// Launch requests the Spot Fleet of an order.
func (l SpotFleet) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	c, err := decode(order)
	if err != nil {
		return provider.Launched{}, err
	}
	if c.SpotFleet == nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrInvalid, "the order for %s holds no call", order.API)
	}
	l.mark(ctx, APISpotFleet)
	out, err := launchtemplate.Use(ctx, l.Shelf(), c.LaunchTemplate, order.Token, func() (*ec2.RequestSpotFleetOutput, error) {
		return l.API.RequestSpotFleet(ctx, c.SpotFleet)
	})
	switch {
	case isSpent(err):
		return l.spentResource(ctx, c, err)
	case err != nil:
		return refused(err, order)
	}
	return l.made(ctx, aws.ToString(out.SpotFleetRequestId)), nil
}

package awssim

import (
	"slices"
	"strconv"
	"time"
)

type describeFleetsInput struct {
	FleetIDs []string `query:"FleetId"`
	Filters  []filter `query:"Filter"`
	pageInput
}

type fleetReply struct {
	ID                string                `reply:"fleetId"`
	State             string                `reply:"fleetState"`
	ActivityStatus    string                `reply:"activityStatus"`
	Type              string                `reply:"type"`
	ClientToken       string                `reply:"clientToken,omitempty"`
	CreateTime        time.Time             `reply:"createTime"`
	Excess            string                `reply:"excessCapacityTerminationPolicy,omitempty"`
	EndAtExpiry       bool                  `reply:"terminateInstancesWithExpiration"`
	ReplaceUnhealthy  bool                  `reply:"replaceUnhealthyInstances"`
	ValidFrom         time.Time             `reply:"validFrom,omitempty"`
	ValidUntil        time.Time             `reply:"validUntil,omitempty"`
	Context           string                `reply:"context,omitempty"`
	Fulfilled         float64               `reply:"fulfilledCapacity"`
	FulfilledOnDemand float64               `reply:"fulfilledOnDemandCapacity"`
	Configs           []fleetConfig         `reply:"launchTemplateConfigs"`
	Target            *targetCapacity       `reply:"targetCapacitySpecification"`
	Spot              *spotOptions          `reply:"spotOptions,omitempty"`
	OnDemand          *onDemandOptions      `reply:"onDemandOptions,omitempty"`
	Instances         []fleetInstancesReply `reply:"fleetInstanceSet"`
	Errors            []fleetErrorReply     `reply:"errorSet"`
	Tags              []Tag                 `reply:"tagSet,omitempty"`
}

type describeFleetsReply struct {
	Fleets    []fleetReply `reply:"fleetSet"`
	NextToken string       `reply:"nextToken,omitempty"`
}

func (c *Cloud) fleet(id string) *fleet {
	if i := slices.IndexFunc(c.fleets, func(f *fleet) bool { return f.id == id && !f.isSpotFleet() }); i >= 0 {
		return c.fleets[i]
	}
	return nil
}

func fleetFields(now time.Time) fields[*fleet] {
	return fields[*fleet]{
		"fleet-state":     one(func(f *fleet) string { return f.state(now) }),
		"activity-status": one(func(f *fleet) string { return f.activityStatus(now) }),
		"type":            one(func(f *fleet) string { return f.input.Type }),
		"excess-capacity-termination-policy": one(func(f *fleet) string {
			return strconv.FormatBool(f.maintains() && f.input.Excess != policyKeep)
		}),
		"replace-unhealthy-instances": one(func(f *fleet) string { return strconv.FormatBool(f.input.ReplaceUnhealthy) }),
	}
}

func (f *fleet) activityStatus(now time.Time) string {
	fulfilled, _ := f.fulfilment(now)
	target := float64(*f.input.Target.Total)
	switch {
	case fulfilled < target && (f.instant() || f.short):
		return "error"
	case fulfilled < target:
		return "pending_fulfillment"
	case !f.deletedAt.IsZero() && f.terminates:
		return "pending_termination"
	default:
		return "fulfilled"
	}
}

// describeFleets answers for the fleets named. To those who name none EC2 lists no instant fleets.
func (c *Cloud) describeFleets(call *call, in *describeFleetsInput) (any, error) {
	match, err := compile(in.Filters, fleetFields(call.now), nil)
	if err != nil {
		return nil, err
	}
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeFleetsReply
	for _, id := range in.FleetIDs {
		if f := c.fleet(id); f == nil || !f.visible(call.now) {
			return nil, notFound("InvalidFleetId.NotFound", "fleet", []string{clip(id, 64)})
		}
	}
	for _, f := range c.fleets {
		listed := slices.Contains(in.FleetIDs, f.id) || len(in.FleetIDs) == 0 && !f.instant() && !f.isSpotFleet() && f.visible(call.now)
		if listed && match(f) && page.admit(f.sequence) {
			reply.Fleets = append(reply.Fleets, f.describe(call.now))
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (f *fleet) describe(now time.Time) fleetReply {
	fulfilled, onDemand := f.fulfilment(now)
	target := *f.input.Target
	target.OnDemand, target.Spot = target.units()
	setDefault(&target.Default, OnDemand)
	r := fleetReply{
		ID: f.id, State: f.state(now), ActivityStatus: f.activityStatus(now), Type: f.input.Type, ClientToken: f.input.ClientToken,
		CreateTime: f.createdAt.Truncate(time.Second), Fulfilled: fulfilled, FulfilledOnDemand: onDemand,
		Configs: f.input.Configs, Target: &target, Spot: f.input.Spot, OnDemand: f.input.OnDemand,
		Instances: f.launched, Errors: f.errors, Tags: f.tags,
		EndAtExpiry: f.input.EndAtExpiry, ReplaceUnhealthy: f.input.ReplaceUnhealthy, ValidFrom: f.input.ValidFrom,
		ValidUntil: f.input.ValidUntil, Context: f.input.Context, Excess: f.input.Excess,
	}
	if f.maintains() {
		setDefault(&r.Excess, policyTrim)
	}
	return r
}

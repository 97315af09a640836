package awssim

import (
	"slices"
	"strings"
	"time"
)

// CancelSpotFleetRequests takes 100 requests.
const maxCancelSpotFleets = 100

type requestSpotFleetInput struct {
	Config *spotFleetConfig `query:"SpotFleetRequestConfig"`
}

type spotFleetAnswer struct {
	ID string `reply:"spotFleetRequestId"`
}

func (c *Cloud) requestSpotFleet(call *call, in *requestSpotFleetInput) (any, error) {
	config := in.Config
	if config == nil {
		return nil, missingParameter("SpotFleetRequestConfig")
	}
	setDefault(&config.Type, fleetMaintain)
	if err := config.check(); err != nil {
		return nil, err
	}
	f := &fleet{spotFleet: config, input: config.fleet()}
	for _, check := range []func() error{f.input.checkTarget, f.input.checkConfigs, f.input.checkOptions, f.input.checkTime} {
		if err := check(); err != nil {
			return nil, asSpotFleetError(err)
		}
	}
	if use, err := c.replayed(call, ""); err != nil {
		return nil, err
	} else if use != nil {
		return spotFleetAnswer{use.fleet.id}, nil
	}
	var err error
	if f.versions, err = c.fleetVersions(f.input.Configs); err != nil {
		return nil, err
	}
	if err := c.checkPools(f.input, f.versions); err != nil {
		return nil, asSpotFleetError(err)
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	f.resource = c.newResource(call, "sfr-"+c.newUUID(), spotFleetKind, tagsFor(config.Tags, spotFleetKind))
	c.submit(f, call.now)
	c.fleets = append(c.fleets, f)
	c.resources.add(&f.resource)
	c.remember(call, "", tokenUse{fleet: f})
	return spotFleetAnswer{f.id}, nil
}

func (c *Cloud) findSpotFleet(id string, now time.Time) (*fleet, error) {
	if id == "" {
		return nil, missingParameter("SpotFleetRequestId")
	}
	i := slices.IndexFunc(c.fleets, func(f *fleet) bool { return f.isSpotFleet() && f.id == id && f.visible(now) })
	if i < 0 {
		return nil, errorf("InvalidSpotFleetRequestId.NotFound", "The spot fleet request ID '%s' does not exist", clip(id, 64))
	}
	return c.fleets[i], nil
}

type describeSpotFleetRequestsInput struct {
	IDs []string `query:"SpotFleetRequestId"`
	pageInput
}

type spotFleetReply struct {
	ActivityStatus string          `reply:"activityStatus"`
	CreateTime     time.Time       `reply:"createTime"`
	Config         spotFleetConfig `reply:"spotFleetRequestConfig"`
	ID             string          `reply:"spotFleetRequestId"`
	State          string          `reply:"spotFleetRequestState"`
	Tags           []Tag           `reply:"tagSet,omitempty"`
}

type describeSpotFleetRequestsReply struct {
	Requests  []spotFleetReply `reply:"spotFleetRequestConfigSet"`
	NextToken string           `reply:"nextToken,omitempty"`
}

func (c *Cloud) describeSpotFleetRequests(call *call, in *describeSpotFleetRequestsInput) (any, error) {
	for _, id := range in.IDs {
		if _, err := c.findSpotFleet(id, call.now); err != nil {
			return nil, err
		}
	}
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeSpotFleetRequestsReply
	for _, f := range c.fleets {
		if !f.isSpotFleet() || !f.visible(call.now) || len(in.IDs) > 0 && !slices.Contains(in.IDs, f.id) || !page.admit(f.sequence) {
			continue
		}
		config := *f.spotFleet
		config.Fulfilled, config.FulfilledOnDemand = f.fulfilment(call.now)
		setDefault(&config.Strategy, "lowestPrice")
		setDefault(&config.OnDemandStrategy, "lowestPrice")
		setDefault(&config.Excess, "default")
		reply.Requests = append(reply.Requests, spotFleetReply{
			ActivityStatus: f.activityStatus(call.now), CreateTime: f.createdAt.Truncate(time.Second), Config: config, ID: f.id,
			State: f.state(call.now), Tags: f.tags,
		})
	}
	reply.NextToken = page.next()
	return reply, nil
}

type describeSpotFleetInstancesInput struct {
	ID string `query:"SpotFleetRequestId"`
	pageInput
}

type spotFleetInstancesAnswer struct {
	Instances []activeInstanceReply `reply:"activeInstanceSet"`
	NextToken string                `reply:"nextToken,omitempty"`
	ID        string                `reply:"spotFleetRequestId"`
}

func (c *Cloud) describeSpotFleetInstances(call *call, in *describeSpotFleetInstancesInput) (any, error) {
	f, err := c.findSpotFleet(in.ID, call.now)
	if err != nil {
		return nil, err
	}
	instances, next, err := c.activeInstances(call, f, func(*instance) bool { return true }, in.pageInput)
	if err != nil {
		return nil, err
	}
	return spotFleetInstancesAnswer{instances, next, f.id}, nil
}

type describeSpotFleetRequestHistoryInput struct {
	ID        string    `query:"SpotFleetRequestId"`
	EventType string    `query:"EventType"`
	StartTime time.Time `query:"StartTime"`
	pageInput
}

type spotFleetHistoryReply struct {
	Records       []historyRecordReply `reply:"historyRecordSet"`
	LastEvaluated time.Time            `reply:"lastEvaluatedTime"`
	NextToken     string               `reply:"nextToken,omitempty"`
	ID            string               `reply:"spotFleetRequestId"`
	StartTime     time.Time            `reply:"startTime"`
}

func (c *Cloud) describeSpotFleetRequestHistory(call *call, in *describeSpotFleetRequestHistoryInput) (any, error) {
	f, err := c.findSpotFleet(in.ID, call.now)
	if err != nil {
		return nil, err
	}
	records, next, err := c.historyPage(call, f, in.EventType, in.StartTime, in.pageInput, spotFleetEventType)
	if err != nil {
		return nil, err
	}
	return spotFleetHistoryReply{records, call.now.Add(-c.options.DescribeLag), next, f.id, in.StartTime}, nil
}

// spotFleetEventType is the older API's word for a kind of event.
func spotFleetEventType(kind string) string {
	switch kind {
	case changeOfFleet:
		return "fleetRequestChange"
	case changeOfInstance:
		return "instanceChange"
	case failureOfFleet:
		return "error"
	default:
		return informationOn
	}
}

type modifySpotFleetRequestInput struct {
	ID             string       `query:"SpotFleetRequestId"`
	Target         *int         `query:"TargetCapacity"`
	OnDemandTarget *int         `query:"OnDemandTargetCapacity"`
	Excess         string       `query:"ExcessCapacityTerminationPolicy"`
	Configs        []spotConfig `query:"LaunchTemplateConfig"`
	Context        string       `query:"Context"`
}

func (c *Cloud) modifySpotFleetRequest(call *call, in *modifySpotFleetRequestInput) (any, error) {
	f, err := c.findSpotFleet(in.ID, call.now)
	if err != nil {
		return nil, err
	}
	config := *f.spotFleet
	setIf(&config.Excess, in.Excess)
	setIf(&config.Context, in.Context)
	change := &modifyFleetInput{Context: in.Context}
	if in.Excess != "" {
		change.Excess = excessPolicy(in.Excess)
	}
	if len(in.Configs) > 0 {
		config.Configs, change.Configs = in.Configs, config.fleetConfigs(in.Configs)
	}
	if in.Target != nil || in.OnDemandTarget != nil {
		if in.Target != nil {
			config.Target = in.Target
		}
		config.OnDemandTarget = min(config.OnDemandTarget, *config.Target)
		if in.OnDemandTarget != nil {
			config.OnDemandTarget = *in.OnDemandTarget
		}
		change.Target = &modifiedTarget{Total: config.Target, OnDemand: &config.OnDemandTarget}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	if err := c.modify(call, f, change); err != nil {
		return nil, asSpotFleetError(err)
	}
	f.spotFleet = &config
	return doneReply{true}, nil
}

type cancelSpotFleetRequestsInput struct {
	IDs                []string `query:"SpotFleetRequestId"`
	TerminateInstances *bool    `query:"TerminateInstances"`
}

type cancelledSpotFleetReply struct {
	Current  string `reply:"currentSpotFleetRequestState"`
	Previous string `reply:"previousSpotFleetRequestState"`
	ID       string `reply:"spotFleetRequestId"`
}

type uncancelledSpotFleetReply struct {
	Error reasonReply `reply:"error"`
	ID    string      `reply:"spotFleetRequestId"`
}

type cancelSpotFleetRequestsReply struct {
	Cancelled []cancelledSpotFleetReply   `reply:"successfulFleetRequestSet"`
	Failed    []uncancelledSpotFleetReply `reply:"unsuccessfulFleetRequestSet"`
}

func (c *Cloud) cancelSpotFleetRequests(call *call, in *cancelSpotFleetRequestsInput) (any, error) {
	switch {
	case len(in.IDs) == 0:
		return nil, missingParameter("SpotFleetRequestId")
	case len(in.IDs) > maxCancelSpotFleets:
		return nil, invalidValue(len(in.IDs), "SpotFleetRequestId", "Expecting at most 100 requests.")
	case in.TerminateInstances == nil:
		return nil, missingParameter("TerminateInstances")
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	var reply cancelSpotFleetRequestsReply
	for _, id := range in.IDs {
		f, err := c.findSpotFleet(id, call.now)
		switch {
		case err != nil && !strings.HasPrefix(id, "sfr-"):
			reply.Failed = append(reply.Failed, uncancelledSpotFleetReply{reasonReply{"fleetRequestIdMalformed", "The ID '" + clip(id, 64) + "' is malformed"}, id})
			continue
		case err != nil:
			reply.Failed = append(reply.Failed, uncancelledSpotFleetReply{reasonReply{"fleetRequestIdDoesNotExist", asAPIError(err).Message}, id})
			continue
		case !f.deletedAt.IsZero():
			reply.Failed = append(reply.Failed, uncancelledSpotFleetReply{reasonReply{"fleetRequestNotInCancellableState", "The request is in the state " + f.state(call.now)}, id})
			continue
		}
		previous := f.state(call.now)
		f.deletedAt, f.terminates = call.now, *in.TerminateInstances
		for _, i := range f.members {
			switch {
			case f.terminates && i.serves(call.now):
				c.terminate(call, i, false)
			case i.lifecycle == Spot:
				i.spotCancelled = true
			}
		}
		f.record(call.now, changeOfFleet, f.state(call.now), "", "")
		reply.Cancelled = append(reply.Cancelled, cancelledSpotFleetReply{f.state(call.now), previous, f.id})
	}
	return reply, nil
}

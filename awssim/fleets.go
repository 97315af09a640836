package awssim

import (
	"slices"
	"time"
)

// Deleted fleets are described for two days.
const deletedFleetVisible = 48 * time.Hour

// Types of fleets.
const (
	fleetInstant  = "instant"
	fleetRequest  = "request"
	fleetMaintain = "maintain"
)

// fleet is an EC2 Fleet or, with spotFleet, a Spot Fleet request.
type fleet struct {
	resource
	input     *createFleetInput
	versions  []*templateVersion
	spotFleet *spotFleetConfig
	createdAt time.Time
	deletedAt time.Time
	// terminates is set when the deletion took the instances along.
	terminates bool
	// made are all instances ever launched, members those that have not ended yet.
	made, members []*instance

	// Of instant fleets.
	launched          []fleetInstancesReply
	errors            []fleetErrorReply
	fulfilled         float64
	fulfilledOnDemand float64

	// Of the other types: what of the target was delivered ever, by lifecycle; when to look next, zero for never.
	delivered map[string]float64
	submitted bool
	modifying bool
	short     bool
	wakeAt    time.Time
	events    []fleetEvent
	blamed    map[string]time.Time
}

// Fleet is a fleet at the moment it was asked for.
type Fleet struct {
	ID string `json:"id"`
	// State is submitted, active, modifying, deleted_running, deleted_terminating or deleted; of a Spot Fleet request
	// cancelled_running, cancelled_terminating or cancelled.
	State string `json:"state"`
	// Type is instant, request or maintain.
	Type        string            `json:"type"`
	ClientToken string            `json:"clientToken,omitempty"`
	CreatedAt   time.Time         `json:"createdAt"`
	Tags        map[string]string `json:"tags"`
	// Target and Fulfilled are in units, which are instances unless overrides have weights.
	Target    int     `json:"target"`
	Fulfilled float64 `json:"fulfilled"`
	// TargetOnDemand and TargetSpot are the parts of Target.
	TargetOnDemand int `json:"targetOnDemand"`
	TargetSpot     int `json:"targetSpot"`
	// Instances are all that the fleet launched, dead ones included.
	Instances []string `json:"instances"`
	// ErrorCodes are those of the pools that did not deliver, of instant fleets only; the others have a history.
	ErrorCodes []string `json:"errorCodes,omitempty"`
	// History is what the fleet went through, oldest first, empty for instant fleets.
	History []FleetEvent `json:"history,omitempty"`
	Context string       `json:"context,omitempty"`
}

// Fleets returns the EC2 Fleets, oldest first, deleted ones for two days more.
func (c *Cloud) Fleets() []Fleet { return c.fleetSnapshot(false) }

// SpotFleets returns the Spot Fleet requests, oldest first, cancelled ones for two days more.
func (c *Cloud) SpotFleets() []Fleet { return c.fleetSnapshot(true) }

func (c *Cloud) fleetSnapshot(spotFleets bool) []Fleet {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	fleets := make([]Fleet, 0, len(c.fleets))
	for _, f := range c.fleets {
		if f.isSpotFleet() != spotFleets {
			continue
		}
		onDemand, spot := f.input.Target.units()
		one := Fleet{
			ID: f.id, State: f.state(now), Type: f.input.Type, ClientToken: f.input.ClientToken, CreatedAt: f.createdAt,
			Tags: tagMap(f.tags), Target: *f.input.Target.Total, TargetOnDemand: onDemand, TargetSpot: spot,
			History: f.history(), Context: f.input.Context,
		}
		one.Fulfilled, _ = f.fulfilment(now)
		for _, i := range f.made {
			one.Instances = append(one.Instances, i.id)
		}
		for _, e := range f.errors {
			one.ErrorCodes = append(one.ErrorCodes, e.Code)
		}
		fleets = append(fleets, one)
	}
	return fleets
}

func (f *fleet) isSpotFleet() bool { return f.spotFleet != nil }

func (f *fleet) instant() bool { return f.input.Type == fleetInstant }

func (f *fleet) maintains() bool { return f.input.Type == fleetMaintain }

// name implements owner.
func (f *fleet) name(snapshot *Instance) {
	if f.isSpotFleet() {
		snapshot.SpotFleet = f.id
	} else {
		snapshot.Fleet = f.id
	}
}

func (f *fleet) state(now time.Time) string {
	over := "deleted"
	if f.isSpotFleet() {
		over = "cancelled"
	}
	switch {
	case f.deletedAt.IsZero() && f.submitted:
		return "submitted"
	case f.deletedAt.IsZero() && f.modifying:
		return "modifying"
	case f.deletedAt.IsZero():
		return "active"
	case !anyAlive(f.made, now):
		return over
	case f.terminates:
		return over + "_terminating"
	default:
		return over + "_running"
	}
}

// fulfilment is in units: what an instant fleet delivered, and what the other types have.
func (f *fleet) fulfilment(now time.Time) (total, onDemand float64) {
	if f.instant() {
		return f.fulfilled, f.fulfilledOnDemand
	}
	have := f.have(now)
	return have[OnDemand] + have[Spot], have[OnDemand]
}

// have is in units by lifecycle.
func (f *fleet) have(now time.Time) map[string]float64 {
	have := map[string]float64{}
	for _, i := range f.members {
		if i.serves(now) {
			have[i.lifecycle] += i.weight
		}
	}
	return have
}

func (c *Cloud) forgetFleets(now time.Time) {
	c.fleets = slices.DeleteFunc(c.fleets, func(f *fleet) bool {
		if f.deletedAt.IsZero() || now.Sub(f.deletedAt) < deletedFleetVisible || anyAlive(f.made, now) {
			return false
		}
		c.resources.drop(&f.resource)
		return true
	})
}

type templateAndOverrides struct {
	Template  templateReference `reply:"launchTemplateSpecification"`
	Overrides fleetOverride     `reply:"overrides"`
}

type fleetInstancesReply struct {
	Source       templateAndOverrides `reply:"launchTemplateAndOverrides"`
	Lifecycle    string               `reply:"lifecycle"`
	InstanceIDs  []string             `reply:"instanceIds"`
	InstanceType string               `reply:"instanceType"`
	Zone         string               `reply:"availabilityZone"`
	SubnetID     string               `reply:"subnetId"`
}

type fleetErrorReply struct {
	Source    templateAndOverrides `reply:"launchTemplateAndOverrides"`
	Lifecycle string               `reply:"lifecycle"`
	Code      string               `reply:"errorCode"`
	Message   string               `reply:"errorMessage"`
}

type createFleetReply struct {
	ID        string                `reply:"fleetId"`
	Errors    []fleetErrorReply     `reply:"errorSet"`
	Instances []fleetInstancesReply `reply:"fleetInstanceSet"`
}

func (f *fleet) reply() createFleetReply { return createFleetReply{f.id, f.errors, f.launched} }

// createFleet lets an instant fleet launch what it can at once, and answers with that and with an error per pool that
// fell short. Fleets of the other types answer with their ID and launch later.
func (c *Cloud) createFleet(call *call, in *createFleetInput) (any, error) {
	setDefault(&in.Type, fleetMaintain)
	if err := in.check(); err != nil {
		return nil, err
	}
	if use, err := c.replayed(call, ""); err != nil {
		return nil, err
	} else if use != nil {
		return use.fleet.reply(), nil
	}
	versions, err := c.fleetVersions(in.Configs)
	if err != nil {
		return nil, err
	}
	if err := c.checkPools(in, versions); err != nil {
		return nil, err
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	f := &fleet{input: in, versions: versions}
	f.resource = c.newResource(call, "fleet-"+c.newUUID(), "fleet", tagsFor(in.Tags, "fleet"))
	if f.instant() {
		f.createdAt, f.visibleAt = call.now, call.now
		c.fillInstantly(call, f)
	} else {
		c.submit(f, call.now)
	}
	c.fleets = append(c.fleets, f)
	c.resources.add(&f.resource)
	c.remember(call, "", tokenUse{fleet: f})
	return f.reply(), nil
}

func (c *Cloud) fleetVersions(configs []fleetConfig) ([]*templateVersion, error) {
	versions := make([]*templateVersion, len(configs))
	for i, config := range configs {
		var err error
		if versions[i], err = c.templateVersion(*config.Template); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

func (c *Cloud) fillInstantly(call *call, f *fleet) {
	onDemand, spot := f.input.Target.units()
	for _, part := range []struct {
		lifecycle string
		units     int
	}{{OnDemand, onDemand}, {Spot, spot}} {
		delivered, pools := c.fill(call, f, part.lifecycle, float64(part.units))
		f.fulfilled += delivered
		if part.lifecycle == OnDemand {
			f.fulfilledOnDemand = delivered
		}
		for _, p := range pools {
			f.note(p)
		}
	}
}

// fill launches units of one lifecycle, and returns what it delivered and what came of the pools.
func (c *Cloud) fill(call *call, f *fleet, lifecycle string, units float64) (float64, []*fleetPool) {
	if units <= 0 {
		return 0, nil
	}
	strategy, poolsToUse := value(f.input.OnDemand).Strategy, (*int)(nil)
	if lifecycle == Spot {
		strategy, poolsToUse = value(f.input.Spot).Strategy, value(f.input.Spot).PoolsToUse
	}
	pools := c.fleetPools(f, lifecycle)
	spread := c.order(pools, defaulted(strategy, strategies(lifecycle)[0]), poolsToUse, units)
	delivered := c.allocate(call, pools, spread, units, f)
	for _, p := range pools {
		f.made = append(f.made, p.made...)
		f.members = append(f.members, p.made...)
	}
	return delivered, pools
}

// note writes down what came of a pool. A pool that was never tried has neither instances nor an error.
func (f *fleet) note(p *fleetPool) {
	source := templateAndOverrides{templateReference{ID: p.version.template.id, Version: p.version.label()}, p.override}
	if len(p.made) > 0 {
		l := fleetInstancesReply{Source: source, Lifecycle: p.lifecycle, InstanceType: p.site.instanceType.Name, Zone: p.site.subnet.Zone, SubnetID: p.site.subnet.ID}
		for _, i := range p.made {
			l.InstanceIDs = append(l.InstanceIDs, i.id)
		}
		f.launched = append(f.launched, l)
	}
	if p.reason != nil {
		f.errors = append(f.errors, fleetErrorReply{source, p.lifecycle, p.reason.Code, p.reason.Message})
	}
}

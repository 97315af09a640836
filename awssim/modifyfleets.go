package awssim

import "time"

type modifyFleetInput struct {
	FleetID string          `query:"FleetId"`
	Excess  string          `query:"ExcessCapacityTerminationPolicy"`
	Configs []fleetConfig   `query:"LaunchTemplateConfig"`
	Target  *modifiedTarget `query:"TargetCapacitySpecification"`
	Context string          `query:"Context"`
}

// modifiedTarget leaves a part of the target as it was where it is nil.
type modifiedTarget struct {
	Total    *int   `query:"TotalTargetCapacity"`
	OnDemand *int   `query:"OnDemandTargetCapacity"`
	Spot     *int   `query:"SpotTargetCapacity"`
	Default  string `query:"DefaultTargetCapacityType"`
	Unit     string `query:"TargetCapacityUnitType"`
}

// over returns the target that a fleet has after the modification. A part that does not fit below the new total shrinks,
// the one of the default type first.
func (m *modifiedTarget) over(old targetCapacity) (*targetCapacity, error) {
	if m.Total == nil {
		return nil, missingParameter("TargetCapacitySpecification.TotalTargetCapacity")
	}
	target := targetCapacity{Total: m.Total, Default: defaulted(m.Default, old.Default), Unit: defaulted(m.Unit, old.Unit)}
	target.OnDemand = min(old.OnDemand, max(0, *m.Total))
	if m.OnDemand != nil {
		target.OnDemand = *m.OnDemand
	}
	target.Spot = min(old.Spot, max(0, *m.Total-target.OnDemand))
	if m.Spot != nil {
		target.Spot = *m.Spot
		if m.OnDemand == nil {
			target.OnDemand = min(target.OnDemand, max(0, *m.Total-target.Spot))
		}
	}
	return &target, nil
}

// modifyFleet gives a maintain fleet another target. The fleet is modifying until it acts upon it, and cannot be modified
// again meanwhile.
func (c *Cloud) modifyFleet(call *call, in *modifyFleetInput) (any, error) {
	f, err := c.keepingFleet(call, in.FleetID)
	if err != nil {
		return nil, err
	}
	return doneReply{true}, c.modify(call, f, in)
}

// modify changes nothing unless everything about the change is right.
func (c *Cloud) modify(call *call, f *fleet, in *modifyFleetInput) error {
	if !f.maintains() {
		return errorf("UnsupportedOperation", "Only a fleet of type maintain can be modified; %s is of type %s.", f.id, f.input.Type)
	}
	if s := f.state(call.now); s != "active" {
		return errorf("FleetNotInModifiableState", "The fleet %s is in the state %s and cannot be modified.", f.id, s)
	}
	changed, versions := *f.input, f.versions
	setIf(&changed.Excess, in.Excess)
	setIf(&changed.Context, in.Context)
	var err error
	if in.Target != nil {
		if changed.Target, err = in.Target.over(*f.input.Target); err != nil {
			return err
		}
	}
	if len(in.Configs) > 0 {
		changed.Configs = in.Configs
	}
	if err := changed.checkModified(); err != nil {
		return err
	}
	if len(in.Configs) > 0 {
		if versions, err = c.fleetVersions(in.Configs); err != nil {
			return err
		}
		if err := c.checkPools(&changed, versions); err != nil {
			return err
		}
	}
	if err := call.wouldSucceed(); err != nil {
		return err
	}
	f.input, f.versions, f.modifying = &changed, versions, true
	f.record(call.now, changeOfFleet, "modify_in_progress", "", "")
	// What was due before this is done with the old target no more.
	f.wakeAt = time.Time{}
	f.wake(call.now.Add(c.options.FleetDelay))
	return nil
}

// checkModified is check for a fleet that exists: it may also want nothing any more.
func (in *createFleetInput) checkModified() error {
	for _, check := range []func() error{in.checkParts, in.checkConfigs, in.checkTime} {
		if err := check(); err != nil {
			return err
		}
	}
	if *in.Target.Total < 0 || *in.Target.Total > maxFleetTarget {
		return invalidValue(*in.Target.Total, "TotalTargetCapacity", "Expecting a value from 0 to 10000.")
	}
	return nil
}

// keepingFleet finds a fleet of the types that keep going, which some calls are for.
func (c *Cloud) keepingFleet(call *call, id string) (*fleet, error) {
	if id == "" {
		return nil, missingParameter("FleetId")
	}
	f := c.fleet(id)
	if f == nil || !f.visible(call.now) {
		return nil, notFound("InvalidFleetId.NotFound", "fleet", []string{clip(id, 64)})
	}
	if f.instant() {
		return nil, errorf("UnsupportedOperation", "This operation is not supported for fleets of type instant.")
	}
	return f, nil
}

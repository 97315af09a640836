package awssim

import (
	"slices"
	"time"
)

// EC2 takes 50 launch template configurations in a fleet, and up to 10,000 units of target capacity. Instant fleets have
// as many pools as they like, the others 300.
const (
	maxFleetConfigs = 50
	maxFleetTarget  = 10_000
	maxKeptPools    = 300
)

// Policies of maintain fleets for what exceeds a lowered target. The fleet chooses itself what it terminates.
const (
	policyKeep = "no-termination"
	policyTrim = "termination"
)

type createFleetInput struct {
	Type        string             `query:"Type"`
	ClientToken string             `query:"ClientToken"`
	Configs     []fleetConfig      `query:"LaunchTemplateConfigs"`
	OnDemand    *onDemandOptions   `query:"OnDemandOptions"`
	Spot        *spotOptions       `query:"SpotOptions"`
	Target      *targetCapacity    `query:"TargetCapacitySpecification"`
	Tags        []TagSpecification `query:"TagSpecification"`
	Excess      string             `query:"ExcessCapacityTerminationPolicy"`
	// ReplaceUnhealthy is described; no instance here is unhealthy and alive.
	ReplaceUnhealthy bool      `query:"ReplaceUnhealthyInstances"`
	ValidFrom        time.Time `query:"ValidFrom"`
	ValidUntil       time.Time `query:"ValidUntil"`
	EndAtExpiry      bool      `query:"TerminateInstancesWithExpiration"`
	// Context is reserved by AWS, and described.
	Context string `query:"Context"`
}

type fleetConfig struct {
	Template  *templateReference `query:"LaunchTemplateSpecification" reply:"launchTemplateSpecification"`
	Overrides []fleetOverride    `query:"Overrides" reply:"overrides,omitempty"`
}

type fleetOverride struct {
	InstanceType string     `query:"InstanceType" reply:"instanceType,omitempty"`
	MaxPrice     string     `query:"MaxPrice" reply:"maxPrice,omitempty"`
	SubnetID     string     `query:"SubnetId" reply:"subnetId,omitempty"`
	Zone         string     `query:"AvailabilityZone" reply:"availabilityZone,omitempty"`
	Weight       *float64   `query:"WeightedCapacity" reply:"weightedCapacity,omitempty"`
	Priority     *float64   `query:"Priority" reply:"priority,omitempty"`
	Placement    *Placement `query:"Placement" reply:"placement,omitempty"`
	ImageID      string     `query:"ImageId" reply:"imageId,omitempty"`
	// Requirements stand for every type that satisfies them.
	Requirements *instanceRequirements `query:"InstanceRequirements" reply:"instanceRequirements,omitempty"`
	BlockDevices []BlockDevice         `query:"BlockDeviceMapping" reply:"blockDeviceMappingSet,omitempty"`
}

type onDemandOptions struct {
	Strategy string `query:"AllocationStrategy" reply:"allocationStrategy,omitempty"`
}

type spotOptions struct {
	Strategy     string `query:"AllocationStrategy" reply:"allocationStrategy,omitempty"`
	Interruption string `query:"InstanceInterruptionBehavior" reply:"instanceInterruptionBehavior,omitempty"`
	PoolsToUse   *int   `query:"InstancePoolsToUseCount" reply:"instancePoolsToUseCount,omitempty"`
}

type targetCapacity struct {
	Total    *int   `query:"TotalTargetCapacity" reply:"totalTargetCapacity"`
	OnDemand int    `query:"OnDemandTargetCapacity" reply:"onDemandTargetCapacity"`
	Spot     int    `query:"SpotTargetCapacity" reply:"spotTargetCapacity"`
	Default  string `query:"DefaultTargetCapacityType" reply:"defaultTargetCapacityType,omitempty"`
	Unit     string `query:"TargetCapacityUnitType" reply:"targetCapacityUnitType,omitempty"`
}

// Allocation strategies. The first one of each lifecycle is the default.
func strategies(lifecycle string) []string {
	if lifecycle == Spot {
		return []string{"lowest-price", "diversified", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"}
	}
	return []string{"lowest-price", "prioritized"}
}

func invalidFleet(format string, args ...any) error {
	return errorf("InvalidFleetConfig", format, args...)
}

// check refuses what can be told from the call alone.
func (in *createFleetInput) check() error {
	taggable := []string{"fleet"}
	switch in.Type {
	case fleetInstant:
		taggable = append(taggable, "instance", "volume", "spot-instances-request")
	case fleetMaintain, fleetRequest:
		// Their instances get tags from launch templates only.
	default:
		return invalidValue(clip(in.Type, 32), "Type", "Expecting instant, maintain or request.")
	}
	for _, check := range []func() error{in.checkTarget, in.checkConfigs, in.checkOptions, in.checkTime} {
		if err := check(); err != nil {
			return err
		}
	}
	return checkSpecifications(in.Tags, taggable...)
}

func (in *createFleetInput) checkTime() error {
	switch {
	case in.Excess != "" && in.Type != fleetMaintain:
		return invalidFleet("ExcessCapacityTerminationPolicy is for fleets of type maintain.")
	case in.Excess != "" && !slices.Contains([]string{policyKeep, policyTrim}, in.Excess):
		return invalidValue(clip(in.Excess, 32), "ExcessCapacityTerminationPolicy", "Expecting no-termination or termination.")
	case in.ReplaceUnhealthy && in.Type != fleetMaintain:
		return invalidFleet("ReplaceUnhealthyInstances is for fleets of type maintain.")
	case in.Type == fleetInstant && (!in.ValidFrom.IsZero() || !in.ValidUntil.IsZero() || in.EndAtExpiry):
		return invalidFleet("ValidFrom, ValidUntil and TerminateInstancesWithExpiration are not for fleets of type instant.")
	case !in.ValidUntil.IsZero() && in.ValidUntil.Before(in.ValidFrom):
		return invalidFleet("ValidUntil is before ValidFrom.")
	}
	return nil
}

func (in *createFleetInput) checkTarget() error {
	t := in.Target
	switch {
	case t == nil || t.Total == nil:
		return missingParameter("TargetCapacitySpecification.TotalTargetCapacity")
	case *t.Total < 1 || *t.Total > maxFleetTarget:
		return invalidValue(*t.Total, "TotalTargetCapacity", "Expecting a value from 1 to 10000.")
	}
	return in.checkParts()
}

func (in *createFleetInput) checkParts() error {
	t := in.Target
	switch {
	case t.OnDemand < 0 || t.Spot < 0 || t.OnDemand+t.Spot > *t.Total:
		return invalidFleet("The sum of OnDemandTargetCapacity (%d) and SpotTargetCapacity (%d) exceeds TotalTargetCapacity (%d).", t.OnDemand, t.Spot, *t.Total)
	case t.Unit != "" && !slices.Contains([]string{"units", unitVCPU, unitMemory}, t.Unit):
		return invalidValue(clip(t.Unit, 32), "TargetCapacityUnitType", "Expecting one of units, vcpu, memory-mib.")
	}
	switch t.Default {
	case "", OnDemand, Spot:
		return nil
	default:
		return unsupported("DefaultTargetCapacityType '" + clip(t.Default, 32) + "'")
	}
}

// units are the targets of both lifecycles: what is not assigned goes to the default type.
func (t *targetCapacity) units() (onDemand, spot int) {
	rest := *t.Total - t.OnDemand - t.Spot
	if t.Default == Spot {
		return t.OnDemand, t.Spot + rest
	}
	return t.OnDemand + rest, t.Spot
}

func (in *createFleetInput) checkConfigs() error {
	if len(in.Configs) == 0 {
		return missingParameter("LaunchTemplateConfigs")
	}
	if len(in.Configs) > maxFleetConfigs {
		return invalidValue(len(in.Configs), "LaunchTemplateConfigs", "Expecting at most 50 configurations.")
	}
	for _, config := range in.Configs {
		if config.Template == nil {
			return missingParameter("LaunchTemplateSpecification")
		}
		if config.Template.Version == "" {
			return missingParameter("LaunchTemplateSpecification.Version")
		}
		for _, o := range config.Overrides {
			if o.Requirements != nil {
				if err := o.Requirements.check(); err != nil {
					return err
				}
			}
			switch {
			case o.Requirements != nil && o.InstanceType != "":
				return errorf("InvalidParameterCombination", "InstanceType and InstanceRequirements cannot be used together.")
			case o.Requirements == nil && in.Target != nil && (in.Target.Unit == unitVCPU || in.Target.Unit == unitMemory):
				return invalidFleet("TargetCapacityUnitType '%s' needs InstanceRequirements in every override.", in.Target.Unit)
			case o.Weight != nil && *o.Weight <= 0:
				return invalidValue(*o.Weight, "WeightedCapacity", "Expecting a value above 0.")
			case o.Priority != nil && *o.Priority < 0:
				return invalidValue(*o.Priority, "Priority", "Expecting a value of at least 0.")
			}
		}
	}
	return nil
}

func (in *createFleetInput) checkOptions() error {
	if in.OnDemand != nil {
		if err := checkStrategy(OnDemand, in.OnDemand.Strategy); err != nil {
			return err
		}
	}
	if in.Spot == nil {
		return nil
	}
	if err := checkStrategy(Spot, in.Spot.Strategy); err != nil {
		return err
	}
	if b := in.Spot.Interruption; b != "" && b != "terminate" {
		return unsupported("InstanceInterruptionBehavior '" + clip(b, 32) + "'")
	}
	if n := in.Spot.PoolsToUse; n != nil {
		if in.Spot.Strategy != "" && in.Spot.Strategy != "lowest-price" {
			return invalidFleet("InstancePoolsToUseCount option is only available with the lowestPrice allocation strategy.")
		}
		if *n < 1 {
			return invalidValue(*n, "InstancePoolsToUseCount", "Expecting a value of at least 1.")
		}
	}
	return nil
}

func checkStrategy(lifecycle, strategy string) error {
	if strategy == "" {
		return nil
	}
	for _, known := range strategies(lifecycle) {
		if strategy == known {
			return nil
		}
	}
	return invalidValue(clip(strategy, 64), "AllocationStrategy", "Expecting one of "+joined(strategies(lifecycle))+".")
}

func defaulted(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

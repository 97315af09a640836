package awssim

import (
	"regexp"
	"strings"
	"time"
)

// spotFleetConfig is what a Spot Fleet request asks for. The older LaunchSpecifications are not simulated.
type spotFleetConfig struct {
	Strategy          string             `query:"AllocationStrategy" reply:"allocationStrategy,omitempty"`
	OnDemandStrategy  string             `query:"OnDemandAllocationStrategy" reply:"onDemandAllocationStrategy,omitempty"`
	ClientToken       string             `query:"ClientToken" reply:"clientToken,omitempty"`
	Excess            string             `query:"ExcessCapacityTerminationPolicy" reply:"excessCapacityTerminationPolicy,omitempty"`
	Role              string             `query:"IamFleetRole" reply:"iamFleetRole"`
	Configs           []spotConfig       `query:"LaunchTemplateConfigs" reply:"launchTemplateConfigs,omitempty"`
	SpotPrice         string             `query:"SpotPrice" reply:"spotPrice,omitempty"`
	Target            *int               `query:"TargetCapacity" reply:"targetCapacity"`
	OnDemandTarget    int                `query:"OnDemandTargetCapacity" reply:"onDemandTargetCapacity"`
	TargetUnit        string             `query:"TargetCapacityUnitType" reply:"targetCapacityUnitType,omitempty"`
	EndAtExpiry       bool               `query:"TerminateInstancesWithExpiration" reply:"terminateInstancesWithExpiration"`
	Type              string             `query:"Type" reply:"type"`
	ValidFrom         time.Time          `query:"ValidFrom" reply:"validFrom,omitempty"`
	ValidUntil        time.Time          `query:"ValidUntil" reply:"validUntil,omitempty"`
	ReplaceUnhealthy  bool               `query:"ReplaceUnhealthyInstances" reply:"replaceUnhealthyInstances"`
	Interruption      string             `query:"InstanceInterruptionBehavior" reply:"instanceInterruptionBehavior,omitempty"`
	PoolsToUse        *int               `query:"InstancePoolsToUseCount" reply:"instancePoolsToUseCount,omitempty"`
	Context           string             `query:"Context" reply:"context,omitempty"`
	Tags              []TagSpecification `query:"TagSpecification" reply:"TagSpecification,omitempty"`
	Fulfilled         float64            `reply:"fulfilledCapacity"`
	FulfilledOnDemand float64            `reply:"onDemandFulfilledCapacity"`
}

type spotConfig struct {
	Template  *templateReference `query:"LaunchTemplateSpecification" reply:"launchTemplateSpecification"`
	Overrides []spotOverride     `query:"Overrides" reply:"overrides,omitempty"`
}

type spotOverride struct {
	InstanceType string                `query:"InstanceType" reply:"instanceType,omitempty"`
	SpotPrice    string                `query:"SpotPrice" reply:"spotPrice,omitempty"`
	SubnetID     string                `query:"SubnetId" reply:"subnetId,omitempty"`
	Zone         string                `query:"AvailabilityZone" reply:"availabilityZone,omitempty"`
	Weight       *float64              `query:"WeightedCapacity" reply:"weightedCapacity,omitempty"`
	Priority     *float64              `query:"Priority" reply:"priority,omitempty"`
	Requirements *instanceRequirements `query:"InstanceRequirements" reply:"instanceRequirements,omitempty"`
}

func invalidSpotFleet(format string, args ...any) error {
	return errorf("InvalidSpotFleetRequestConfig", format, args...)
}

// asSpotFleetError puts the Spot Fleet API's word for what is refused about a configuration.
func asSpotFleetError(err error) error {
	e := asAPIError(err)
	if e.Code == "InvalidFleetConfig" {
		e.Code = "InvalidSpotFleetRequestConfig"
	}
	return e
}

// check refuses what only Spot Fleet refuses; the rest is checked with the fleet that the configuration describes.
func (in *spotFleetConfig) check() error {
	switch {
	case in.Role == "":
		return missingParameter("SpotFleetRequestConfig.IamFleetRole")
	case !regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+`).MatchString(in.Role):
		return invalidSpotFleet("Parameter: SpotFleetRequestConfig.IamFleetRole is invalid.")
	case in.Target == nil:
		return missingParameter("SpotFleetRequestConfig.TargetCapacity")
	case in.Type != fleetRequest && in.Type != fleetMaintain:
		return invalidSpotFleet("The type '%s' is neither request nor maintain.", clip(in.Type, 32))
	case in.Excess != "" && in.Excess != "default" && in.Excess != "noTermination":
		return invalidSpotFleet("The excess capacity termination policy '%s' is neither default nor noTermination.", clip(in.Excess, 32))
	case in.Interruption != "" && in.Interruption != "terminate":
		return unsupported("InstanceInterruptionBehavior '" + clip(in.Interruption, 32) + "'")
	}
	for _, s := range []struct{ lifecycle, strategy string }{{Spot, in.Strategy}, {OnDemand, in.OnDemandStrategy}} {
		// The EC2 Fleet spelling of a strategy is wrong here.
		if strings.Contains(s.strategy, "-") || s.strategy != "" && checkStrategy(s.lifecycle, hyphenated(s.strategy)) != nil {
			return invalidSpotFleet("The allocation strategy '%s' is not valid.", clip(s.strategy, 64))
		}
	}
	return checkSpecifications(in.Tags, spotFleetKind)
}

const spotFleetKind = "spot-fleet-request"

// hyphenated turns Spot Fleet's lowestPrice into EC2 Fleet's lowest-price.
func hyphenated(camel string) string {
	var out strings.Builder
	for _, r := range camel {
		if r >= 'A' && r <= 'Z' {
			out.WriteByte('-')
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// fleet is the same thing as an EC2 Fleet.
func (in *spotFleetConfig) fleet() *createFleetInput {
	f := &createFleetInput{
		Type: in.Type, ClientToken: in.ClientToken, Configs: in.fleetConfigs(in.Configs), Tags: in.Tags,
		OnDemand:  &onDemandOptions{Strategy: hyphenated(in.OnDemandStrategy)},
		Spot:      &spotOptions{Strategy: hyphenated(in.Strategy), Interruption: in.Interruption, PoolsToUse: in.PoolsToUse},
		Target:    &targetCapacity{Total: in.Target, OnDemand: in.OnDemandTarget, Default: Spot, Unit: in.TargetUnit},
		ValidFrom: in.ValidFrom, ValidUntil: in.ValidUntil, EndAtExpiry: in.EndAtExpiry, Context: in.Context,
	}
	if in.Type == fleetMaintain {
		f.Excess, f.ReplaceUnhealthy = excessPolicy(in.Excess), in.ReplaceUnhealthy
	}
	return f
}

func excessPolicy(spotFleets string) string {
	if spotFleets == "noTermination" {
		return policyKeep
	}
	return policyTrim
}

func (in *spotFleetConfig) fleetConfigs(configs []spotConfig) []fleetConfig {
	var converted []fleetConfig
	for _, config := range configs {
		one := fleetConfig{Template: config.Template}
		for _, o := range config.Overrides {
			one.Overrides = append(one.Overrides, fleetOverride{
				InstanceType: o.InstanceType, MaxPrice: defaulted(o.SpotPrice, in.SpotPrice), SubnetID: o.SubnetID, Zone: o.Zone,
				Weight: o.Weight, Priority: o.Priority, Requirements: o.Requirements,
			})
		}
		if len(one.Overrides) == 0 && in.SpotPrice != "" {
			one.Overrides = []fleetOverride{{MaxPrice: in.SpotPrice}}
		}
		converted = append(converted, one)
	}
	return converted
}

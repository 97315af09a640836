package awssim

import (
	"slices"
	"strconv"
	"strings"
)

// Auto Scaling takes weights from 1 to 999, and 10 tags short of EC2's limit on a group.
const maxGroupWeight = 999

type createGroupInput struct {
	Name string `query:"AutoScalingGroupName"`
	groupChange
	Tags []groupTag `query:"Tags.member"`
}

// groupChange is what making and updating a group have in common. What is nil stays as it is.
type groupChange struct {
	Template   *templateReference `query:"LaunchTemplate"`
	Mixed      *mixedPolicy       `query:"MixedInstancesPolicy"`
	Min        *int               `query:"MinSize"`
	Max        *int               `query:"MaxSize"`
	Desired    *int               `query:"DesiredCapacity"`
	Subnets    string             `query:"VPCZoneIdentifier"`
	Zones      []string           `query:"AvailabilityZones.member"`
	ProtectNew *bool              `query:"NewInstancesProtectedFromScaleIn"`
	Context    string             `query:"Context"`
	Unit       string             `query:"DesiredCapacityType"`
	describedSettings
}

// describedSettings have no effect here: nothing is ever unhealthy but alive, nobody waits for load balancers, and
// nothing scales by itself. They are described as they were set.
type describedSettings struct {
	Cooldown    *int     `query:"DefaultCooldown" reply:"DefaultCooldown"`
	HealthCheck string   `query:"HealthCheckType" reply:"HealthCheckType"`
	Grace       *int     `query:"HealthCheckGracePeriod" reply:"HealthCheckGracePeriod,omitempty"`
	Policies    []string `query:"TerminationPolicies.member" reply:"TerminationPolicies"`
	ServiceRole string   `query:"ServiceLinkedRoleARN" reply:"ServiceLinkedRoleARN,omitempty"`
	Warmup      *int     `query:"DefaultInstanceWarmup" reply:"DefaultInstanceWarmup,omitempty"`
}

type groupTag struct {
	ResourceID   string `query:"ResourceId" reply:"ResourceId"`
	ResourceType string `query:"ResourceType" reply:"ResourceType"`
	Key          string `query:"Key" reply:"Key"`
	Value        string `query:"Value" reply:"Value"`
	Propagate    bool   `query:"PropagateAtLaunch" reply:"PropagateAtLaunch"`
}

type mixedPolicy struct {
	Template     *mixedTemplate     `query:"LaunchTemplate" reply:"LaunchTemplate"`
	Distribution *mixedDistribution `query:"InstancesDistribution" reply:"InstancesDistribution,omitempty"`
}

type mixedTemplate struct {
	Template  *templateReference `query:"LaunchTemplateSpecification" reply:"LaunchTemplateSpecification"`
	Overrides []groupOverride    `query:"Overrides.member" reply:"Overrides,omitempty"`
}

type groupOverride struct {
	InstanceType string             `query:"InstanceType" reply:"InstanceType,omitempty"`
	Weight       string             `query:"WeightedCapacity" reply:"WeightedCapacity,omitempty"`
	Template     *templateReference `query:"LaunchTemplateSpecification" reply:"LaunchTemplateSpecification,omitempty"`
	ImageID      string             `query:"ImageId" reply:"ImageId,omitempty"`
	// Requirements stand for every type that satisfies them.
	Requirements *instanceRequirements `query:"InstanceRequirements" reply:"InstanceRequirements,omitempty"`
}

type mixedDistribution struct {
	OnDemandStrategy string `query:"OnDemandAllocationStrategy" reply:"OnDemandAllocationStrategy,omitempty"`
	OnDemandBase     *int   `query:"OnDemandBaseCapacity" reply:"OnDemandBaseCapacity,omitempty"`
	OnDemandPercent  *int   `query:"OnDemandPercentageAboveBaseCapacity" reply:"OnDemandPercentageAboveBaseCapacity,omitempty"`
	SpotStrategy     string `query:"SpotAllocationStrategy" reply:"SpotAllocationStrategy,omitempty"`
	SpotPools        *int   `query:"SpotInstancePools" reply:"SpotInstancePools,omitempty"`
	SpotMaxPrice     string `query:"SpotMaxPrice" reply:"SpotMaxPrice,omitempty"`
}

func invalidGroup(format string, args ...any) error { return errorf(codeValidation, format, args...) }

// over returns the settings with the change made, checked.
func (c *Cloud) changedSettings(old groupSettings, in *groupChange) (groupSettings, error) {
	s := old
	if err := s.resize(in); err != nil {
		return s, err
	}
	if in.Template != nil && in.Mixed != nil {
		return s, invalidGroup("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
	}
	if in.Template != nil {
		s.template, s.mixed = in.Template, nil
	}
	if in.Mixed != nil {
		s.template, s.mixed = nil, in.Mixed
	}
	if err := checkWords("DesiredCapacityType", []string{defaulted(in.Unit, "units")}, "units", unitVCPU, unitMemory); err != nil {
		return s, err
	}
	setIf(&s.unit, in.Unit)
	var err error
	if s.overrides, err = c.resolveOverrides(s); err != nil {
		return s, err
	}
	if in.Subnets != "" || len(in.Zones) > 0 {
		if s.subnets, err = c.groupSubnets(in); err != nil {
			return s, err
		}
		s.zoneList = in.Subnets
	}
	if len(s.subnets) == 0 {
		return s, invalidGroup("At least one Availability Zone or VPC Subnet is required.")
	}
	if in.ProtectNew != nil {
		s.protectNew = *in.ProtectNew
	}
	setIf(&s.context, in.Context)
	d := in.describedSettings
	if d.Cooldown != nil {
		s.described.Cooldown = d.Cooldown
	}
	if h := d.HealthCheck; h != "" && !slices.Contains([]string{"EC2", "ELB", "EBS", "VPC_LATTICE"}, h) {
		return s, invalidGroup("The health check type '%s' is not valid.", clip(h, 32))
	}
	setIf(&s.described.HealthCheck, d.HealthCheck)
	if d.Grace != nil {
		s.described.Grace = d.Grace
	}
	if len(d.Policies) > 0 {
		s.described.Policies = d.Policies
	}
	setIf(&s.described.ServiceRole, d.ServiceRole)
	if d.Warmup != nil {
		s.described.Warmup = d.Warmup
	}
	return s, nil
}

// resize changes the sizes. A desired capacity that is not given follows the bounds.
func (s *groupSettings) resize(in *groupChange) error {
	if in.Min != nil {
		s.min = *in.Min
	}
	if in.Max != nil {
		s.max = *in.Max
	}
	switch {
	case s.min < 0 || s.max < 0:
		return invalidGroup("Sizes must not be negative: min size %d, max size %d.", s.min, s.max)
	case s.min > s.max:
		return invalidGroup("Max bound, %d, must be greater than or equal to min bound, %d", s.max, s.min)
	case in.Desired == nil:
		s.desired = min(max(s.desired, s.min), s.max)
		return nil
	case *in.Desired < s.min || *in.Desired > s.max:
		return invalidGroup("Desired capacity:%d must be between the specified min size:%d and max size:%d", *in.Desired, s.min, s.max)
	}
	s.desired = *in.Desired
	return nil
}

func (c *Cloud) groupSubnets(in *groupChange) ([]*subnet, error) {
	var subnets []*subnet
	for id := range strings.SplitSeq(in.Subnets, ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		s, err := c.subnet(id)
		if err != nil {
			return nil, invalidGroup("The subnet ID '%s' does not exist", clip(id, 64))
		}
		if len(in.Zones) > 0 && !slices.Contains(in.Zones, s.Zone) {
			return nil, invalidGroup("The availability zones of the specified subnets and the AutoScalingGroup do not match")
		}
		subnets = append(subnets, s)
	}
	if in.Subnets == "" {
		for _, zone := range in.Zones {
			s, err := c.defaultSubnet(zone)
			if err != nil {
				return nil, invalidGroup("%s", asAPIError(err).Message)
			}
			subnets = append(subnets, s)
		}
	}
	return subnets, nil
}

// resolveOverrides finds the launch templates that a group uses.
func (c *Cloud) resolveOverrides(s groupSettings) ([]resolvedOverride, error) {
	reference, overrides := s.template, []groupOverride{{}}
	if s.mixed != nil {
		if s.mixed.Template == nil || s.mixed.Template.Template == nil {
			return nil, missingParameter("MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification")
		}
		if err := s.mixed.Distribution.check(); err != nil {
			return nil, err
		}
		reference = s.mixed.Template.Template
		if len(s.mixed.Template.Overrides) > 0 {
			overrides = s.mixed.Template.Overrides
		}
	}
	if reference == nil {
		return nil, invalidGroup("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
	}
	resolved := make([]resolvedOverride, len(overrides))
	for i, o := range overrides {
		r := resolvedOverride{groupOverride: o, weight: 1}
		if o.Template == nil {
			o.Template = reference
		}
		r.reference = *o.Template
		var err error
		if r.version, err = c.templateVersion(r.reference); err != nil {
			return nil, invalidGroup("You must use a valid fully-formed launch template. %s", asAPIError(err).Message)
		}
		if s.mixed != nil && r.version.spec.Market != nil {
			return nil, invalidGroup("Incompatible launch template: You cannot use a launch template that is set to request Spot Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy.")
		}
		if o.Requirements != nil {
			if err := o.Requirements.check(); err != nil {
				return nil, err
			}
		}
		switch {
		case o.Requirements != nil && (o.InstanceType != "" || o.Weight != ""):
			return nil, invalidGroup("InstanceRequirements cannot be used together with InstanceType or WeightedCapacity.")
		case o.Requirements == nil && (s.unit == unitVCPU || s.unit == unitMemory):
			return nil, invalidGroup("The desired capacity type %s needs InstanceRequirements.", s.unit)
		}
		if o.Weight != "" {
			if r.weight, err = strconv.Atoi(o.Weight); err != nil || r.weight < 1 || r.weight > maxGroupWeight {
				return nil, invalidGroup("The weighted capacity '%s' is not a whole number from 1 to 999.", clip(o.Weight, 32))
			}
		}
		if (o.Weight == "") != (overrides[0].Weight == "") {
			return nil, invalidGroup("If you specify a weight value for one instance type, you must specify one for all of them.")
		}
		resolved[i] = r
	}
	return resolved, nil
}

func (d *mixedDistribution) check() error {
	if d == nil {
		return nil
	}
	onDemand := []string{"", "prioritized", "lowest-price"}
	spot := []string{"", "lowest-price", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"}
	switch {
	case !slices.Contains(onDemand, d.OnDemandStrategy):
		return invalidGroup("The on-demand allocation strategy '%s' is none of %s.", clip(d.OnDemandStrategy, 64), joined(onDemand[1:]))
	case !slices.Contains(spot, d.SpotStrategy):
		return invalidGroup("The spot allocation strategy '%s' is none of %s.", clip(d.SpotStrategy, 64), joined(spot[1:]))
	case value(d.OnDemandBase) < 0:
		return invalidGroup("OnDemandBaseCapacity must not be negative.")
	case d.OnDemandPercent != nil && (*d.OnDemandPercent < 0 || *d.OnDemandPercent > 100):
		return invalidGroup("OnDemandPercentageAboveBaseCapacity must be between 0 and 100.")
	case d.SpotPools != nil && d.SpotStrategy != "" && d.SpotStrategy != "lowest-price":
		return invalidGroup("SpotInstancePools option is only available with the lowest-price allocation strategy.")
	case d.SpotPools != nil && (*d.SpotPools < 1 || *d.SpotPools > 20):
		return invalidGroup("SpotInstancePools must be between 1 and 20.")
	}
	return nil
}

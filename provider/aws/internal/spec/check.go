package spec

import (
	"regexp"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Limits of EC2.
const (
	maxTags     = 40    // EC2 allows 50 a resource; ten are left for this program's and AWS's own
	maxVolume   = 16384 // GiB, of every volume type but io2 Block Express
	minIOPS     = 100
	maxIOPS     = 64000
	maxWeight   = 999 // the least of what fleets and Auto Scaling groups take
	maxPriority = 1_000_000

	defaultExpiry = 30          // minutes, as IBM has it
	maxExpiry     = 7 * 24 * 60 // minutes; of our own, far beyond what a request may take
)

var typePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*$`)

// check looks at the values of the fields.
func (s *Spec) check() error {
	if strings.HasPrefix(s.Image, "/") {
		s.Image = "resolve:ssm:" + s.Image
	}
	switch {
	case s.Image != "" && !strings.HasPrefix(s.Image, "ami-") && !strings.HasPrefix(s.Image, "resolve:ssm:"):
		return ohfp.Errorf(ohfp.ErrInvalid, "imageId %q is not an image; write ami-…, resolve:ssm:… or the path of an SSM parameter", s.Image)
	case s.PriceType != PriceOnDemand && s.PriceType != PriceSpot && s.PriceType != PriceHeterogeneous:
		return ohfp.Errorf(ohfp.ErrInvalid, "priceType %q is not known; use ondemand, spot or heterogeneous", s.PriceType)
	case s.FleetType != "" && !slices.Contains([]string{"instant", "request", "maintain"}, s.FleetType):
		return ohfp.Errorf(ohfp.ErrInvalid, "fleetType %q is not known; use instant, request or maintain", s.FleetType)
	case s.PercentOnDemand != nil && (*s.PercentOnDemand < 0 || *s.PercentOnDemand > 100):
		return ohfp.Errorf(ohfp.ErrInvalid, "percentOnDemand %d is out of range; use 0 to 100", *s.PercentOnDemand)
	case s.expiry < 1 || s.expiry > maxExpiry:
		return ohfp.Errorf(ohfp.ErrInvalid, "spotFleetRequestExpiry %d is out of range; use 1 to %d minutes", s.expiry, maxExpiry)
	case s.CPUMode != VCPUs && s.CPUMode != Cores && s.CPUMode != Sockets:
		return ohfp.Errorf(ohfp.ErrInvalid, "ncpusMode %q is not known; use vcpus, cores or sockets", s.CPUMode)
	case s.PriceInfo != "" && s.PriceInfo != PriceAuto:
		return ohfp.Errorf(ohfp.ErrInvalid, "priceInfo %q is not known; use auto, or write the price into attributes", s.PriceInfo)
	case s.LaunchTemplate != "" && !strings.HasPrefix(s.LaunchTemplate, "lt-"):
		return ohfp.Errorf(ohfp.ErrInvalid, "launchTemplateId %q is not the id of a launch template; write lt-…", s.LaunchTemplate)
	case s.LaunchTemplateVersion != "" && s.LaunchTemplate == "" && s.Own("launchTemplateVersion"):
		return ohfp.Errorf(ohfp.ErrInvalid, "launchTemplateVersion is set without launchTemplateId; add it or remove the version")
	case s.Pools < 0 || s.Pools > 200:
		return ohfp.Errorf(ohfp.ErrInvalid, "poolsCount %d is out of range; use 1 to 200", s.Pools)
	}
	for _, check := range []func() error{s.checkNames, s.checkTypes, s.checkVolume, s.checkStrategies} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkNames() error {
	for _, subnet := range s.Subnets {
		if !strings.HasPrefix(subnet, "subnet-") {
			return ohfp.Errorf(ohfp.ErrInvalid, "subnetId %q is not a subnet; write subnet-…", subnet)
		}
	}
	for _, group := range s.SecurityGroups {
		if !strings.HasPrefix(group, "sg-") {
			return ohfp.Errorf(ohfp.ErrInvalid, "securityGroupIds has %q, which is not a security group; write sg-…", group)
		}
	}
	return nil
}

func (s *Spec) checkTypes() error {
	for i, t := range slices.Concat(s.Types, s.OnDemandTypes) {
		field := "vmTypes"
		if i >= len(s.Types) {
			field = "vmTypesOnDemand"
		}
		switch {
		case !typePattern.MatchString(t.Name):
			return ohfp.Errorf(ohfp.ErrInvalid, "%q is not a machine type; write a family and a size, like m5.large", t.Name)
		case t.Weight < 1 || t.Weight > maxWeight:
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: the weight %d of %s is out of range; use 1 to %d", field, t.Weight, t.Name, maxWeight)
		case t.Priority != nil && (*t.Priority < 0 || *t.Priority > maxPriority):
			return ohfp.Errorf(ohfp.ErrInvalid, "vmTypesPriority: the priority %d of %s is out of range; use 0 to %d", *t.Priority, t.Name, maxPriority)
		}
	}
	for _, p := range s.priorities {
		if s.Own("vmTypesPriority") && !slices.ContainsFunc(slices.Concat(s.Types, s.OnDemandTypes), func(t Type) bool { return t.Name == p.Name }) {
			return ohfp.Errorf(ohfp.ErrInvalid, "vmTypesPriority names %s, which is not among vmTypes; add it there or remove it", p.Name)
		}
	}
	return nil
}

func (s *Spec) checkVolume() error {
	takesIOPS := s.Volume.Type == "io1" || s.Volume.Type == "io2" || s.Volume.Type == "gp3"
	switch v := s.Volume; {
	case v.Size < 0 || v.Size > maxVolume:
		return ohfp.Errorf(ohfp.ErrInvalid, "rootDeviceVolumeSize %d is out of range; use 1 to %d GiB", v.Size, maxVolume)
	case v.Type != "" && !slices.Contains([]string{"gp2", "gp3", "io1", "io2", "standard"}, v.Type):
		return ohfp.Errorf(ohfp.ErrInvalid, "volumeType %q is not known; use gp2, gp3, io1, io2 or standard", v.Type)
	case v.IOPS != 0 && (v.IOPS < minIOPS || v.IOPS > maxIOPS):
		return ohfp.Errorf(ohfp.ErrInvalid, "iops %d is out of range; use %d to %d", v.IOPS, minIOPS, maxIOPS)
	case v.IOPS != 0 && !takesIOPS && s.Own("iops"):
		return ohfp.Errorf(ohfp.ErrInvalid, "iops needs volumeType io1, io2 or gp3")
	case (v.Type == "io1" || v.Type == "io2") && v.IOPS == 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "volumeType %s needs iops", v.Type)
	}
	if !takesIOPS {
		s.Volume.IOPS = 0
	}
	return nil
}

// Allocation strategies, in EC2's spelling.
const (
	LowestPrice         = "lowest-price"
	Diversified         = "diversified"
	CapacityOptimized   = "capacity-optimized"
	CapacityPrioritized = "capacity-optimized-prioritized"
	PriceCapacity       = "price-capacity-optimized"
	Prioritized         = "prioritized"
)

func (s *Spec) checkStrategies() error {
	spot := []string{LowestPrice, Diversified, CapacityOptimized, CapacityPrioritized, PriceCapacity}
	onDemand := []string{LowestPrice, Prioritized}
	switch {
	case s.Strategy != "" && !slices.Contains(spot, s.Strategy) && !slices.Contains(onDemand, s.Strategy):
		return ohfp.Errorf(ohfp.ErrInvalid, "allocationStrategy %q is not known; use lowestPrice, diversified, capacityOptimized, capacityOptimizedPrioritized or priceCapacityOptimized", s.Strategy)
	case s.StrategyOnDemand != "" && !slices.Contains(onDemand, s.StrategyOnDemand):
		return ohfp.Errorf(ohfp.ErrInvalid, "allocationStrategyOnDemand %q is not known; use lowestPrice or prioritized", s.StrategyOnDemand)
	}
	return nil
}

// Launchable checks what every launch API needs.
func (s Spec) Launchable() error {
	switch {
	case s.Image == "" && s.LaunchTemplate == "" && !s.Native.setsContent():
		return ohfp.Errorf(ohfp.ErrInvalid, "imageId is missing; set it, or launchTemplateId")
	case len(s.Types) == 0 && s.Requirements == nil && s.LaunchTemplate == "" && !s.Native.setsContent():
		return ohfp.Errorf(ohfp.ErrInvalid, "vmType is missing; set it, vmTypes, abisInstanceRequirements, or launchTemplateId")
	case s.LaunchTemplate != "" && s.Native.setsContent():
		return ohfp.Errorf(ohfp.ErrInvalid, "launch_template_spec has no meaning beside launchTemplateId; remove one of them")
	case s.Volume.Set() && s.Image == "":
		return ohfp.Errorf(ohfp.ErrInvalid, "the root volume cannot be changed without imageId, which tells its device name; set imageId")
	case len(s.OnDemandTypes) > 0 && len(s.Types) == 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "vmTypesOnDemand needs vmTypes beside it; add them, or remove vmTypesOnDemand")
	}
	if s.PriceType != PriceHeterogeneous {
		if err := s.refuse("needs priceType heterogeneous", "vmTypesOnDemand"); err != nil {
			return err
		}
		// The Python system wrote this field into every template, spot ones with what spot means anyhow.
		if only := s.PriceType == PriceSpot && s.PercentOnDemand != nil && *s.PercentOnDemand == 0; !only {
			if err := s.refuse("needs priceType heterogeneous", "percentOnDemand"); err != nil {
				return err
			}
		}
	}
	if s.PriceType == PriceOnDemand {
		return s.refuse("needs priceType spot", "maxSpotPrice", "poolsCount")
	}
	return nil
}

// setsContent says whether a document may say what the launch template holds, image and machine type among it.
func (n Native) setsContent() bool { return len(n.LaunchTemplate) > 0 || n.LaunchTemplateFile != "" }

// refuse is the error for the first of the fields that the template itself sets.
func (s Spec) refuse(why string, fields ...string) error {
	for _, field := range fields {
		if s.Own(field) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s %s; remove it", field, why)
		}
	}
	return nil
}

// Refuse is the error for the first of the fields that the template itself sets and that mean nothing to a launch API.
func (s Spec) Refuse(api, hint string, fields ...string) error {
	return s.refuse("has no meaning for "+api+hint, fields...)
}

package awssim

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// instanceRequirements choose instance types by what they have. The groups' API spells lists in its own way, and Spot
// Fleet in another. Types here have no accelerators, and performance baselines are refused.
type instanceRequirements struct {
	VCPUs                    *wholeRange `query:"VCpuCount" reply:"vCpuCount" group:"VCpuCount"`
	MemoryMiB                *wholeRange `query:"MemoryMiB" reply:"memoryMiB" group:"MemoryMiB"`
	Manufacturers            []string    `query:"CpuManufacturer|CpuManufacturerSet|CpuManufacturers.member" reply:"cpuManufacturerSet,omitempty" group:"CpuManufacturers,omitempty"`
	MemoryGiBPerVCPU         *numRange   `query:"MemoryGiBPerVCpu" reply:"memoryGiBPerVCpu,omitempty" group:"MemoryGiBPerVCpu,omitempty"`
	Excluded                 []string    `query:"ExcludedInstanceType|ExcludedInstanceTypeSet|ExcludedInstanceTypes.member" reply:"excludedInstanceTypeSet,omitempty" group:"ExcludedInstanceTypes,omitempty"`
	Allowed                  []string    `query:"AllowedInstanceType|AllowedInstanceTypeSet|AllowedInstanceTypes.member" reply:"allowedInstanceTypeSet,omitempty" group:"AllowedInstanceTypes,omitempty"`
	Generations              []string    `query:"InstanceGeneration|InstanceGenerationSet|InstanceGenerations.member" reply:"instanceGenerationSet,omitempty" group:"InstanceGenerations,omitempty"`
	SpotOverLowest           *int        `query:"SpotMaxPricePercentageOverLowestPrice" reply:"spotMaxPricePercentageOverLowestPrice,omitempty" group:"SpotMaxPricePercentageOverLowestPrice,omitempty"`
	SpotOfOnDemand           *int        `query:"MaxSpotPriceAsPercentageOfOptimalOnDemandPrice" reply:"maxSpotPriceAsPercentageOfOptimalOnDemandPrice,omitempty" group:"MaxSpotPriceAsPercentageOfOptimalOnDemandPrice,omitempty"`
	OnDemandOverLowest       *int        `query:"OnDemandMaxPricePercentageOverLowestPrice" reply:"onDemandMaxPricePercentageOverLowestPrice,omitempty" group:"OnDemandMaxPricePercentageOverLowestPrice,omitempty"`
	BareMetal                string      `query:"BareMetal" reply:"bareMetal,omitempty" group:"BareMetal,omitempty"`
	Burstable                string      `query:"BurstablePerformance" reply:"burstablePerformance,omitempty" group:"BurstablePerformance,omitempty"`
	Hibernation              *bool       `query:"RequireHibernateSupport" reply:"requireHibernateSupport,omitempty" group:"RequireHibernateSupport,omitempty"`
	Encryption               *bool       `query:"RequireEncryptionInTransit" reply:"requireEncryptionInTransit,omitempty" group:"RequireEncryptionInTransit,omitempty"`
	Interfaces               *wholeRange `query:"NetworkInterfaceCount" reply:"networkInterfaceCount,omitempty" group:"NetworkInterfaceCount,omitempty"`
	NetworkGbps              *numRange   `query:"NetworkBandwidthGbps" reply:"networkBandwidthGbps,omitempty" group:"NetworkBandwidthGbps,omitempty"`
	EBSMbps                  *wholeRange `query:"BaselineEbsBandwidthMbps" reply:"baselineEbsBandwidthMbps,omitempty" group:"BaselineEbsBandwidthMbps,omitempty"`
	LocalStorage             string      `query:"LocalStorage" reply:"localStorage,omitempty" group:"LocalStorage,omitempty"`
	LocalStorageTypes        []string    `query:"LocalStorageType|LocalStorageTypeSet|LocalStorageTypes.member" reply:"localStorageTypeSet,omitempty" group:"LocalStorageTypes,omitempty"`
	LocalStorageGB           *numRange   `query:"TotalLocalStorageGB" reply:"totalLocalStorageGB,omitempty" group:"TotalLocalStorageGB,omitempty"`
	Accelerators             *wholeRange `query:"AcceleratorCount" reply:"acceleratorCount,omitempty" group:"AcceleratorCount,omitempty"`
	AcceleratorTypes         []string    `query:"AcceleratorType|AcceleratorTypeSet|AcceleratorTypes.member" reply:"acceleratorTypeSet,omitempty" group:"AcceleratorTypes,omitempty"`
	AcceleratorManufacturers []string    `query:"AcceleratorManufacturer|AcceleratorManufacturerSet|AcceleratorManufacturers.member" reply:"acceleratorManufacturerSet,omitempty" group:"AcceleratorManufacturers,omitempty"`
	AcceleratorNames         []string    `query:"AcceleratorName|AcceleratorNameSet|AcceleratorNames.member" reply:"acceleratorNameSet,omitempty" group:"AcceleratorNames,omitempty"`
	AcceleratorMemory        *wholeRange `query:"AcceleratorTotalMemoryMiB" reply:"acceleratorTotalMemoryMiB,omitempty" group:"AcceleratorTotalMemoryMiB,omitempty"`
}

type wholeRange struct {
	Min *int `query:"Min" reply:"min,omitempty" group:"Min,omitempty"`
	Max *int `query:"Max" reply:"max,omitempty" group:"Max,omitempty"`
}

type numRange struct {
	Min *float64 `query:"Min" reply:"min,omitempty" group:"Min,omitempty"`
	Max *float64 `query:"Max" reply:"max,omitempty" group:"Max,omitempty"`
}

func (r *wholeRange) has(n int) bool {
	return r == nil || (r.Min == nil || n >= *r.Min) && (r.Max == nil || n <= *r.Max)
}

func (r *numRange) has(n float64) bool {
	return r == nil || (r.Min == nil || n >= *r.Min) && (r.Max == nil || n <= *r.Max)
}

func (r *instanceRequirements) check() error {
	switch {
	case r.VCPUs == nil || r.VCPUs.Min == nil:
		return missingParameter("InstanceRequirements.VCpuCount.Min")
	case r.MemoryMiB == nil || r.MemoryMiB.Min == nil:
		return missingParameter("InstanceRequirements.MemoryMiB.Min")
	case len(r.Allowed) > 0 && len(r.Excluded) > 0:
		return errorf("InvalidParameterCombination", "AllowedInstanceTypes and ExcludedInstanceTypes cannot be used together.")
	case r.SpotOverLowest != nil && r.SpotOfOnDemand != nil:
		return errorf("InvalidParameterCombination", "Only one of SpotMaxPricePercentageOverLowestPrice and MaxSpotPriceAsPercentageOfOptimalOnDemandPrice can be specified.")
	}
	for _, s := range []struct{ name, value string }{{"BareMetal", r.BareMetal}, {"BurstablePerformance", r.Burstable}, {"LocalStorage", r.LocalStorage}} {
		if s.value != "" && !slices.Contains([]string{"included", "excluded", "required"}, s.value) {
			return invalidValue(clip(s.value, 32), s.name, "Expecting included, excluded or required.")
		}
	}
	return checkWords("CpuManufacturers", r.Manufacturers, "intel", "amd", "amazon-web-services", "apple")
}

func checkWords(name string, values []string, known ...string) error {
	for _, v := range values {
		if !slices.Contains(known, v) {
			return invalidValue(clip(v, 64), name, "Expecting one of "+joined(known)+".")
		}
	}
	return nil
}

// admits is about everything but prices.
func (r *instanceRequirements) admits(t InstanceType) bool {
	for _, ok := range []bool{
		r.VCPUs.has(t.VCPUs), r.MemoryMiB.has(t.MemoryMiB),
		r.MemoryGiBPerVCPU.has(float64(t.MemoryMiB) / 1024 / float64(t.VCPUs)),
		len(r.Manufacturers) == 0 || slices.Contains(r.Manufacturers, t.requirementsManufacturer()),
		len(r.Allowed) == 0 || matcher(r.Allowed)(t.Name), !matcher(r.Excluded)(t.Name),
		len(r.Generations) == 0 || slices.Contains(r.Generations, t.generation()),
		choice(r.BareMetal, false), choice(r.Burstable, t.Burstable), choice(defaulted(r.LocalStorage, "included"), t.LocalStorageGB > 0),
		len(r.LocalStorageTypes) == 0 || t.LocalStorageGB == 0 || slices.Contains(r.LocalStorageTypes, "ssd"),
		r.LocalStorageGB == nil || r.LocalStorageGB.has(t.LocalStorageGB),
		!value(r.Hibernation) || t.hibernates(), !value(r.Encryption) || t.encryptsInTransit(),
		r.Interfaces.has(t.interfaces()), r.NetworkGbps.has(t.networkGbps()), r.EBSMbps.has(t.ebsMbps()),
		r.Accelerators.has(0), r.AcceleratorMemory.has(0),
		len(r.AcceleratorTypes)+len(r.AcceleratorManufacturers)+len(r.AcceleratorNames) == 0,
	} {
		if !ok {
			return false
		}
	}
	return true
}

// choice is one of included, excluded and required; excluded is what AWS takes when nothing is said.
func choice(wanted string, has bool) bool {
	switch wanted {
	case "included":
		return true
	case "required":
		return has
	default:
		return !has
	}
}

// matching returns the types that satisfy requirements and run an architecture, by name.
func (c *Cloud) matching(r *instanceRequirements, architectures ...string) []InstanceType {
	var found []InstanceType
	for _, name := range slices.Sorted(maps.Keys(c.types)) {
		t := c.types[name]
		runs := slices.ContainsFunc(t.Architectures, func(a string) bool { return slices.Contains(architectures, a) })
		if runs && r.admits(t) {
			found = append(found, t)
		}
	}
	return found
}

// affordable takes out of the types those that price protection protects from: by default 20 percent above the cheapest
// current type on demand, and 100 percent as spot. Prices are per unit of capacity.
func (c *Cloud) affordable(r *instanceRequirements, found []InstanceType, lifecycle, unit string) []InstanceType {
	onDemand := func(t InstanceType) float64 { return t.Price / unitsOf(t, unit) }
	spot := func(t InstanceType) float64 { return c.spotPrice(t, c.options.Zones[0]) / unitsOf(t, unit) }
	price, reference, percent := onDemand, onDemand, 120
	switch {
	case lifecycle == OnDemand && r.OnDemandOverLowest != nil:
		percent = 100 + *r.OnDemandOverLowest
	case lifecycle == Spot && r.SpotOfOnDemand != nil:
		price, percent = spot, *r.SpotOfOnDemand
	case lifecycle == Spot:
		price, reference, percent = spot, spot, 200
		if r.SpotOverLowest != nil {
			percent = 100 + *r.SpotOverLowest
		}
	}
	lowest := math.Inf(1)
	for _, t := range found {
		if !t.Previous {
			lowest = min(lowest, reference(t))
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(t InstanceType) bool {
		return cmp.Compare(price(t), lowest*float64(percent)/100) > 0
	})
}

// Units of capacity.
const (
	unitVCPU   = "vcpu"
	unitMemory = "memory-mib"
)

func unitsOf(t InstanceType, unit string) float64 {
	switch unit {
	case unitVCPU:
		return float64(t.VCPUs)
	case unitMemory:
		return float64(t.MemoryMiB)
	default:
		return 1
	}
}

func (t InstanceType) requirementsManufacturer() string {
	if t.Manufacturer == "AWS" {
		return "amazon-web-services"
	}
	return strings.ToLower(t.Manufacturer)
}

func (t InstanceType) generation() string {
	if t.Previous {
		return "previous"
	}
	return "current"
}

// The following follow from size and generation, roughly as in AWS's tables.

func (t InstanceType) hibernates() bool {
	return slices.Contains(t.Architectures, "x86_64") && t.MemoryMiB <= 150<<10
}

func (t InstanceType) encryptsInTransit() bool {
	return len(t.Name) > 1 && t.Name[0] != 't' && t.Name[1] >= '6'
}

func (t InstanceType) interfaces() int {
	switch {
	case t.VCPUs <= 1:
		return 2
	case t.VCPUs <= 2:
		return 3
	case t.VCPUs <= 8:
		return 4
	case t.VCPUs <= 48:
		return 8
	default:
		return 15
	}
}

func (t InstanceType) networkGbps() float64 { return min(100, max(0.75, 0.39*float64(t.VCPUs))) }

func (t InstanceType) ebsMbps() int { return min(40_000, max(650, 312*t.VCPUs)) }

type requirementsInput struct {
	Architectures  []string              `query:"ArchitectureType"`
	Virtualization []string              `query:"VirtualizationType"`
	Requirements   *instanceRequirements `query:"InstanceRequirements"`
	Context        string                `query:"Context"`
	pageInput
}

type requirementsReply struct {
	Types []struct {
		Name string `reply:"instanceType"`
	} `reply:"instanceTypeSet"`
	NextToken string `reply:"nextToken,omitempty"`
}

// instanceTypesFromRequirements does not look at prices: price protection is for launches.
func (c *Cloud) instanceTypesFromRequirements(call *call, in *requirementsInput) (any, error) {
	switch {
	case len(in.Architectures) == 0:
		return nil, missingParameter("ArchitectureType")
	case len(in.Virtualization) == 0:
		return nil, missingParameter("VirtualizationType")
	case in.Requirements == nil:
		return nil, missingParameter("InstanceRequirements")
	}
	if err := in.Requirements.check(); err != nil {
		return nil, err
	}
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var reply requirementsReply
	if !slices.Contains(in.Virtualization, "hvm") {
		return reply, nil
	}
	for n, t := range c.matching(in.Requirements, in.Architectures...) {
		if page.admit(n + 1) {
			reply.Types = append(reply.Types, struct {
				Name string `reply:"instanceType"`
			}{t.Name})
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

package awssim

import (
	"maps"
	"slices"
	"strconv"
)

// InstanceType is a kind of instance.
type InstanceType struct {
	Name  string `json:"name"`
	VCPUs int    `json:"vcpus"`
	// ThreadsPerCore defaults to 1.
	ThreadsPerCore int `json:"threadsPerCore"`
	MemoryMiB      int `json:"memoryMiB"`
	// Architectures defaults to x86_64.
	Architectures []string `json:"architectures"`
	Manufacturer  string   `json:"manufacturer"`
	// Previous marks a type of an earlier generation.
	Previous  bool `json:"previous,omitempty"`
	Burstable bool `json:"burstable,omitempty"`
	// LocalStorageGB is what instance store volumes have in all.
	LocalStorageGB float64 `json:"localStorageGB,omitempty"`
	// Zones are those that offer the type; empty means all.
	Zones []string `json:"zones,omitempty"`
	// Price is US dollars per hour on demand; it orders pools.
	Price float64 `json:"price"`
}

func (t InstanceType) cores() int { return t.VCPUs / t.ThreadsPerCore }

func (t InstanceType) withDefaults() InstanceType {
	setDefault(&t.ThreadsPerCore, 1)
	setDefault(&t.Manufacturer, "Intel")
	if len(t.Architectures) == 0 {
		t.Architectures = []string{"x86_64"}
	}
	// Types without a price of their own are ordered by their size.
	setDefault(&t.Price, 0.04*float64(t.VCPUs)+0.004*float64(t.MemoryMiB)/1024)
	return t
}

func instanceTypes(added []InstanceType) map[string]InstanceType {
	types := map[string]InstanceType{}
	for _, f := range instanceFamilies() {
		for _, size := range f.sizes {
			t := f.instanceType(size)
			types[t.Name] = t
		}
	}
	for _, t := range added {
		types[t.Name] = t.withDefaults()
	}
	return types
}

func (c *Cloud) instanceType(name string) (InstanceType, error) {
	t, ok := c.types[name]
	if !ok {
		return InstanceType{}, errorf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", clip(name, 64))
	}
	return t, nil
}

type describeInstanceTypesInput struct {
	InstanceTypes []string `query:"InstanceType"`
	Filters       []filter `query:"Filter"`
	pageInput
}

type instanceTypeReply struct {
	Name              string   `reply:"instanceType"`
	CurrentGeneration bool     `reply:"currentGeneration"`
	FreeTierEligible  bool     `reply:"freeTierEligible"`
	UsageClasses      []string `reply:"supportedUsageClasses"`
	RootDeviceTypes   []string `reply:"supportedRootDeviceTypes"`
	Virtualization    []string `reply:"supportedVirtualizationTypes"`
	BareMetal         bool     `reply:"bareMetal"`
	Hypervisor        string   `reply:"hypervisor"`
	Processor         struct {
		Architectures []string `reply:"supportedArchitectures"`
		Manufacturer  string   `reply:"manufacturer"`
	} `reply:"processorInfo"`
	VCPU struct {
		VCPUs          int `reply:"defaultVCpus"`
		Cores          int `reply:"defaultCores"`
		ThreadsPerCore int `reply:"defaultThreadsPerCore"`
	} `reply:"vCpuInfo"`
	Memory struct {
		MiB int `reply:"sizeInMiB"`
	} `reply:"memoryInfo"`
	InstanceStorage bool `reply:"instanceStorageSupported"`
	Burstable       bool `reply:"burstablePerformanceSupported"`
}

type describeInstanceTypesReply struct {
	Types     []instanceTypeReply `reply:"instanceTypeSet"`
	NextToken string              `reply:"nextToken,omitempty"`
}

func instanceTypeFields() fields[InstanceType] {
	return fields[InstanceType]{
		"instance-type":                         one(func(t InstanceType) string { return t.Name }),
		"current-generation":                    one(func(t InstanceType) string { return strconv.FormatBool(!t.Previous) }),
		"burstable-performance-supported":       one(func(t InstanceType) string { return strconv.FormatBool(t.Burstable) }),
		"bare-metal":                            one(func(InstanceType) string { return "false" }),
		"processor-info.supported-architecture": many(func(t InstanceType) []string { return t.Architectures }),
		"supported-usage-class":                 many(func(InstanceType) []string { return []string{OnDemand, Spot} }),
		"vcpu-info.default-vcpus":               one(func(t InstanceType) string { return strconv.Itoa(t.VCPUs) }),
		"vcpu-info.default-cores":               one(func(t InstanceType) string { return strconv.Itoa(t.cores()) }),
		"vcpu-info.default-threads-per-core":    one(func(t InstanceType) string { return strconv.Itoa(t.ThreadsPerCore) }),
		"memory-info.size-in-mib":               one(func(t InstanceType) string { return strconv.Itoa(t.MemoryMiB) }),
	}
}

func (c *Cloud) describeInstanceTypes(call *call, in *describeInstanceTypesInput) (any, error) {
	if len(in.InstanceTypes) > 0 && in.MaxResults != nil {
		return nil, errorf("InvalidParameterCombination", "The parameter instanceTypes cannot be used with the parameter maxResults")
	}
	if len(in.InstanceTypes) > 100 {
		return nil, invalidValue(len(in.InstanceTypes), "InstanceType", "Expecting at most 100 instance types.")
	}
	var unknown []string
	for _, name := range in.InstanceTypes {
		if _, ok := c.types[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, errorf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", joined(unknown))
	}
	match, err := compile(in.Filters, instanceTypeFields(), nil)
	if err != nil {
		return nil, err
	}
	if in.MaxResults == nil {
		// The only Describe call here that EC2 always pages.
		largest := 100
		in.MaxResults = &largest
	}
	page, err := in.page(call, 5, 100)
	if err != nil {
		return nil, err
	}
	var reply describeInstanceTypesReply
	for i, name := range slices.Sorted(maps.Keys(c.types)) {
		if len(in.InstanceTypes) > 0 && !slices.Contains(in.InstanceTypes, name) {
			continue
		}
		if t := c.types[name]; match(t) && page.admit(i+1) {
			reply.Types = append(reply.Types, t.reply())
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (t InstanceType) reply() instanceTypeReply {
	r := instanceTypeReply{
		Name: t.Name, CurrentGeneration: !t.Previous, UsageClasses: []string{OnDemand, Spot},
		RootDeviceTypes: []string{"ebs"}, Virtualization: []string{"hvm"}, Hypervisor: "nitro", Burstable: t.Burstable,
	}
	if t.Previous {
		r.Hypervisor = "xen"
	}
	r.Processor.Architectures, r.Processor.Manufacturer = t.Architectures, t.Manufacturer
	r.VCPU.VCPUs, r.VCPU.Cores, r.VCPU.ThreadsPerCore = t.VCPUs, t.cores(), t.ThreadsPerCore
	r.Memory.MiB = t.MemoryMiB
	return r
}

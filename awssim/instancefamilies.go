package awssim

import (
	"strconv"
	"strings"
)

// family describes the types of one instance family by its size large: the others are multiples of it.
type family struct {
	name         string
	manufacturer string
	arch         []string
	// threads per core: 1 on Graviton and on AMD from generation 7 on.
	threads int
	// memory of a large in MiB.
	memory int
	// price of a large per hour, on demand, Linux, us-east-1, rounded; it orders pools and bills nobody.
	price float64
	sizes []string
}

func instanceFamilies() []family {
	const (
		intel, amd, aws = "Intel", "AMD", "AWS"
		gib             = 1024
	)
	x86, arm := []string{"x86_64"}, []string{"arm64"}
	sizes := func(from, to string) []string {
		all := strings.Fields("nano micro small medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge")
		var in []string
		for _, size := range all {
			if size == from || len(in) > 0 {
				in = append(in, size)
			}
			if size == to {
				break
			}
		}
		return in
	}
	return []family{
		{"t2", intel, []string{"i386", "x86_64"}, 1, 8 * gib, 0.0928, sizes("nano", "2xlarge")},
		{"t3", intel, x86, 2, 8 * gib, 0.0832, sizes("nano", "2xlarge")},
		{"t3a", amd, x86, 2, 8 * gib, 0.0752, sizes("nano", "2xlarge")},
		{"t4g", aws, arm, 1, 8 * gib, 0.0672, sizes("nano", "2xlarge")},
		{"m5", intel, x86, 2, 8 * gib, 0.096, sizes("large", "24xlarge")},
		{"m5a", amd, x86, 2, 8 * gib, 0.086, sizes("large", "24xlarge")},
		{"m6i", intel, x86, 2, 8 * gib, 0.096, sizes("large", "32xlarge")},
		{"m6a", amd, x86, 2, 8 * gib, 0.0864, sizes("large", "48xlarge")},
		{"m6g", aws, arm, 1, 8 * gib, 0.077, sizes("medium", "16xlarge")},
		{"m7i", intel, x86, 2, 8 * gib, 0.1008, without(sizes("large", "48xlarge"), "32xlarge")},
		{"m7a", amd, x86, 1, 8 * gib, 0.1159, sizes("medium", "48xlarge")},
		{"m7g", aws, arm, 1, 8 * gib, 0.0816, sizes("medium", "16xlarge")},
		{"c5", intel, x86, 2, 4 * gib, 0.085, strings.Fields("large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge")},
		{"c5a", amd, x86, 2, 4 * gib, 0.077, sizes("large", "24xlarge")},
		{"c6i", intel, x86, 2, 4 * gib, 0.085, sizes("large", "32xlarge")},
		{"c6a", amd, x86, 2, 4 * gib, 0.0765, sizes("large", "48xlarge")},
		{"c6g", aws, arm, 1, 4 * gib, 0.068, sizes("medium", "16xlarge")},
		{"c7i", intel, x86, 2, 4 * gib, 0.0893, without(sizes("large", "48xlarge"), "32xlarge")},
		{"c7a", amd, x86, 1, 4 * gib, 0.1026, sizes("medium", "48xlarge")},
		{"c7g", aws, arm, 1, 4 * gib, 0.0725, sizes("medium", "16xlarge")},
		{"r5", intel, x86, 2, 16 * gib, 0.126, sizes("large", "24xlarge")},
		{"r5a", amd, x86, 2, 16 * gib, 0.113, sizes("large", "24xlarge")},
		{"r6i", intel, x86, 2, 16 * gib, 0.126, sizes("large", "32xlarge")},
		{"r6a", amd, x86, 2, 16 * gib, 0.1134, sizes("large", "48xlarge")},
		{"r6g", aws, arm, 1, 16 * gib, 0.1008, sizes("medium", "16xlarge")},
		{"r7i", intel, x86, 2, 16 * gib, 0.1323, without(sizes("large", "48xlarge"), "32xlarge")},
		{"r7g", aws, arm, 1, 16 * gib, 0.1071, sizes("medium", "16xlarge")},
	}
}

func without(sizes []string, unwanted string) []string {
	var kept []string
	for _, size := range sizes {
		if size != unwanted {
			kept = append(kept, size)
		}
	}
	return kept
}

func (f family) instanceType(size string) InstanceType {
	larges := 1.0
	switch size {
	case "nano":
		larges = 1.0 / 16
	case "micro":
		larges = 1.0 / 8
	case "small":
		larges = 1.0 / 4
	case "medium":
		larges = 1.0 / 2
	case "large":
	default:
		n, _ := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
		larges = 2 * float64(max(n, 1))
	}
	burstable := strings.HasPrefix(f.name, "t")
	vcpus := int(2 * larges)
	if burstable {
		// Small burstable types differ in credits and memory, not in vCPUs.
		vcpus = max(vcpus, 2)
	}
	if f.name == "t2" && larges < 0.5 {
		vcpus = 1
	}
	return InstanceType{
		Name: f.name + "." + size, VCPUs: vcpus, ThreadsPerCore: f.threads, MemoryMiB: int(larges * float64(f.memory)),
		Architectures: f.arch, Manufacturer: f.manufacturer, Previous: f.name == "t2", Burstable: burstable,
		Price: larges * f.price,
	}
}

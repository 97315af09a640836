// Package spec is the AWS part of a template: its fields decoded, checked and completed by the provider's defaults.
// It refuses unknown fields by name, and values that no launch API takes; it calls nobody.
package spec

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// Spec is what a template says about machines on AWS.
type Spec struct {
	Image           string // ami-… or resolve:ssm:…
	Types           []Type // in the order in which they are tried
	Weighted        bool   // the types came with weights
	Subnets         []string
	SecurityGroups  []string
	Key             string
	InstanceProfile string // a name or an ARN
	UserDataScript  string // a path, or the text itself
	Volume          Volume
	Monitoring      *bool
	EBSOptimized    *bool
	PublicIP        *bool
	Tags            Tags

	PriceType        string
	MaxPrice         Price
	Strategy         string // of spot fleets, in EC2's hyphenated spelling
	StrategyOnDemand string
	Pools            int    // spot pools to spread over, with lowest-price
	FleetType        string // instant, request or maintain
	FleetRole        string // an ARN or a short name
	Context          string

	PercentOnDemand *int          // of heterogeneous templates: the static share, nil for spot first and the rest on demand
	OnDemandTypes   []Type        // of heterogeneous templates: what is launched on demand, if other than Types
	SpotExpiry      time.Duration // how long a spot fleet may try

	// Requirements stand in place of Types: EC2 picks the machine types that meet them.
	Requirements *types.InstanceRequirementsRequest

	LaunchTemplate        string // the operator's own, lt-…
	LaunchTemplateVersion string
	Native                Native
	CPUMode               CPUMode
	PriceInfo             string // PriceAuto, or nothing

	weights         Weights
	weightsOnDemand Weights
	priorities      Weights
	single          string
	expiry          int // minutes
	own             map[string]bool
	fields          strict.Object // as written
}

// Native holds documents in AWS's own words that the template lays over the calls made for it, or puts in their place.
type Native struct {
	LaunchTemplate     json.RawMessage // the data of the launch template
	LaunchTemplateFile string
	Call               json.RawMessage // the input of the launch API
	CallFile           string
}

// Set says whether there is any.
func (n Native) Set() bool { return n.setsContent() || len(n.Call) > 0 || n.CallFile != "" }

// Type is a machine type that the template may launch.
type Type struct {
	Name     string
	Weight   int  // units that one machine counts for, at least 1
	Priority *int // lower is better; nil when the template gives none
}

// Volume is the root volume; zero values leave it as the image says.
type Volume struct {
	Size int // GiB, 1 to 16384
	Type string
	IOPS int
}

// Set says whether the template changes anything of the root volume.
func (v Volume) Set() bool { return v != Volume{} }

// CPUMode says what Host Factory is told about processors.
type CPUMode string

// The modes. In each, ncores times ncpus is the number of usable slots.
const (
	VCPUs   CPUMode = "vcpus"   // every hardware thread is a slot
	Cores   CPUMode = "cores"   // every physical core is a slot, as IBM recommends for hyperthreaded types
	Sockets CPUMode = "sockets" // one cpu with all the physical cores of the machine
)

// PriceAuto asks for the attribute priceInfo with the price that is known: the last spot price that AWS told, or what
// the operator says that machines cost on demand.
const PriceAuto = "auto"

// The price types.
const (
	PriceOnDemand      = "ondemand"
	PriceSpot          = "spot"
	PriceHeterogeneous = "heterogeneous"
)

// Lifecycle is how the template's machines are paid for.
func (s Spec) Lifecycle() ohfp.Lifecycle {
	if s.PriceType == PriceSpot {
		return ohfp.Spot
	}
	return ohfp.OnDemand
}

// Own says whether the template itself sets a field, rather than a default of the provider. A default that does not
// apply to a template is passed over; a field that does not apply is an error.
func (s Spec) Own(field string) bool { return s.own[field] }

// Expires says whether spot capacity is waited for as long as SpotExpiry says: where the template or a default says so,
// and always by an API that asks for it, where it is IBM's half hour otherwise.
func (s Spec) Expires(always bool) bool {
	_, written := s.fields["spotFleetRequestExpiry"]
	return always || s.Own("spotFleetRequestExpiry") || written && s.PriceType != PriceOnDemand
}

// Units says whether a request's count means units, the weights of machines, instead of machines.
func (s Spec) Units(t ohfp.Template) bool {
	switch t.CapacityUnit {
	case ohfp.CapacityMachines:
		return false
	case ohfp.CapacityUnits:
		return true
	default:
		return s.Weighted && s.PriceType != PriceOnDemand
	}
}

// Prioritized says whether the template ranks its machine types.
func (s Spec) Prioritized() bool {
	return slices.ContainsFunc(s.Types, func(t Type) bool { return t.Priority != nil })
}

// targets maps the names of fields, as templates write them, to where they are stored.
func (s *Spec) targets() map[string]any {
	return map[string]any{
		"imageId":                    &s.Image,
		"vmType":                     &s.single,
		"vmTypes":                    &s.weights,
		"vmTypesPriority":            &s.priorities,
		"keyName":                    &s.Key,
		"subnetId":                   (*list)(&s.Subnets),
		"subnetIds":                  (*list)(&s.Subnets),
		"securityGroupIds":           (*list)(&s.SecurityGroups),
		"priceType":                  &s.PriceType,
		"maxSpotPrice":               &s.MaxPrice,
		"allocationStrategy":         (*strategy)(&s.Strategy),
		"allocationStrategyOnDemand": (*strategy)(&s.StrategyOnDemand),
		"poolsCount":                 &s.Pools,
		"instanceTags":               &s.Tags,
		"instanceProfile":            &s.InstanceProfile,
		"userDataScript":             &s.UserDataScript,
		"rootDeviceVolumeSize":       &s.Volume.Size,
		"volumeType":                 &s.Volume.Type,
		"iops":                       &s.Volume.IOPS,
		"launchTemplateId":           &s.LaunchTemplate,
		"launchTemplateVersion":      (*version)(&s.LaunchTemplateVersion),
		"fleetType":                  &s.FleetType,
		"fleetRole":                  &s.FleetRole,
		"percentOnDemand":            &s.PercentOnDemand,
		"vmTypesOnDemand":            &s.weightsOnDemand,
		"spotFleetRequestExpiry":     &s.expiry,
		"abisInstanceRequirements":   (*requirements)(s.Requirements),
		"launch_template_spec":       &s.Native.LaunchTemplate,
		"launch_template_spec_file":  &s.Native.LaunchTemplateFile,
		"provider_api_spec":          &s.Native.Call,
		"provider_api_spec_file":     &s.Native.CallFile,
		"context":                    &s.Context,
		"monitoring":                 &s.Monitoring,
		"ebsOptimized":               &s.EBSOptimized,
		"associatePublicIpAddress":   &s.PublicIP,
		"ncpusMode":                  &s.CPUMode,
		"priceInfo":                  &s.PriceInfo,
	}
}

// Names lists every field that a template may have.
func Names() []string {
	var s Spec
	names := make([]string, 0, 40)
	for name := range s.targets() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// exclusive lists fields of which a template has one; among several ways to say one thing, a default yields to the
// template's own.
func exclusive() [][]string {
	return [][]string{
		{"vmType", "vmTypes", "abisInstanceRequirements"},
		{"subnetId", "subnetIds"},
		{"launch_template_spec", "launch_template_spec_file"},
		{"provider_api_spec", "provider_api_spec_file"},
	}
}

// Decode reads a template's fields with the defaults below them. It checks what a field may hold, not what a launch
// API does with it.
func Decode(raw json.RawMessage, defaults strict.Object) (Spec, error) {
	written, err := strict.Parse(raw)
	if err != nil {
		return Spec{}, err
	}
	own, err := Canonical(written)
	if err != nil {
		return Spec{}, err
	}
	s := Spec{
		PriceType: PriceOnDemand, CPUMode: VCPUs, expiry: defaultExpiry, own: map[string]bool{},
		Requirements: &types.InstanceRequirementsRequest{},
	}
	fields := strict.Object{}
	for name, value := range own {
		s.own[name] = true
		fields[name] = value
	}
	for _, group := range exclusive() {
		set := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return !s.own[name] })
		if len(set) > 1 {
			return Spec{}, ohfp.Errorf(ohfp.ErrInvalid, "%s and %s are both set; keep one of them", set[0], set[1])
		}
	}
	for name, value := range defaults {
		if !s.own[name] && !slices.ContainsFunc(otherNames(name), s.Own) {
			fields[name] = value
		}
	}
	s.fields = maps.Clone(fields)
	if err := fields.Decode(s.targets()); err != nil {
		return Spec{}, err
	}
	if _, ok := fields["abisInstanceRequirements"]; !ok {
		s.Requirements = nil
	}
	s.SpotExpiry = time.Duration(s.expiry) * time.Minute
	s.orderTypes()
	if err := s.check(); err != nil {
		return Spec{}, err
	}
	s.dropDefaults()
	return s, nil
}

// dropDefaults forgets what the provider's defaults say and means nothing for the template's price type.
func (s *Spec) dropDefaults() {
	if s.PriceType != PriceHeterogeneous && !s.Own("percentOnDemand") {
		s.PercentOnDemand = nil
	}
	if s.PriceType != PriceHeterogeneous && !s.Own("vmTypesOnDemand") {
		s.OnDemandTypes = nil
	}
	if s.PriceType == PriceOnDemand && !s.Own("maxSpotPrice") {
		s.MaxPrice = ""
	}
	if s.PriceType == PriceOnDemand && !s.Own("poolsCount") {
		s.Pools = 0
	}
}

// Canonical checks the names of fields and gives those with underscores (image_id) the spelling of template files.
func Canonical(written strict.Object) (strict.Object, error) {
	names := Names()
	spellings := make(map[string]string, len(names))
	for _, name := range names {
		spellings[fold(name)] = name
	}
	native := map[string]string{
		"launchTemplateSpec": "launch_template_spec", "launchTemplateSpecFile": "launch_template_spec_file",
		"providerApiSpec": "provider_api_spec", "providerApiSpecFile": "provider_api_spec_file",
	}
	fields := make(strict.Object, len(written))
	for _, name := range slices.Sorted(maps.Keys(written)) {
		spelled := name
		if canonical, ok := spellings[fold(name)]; ok && strings.Contains(name, "_") {
			spelled = canonical
		} else if canonical, ok := native[name]; ok {
			spelled = canonical
		}
		if ours := elsewhere(spelled); ours != "" {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is not known; write %s", name, ours)
		}
		if _, twice := fields[spelled]; twice {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s and %s are both set; keep one of them", spelled, name)
		}
		fields[spelled] = written[name]
	}
	return fields, fields.Check(names)
}

// elsewhere is the field that has another name in the systems that this one replaces, which a likeness would not find.
func elsewhere(name string) string {
	return map[string]string{
		"userdata": "userDataScript", "tags": "instanceTags", "maxprice": "maxSpotPrice",
		"instancetype": "vmType", "instancetypes": "vmTypes", "machinetypes": "vmTypes",
		"instancetypesondemand": "vmTypesOnDemand", "machinetypesondemand": "vmTypesOnDemand",
		"instancetypespriority": "vmTypesPriority", "machinetypespriority": "vmTypesPriority",
		"rootvolumesize": "rootDeviceVolumeSize", "rootvolumetype": "volumeType", "rootvolumeiops": "iops",
	}[fold(name)]
}

// Group names what fields have in common of which a template has one: vmType and vmTypes, or two spellings of a name.
func Group(name string) string {
	folded := fold(name)
	for _, group := range exclusive() {
		if slices.ContainsFunc(group, func(member string) bool { return fold(member) == folded }) {
			return fold(group[0])
		}
	}
	return folded
}

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// otherNames are the ways to say what a field says.
func otherNames(name string) []string {
	for _, group := range exclusive() {
		if slices.Contains(group, name) {
			return group
		}
	}
	return nil
}

// orderTypes puts the machine types in the order in which they are tried: by priority where there are priorities, else
// the heaviest first, and as written among equals.
func (s *Spec) orderTypes() {
	if s.single != "" {
		s.Types = []Type{{Name: s.single, Weight: 1}}
	} else {
		s.Types = s.ordered(s.weights)
	}
	s.Weighted = len(s.weights) > 0
	s.OnDemandTypes = s.ordered(s.weightsOnDemand)
}

func (s *Spec) ordered(weights Weights) []Type {
	if len(weights) == 0 {
		return nil
	}
	list := make([]Type, len(weights))
	for i, w := range weights {
		list[i] = Type{Name: w.Name, Weight: w.Weight}
		for _, p := range s.priorities {
			if p.Name == w.Name {
				list[i].Priority = &p.Weight
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Type) int {
		if len(s.priorities) > 0 {
			return cmp.Compare(rank(a), rank(b))
		}
		return cmp.Compare(b.Weight, a.Weight)
	})
	return list
}

// rank puts types without a priority last, as EC2 does.
func rank(t Type) int {
	if t.Priority == nil {
		return maxPriority + 1
	}
	return *t.Priority
}

// Fields returns the template's fields as they are written, the provider's defaults among them.
func (s Spec) Fields() map[string]json.RawMessage { return s.fields }

// VMTypes returns the weights by machine type, empty when the template has a single type.
func (s Spec) VMTypes() map[string]int {
	out := make(map[string]int, len(s.weights))
	for _, w := range s.weights {
		out[w.Name] = w.Weight
	}
	return out
}

package fake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The APIs that a template may name in providerApi. Empty means Instances for one type and Fleet for several.
const (
	APIInstances = "Instances"
	APIFleet     = "Fleet"
	// APIGroup makes a group that launches by itself and replaces what it loses.
	APIGroup = "Group"
	// APIRequest makes a request that launches by itself up to its target, and replaces nothing.
	APIRequest = "Request"
)

// YieldsAfter is how long a group or request with a fallback may stay short before it yields.
const YieldsAfter = 2 * time.Minute

// defaultZone is where machines run whose template names no zones.
const defaultZone = "zone-a"

// maxWeight bounds the units that one machine may count for, as EC2 does.
const maxWeight = 999

// machineType is what a type of machine offers.
type machineType struct {
	cpus   int
	memory int        // MiB
	price  ohfp.Price // on demand; 0: the cloud does not tell
}

// machineTypes are all the types that the cloud has.
var machineTypes = map[string]machineType{
	"small":  {cpus: 1, memory: 2048, price: 10_000},
	"medium": {cpus: 2, memory: 4096, price: 20_000},
	"large":  {cpus: 4, memory: 16384, price: 80_000},
	"huge":   {cpus: 64, memory: 262144},
}

// spec is the cloud's own part of a template.
type spec struct {
	Type  string         `json:"type,omitempty"`
	Types map[string]int `json:"types,omitempty"` // units that a machine of the type counts for
	Zones []string       `json:"zones,omitempty"`
	// Fallback is the type of a second way, for groups and requests: what they could not launch as spot machines within
	// [YieldsAfter] is launched by Instances of this type.
	Fallback string `json:"fallback,omitempty"`
}

// offering is one type in one zone, and the units that a machine of it counts for.
type offering struct {
	Type   string `json:"type"`
	Zone   string `json:"zone"`
	Weight int    `json:"weight"`
}

func (o offering) String() string { return o.Type + "/" + o.Zone }

// decodeSpec reads the cloud's part of a template and refuses whatever it cannot launch.
func decodeSpec(t ohfp.Template) (spec, error) {
	var s spec
	decoder := json.NewDecoder(bytes.NewReader(t.Spec))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a spec that cannot be read: %w; use type or types, zones and fallback", t.ID, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a spec with more than one value; write one object", t.ID)
	}
	switch {
	case s.Type == "" && len(s.Types) == 0:
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s names no machine type; set type or types in its spec", t.ID)
	case s.Type != "" && len(s.Types) > 0:
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has both type and types in its spec; keep one", t.ID)
	case t.ProviderAPI != "" && !slices.Contains([]string{APIInstances, APIFleet, APIGroup, APIRequest}, t.ProviderAPI):
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has providerApi %q; use %s, %s, %s or %s", t.ID, t.ProviderAPI, APIInstances, APIFleet, APIGroup, APIRequest)
	case s.Fallback != "" && t.ProviderAPI != APIGroup && t.ProviderAPI != APIRequest:
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a fallback in its spec, which needs providerApi %s or %s", t.ID, APIGroup, APIRequest)
	}
	weights := maps.Clone(s.weights())
	if _, listed := weights[s.Fallback]; s.Fallback != "" && !listed {
		weights[s.Fallback] = 1
	}
	for name, weight := range weights {
		if _, known := machineTypes[name]; !known {
			known := strings.Join(slices.Sorted(maps.Keys(machineTypes)), ", ")
			return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has machine type %q, which does not exist; use one of %s", t.ID, name, known)
		}
		if weight < 1 || weight > maxWeight {
			return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s weighs machine type %s with %d; use 1 to %d", t.ID, name, weight, maxWeight)
		}
	}
	if slices.Contains(s.Zones, "") {
		return spec{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a zone without a name in its spec; name it or leave it out", t.ID)
	}
	return s, nil
}

// weights maps each machine type to its units.
func (s spec) weights() map[string]int {
	if s.Type != "" {
		return map[string]int{s.Type: 1}
	}
	return s.Types
}

// smallest is the name of the type with the fewest units.
func (s spec) smallest() string {
	weights := s.weights()
	return slices.SortedFunc(maps.Keys(weights), func(a, b string) int {
		return cmp.Or(cmp.Compare(weights[a], weights[b]), strings.Compare(a, b))
	})[0]
}

// offerings lists every type in every zone, the lightest type first, in the order of the zones. A template that counts
// machines has no weights.
func (s spec) offerings(unit ohfp.CapacityUnit) []offering {
	zones := s.Zones
	if len(zones) == 0 {
		zones = []string{defaultZone}
	}
	var all []offering
	for name, weight := range s.weights() {
		for _, zone := range zones {
			all = append(all, offering{Type: name, Zone: zone, Weight: weight})
		}
	}
	slices.SortStableFunc(all, func(a, b offering) int {
		return cmp.Or(cmp.Compare(a.Weight, b.Weight), strings.Compare(a.Type, b.Type))
	})
	if unit == ohfp.CapacityMachines {
		for i := range all {
			all[i].Weight = 1
		}
	}
	return all
}

// api is the API that launches the template.
func (s spec) api(t ohfp.Template) string {
	switch {
	case t.ProviderAPI != "":
		return t.ProviderAPI
	case len(s.Types) > 0:
		return APIFleet
	default:
		return APIInstances
	}
}

// estimate is what a request for count machines, or units, may cost, in either way of the template. A spot machine
// costs half.
func (s spec) estimate(unit ohfp.CapacityUnit, count int) ohfp.Estimate {
	var types []ohfp.TypeCost
	for _, o := range s.offerings(unit) {
		offered := machineTypes[o.Type]
		t := ohfp.TypeCost{Type: o.Type, Lifecycle: ohfp.OnDemand, Units: o.Weight, Cost: ohfp.Cost{VCPUs: offered.cpus, Price: offered.price, Source: "list"}}
		if s.Fallback != "" {
			t.Lifecycle, t.Price = ohfp.Spot, t.Price/2
		}
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	if s.Fallback != "" {
		offered := machineTypes[s.Fallback]
		types = append(types, ohfp.TypeCost{Type: s.Fallback, Lifecycle: ohfp.OnDemand, Units: 1, Cost: ohfp.Cost{VCPUs: offered.cpus, Price: offered.price, Source: "list"}})
	}
	return ohfp.NewEstimate(count, types)
}

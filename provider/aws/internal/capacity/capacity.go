// Package capacity remembers what EC2 ran out of, so that the next launch, in whatever process, tries something else.
// It refuses to forbid anything: when everything is short, trying again is the caller's to decide.
package capacity

import (
	"context"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// ShortFor is how long a shortage is believed. EC2 tells no end of it; capacity usually comes back within minutes.
const ShortFor = 3 * time.Minute

// Offering is one thing that can be asked for: machines of a type in a place, paid for in a way. Empty fields are left
// to EC2.
type Offering struct {
	Type      string         `json:"type,omitempty"`
	Needs     string         `json:"needs,omitempty"` // a digest of requirements that EC2 picks the type by
	Subnet    string         `json:"subnet,omitempty"`
	Zone      string         `json:"zone,omitempty"`     // empty where nobody needed to know it
	Lifecycle ohfp.Lifecycle `json:"lifecycle"`          // empty: both
	MaxPrice  string         `json:"maxPrice,omitempty"` // of spot machines
}

// String names the offering for people.
func (o Offering) String() string {
	text := o.Type
	switch {
	case o.Needs != "":
		text = "types that meet the requirements"
	case text == "":
		text = "the launch template's type"
	}
	switch {
	case o.Subnet != "" && o.Zone != "":
		text += " in " + o.Subnet + " (" + o.Zone + ")"
	case o.Subnet != "":
		text += " in " + o.Subnet
	case o.Zone != "":
		text += " in " + o.Zone
	}
	switch o.Lifecycle {
	case ohfp.Spot:
		return text + ", spot"
	case ohfp.OnDemand:
		return text + ", on demand"
	default:
		return text + ", spot and on demand"
	}
}

// place is the zone, which shares its capacity between subnets, or what is known instead of it.
func (o Offering) place() string {
	if o.Zone != "" {
		return o.Zone
	}
	return o.Subnet
}

// key names what a refusal with the given code proves to be short.
func (o Offering) key(code string) string {
	const everything = "*"
	kind := o.Type + o.Needs
	switch {
	case awsapi.IsAddresses(code):
		return everything + "/" + o.Subnet + "/" + everything
	case awsapi.IsQuota(code):
		return kind + "/" + everything + "/" + string(o.Lifecycle)
	case awsapi.IsPrice(code):
		return kind + "/" + o.place() + "/" + string(o.Lifecycle) + "/" + o.MaxPrice
	default:
		return kind + "/" + o.place() + "/" + string(o.Lifecycle)
	}
}

// keys lists what must not be short for the offering to be worth trying.
func (o Offering) keys() []string {
	return []string{o.key(""), o.key("InsufficientFreeAddressesInSubnet"), o.key("VcpuLimitExceeded"), o.key("SpotMaxPriceTooLow")}
}

// Board is where shortages are written down.
type Board struct {
	Memory provider.Memory
	Prefix string // of the keys in Memory
}

// Shortages are those that are believed now.
type Shortages struct{ known map[string][]byte }

// Read returns what is short now. A memory that cannot be read is an empty one.
func (b Board) Read(ctx context.Context) Shortages {
	found, err := b.Memory.RecallPrefix(ctx, b.prefix())
	if err != nil {
		return Shortages{}
	}
	known := make(map[string][]byte, len(found))
	for key, code := range found {
		known[key[len(b.prefix()):]] = code
	}
	return Shortages{known}
}

// Mark writes down that EC2 refused the offering with a code that tells of capacity; other codes are passed over.
func (b Board) Mark(ctx context.Context, o Offering, code string) error {
	if !awsapi.IsCapacity(code) {
		return nil
	}
	if err := b.Memory.Remember(ctx, b.prefix()+o.key(code), []byte(code), ShortFor); err != nil {
		return fmt.Errorf("remember that %s is short: %w", o, err)
	}
	return nil
}

func (b Board) prefix() string { return b.Prefix + "short/" }

// Short says whether the offering is known to lack capacity, in both lifecycles where it may have either.
func (s Shortages) Short(o Offering) bool {
	if o.Lifecycle == "" {
		onDemand, spot := o, o
		onDemand.Lifecycle, spot.Lifecycle = ohfp.OnDemand, ohfp.Spot
		return s.Short(onDemand) && s.Short(spot)
	}
	for _, key := range o.keys() {
		if _, ok := s.known[key]; ok {
			return true
		}
	}
	return false
}

// Left returns the offerings that are not known to be short.
func (s Shortages) Left(offerings []Offering) []Offering {
	var left []Offering
	for _, o := range offerings {
		if !s.Short(o) {
			left = append(left, o)
		}
	}
	return left
}

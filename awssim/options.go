package awssim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options describe a cloud. The zero value is a working one.
type Options struct {
	// Account is the twelve-digit account number. Default 123456789012.
	Account string
	// Region is the only region served; requests signed for another one are refused. Default us-east-1.
	Region string
	// Zones are full zone names. Default: the region's a, b and c.
	Zones []string
	// Subnets default to one /20 (4,091 usable addresses) per zone in one VPC, with the IDs
	// subnet-0000000000000000a, subnet-0000000000000000b and so on.
	Subnets []Subnet
	// SecurityGroups default to sg-00000000000000001, named default.
	SecurityGroups []SecurityGroup
	// KeyPairs are the names a launch may use; nil allows any.
	KeyPairs []string

	// Roles are those that may be assumed; nil allows any.
	Roles []Role

	// Images are known with their properties. Unless StrictImages is set, any other well-formed image ID also exists,
	// as an x86_64 image with root device /dev/xvda that every instance type boots.
	Images []Image
	// StrictImages makes every image that Images does not list unknown.
	StrictImages bool
	// MissingImages are image IDs that do not exist even when StrictImages is off.
	MissingImages []string
	// Parameters are the SSM parameters by name, also behind resolve:ssm:NAME. A name below /aws/, where the public ones are,
	// that is not listed stands for an image of its own, always the same, unless StrictImages is set.
	Parameters map[string]string
	// InstanceTypes are added to the built-in table and replace its entries of the same name.
	InstanceTypes []InstanceType

	// LaunchDelay is the time from pending to running.
	LaunchDelay time.Duration
	// AddressDelay is the time from launch until private address and names show.
	AddressDelay time.Duration
	// TerminateDelay is the time from shutting-down to terminated.
	TerminateDelay time.Duration
	// DescribeLag is how long a new instance, and its tags, stay invisible to Describe calls. Terminating works at once.
	DescribeLag time.Duration
	// FleetDelay is the time from an order to a fleet, a Spot Fleet request or a group (to make it, to change its target)
	// until it acts. A fleet whose target was changed is in the state modifying for as long.
	FleetDelay time.Duration
	// ReplaceDelay is the time until fleets and groups that keep a target replace an instance that ended, and until they
	// try again after a shortage. Default one minute.
	ReplaceDelay time.Duration
	// Rebalance lets Auto Scaling groups even out their zones: they launch in the smallest and terminate in the largest.
	Rebalance bool
	// TerminatedVisible is how long a terminated instance is still described. Default one hour, as in EC2.
	TerminatedVisible time.Duration
	// TokenLifetime is how long client tokens are remembered. Default 24 hours.
	TokenLifetime time.Duration

	// Capacity is how many more instances each pool gives; a pool not listed is unlimited. See [Cloud.SetCapacity].
	Capacity map[Pool]int
	// InterruptionQueue is the name of the SQS queue that gets EventBridge's events about instances that AWS, or somebody at
	// the console, takes back; empty: nobody asked for them.
	InterruptionQueue string
	// Throttle switches on EC2's default token buckets.
	Throttle bool
	// Latency delays every call in real time, before it is executed.
	Latency time.Duration

	// Now is the clock. Default: the system's.
	Now func() time.Time
	// Seed makes IDs and spot prices repeatable; 0 draws one.
	Seed uint64
	// LedgerSize is how many calls the ledger keeps; older ones are dropped. Default 100,000.
	LedgerSize int
}

// Subnet is a subnet that exists.
type Subnet struct {
	ID   string `json:"id"`
	Zone string `json:"zone"`
	CIDR string `json:"cidr"`
	VPC  string `json:"vpc"`
	// PublicIP gives instances a public address unless the launch says otherwise.
	PublicIP bool `json:"publicIp,omitempty"`
	// Free is filled in by [Cloud.Describe]: the addresses left.
	Free int `json:"free"`
}

// SecurityGroup is a security group that exists.
type SecurityGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	VPC  string `json:"vpc"`
}

const (
	defaultVPC   = "vpc-00000000000000001"
	defaultGroup = "sg-00000000000000001"
)

func (o Options) withDefaults() Options {
	setDefault(&o.Account, "123456789012")
	setDefault(&o.Region, "us-east-1")
	setDefault(&o.ReplaceDelay, time.Minute)
	setDefault(&o.TerminatedVisible, time.Hour)
	setDefault(&o.TokenLifetime, 24*time.Hour)
	setDefault(&o.LedgerSize, 100_000)
	if o.Seed == 0 {
		o.Seed = rand.Uint64() //nolint:gosec // IDs of a simulator need no secrecy
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the default clock of a server that a user starts
	}
	if len(o.Zones) == 0 {
		o.Zones = []string{o.Region + "a", o.Region + "b", o.Region + "c"}
	}
	if len(o.Subnets) == 0 {
		for i, zone := range o.Zones {
			o.Subnets = append(o.Subnets, Subnet{
				ID:   fmt.Sprintf("subnet-%017x", 10+i),
				Zone: zone,
				CIDR: fmt.Sprintf("10.0.%d.0/20", 16*i),
			})
		}
	}
	o.Subnets = slices.Clone(o.Subnets)
	for i := range o.Subnets {
		setDefault(&o.Subnets[i].VPC, defaultVPC)
	}
	if len(o.SecurityGroups) == 0 {
		o.SecurityGroups = []SecurityGroup{{ID: defaultGroup, Name: "default"}}
	}
	o.SecurityGroups = slices.Clone(o.SecurityGroups)
	for i := range o.SecurityGroups {
		setDefault(&o.SecurityGroups[i].VPC, defaultVPC)
		setDefault(&o.SecurityGroups[i].Name, o.SecurityGroups[i].ID)
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o Options) check() error {
	if !regexp.MustCompile(`^\d{12}$`).MatchString(o.Account) {
		return fmt.Errorf("awssim: account %q is not a number of twelve digits", o.Account)
	}
	if o.FleetDelay < 0 || o.ReplaceDelay < 0 {
		return fmt.Errorf("awssim: fleet delay %s and replace delay %s must not be negative", o.FleetDelay, o.ReplaceDelay)
	}
	seen := map[string]bool{}
	for _, s := range o.Subnets {
		if !slices.Contains(o.Zones, s.Zone) {
			return fmt.Errorf("awssim: subnet %s is in zone %q, which is none of %s", s.ID, s.Zone, strings.Join(o.Zones, ", "))
		}
		prefix, err := netip.ParsePrefix(s.CIDR)
		switch {
		case err != nil:
			return fmt.Errorf("awssim: subnet %s: %w", s.ID, err)
		case !prefix.Addr().Is4() || prefix.Bits() < 16 || prefix.Bits() > 28:
			return fmt.Errorf("awssim: subnet %s has the block %s, want an IPv4 block from /16 to /28", s.ID, s.CIDR)
		case !wellFormedID("subnet", s.ID):
			return fmt.Errorf("awssim: subnet ID %q is not subnet- and 8 or 17 hexadecimal digits", s.ID)
		case seen[s.ID]:
			return fmt.Errorf("awssim: subnet %s is listed twice", s.ID)
		}
		seen[s.ID] = true
	}
	for _, g := range o.SecurityGroups {
		if !wellFormedID("sg", g.ID) {
			return fmt.Errorf("awssim: security group ID %q is not sg- and 8 or 17 hexadecimal digits", g.ID)
		}
	}
	for _, image := range o.Images {
		if !wellFormedID("ami", image.ID) {
			return fmt.Errorf("awssim: image ID %q is not ami- and 8 or 17 hexadecimal digits", image.ID)
		}
	}
	for _, t := range o.InstanceTypes {
		if t.Name == "" || t.VCPUs < 1 || t.MemoryMiB < 1 {
			return fmt.Errorf("awssim: instance type %q needs a name, vCPUs and memory", t.Name)
		}
	}
	for _, r := range o.Roles {
		if !roleARN().MatchString(r.ARN) {
			return fmt.Errorf("awssim: role %q is not the ARN of a role", r.ARN)
		}
	}
	if o.InterruptionQueue != "" && !validQueueName(o.InterruptionQueue) {
		return fmt.Errorf("awssim: interruption queue %q is not 1 to 80 letters, digits, hyphens and underscores", o.InterruptionQueue)
	}
	for pool := range o.Capacity {
		if err := o.checkPool(pool); err != nil {
			return err
		}
	}
	return nil
}

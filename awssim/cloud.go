package awssim

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Cloud is one simulated account in one region. It is an [net/http.Handler] that speaks for all of its services, and it is safe for
// concurrent use.
type Cloud struct {
	options    Options
	operations map[operationName]operation
	types      map[string]InstanceType
	groups     map[string]SecurityGroup
	images     map[string]Image

	mu       sync.Mutex
	random   *rand.Rand
	advanced time.Duration
	sequence int

	subnets   []*subnet
	publicIPs *addresses
	capacity  map[Pool]int
	resources resources
	instances instances
	fleets    []*fleet
	asgs      []*group
	sessions  map[string]session
	queues    map[string]*queue
	templates []*launchTemplate
	tokens    map[tokenKey]tokenUse
	sweptAt   time.Time
	buckets   map[string]*bucket
	failures  []Failure
	ledger    []Call
	calls     int
}

// New makes a cloud with nothing in it. The error says which option makes no sense.
func New(options Options) (*Cloud, error) {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	c := &Cloud{
		options:    options,
		operations: operations(),
		types:      instanceTypes(options.InstanceTypes),
		groups:     map[string]SecurityGroup{},
		images:     map[string]Image{},
		random:     rand.New(rand.NewPCG(options.Seed, 0)), //nolint:gosec // IDs of a simulator need no secrecy
		capacity:   map[Pool]int{},
		resources:  resources{byID: map[string]*resource{}},
		instances:  instances{byID: map[string]*instance{}},
		tokens:     map[tokenKey]tokenUse{},
		sessions:   map[string]session{},
		queues:     map[string]*queue{},
		buckets:    map[string]*bucket{},
		publicIPs:  publicAddresses(),
	}
	for _, group := range options.SecurityGroups {
		c.groups[group.ID] = group
	}
	for _, image := range options.Images {
		c.images[image.ID] = image.withDefaults()
	}
	if options.InterruptionQueue != "" {
		c.queue(options.InterruptionQueue)
	}
	for _, s := range options.Subnets {
		c.subnets = append(c.subnets, newSubnet(s))
	}
	// What is said of one zone or lifecycle wins over what is said of all.
	for _, pool := range slices.SortedFunc(maps.Keys(options.Capacity), fromBroadToNarrow) {
		c.setCapacity(pool, options.Capacity[pool])
	}
	return c, nil
}

// Advance moves the cloud's time ahead of its clock.
func (c *Cloud) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advanced += d
}

// now is read once per call, so that everything in an answer is of the same moment.
func (c *Cloud) now() time.Time {
	return c.options.Now().Add(c.advanced).UTC()
}

// settle lets happen what time has brought since the last look. Callers hold the lock.
func (c *Cloud) settle(now time.Time) {
	// In the order of time: what ends gives room to what is launched after it, and not before.
	for {
		act, at := c.nextDue()
		if act == nil || now.Before(at) {
			break
		}
		c.settleInstances(at)
		act(at, now)
	}
	c.settleInstances(now)
	c.forgetFleets(now)
	c.settleTokens(now)
}

// nextDue finds who acts next of those that act by themselves, nil when nobody does.
func (c *Cloud) nextDue() (act func(at, now time.Time), due time.Time) {
	for _, f := range c.fleets {
		if !f.wakeAt.IsZero() && (act == nil || f.wakeAt.Before(due)) {
			act, due = func(at, now time.Time) { c.tendFleet(f, at, now) }, f.wakeAt
		}
	}
	for _, g := range c.asgs {
		if !g.wakeAt.IsZero() && (act == nil || g.wakeAt.Before(due)) {
			act, due = func(at, now time.Time) { c.tendGroup(g, at, now) }, g.wakeAt
		}
	}
	return act, due
}

// retryAt is when to try again for capacity that was short at a moment. Between then and now, the time of the look, only
// instances that ended gave more: whoever changes capacity looks first.
func (c *Cloud) retryAt(at, now time.Time) time.Time {
	retry := at.Add(c.options.ReplaceDelay)
	if now.Before(retry) {
		return retry
	}
	var next time.Time
	for _, i := range c.instances.ending {
		if i.goneAt.After(at) && !i.goneAt.After(now) && (next.IsZero() || i.goneAt.Before(next)) {
			next = i.goneAt
		}
	}
	switch {
	case next.IsZero():
		return now.Add(c.options.ReplaceDelay)
	case next.After(retry):
		return next
	default:
		return retry
	}
}

// next numbers resources in the order of their making, which is the order of pages.
func (c *Cloud) next() int {
	c.sequence++
	return c.sequence
}

// Description is what a cloud offers.
type Description struct {
	Account        string          `json:"account"`
	Region         string          `json:"region"`
	Zones          []string        `json:"zones"`
	Subnets        []Subnet        `json:"subnets"`
	SecurityGroups []SecurityGroup `json:"securityGroups"`
	// Now is the cloud's time.
	Now time.Time `json:"now"`
}

// Describe returns account, region, zones and networks of the cloud, with the addresses left.
func (c *Cloud) Describe() Description {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	d := Description{
		Account: c.options.Account, Region: c.options.Region, Zones: c.options.Zones,
		SecurityGroups: c.options.SecurityGroups, Now: now,
	}
	for _, s := range c.subnets {
		described := s.Subnet
		described.Free = s.addresses.free
		d.Subnets = append(d.Subnets, described)
	}
	return d
}

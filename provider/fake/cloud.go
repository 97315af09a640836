package fake

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Settings say how fast the cloud is. The zero value does everything at once.
type Settings struct {
	LaunchDelay    time.Duration // from the launch until a machine runs, and until a group launches what it lacks
	AddressDelay   time.Duration // from the launch until it has its name and address
	TerminateDelay time.Duration // from the order to end it until it is terminated
	VisibleAfter   time.Duration // from the launch until reads and Terminate know it
	ForgetAfter    time.Duration // from its end until it is shown no more; 0: one hour
	PageSize       int           // machines that one call of a read shows; 0: 1,000
	ModifyDelay    time.Duration // from a change of a group's target until it can be changed again
	Wave           int           // machines that a group launches at once; 0: all that it wants
}

// Cloud is everything that exists in the cloud. It is safe for concurrent use.
type Cloud struct {
	now func() time.Time

	mu       sync.Mutex
	settings Settings
	machines map[ohfp.MachineID]*machine
	fleets   map[string]bool
	groups   map[string]*group
	answers  map[string]answer // by token
	room     map[string]int    // by offering; absent: without limit
	faults   faults
	calls    map[Op]int
	serial   int
}

// machine is one machine and what the cloud knows of its owner.
type machine struct {
	ohfp.Machine // what never changes of it

	installation ohfp.InstallationID
	offering     string
	address      int
	protected    bool
	endedAt      time.Time
	endReason    string
	lost         bool // ended without the delay of an orderly end
}

// answer is what a token brought.
type answer struct {
	call     string
	resource string
	machines []ohfp.MachineID
	failures []ohfp.Failure
}

// New makes an empty cloud in which time passes as now says.
func New(now func() time.Time, settings Settings) *Cloud {
	return &Cloud{
		now:      now,
		settings: settings,
		machines: map[ohfp.MachineID]*machine{},
		fleets:   map[string]bool{},
		groups:   map[string]*group{},
		answers:  map[string]answer{},
		room:     map[string]int{},
		faults:   newFaults(),
		calls:    map[Op]int{},
	}
}

// Set changes the settings, also for machines that exist already.
func (c *Cloud) Set(settings Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	c.settings = settings
}

// SetCapacity leaves room for n more machines of an offering, written "small/zone-a"; a negative n removes the limit.
// A machine that ends makes room.
func (c *Cloud) SetCapacity(offering string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	if n < 0 {
		delete(c.room, offering)
		return
	}
	c.room[offering] = n
}

// Lose ends a machine from outside, at once, as an interruption of the cloud's own does.
func (c *Cloud) Lose(id ohfp.MachineID, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	m, ok := c.machines[id]
	if !ok {
		return ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist in the cloud", id)
	}
	c.end(m, reason)
	c.schedule()
	m.lost = true
	return nil
}

// Protect makes Terminate refuse to end a machine, or lets it again.
func (c *Cloud) Protect(id ohfp.MachineID, protected bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.machines[id]
	if !ok {
		return ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist in the cloud", id)
	}
	m.protected = protected
	return nil
}

// AddForeign launches a machine that somebody else owns.
func (c *Cloud) AddForeign() ohfp.MachineID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add("", offering{Type: "small", Zone: defaultZone, Weight: 1}, ohfp.Machine{}).ID
}

// Live lists the machines that are not terminated, in the order of their launch, those of others included.
func (c *Cloud) Live() []ohfp.MachineID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	var live []ohfp.MachineID
	for _, id := range slices.Sorted(maps.Keys(c.machines)) {
		if c.state(c.machines[id]) != ohfp.MachineTerminated {
			live = append(live, id)
		}
	}
	return live
}

// Machine shows a machine as the cloud itself knows it, whatever reads show, and false when it never existed.
func (c *Cloud) Machine(id ohfp.MachineID) (ohfp.Machine, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.machines[id]
	if !ok {
		return ohfp.Machine{}, false
	}
	return c.show(m, ""), true
}

// Fleets lists the fleets, and the groups that launch by themselves, that were not retired.
func (c *Cloud) Fleets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(c.fleets)), maps.Keys(c.groups))))
}

// add launches a machine. The lock is held, as in everything below.
func (c *Cloud) add(owner ohfp.InstallationID, o offering, m ohfp.Machine) *machine {
	c.serial++
	m.ID = ohfp.MachineID(fmt.Sprintf("m-%08d", c.serial))
	m.Type, m.Zone, m.Weight = o.Type, o.Zone, o.Weight
	m.Subnet, m.Image, m.Lifecycle = "subnet-"+o.Zone, "image-1", ohfp.OnDemand
	m.LaunchedAt = c.now().UTC()
	added := &machine{Machine: m, installation: owner, offering: o.String(), address: c.serial}
	c.machines[m.ID] = added
	if left, limited := c.room[o.String()]; limited {
		c.room[o.String()] = left - 1
	}
	return added
}

// full says whether the offering has no room left.
func (c *Cloud) full(offering string) bool {
	left, limited := c.room[offering]
	return limited && left < 1
}

func (c *Cloud) end(m *machine, reason string) {
	if !m.endedAt.IsZero() {
		return
	}
	m.endedAt, m.endReason = c.now().UTC(), reason
	if _, limited := c.room[m.offering]; limited {
		c.room[m.offering]++
	}
}

// state is where a machine is in its life now.
func (c *Cloud) state(m *machine) ohfp.MachineState {
	now := c.now()
	switch {
	case !m.endedAt.IsZero() && (m.lost || now.Sub(m.endedAt) >= c.settings.TerminateDelay):
		return ohfp.MachineTerminated
	case !m.endedAt.IsZero():
		return ohfp.MachineShuttingDown
	case now.Sub(m.LaunchedAt) >= c.settings.LaunchDelay:
		return ohfp.MachineRunning
	default:
		return ohfp.MachinePending
	}
}

// visible says whether reads and Terminate know the machine.
func (c *Cloud) visible(m *machine) bool {
	now := c.now()
	if now.Sub(m.LaunchedAt) < c.settings.VisibleAfter {
		return false
	}
	forget := c.settings.ForgetAfter
	if forget == 0 {
		forget = time.Hour
	}
	return m.endedAt.IsZero() || now.Sub(m.endedAt) < forget
}

// owner is whose a machine is, by its own tags or by those of its group.
func (c *Cloud) owner(m *machine) (ohfp.RequestID, ohfp.TemplateID) {
	if g, ok := c.groups[m.Resource]; ok {
		return g.Request, g.Template
	}
	return m.Request, m.Template
}

// show is the machine as a read shows it to the named provider.
func (c *Cloud) show(m *machine, provider string) ohfp.Machine {
	shown := m.Machine
	shown.Provider = provider
	shown.Request, shown.Template = c.owner(m)
	shown.State = c.state(m)
	shown.StateReason = m.endReason
	if shown.State != ohfp.MachineTerminated && c.now().Sub(m.LaunchedAt) >= c.settings.AddressDelay {
		shown.PrivateIP = fmt.Sprintf("10.%d.%d.%d", m.address>>16&255, m.address>>8&255, m.address&255)
		shown.Name = fmt.Sprintf("ip-10-%d-%d-%d.fake.internal", m.address>>16&255, m.address>>8&255, m.address&255)
	}
	return shown
}

package providertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Kind names the templates that the suite launches from. A harness has one at least of Plain, Filling and Keeping: how
// machines come to be. The cases to which that makes no difference launch from the first of them that there is.
type Kind string

// The kinds of templates.
const (
	// Plain launches machines of weight 1, and its launches answer with them.
	Plain Kind = "Plain"
	// Several has at least two offerings, that is types or zones, of weight 1.
	Several Kind = "Several"
	// Weighted counts units; one of its types, at least, has a weight above 1, and none above 4.
	Weighted Kind = "Weighted"
	// Filling makes resources that launch machines of weight 1 by themselves, up to their target, and replace nothing.
	Filling Kind = "Filling"
	// Keeping makes resources that launch machines of weight 1 by themselves and replace what they lose.
	Keeping Kind = "Keeping"
)

// Capability is something that a harness or its provider may or may not be able to do. The names are those of the
// harness's fields, of the kinds of templates and of the optional interfaces of package provider.
type Capability string

// The capabilities, for [Harness.Lacks].
const (
	CanPlain    = Capability(Plain)
	CanSeveral  = Capability(Several)
	CanWeighted = Capability(Weighted)
	CanKeeping  = Capability(Keeping)
	CanFilling  = Capability(Filling)

	CanBad       Capability = "Bad"
	CanResources Capability = "Resources"
	CanCalls     Capability = "Calls"
	CanExhaust   Capability = "Exhaust"
	CanForeign   Capability = "Foreign"
	CanLose      Capability = "Lose"
	CanThrottle  Capability = "Throttle"
	CanDeny      Capability = "Deny"
	CanDropReply Capability = "DropReply"
	CanCutReads  Capability = "CutReads"
	CanHang      Capability = "Hang"
	CanAttribute Capability = "Attributer"
	CanList      Capability = "Lister"
	CanHealth    Capability = "HealthChecker"

	CanRefuseTargets Capability = "RefuseTargets"
)

// Calls is how many calls a cloud has answered.
type Calls struct {
	Reading  int // pages count one by one
	Mutating int
}

// Harness is a cloud in the hands of the suite. The first block is required; for whatever else is missing, Lacks says why.
type Harness struct {
	// New opens a provider as a process of its own would: every call opens another one on the same cloud, for the same
	// installation and with the same memory.
	New func(t testing.TB) provider.Provider
	// Name is the name under which New opens them; every machine carries it as its Provider.
	Name string
	// API and Backend say in reports what launches, and in which cloud: RunInstances, say, in a simulated AWS.
	API, Backend string
	// Templates has a valid template for each kind that the provider can launch.
	Templates map[Kind]ohfp.Template
	// Advance lets time pass in the cloud.
	Advance func(d time.Duration)
	// Live lists the machines that exist in any state but terminated. Foreign ones may be among them.
	Live func(t testing.TB) []ohfp.MachineID
	// UnknownMachine and UnknownResource are well formed, but exist nowhere.
	UnknownMachine  ohfp.MachineID
	UnknownResource string

	// Bad has templates that must be refused, by what is wrong with them.
	Bad map[string]ohfp.Template
	// Resources lists the fleets and groups that exist.
	Resources func(t testing.TB) []string
	// Calls counts the calls so far.
	Calls func() Calls
	// Offerings lists what an order asks for, first choice first. Nil: just order.Offering.
	Offerings func(order ohfp.Order) []string
	// Exhaust leaves room for n more machines in an offering.
	Exhaust func(offering string, n int)
	// Foreign launches a machine that belongs to somebody else.
	Foreign func(t testing.TB) ohfp.MachineID
	// Lose ends a machine from outside.
	Lose func(t testing.TB, id ohfp.MachineID)
	// Throttle makes the cloud refuse the next n launching calls for their rate; 0 ends it.
	Throttle func(n int)
	// Deny makes the cloud refuse launching calls for lack of rights, or ends that.
	Deny func(denied bool)
	// DropReply makes the cloud carry out the next launch and lose its answer.
	DropReply func()
	// CutReads makes the cloud break the next read off, or ends that.
	CutReads func(cut bool)
	// Hang makes launching calls go without answer until release is called.
	Hang func() (release func())
	// RefuseTargets makes the cloud refuse to change the target of a resource that launches by itself, or ends that.
	RefuseTargets func(t testing.TB, resource string, refused bool)

	// ObserveCalls is how many calls may show 20 requests of one machine each; 0: 2.
	ObserveCalls int
	// Patience is how much of the cloud's time machines may take to come up or to end; 0: 10 minutes.
	Patience time.Duration
	// Many is how many machines there may be at once; 0: 50.
	Many int
	// Leaves says why a case cannot end what it has launched in this cloud, so that it is left there. Every case then has
	// to have a cloud of its own.
	Leaves string
	// Lacks says why a capability is missing, and so why cases are skipped. What is missing without a reason is a failure.
	Lacks map[Capability]string
	// Gaps says of cases, by name, why they cannot pass in this cloud although the provider is right. They must fail: one
	// that passes is a failure, so that the list stays true.
	Gaps map[string]string
}

// Capabilities lists every capability that the suite knows.
func Capabilities() []Capability {
	return []Capability{
		CanPlain, CanSeveral, CanWeighted, CanBad, CanResources, CanCalls, CanExhaust, CanForeign, CanLose, CanThrottle, CanDeny,
		CanDropReply, CanCutReads, CanHang, CanAttribute, CanList, CanHealth, CanKeeping, CanFilling, CanRefuseTargets,
	}
}

// can says whether the harness, or the provider that it opened, has the capability.
func (h Harness) can(c Capability, p provider.Provider) bool {
	var ok bool
	switch c {
	case CanPlain, CanSeveral, CanWeighted, CanKeeping, CanFilling:
		_, ok = h.Templates[Kind(c)]
	case CanBad:
		ok = len(h.Bad) > 0
	case CanResources:
		ok = h.Resources != nil
	case CanCalls:
		ok = h.Calls != nil
	case CanExhaust:
		ok = h.Exhaust != nil
	case CanForeign:
		ok = h.Foreign != nil
	case CanLose:
		ok = h.Lose != nil
	case CanThrottle:
		ok = h.Throttle != nil
	case CanDeny:
		ok = h.Deny != nil
	case CanDropReply:
		ok = h.DropReply != nil
	case CanCutReads:
		ok = h.CutReads != nil
	case CanHang:
		ok = h.Hang != nil
	case CanRefuseTargets:
		ok = h.RefuseTargets != nil
	case CanAttribute:
		_, ok = p.(provider.Attributer)
	case CanList:
		_, ok = p.(provider.Lister)
	case CanHealth:
		_, ok = p.(provider.HealthChecker)
	}
	return ok
}

// check says what a harness lacks to be used at all.
func (h Harness) check() error {
	switch {
	case h.New == nil, h.Advance == nil, h.Live == nil:
		return fmt.Errorf("harness: New, Advance and Live are required")
	case h.Name == "" || h.UnknownMachine == "" || h.UnknownResource == "":
		return fmt.Errorf("harness: Name, UnknownMachine and UnknownResource are required")
	case h.plain() == "":
		return fmt.Errorf("harness: Templates needs one of %v", ways())
	}
	for c, reason := range h.Lacks {
		if !slices.Contains(Capabilities(), c) || reason == "" {
			return fmt.Errorf("harness: Lacks has %q for %q; use one of %v, with a reason", reason, c, Capabilities())
		}
	}
	for name, reason := range h.Gaps {
		if !slices.ContainsFunc(Cases(), func(c Case) bool { return c.Name == name }) || reason == "" {
			return fmt.Errorf("harness: Gaps has %q for %q; use the name of a case, with a reason", reason, name)
		}
	}
	return nil
}

// ways are the kinds that say how machines come to be.
func ways() []Kind { return []Kind{Plain, Filling, Keeping} }

// plain is the kind from which the cases launch to which the way makes no difference.
func (h Harness) plain() Kind {
	for _, kind := range ways() {
		if _, ok := h.Templates[kind]; ok {
			return kind
		}
	}
	return ""
}

package ohfp

import (
	"fmt"
	"slices"
	"time"
)

// MachineState is where a machine is in its life, in the words of EC2, which Host Factory shares.
type MachineState string

// The machine states.
const (
	MachinePending      MachineState = "pending"
	MachineRunning      MachineState = "running"
	MachineStopping     MachineState = "stopping"
	MachineStopped      MachineState = "stopped"
	MachineShuttingDown MachineState = "shutting-down"
	MachineTerminated   MachineState = "terminated"
)

// machineMoves lists the legal moves. A machine may pass through several states between two looks, so every later state is
// reachable. One that is on its way out never comes back: a read that says so is an old one.
var machineMoves = map[MachineState][]MachineState{
	"":                  {MachinePending, MachineRunning, MachineStopping, MachineStopped, MachineShuttingDown, MachineTerminated},
	MachinePending:      {MachineRunning, MachineStopping, MachineStopped, MachineShuttingDown, MachineTerminated},
	MachineRunning:      {MachineStopping, MachineStopped, MachineShuttingDown, MachineTerminated},
	MachineStopping:     {MachineStopped, MachinePending, MachineRunning, MachineShuttingDown, MachineTerminated},
	MachineStopped:      {MachinePending, MachineRunning, MachineShuttingDown, MachineTerminated},
	MachineShuttingDown: {MachineTerminated},
	MachineTerminated:   {},
}

// MayBecome says whether a machine in state s may be seen in state next.
func (s MachineState) MayBecome(next MachineState) bool {
	return s == next || slices.Contains(machineMoves[s], next)
}

// Lifecycle is how a machine is paid for.
type Lifecycle string

// The lifecycles.
const (
	OnDemand Lifecycle = "ondemand"
	Spot     Lifecycle = "spot"
)

// Reason says why we end a machine.
type Reason string

// The reasons.
const (
	ReasonReturned  Reason = "returned"  // its user gave it back
	ReasonSpare     Reason = "spare"     // more was launched than asked for
	ReasonLate      Reason = "late"      // it came after its request had ended
	ReasonDeadline  Reason = "deadline"  // it was not ready when its request's time was up
	ReasonCancelled Reason = "cancelled" // its request was cancelled
	ReasonAbandoned Reason = "abandoned" // nobody ever learned of its request
	ReasonOrphaned  Reason = "orphaned"  // no record answered for it
)

// Machine is one machine of one request. The provider's name and the machine's id together are its key.
type Machine struct {
	Provider string     `json:"provider"`
	ID       MachineID  `json:"machineId"`
	Request  RequestID  `json:"requestId"`
	Template TemplateID `json:"templateId"`
	Return   RequestID  `json:"returnRequestId,omitempty"` // the return that gave it back
	Attempt  int        `json:"attempt,omitempty"`         // the attempt that launched it, from 1
	Resource string     `json:"resource,omitempty"`        // the cloud's reservation, fleet or group

	State       MachineState `json:"state"`
	StateReason string       `json:"stateReason,omitempty"` // the cloud's own words for the last change
	Name        string       `json:"name,omitempty"`        // the host name that it has or will have
	PrivateIP   string       `json:"privateIp,omitempty"`
	PublicIP    string       `json:"publicIp,omitempty"`
	Type        string       `json:"type,omitempty"` // the machine type, for example m5.xlarge
	Zone        string       `json:"zone,omitempty"`
	Subnet      string       `json:"subnet,omitempty"`
	Image       string       `json:"image,omitempty"`
	Lifecycle   Lifecycle    `json:"lifecycle,omitempty"`
	Tags        string       `json:"tags,omitempty"`   // the operator's own, as k=v;k=v
	Weight      int          `json:"weight,omitempty"` // units that it counts for, at least 1
	Cost        Cost         `json:"cost,omitzero"`    // as its request was estimated

	LaunchedAt   time.Time `json:"launchedAt"`            // UTC, by the cloud's clock
	KnownAt      time.Time `json:"knownAt,omitzero"`      // when its record was made, by our clock
	DeliveredAt  time.Time `json:"deliveredAt,omitzero"`  // first seen running with name and private address
	Ending       Reason    `json:"ending,omitempty"`      // the stored intent to end it
	EndingAt     time.Time `json:"endingAt,omitzero"`     // when the intent was stored
	EndAccepted  time.Time `json:"endAccepted,omitzero"`  // when the cloud last accepted the order to end it
	TerminatedAt time.Time `json:"terminatedAt,omitzero"` // when it was seen to be gone
	ParkedAt     time.Time `json:"parkedAt,omitzero"`     // when somebody ordered it to be stopped; zero: it is to run
	Notice       Notice    `json:"notice,omitzero"`       // that it is taken back from its user

	Version int64 `json:"-"` // set by the store: a write with an old version is a conflict
}

// Gone says whether the machine no longer exists.
func (m Machine) Gone() bool { return m.State == MachineTerminated }

// Alive says whether the machine exists and is not on its way out.
func (m Machine) Alive() bool { return m.State != MachineTerminated && m.State != MachineShuttingDown }

// Wanted says whether the machine is alive and nobody has decided to end it.
func (m Machine) Wanted() bool { return m.Alive() && m.Ending == "" }

// Ready says whether the machine can be handed to its user now: it runs, has its host name and a private address.
func (m Machine) Ready() bool {
	return m.State == MachineRunning && m.Name != "" && m.PrivateIP != ""
}

// inHand says whether the machine serves the request now: it is there and was ready once, or its user has already given
// it back.
func (m Machine) inHand() bool {
	return m.Ending == ReasonReturned || m.Wanted() && !m.DeliveredAt.IsZero()
}

// Units is the weight of the machine, at least 1.
func (m Machine) Units() int { return max(m.Weight, 1) }

// Become moves the machine to state next, or says that this cannot be.
func (m *Machine) Become(next MachineState, now time.Time) error {
	if !m.State.MayBecome(next) {
		return Errorf(ErrConflict, "machine %s is %s and cannot become %s", m.ID, m.State, next)
	}
	m.State = next
	if next == MachineTerminated && m.TerminatedAt.IsZero() {
		m.TerminatedAt = now
	}
	return nil
}

// End stores the intent to end the machine. The first reason stays.
func (m *Machine) End(reason Reason, now time.Time) {
	if m.Ending == "" {
		m.Ending, m.EndingAt = reason, now
	}
}

// see merges what the cloud showed into what is known. A terminated machine keeps its name and addresses, because its user
// still asks about it. A state that the machine cannot reach any more comes from an old read and is passed over.
func (m *Machine) see(seen Machine, now time.Time) []Event {
	var events []Event
	before := m.State
	if err := m.Become(seen.State, now); err == nil && m.State != before {
		m.StateReason = seen.StateReason
		m.lost(now)
		events = append(events, m.event(stateEvent(m.State), now, fmt.Sprintf("%s, was %s", m.State, orUnknown(before))))
	}
	if m.Name == "" && seen.Name != "" {
		events = append(events, m.event(MachineNamed, now, seen.Name))
	}
	for _, field := range []struct{ known, seen *string }{
		{&m.Name, &seen.Name},
		{&m.PrivateIP, &seen.PrivateIP},
		{&m.PublicIP, &seen.PublicIP},
		{&m.Type, &seen.Type},
		{&m.Zone, &seen.Zone},
		{&m.Subnet, &seen.Subnet},
		{&m.Image, &seen.Image},
		{&m.Tags, &seen.Tags},
		{&m.Resource, &seen.Resource},
	} {
		if *field.seen != "" {
			*field.known = *field.seen
		}
	}
	if seen.Lifecycle != "" {
		m.Lifecycle = seen.Lifecycle
	}
	if seen.Weight > 0 {
		m.Weight = seen.Weight
	}
	if m.LaunchedAt.IsZero() {
		m.LaunchedAt = seen.LaunchedAt
	}
	return events
}

func (m Machine) event(kind EventKind, now time.Time, message string) Event {
	return Event{
		At: now, Kind: kind, Request: m.Request, Machine: m.ID, Template: m.Template, Provider: m.Provider, Message: message,
	}
}

func stateEvent(s MachineState) EventKind {
	if s == MachineTerminated {
		return MachineGone
	}
	return MachineChanged
}

func orUnknown(s MachineState) string {
	if s == "" {
		return "unknown"
	}
	return string(s)
}

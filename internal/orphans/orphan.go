// Package orphans finds what runs in a cloud under this installation's tag and that nobody answers for, and keeps count
// of how often and how long that has been seen.
// It refuses to end anything, and to take a part of a look for the whole: what was not seen says nothing.
package orphans

import (
	"time"

	"github.com/openhostfactory/ohfp"
)

// MinReads is how many complete looks must show an orphan, whatever the clock says: a clock that jumps is no evidence.
const MinReads = 2

// Reason says why nobody answers for something.
type Reason string

// The reasons.
const (
	NoRecord Reason = "no-record" // no record knows its request, or it carries none
	Late     Reason = "late"      // its request has ended, and the record of it lacks it
	Undead   Reason = "undead"    // its record says that it is gone
	Unnamed  Reason = "unnamed"   // Host Factory asked for it and does not name it any more
)

// Orphan is one machine, or one fleet or group that launches by itself, that nobody answers for.
type Orphan struct {
	Provider   string          `json:"provider"`
	Machine    ohfp.MachineID  `json:"machineId,omitempty"`
	Resource   string          `json:"resource,omitempty"` // the fleet or group itself, or what the machine came from
	Request    ohfp.RequestID  `json:"requestId,omitempty"`
	Template   ohfp.TemplateID `json:"templateId,omitempty"`
	Reason     Reason          `json:"reason"`
	Name       string          `json:"name,omitempty"`
	Type       string          `json:"instanceType,omitempty"`
	Zone       string          `json:"zone,omitempty"`
	LaunchedAt time.Time       `json:"launchedAt,omitzero"`
	FirstSeen  time.Time       `json:"firstSeen"`
	LastSeen   time.Time       `json:"lastSeen"`
	Reads      int             `json:"reads"`  // complete looks in a row that showed it
	Waited     time.Duration   `json:"waited"` // nanoseconds between them, as far as they count
	Ripe       bool            `json:"ripe"`   // seen often and long enough to be collected
}

// ID is what people call it by: the machine, or the fleet or group.
func (o Orphan) ID() string {
	if o.Machine != "" {
		return string(o.Machine)
	}
	return o.Resource
}

// IsMachine says whether it is a machine, and not what launches them.
func (o Orphan) IsMachine() bool { return o.Machine != "" }

// Wait says how long an orphan is watched before it is ripe.
type Wait struct {
	Quarantine time.Duration
	// MinAge is how old a machine must be before it can be an orphan, so that no launch under way is taken for one. How old
	// a fleet or group is cannot be told: it is watched for that long.
	MinAge time.Duration
	// Most is what the time between two looks counts at most. What lies between them may be a clock that jumped, or hours
	// in which nobody looked.
	Most time.Duration
}

// Again counts a look at the given time that showed the orphan, was having been known of it before.
func (o Orphan) Again(was Orphan, at time.Time, w Wait) Orphan {
	switch between := at.Sub(was.LastSeen); {
	case was.Reads == 0 || was.Reason != o.Reason:
		o.FirstSeen, o.LastSeen, o.Reads, o.Waited = at, at, 1, 0
	case between == 0: // the same look, told again
		o.FirstSeen, o.LastSeen, o.Reads, o.Waited = was.FirstSeen, at, was.Reads, was.Waited
	case between < 0: // a clock was put back: what has passed since is not known
		o.FirstSeen, o.LastSeen, o.Reads, o.Waited = was.FirstSeen, at, was.Reads, was.Waited
	default:
		o.FirstSeen, o.LastSeen, o.Reads, o.Waited = was.FirstSeen, at, was.Reads+1, was.Waited+min(between, w.Most)
	}
	o.Ripe = o.Reads >= MinReads && o.Waited >= w.needed(o)
	return o
}

// needed is how long an orphan must be watched.
func (w Wait) needed(o Orphan) time.Duration {
	if o.IsMachine() {
		return w.Quarantine
	}
	return max(w.Quarantine, w.MinAge)
}

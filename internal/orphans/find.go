package orphans

import (
	"cmp"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Known is what the records say of what a look showed. They must have been read after the look: a launch is recorded
// before it is made, so what runs and was meant to run is in them.
type Known struct {
	Machines  map[ohfp.MachineID]ohfp.Machine // whatever provider instance the record names: two may share an account
	Requests  map[ohfp.RequestID]ohfp.Request // those that machines and resources bear or are recorded with
	Open      map[ohfp.RequestID]bool         // all that are not settled
	Resources map[string]ohfp.RequestID       // what attempts of all those have made
}

// Look is one complete look at a provider instance.
type Look struct {
	Provider string
	Seen     provider.Observation
	Known    Known
	Hosts    *Hosts                  // Host Factory's list, nil when there is no evidence of it
	Met      map[ohfp.MachineID]bool // machines that looks at other instances have shown: two may share an account
	MinAge   time.Duration           // younger machines are no orphans
	Now      time.Time
}

// Find lists the orphans that a look shows: the machines by id, then the fleets and groups.
func (l Look) Find() []Orphan {
	var machines, resources []Orphan
	for _, m := range l.Seen.Machines {
		if reason := l.judge(m); reason != "" {
			machines = append(machines, Orphan{
				Provider: l.Provider, Machine: m.ID, Resource: m.Resource, Request: l.requestOf(m), Template: m.Template,
				Reason: reason, Name: m.Name, Type: m.Type, Zone: m.Zone, LaunchedAt: m.LaunchedAt,
			})
		}
	}
	for _, r := range l.Seen.Resources {
		if reason := l.judgeResource(r); reason != "" {
			resources = append(resources, Orphan{Provider: l.Provider, Resource: r.Resource, Request: r.Request, Reason: reason})
		}
	}
	byID := func(a, b Orphan) int { return cmp.Compare(a.ID(), b.ID()) }
	slices.SortFunc(machines, byID)
	slices.SortFunc(resources, byID)
	return append(machines, resources...)
}

// judge says why nobody answers for a machine, nothing when somebody does or it is too early to tell.
func (l Look) judge(m ohfp.Machine) Reason {
	if !m.Alive() || !l.old(m.LaunchedAt, l.Seen.ObservedAt) {
		return ""
	}
	if record, ok := l.Known.Machines[m.ID]; ok {
		switch {
		case record.Provider != l.Provider:
			return ""
		case record.Gone() && l.old(record.TerminatedAt, l.Seen.ObservedAt):
			return Undead // whoever drives its request takes what shows it for an old read, and waits for its fleet to be empty
		case l.Known.Open[record.Request] || record.Return != "" && l.Known.Open[record.Return]:
			return ""
		case l.unnamed(record):
			return Unnamed
		}
		return ""
	}
	if l.Met[m.ID] {
		return ""
	}
	return l.unrecorded(l.requestOf(m), m.Resource)
}

func (l Look) judgeResource(r ohfp.ResourceFacts) Reason {
	if r.Gone {
		return ""
	}
	if _, known := l.Known.Resources[r.Resource]; known {
		return ""
	}
	return l.unrecorded(r.Request, r.Resource)
}

// unrecorded says why nobody answers for what the record of a request lacks.
func (l Look) unrecorded(id ohfp.RequestID, resource string) Reason {
	if l.Known.Open[id] || l.Known.Open[l.Known.Resources[resource]] {
		return "" // its request is under way, and whoever drives it takes it in
	}
	switch r, known := l.Known.Requests[id]; {
	case !known:
		return NoRecord
	case r.Provider != l.Provider:
		return "" // another instance of the same account answers for it
	default:
		return Late
	}
}

// unnamed says whether Host Factory has a machine no more: it asked for it, got it, and gives lists without it.
func (l Look) unnamed(m ohfp.Machine) bool {
	r, ok := l.Known.Requests[m.Request]
	return ok && l.Hosts != nil && r.Origin.Face == HostFactory && !r.PolledAt.IsZero() && r.Status.Terminal() &&
		m.Wanted() && m.Return == "" && !m.DeliveredAt.IsZero() && l.old(m.DeliveredAt, l.Hosts.At) && !l.Hosts.Name(m)
}

// HostFactory is the face whose requests a host list is evidence about.
const HostFactory = "hostfactory"

// requestOf is the request that a machine bears, or that made what it came from.
func (l Look) requestOf(m ohfp.Machine) ohfp.RequestID {
	if m.Request.WellFormed() {
		return m.Request
	}
	return l.Known.Resources[m.Resource]
}

// old says whether something began long enough before a look. What began in its future tells of a clock that is wrong.
func (l Look) old(began, look time.Time) bool {
	return !began.IsZero() && !began.After(look) && !began.After(l.Now) && look.Sub(began) >= l.MinAge && l.Now.Sub(began) >= l.MinAge
}

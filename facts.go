package ohfp

import (
	"fmt"
	"time"
)

// GoneAfter is how old a machine must be before its absence from a complete read means that it is gone. EC2 may not
// show a new instance for a while.
const GoneAfter = 5 * time.Minute

// Facts is what one look at the cloud showed of one request.
type Facts struct {
	Machines   []Machine // with the fields that the cloud knows
	Resources  []ResourceFacts
	Complete   bool      // every page of every read arrived; only then does absence mean anything
	ObservedAt time.Time // when the read began; zero: nobody looked
	Problem    string    // why the read is not complete, for the request's message
}

// Fold merges what the cloud showed into the request. Machines that the request did not know are taken in: they come
// from a launch whose answer was lost. It returns the events that tell what changed, none when nothing did.
func (r *Request) Fold(f Facts, now time.Time) []Event {
	seen := make(map[MachineID]*Machine, len(f.Machines))
	for i := range f.Machines {
		seen[f.Machines[i].ID] = &f.Machines[i]
	}
	var events []Event
	for i := range r.Machines {
		m := &r.Machines[i]
		sighting, ok := seen[m.ID]
		switch {
		case ok && sighting.Provider == m.Provider:
			events = append(events, m.see(*sighting, now)...)
			r.appraise(m)
		case !ok && f.Complete && !m.Gone() && f.ObservedAt.Sub(m.knownSince()) > GoneAfter:
			// The move is legal from every state but terminated.
			_ = m.Become(MachineTerminated, now)
			m.StateReason = "the cloud no longer knows it"
			m.lost(now)
			events = append(events, m.event(MachineGone, now, m.StateReason))
		}
	}
	if r.Type == TypeAcquire {
		r.learn(f)
		events = append(events, r.admit(f.Machines, MachineAdopted, now)...)
		events = append(events, r.deliver(now)...)
	}
	if !f.ObservedAt.IsZero() && !r.Status.Terminal() && r.Status != StatusStopping {
		r.Message = f.Problem
		switch {
		case r.Message != "":
		case r.paced():
			r.Message = r.waiting(now)
		case r.Type == TypeAcquire && r.held() < r.Count && r.refused():
			// Whoever waits for capacity is told so at once, not when the time is up.
			r.Message = r.shortfall()
		}
	}
	return events
}

// knownSince is when the machine became known, by our own clock where the record has that: the cloud's clock may be minutes
// behind, which would make a new machine look old.
func (m Machine) knownSince() time.Time {
	switch {
	case !m.KnownAt.IsZero():
		return m.KnownAt
	case !m.LaunchedAt.IsZero():
		return m.LaunchedAt
	default:
		return m.EndingAt
	}
}

// admit takes in machines that the request does not know yet. Machines that come to a request which has ended are
// ended: nobody will ever ask for them.
func (r *Request) admit(machines []Machine, kind EventKind, now time.Time) []Event {
	known := make(map[MachineID]int, len(r.Machines))
	for i, m := range r.Machines {
		known[m.ID] = i
	}
	var events []Event
	for _, m := range machines {
		if i, ok := known[m.ID]; ok {
			if kind == MachineLaunched { // a late answer may tell what a look did not, such as weights
				events = append(events, r.Machines[i].see(m, now)...)
			}
			continue
		}
		known[m.ID] = len(r.Machines)
		m.Request, m.Template, m.Provider, m.KnownAt = r.ID, r.Template.ID, r.Provider, now
		if m.LaunchedAt.IsZero() {
			m.LaunchedAt = now
		}
		if a := r.attemptOf(m); a != nil && m.Attempt == 0 {
			m.Attempt = a.Number
			if a.Resource == "" {
				a.Resource = m.Resource
			}
		}
		if m.State == MachineTerminated && m.TerminatedAt.IsZero() {
			m.TerminatedAt = now
		}
		events = append(events, m.event(kind, now, fmt.Sprintf("%s in %s", m.Type, m.Zone)))
		if m.Name != "" {
			events = append(events, m.event(MachineNamed, now, m.Name))
		}
		r.appraise(&m)
		if r.Status.Terminal() && m.Alive() {
			m.End(ReasonLate, now)
			events = append(events, m.event(MachineEnding, now, string(ReasonLate)))
		}
		r.Machines = append(r.Machines, m)
	}
	return events
}

// deliver hands over the machines that are ready, except those that are not needed and will be ended. Once it is decided
// how the request ends, nothing more is handed over.
func (r *Request) deliver(now time.Time) []Event {
	if r.Status != StatusPending && r.Status != StatusInProgress {
		return nil
	}
	spare := map[MachineID]bool{}
	for _, id := range r.spares() {
		spare[id] = true
	}
	var events []Event
	for i := range r.Machines {
		m := &r.Machines[i]
		if m.DeliveredAt.IsZero() && m.Ready() && m.Ending == "" && !spare[m.ID] {
			m.DeliveredAt = now
			events = append(events, m.event(MachineDelivered, now, m.Name+" is ready at "+m.PrivateIP))
		}
	}
	return events
}

// attemptOf finds the attempt that launched the machine: by its resource, or else the one whose outcome is not certain.
func (r *Request) attemptOf(m Machine) *Attempt {
	for i := range r.Attempts {
		if m.Resource != "" && r.Attempts[i].Resource == m.Resource {
			return &r.Attempts[i]
		}
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.unproven() && (a.Resource == "" || m.Resource == "") {
			return a
		}
	}
	return nil
}

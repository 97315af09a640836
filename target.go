package ohfp

import (
	"fmt"
	"time"
)

// Target is how much a resource that launches by itself (a fleet, a group) is told to have, in units.
type Target struct {
	OnDemand int `json:"onDemand,omitempty"`
	Spot     int `json:"spot,omitempty"`
}

// Exceeds says whether t asks for more than other in either lifecycle.
func (t Target) Exceeds(other Target) bool { return t.OnDemand > other.OnDemand || t.Spot > other.Spot }

func (t *Target) add(m Machine, units int) {
	if m.Lifecycle == Spot {
		t.Spot = max(t.Spot+units, 0)
	} else {
		t.OnDemand = max(t.OnDemand+units, 0)
	}
}

// ResourceTarget is a target and whose it is.
type ResourceTarget struct {
	Resource string
	Target   Target
}

// ResourceFacts is what one look showed of a resource that launches by itself.
type ResourceFacts struct {
	Resource string
	Request  RequestID // from its tag; empty when the cloud did not tell
	Target   Target    // as the cloud has it
	Active   bool      // it may still launch
	Busy     bool      // its target is being changed and cannot be changed now
	Gone     bool      // the cloud no longer has it; its machines may still run
	Failures []Failure // why it lacks machines, newest first
}

// Targets lists the resources that would launch more than is wanted, by what they were told or a later look showed, and
// what they shall have instead; of those that launched one of the machines named, or of all when none is named. A
// provider is told before machines end, so that nothing is replaced.
func (r Request) Targets(f Facts, machines ...MachineID) []ResourceTarget {
	named := make(map[MachineID]bool, len(machines))
	for _, id := range machines {
		named[id] = true
	}
	concerned := map[int]bool{}
	for _, m := range r.Machines {
		if named[m.ID] {
			concerned[m.Attempt] = true
		}
	}
	var targets []ResourceTarget
	for _, a := range r.Attempts {
		if !a.launchesItself() || len(machines) > 0 && !concerned[a.Number] || !a.Order.Keeps && r.fills(a) {
			continue
		}
		wanted := r.intended(a)
		if has, busy, launching := a.told(f); launching && !busy && has.Exceeds(wanted) {
			targets = append(targets, ResourceTarget{Resource: a.Resource, Target: wanted})
		}
	}
	return targets
}

// Told records the targets that a provider accepted.
func (r *Request) Told(targets []ResourceTarget, now time.Time) []Event {
	var events []Event
	for _, t := range targets {
		for i := range r.Attempts {
			if a := &r.Attempts[i]; a.Resource == t.Resource && a.Order.Async {
				a.Told, a.ToldAt = t.Target, now
				events = append(events, r.event(AttemptRetargeted, now,
					fmt.Sprintf("attempt %d: %s shall have %d on demand and %d spot", a.Number, a.Resource, t.Target.OnDemand, t.Target.Spot)))
			}
		}
	}
	return events
}

// Yield records that the unfilled rest of an attempt will be asked for another way.
func (r *Request) Yield(number int, now time.Time) []Event {
	if number < 1 || number > len(r.Attempts) || !r.Attempts[number-1].YieldedAt.IsZero() {
		return nil
	}
	r.Attempts[number-1].YieldedAt = now
	return []Event{r.event(AttemptYielded, now, fmt.Sprintf("attempt %d: what %s has not brought is asked for in another way", number, r.Attempts[number-1].Resource))}
}

// launchesItself says whether the attempt made a resource that may launch without being called again.
func (a Attempt) launchesItself() bool {
	return a.Order.Async && a.Resource != "" && a.RetiredAt.IsZero()
}

// fills says whether the resource of the attempt is still to launch what it was ordered.
func (r Request) fills(a Attempt) bool {
	return (r.Status == StatusPending || r.Status == StatusInProgress) && a.YieldedAt.IsZero()
}

// intended is the target that the resource of an attempt shall have: while it fills what was ordered, less what was
// given back or ended; from then on what it holds and somebody wants.
func (r Request) intended(a Attempt) Target {
	filling := r.fills(a)
	var t Target
	if filling {
		t = a.Order.Target
	}
	for _, m := range r.Machines {
		switch {
		case m.Attempt != a.Number:
		case filling && m.Ending != "":
			t.add(m, -m.Units())
		case !filling && m.Wanted():
			t.add(m, m.Units())
		}
	}
	return t
}

// told is the target that the cloud has by what we know: what a look showed since it was last told, else what it was told.
func (a Attempt) told(f Facts) (t Target, busy, launching bool) {
	t = a.Order.Target
	if !a.ToldAt.IsZero() {
		t = a.Told
	}
	launching = !a.Ended
	for _, seen := range f.Resources {
		if seen.Resource == a.Resource && f.ObservedAt.After(a.ToldAt) {
			return seen.Target, seen.Busy, seen.Active && !seen.Gone
		}
	}
	return t, false, launching
}

// launchesOn says whether a resource may still launch more than is wanted, or may have done so before it was told not to:
// only a complete look after that shows all that it has.
func (r Request) launchesOn(f Facts) bool {
	for _, a := range r.Attempts {
		if a.launchesItself() && !a.Ended {
			has, busy, launching := a.told(f)
			unseen := !a.ToldAt.IsZero() && !(f.Complete && f.ObservedAt.After(a.ToldAt))
			if launching && (busy || unseen || has.Exceeds(r.intended(a))) {
				return true
			}
		}
	}
	return false
}

// waits says whether a resource is expected to bring more by itself, so that a shortage is none yet. A resource that has
// yielded is waited for until it is known to launch no more than it holds.
func (r Request) waits(f Facts) bool {
	for _, a := range r.Attempts {
		if a.launchesItself() && !a.Ended && a.YieldedAt.IsZero() {
			return true
		}
	}
	return r.yielded() && r.launchesOn(f)
}

// yielding is the attempt that has had its time and is still short, nil when there is none.
func (r Request) yielding(now time.Time) *Attempt {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.launchesItself() && a.Order.Yields > 0 && a.YieldedAt.IsZero() && now.Sub(a.AnsweredAt) >= a.Order.Yields {
			return a
		}
	}
	return nil
}

// learn records what a look told of the resources.
func (r *Request) learn(f Facts) {
	for _, seen := range f.Resources {
		a := r.madeBy(seen)
		if a == nil {
			continue
		}
		a.Resource = seen.Resource
		if has, _, _ := a.told(Facts{}); !seen.Gone && seen.Target != has && f.ObservedAt.After(a.ToldAt) {
			a.Told, a.ToldAt = seen.Target, f.ObservedAt // as when the answer to an order to change it was lost
		}
		if len(seen.Failures) > 0 {
			a.Failures = seen.Failures
		}
		if ended := f.Complete && (seen.Gone || !seen.Active); ended && !a.Ended {
			a.Ended = true
			a.Exhausted = a.Exhausted || len(a.Failures) > 0 // it had every offering to choose from
		}
	}
}

// madeBy is the attempt that made a resource: by its name or, where the answer of the call is not known, by its tag.
func (r *Request) madeBy(seen ResourceFacts) *Attempt {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Order.Async && a.Resource == seen.Resource {
			return a
		}
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Order.Async && a.Resource == "" && a.unproven() && seen.Request == r.ID && !seen.Gone {
			return a
		}
	}
	return nil
}

// unproven says whether the attempt may have made something of which its answer does not tell.
func (a Attempt) unproven() bool { return !a.Answered() || a.Doubtful }

// Open says whether an attempt may have made something of which its answer does not tell, so that it must be looked for.
func (r Request) Open() bool {
	for _, a := range r.Attempts {
		if a.unproven() {
			return true
		}
	}
	return false
}

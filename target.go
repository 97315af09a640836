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

// ResourceTarget is the target of one resource.
type ResourceTarget struct {
	Resource string
	Target   Target
}

// Targets lists the resources that would launch more than is wanted, with the targets that they should have instead. What
// they would launch follows from what they were last told, or from a later look. With machines, it lists only the
// resources that launched one of them. Providers lower targets before machines end, so that nothing is replaced.
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

// fills says whether the resource of the attempt is still meant to launch what was ordered.
func (r Request) fills(a Attempt) bool {
	return (r.Status == StatusPending || r.Status == StatusInProgress) && a.YieldedAt.IsZero()
}

// intended is the target that the resource of an attempt should have. While it fills, that is what was ordered, less what
// was given back or ended; from then on it is what the resource holds and somebody wants.
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

// told is the target that the cloud has as far as we know: what a look has shown since the resource was last told one, or
// else what it was told.
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

// launchesOn says whether a resource may still launch more than is wanted, or may have done so before it was told not to.
// Only a complete look after it was told shows everything that it has.
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

// waits says whether nothing more should be asked for yet, because a resource is expected to bring more by itself. One that
// has yielded is waited for until it is known to launch no more than it holds.
func (r Request) waits(f Facts) bool {
	for _, a := range r.Attempts {
		if a.launchesItself() && !a.Ended && a.YieldedAt.IsZero() {
			return true
		}
	}
	return r.yielded() && r.launchesOn(f)
}

// retarget adds the targets to be lowered. They come after the machines to be ended, so that a refused target does not keep
// machines of other resources alive. Ending a machine lowers the target of its own resource already.
func (r Request) retarget(actions []Action, f Facts) []Action {
	set := map[string]bool{}
	for _, action := range actions {
		if end, ok := action.(Terminate); ok {
			for _, t := range r.Targets(f, end.Machines...) {
				set[t.Resource] = true
			}
		}
	}
	var targets []ResourceTarget
	for _, t := range r.Targets(f) {
		if !set[t.Resource] {
			targets = append(targets, t)
		}
	}
	if len(targets) > 0 {
		actions = append(actions, Retarget{Targets: targets})
	}
	return actions
}

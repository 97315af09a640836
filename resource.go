package ohfp

import (
	"fmt"
	"time"
)

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

// launchesItself says whether the attempt made a resource that may launch without being called again.
func (a Attempt) launchesItself() bool {
	return a.Order.Async && a.Resource != "" && a.RetiredAt.IsZero()
}

// learn records what a look showed of the resources.
func (r *Request) learn(f Facts) {
	for _, seen := range f.Resources {
		a := r.madeBy(seen)
		if a == nil {
			continue
		}
		a.Resource = seen.Resource
		if has, _, _ := a.told(Facts{}); !seen.Gone && seen.Target != has && f.ObservedAt.After(a.ToldAt) {
			a.Told, a.ToldAt = seen.Target, f.ObservedAt // its target was changed, and the answer lost
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

// TakeIn records a fleet or group that bears the request's tag and that its record lacks. Whether it replaces what it loses
// is no longer known; holding it to a target is right either way.
func (r *Request) TakeIn(seen ResourceFacts, now time.Time) {
	r.takeIn(seen.Resource, Order{Async: true, Keeps: true, Retires: true, Target: seen.Target}, now)
}

// TakeInSource records the resource that a machine came from, if the record lacks it, so that it is removed once its
// machines are gone. Such a resource launches nothing by itself.
func (r *Request) TakeInSource(m Machine, now time.Time) {
	r.takeIn(m.Resource, Order{Retires: true}, now)
}

func (r *Request) takeIn(resource string, order Order, now time.Time) {
	if resource == "" {
		return
	}
	for _, a := range r.Attempts {
		if a.Resource == resource {
			return
		}
	}
	r.Attempts = append(r.Attempts, Attempt{
		Number: len(r.Attempts) + 1, Order: order, IntendedAt: now, CalledAt: now, AnsweredAt: now, Resource: resource,
	})
}

// retirable lists the attempts whose resource has outlived its machines.
func (r Request) retirable() []Attempt {
	if r.Type != TypeAcquire || !r.Status.Terminal() {
		return nil
	}
	alive := map[string]bool{}
	for _, m := range r.Machines {
		if !m.Gone() {
			alive[m.Resource] = true
		}
	}
	var out []Attempt
	for _, a := range r.Attempts {
		if a.Order.Retires && a.Resource != "" && a.RetiredAt.IsZero() && !alive[a.Resource] {
			out = append(out, a)
		}
	}
	return out
}

// Retired records that the resource of an attempt is removed.
func (r *Request) Retired(number int, now time.Time) []Event {
	a := r.attempt(number)
	if a == nil || !a.RetiredAt.IsZero() {
		return nil
	}
	a.RetiredAt = now
	return []Event{r.event(AttemptRetired, now, fmt.Sprintf("attempt %d: %s is removed", number, a.Resource))}
}

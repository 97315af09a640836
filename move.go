package ohfp

import (
	"fmt"
	"slices"
	"time"
)

// movable says whether another provider may be asked: the last launch was refused for a reason that need not hold elsewhere,
// and nothing that was ever ordered can still bring a machine.
func (r Request) movable() bool {
	last := r.lastAttempt()
	if len(r.Fallbacks) == 0 || last == nil || !last.Elsewhere || len(r.Machines) > 0 {
		return false
	}
	return !slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.unproven() || a.launchesItself() })
}

// MoveTo gives the request to one of its fallbacks and records its first order with it in the same step, so that two
// providers never have an order whose outcome is open.
func (r *Request) MoveTo(name string, order Order, now time.Time) ([]Event, error) {
	at := slices.Index(r.Fallbacks, name)
	if at < 0 || !r.movable() {
		return nil, Errorf(ErrConflict, "request %s cannot go on with provider %s; look again", r.ID, name)
	}
	estimate, from := order.Estimate, r.Provider
	for i := range r.Attempts {
		if r.Attempts[i].Provider == "" {
			r.Attempts[i].Provider = from
		}
	}
	why := from + " refused"
	if failures := r.lastAttempt().Failures; len(failures) > 0 {
		why += ": " + failures[0].String()
	}
	r.Fallbacks = slices.Clone(r.Fallbacks[at+1:])
	r.Provider, r.Message = name, ""
	r.Placement += "; " + why
	moved := r.event(RequestMoved, now, fmt.Sprintf("from provider %s to %s: %s", from, name, why))
	intended, err := r.Intend(order, now)
	if err != nil {
		return nil, err
	}
	r.Estimate = estimate
	return append([]Event{moved}, intended...), nil
}

// PassOver records that a fallback cannot launch the request either. It is not asked again.
func (r *Request) PassOver(name, why string) {
	if at := slices.Index(r.Fallbacks, name); at >= 0 {
		r.Fallbacks = slices.Delete(slices.Clone(r.Fallbacks), at, at+1)
		r.Placement += "; " + name + " refused: " + why
	}
}

// ProviderOf is the provider that an attempt was made with.
func (r Request) ProviderOf(a Attempt) string {
	if a.Provider != "" {
		return a.Provider
	}
	return r.Provider
}

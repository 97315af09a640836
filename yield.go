package ohfp

import (
	"fmt"
	"time"
)

// Yield records that the unfilled rest of an attempt will be asked for in the template's other way.
func (r *Request) Yield(number int, now time.Time) []Event {
	a := r.attempt(number)
	if a == nil || !a.YieldedAt.IsZero() {
		return nil
	}
	a.YieldedAt = now
	return []Event{r.event(AttemptYielded, now, fmt.Sprintf("attempt %d: what %s has not brought is asked for in another way", number, a.Resource))}
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

// yielded says whether some attempt has yielded, so that launches go the template's other way.
func (r Request) yielded() bool {
	for _, a := range r.Attempts {
		if !a.YieldedAt.IsZero() {
			return true
		}
	}
	return false
}

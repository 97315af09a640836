package ohfp

import (
	"fmt"
	"slices"
	"time"
)

// AbandonPolicy says what becomes of a request that nobody follows. It is copied into each request, so that a changed
// configuration does not surprise requests that are under way.
type AbandonPolicy struct {
	Unanswered time.Duration `json:"unanswered"` // release a request whose answer never left us after this long
	Unpolled   time.Duration `json:"unpolled"`   // an answered request nobody polled is abandoned after this long
	Release    bool          `json:"release"`    // also release abandoned ones; otherwise they are only listed
}

// Abandoned says whether nobody follows the request: it is under way or holds machines, and its status was never asked
// for. The request must have been read with its machines.
func (r Request) Abandoned(now time.Time) bool {
	if r.Type != TypeAcquire || r.Abandon.Unpolled <= 0 || !r.PolledAt.IsZero() || now.Sub(r.CreatedAt) <= r.Abandon.Unpolled {
		return false
	}
	return !r.Status.Terminal() || slices.ContainsFunc(r.Machines, Machine.Wanted)
}

// NoteAbandoned records that the request is abandoned, once.
func (r *Request) NoteAbandoned(now time.Time) []Event {
	if !r.AbandonedAt.IsZero() || !r.Abandoned(now) {
		return nil
	}
	r.AbandonedAt = now
	return []Event{r.event(RequestAbandoned, now, fmt.Sprintf("nobody has asked for its status within %s", FormatDuration(r.Abandon.Unpolled)))}
}

// planAbandoned releases a request that nobody can know of, and one that is abandoned where the policy says so.
func planAbandoned(r Request, now time.Time) (Stop, bool) {
	stop := Stop{Verdict: StatusCancelled, Because: ReasonAbandoned}
	switch {
	case r.unheard(now):
		stop.Message = fmt.Sprintf("released: its answer never left us and nobody asked for it within %s", FormatDuration(r.Abandon.Unanswered))
		return stop, true
	case r.Abandon.Release && r.Abandoned(now):
		stop.Message = fmt.Sprintf("released: nobody asked for its status within %s", FormatDuration(r.Abandon.Unpolled))
		return stop, true
	}
	return Stop{}, false
}

// unheard says whether nobody can have learned of the request: its answer never left us, and it was never polled.
func (r Request) unheard(now time.Time) bool {
	return r.Abandon.Unanswered > 0 && r.AnsweredAt.IsZero() && r.PolledAt.IsZero() &&
		now.Sub(r.CreatedAt) > r.Abandon.Unanswered
}

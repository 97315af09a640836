package ohfp

import (
	"fmt"
	"strconv"
	"time"
)

// Pace says until when the cloud's rate puts off the next launch of a request.
type Pace struct {
	Until time.Time `json:"until"`         // nothing is launched before; zero: nothing waits
	Done  time.Time `json:"done,omitzero"` // when all that is missing may have been launched; zero: not known
}

// PutOff records that the next launch waits for the cloud's rate. That time is not the request's: its deadline counts from
// the last launch that was let through.
func (r *Request) PutOff(e *PacedError, now time.Time) {
	if r.Status.Terminal() || r.Status == StatusStopping {
		return
	}
	r.Paced = Pace{Until: e.At, Done: e.Done}
	r.Message = r.waiting(now)
}

// LetThrough ends a wait for the cloud's rate.
func (r *Request) LetThrough(now time.Time) {
	if !r.Paced.Until.IsZero() {
		r.Paced, r.Message = Pace{}, ""
		r.Deadline = now.Add(r.Timeout)
	}
}

// paced says whether something is left to be launched that waits for the cloud's rate.
func (r Request) paced() bool {
	return !r.Paced.Until.IsZero() && (r.held() < r.Count || r.openAttempt() != nil)
}

// waiting tells whoever follows the request what it waits for and for how long.
func (r Request) waiting(now time.Time) string {
	done := r.Paced.Done
	if done.Before(r.Paced.Until) {
		done = r.Paced.Until
	}
	return fmt.Sprintf("waiting for the cloud's rate: %s of %s launched, about %s to go",
		thousands(r.held()), thousands(r.Count), about(done.Sub(now)))
}

// thousands writes a number as people read it: 10,000.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// about rounds a time up so coarsely that storing it whenever it changes costs few writes.
func about(d time.Duration) string {
	const step = 10 * time.Second
	switch {
	case d <= 90*time.Second:
		return fmt.Sprintf("%d s", int(max(d+step-1, step)/step*step/time.Second))
	case d <= 90*time.Minute:
		return fmt.Sprintf("%d min", int((d+time.Minute-1)/time.Minute))
	default:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
}

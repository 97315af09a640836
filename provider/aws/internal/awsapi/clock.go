package awsapi

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Clock compares the clock of this machine with AWS's, which puts the time into every answer.
type Clock struct{ seen atomic.Pointer[sighting] }

// sighting is an answer: what it said of the time, and when it came.
type sighting struct {
	date string
	at   time.Time
}

// Ahead is how far the clock of this machine was ahead of AWS's at the last answer, to about a second. It is not known
// before the first.
func (c *Clock) Ahead() (ahead time.Duration, known bool) {
	last := c.seen.Load()
	if last == nil {
		return 0, false
	}
	told, err := http.ParseTime(last.date)
	return last.at.Sub(told), err == nil
}

// dated keeps what each answer says of the time.
type dated struct {
	next  http.RoundTripper
	clock *Clock
	now   func() time.Time
}

func (t dated) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err == nil && response.Header.Get("Date") != "" {
		t.clock.seen.Store(&sighting{date: response.Header.Get("Date"), at: t.now()})
	}
	return response, err
}

package ohfp

import (
	"errors"
	"testing"
	"time"
)

func TestAbout(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Minute: "10 s", 0: "10 s", time.Second: "10 s", 30 * time.Second: "30 s", 31 * time.Second: "40 s",
		91 * time.Second: "2 min", 12 * time.Minute: "12 min", 75 * time.Minute: "75 min", 2 * time.Hour: "2.0 h",
	} {
		if got := about(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10_000: "10,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// TestPutOffStopsTheClock: the time that the cloud's rate takes is not the request's, which begins anew at the launch that
// was let through.
func TestPutOffStopsTheClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	r, _, err := NewAcquire("req-1", Template{ID: "t", MaxNumber: -1}, 100, Origin{}, 10*time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	seen := func() Facts { return Facts{Complete: true, ObservedAt: now} }
	r.PutOff(&PacedError{Call: "RunInstances", At: now.Add(20 * time.Minute), Done: now.Add(40 * time.Minute)}, now)
	if want := "waiting for the cloud's rate: 0 of 100 launched, about 40 min to go"; r.Message != want {
		t.Errorf("message is %q, want %q", r.Message, want)
	}
	now = now.Add(15 * time.Minute)
	r.Fold(seen(), now)
	if want := "waiting for the cloud's rate: 0 of 100 launched, about 25 min to go"; r.Message != want {
		t.Errorf("a look makes the message %q, want %q", r.Message, want)
	}
	if actions := Plan(r, seen(), now); len(actions) > 0 {
		t.Errorf("while it waits, past its first deadline: %#v", actions)
	}
	now = now.Add(5 * time.Minute)
	if actions := Plan(r, seen(), now); len(actions) != 1 || actions[0] != (Launch{Count: 100}) {
		t.Errorf("when it may: %#v", actions)
	}
	if _, err := r.Intend(Order{API: "RunInstances", Count: 100}, now); err != nil {
		t.Fatal(err)
	}
	if !r.Deadline.Equal(now.Add(10*time.Minute)) || r.Message != "" || !r.Paced.Until.IsZero() {
		t.Errorf("after the launch: deadline %s, message %q, paced %v", r.Deadline, r.Message, r.Paced)
	}
	// The intent's own call may have to wait as well.
	r.Delay(1, Failure{Code: "PutOff", Message: "wait"}, true, now)
	r.PutOff(&PacedError{At: now.Add(time.Hour)}, now)
	now = now.Add(30 * time.Minute)
	if actions := Plan(r, seen(), now); len(actions) > 0 {
		t.Errorf("while the stored call waits: %#v", actions)
	}
	now = now.Add(30 * time.Minute)
	if actions := Plan(r, seen(), now); len(actions) != 1 || actions[0] != (Resume{Attempt: 1}) {
		t.Errorf("when the stored call may be made: %#v", actions)
	}
	if _, err := r.Answer(1, Outcome{Resource: "r-1", Failures: []Failure{{Code: "InsufficientInstanceCapacity"}}}, now); err != nil {
		t.Fatal(err)
	}
	if !r.Deadline.Equal(now.Add(10*time.Minute)) || !r.Paced.Until.IsZero() {
		t.Errorf("after its answer: deadline %s, paced %v", r.Deadline, r.Paced)
	}
	now = now.Add(11 * time.Minute)
	if actions := Plan(r, seen(), now); len(actions) != 1 {
		t.Errorf("past the deadline: %#v", actions)
	} else if _, stops := actions[0].(Stop); !stops {
		t.Errorf("past the deadline: %#v", actions)
	}
	r.Status = StatusStopping
	r.PutOff(&PacedError{At: now.Add(time.Hour)}, now)
	if !r.Paced.Until.IsZero() {
		t.Error("a request that is stopping waits for nothing")
	}
}

func TestPacedError(t *testing.T) {
	t.Parallel()
	err := error(&PacedError{Call: "RunInstances", At: time.Date(2026, 1, 5, 8, 1, 2, 0, time.UTC)})
	if !errors.Is(err, ErrThrottled) || !Retryable(err) {
		t.Error("it is not throttled")
	}
	if want := "RunInstances is put off to keep to the cloud's rate; it may be made at 08:01:02 UTC"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

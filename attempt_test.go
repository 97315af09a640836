package ohfp_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestIntend(t *testing.T) {
	t.Parallel()
	r := acquire(2, status(ohfp.StatusPending))
	order := ohfp.Order{API: "RunInstances", Token: "one", Count: 2, Offering: "m5.large/a"}
	events, err := r.Intend(order, after(time.Second))
	wantKinds(t, "an intent", events, ohfp.AttemptIntended)
	want := []ohfp.Attempt{{Number: 1, Order: order, IntendedAt: after(time.Second), CalledAt: after(time.Second)}}
	if diff := cmp.Diff(want, r.Attempts); diff != "" || err != nil {
		t.Fatalf("error %v, attempts (-want +got):\n%s", err, diff)
	}
	if _, err := r.Intend(order, after(time.Second)); !errors.Is(err, ohfp.ErrConflict) || len(r.Attempts) != 1 {
		t.Errorf("a second attempt beside an open one: %v, want %v", err, ohfp.ErrConflict)
	}
	if _, err := r.Answer(1, ohfp.Outcome{Failures: []ohfp.Failure{{Code: "full"}}}, after(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Intend(order, after(time.Minute)); err != nil || r.Attempts[1].Number != 2 {
		t.Errorf("a second attempt after the first: %v", err)
	}
	for _, s := range ohfp.Statuses()[2:] {
		r := acquire(2, status(s))
		if _, err := r.Intend(order, start()); !errors.Is(err, ohfp.ErrConflict) || len(r.Attempts) > 0 {
			t.Errorf("an attempt of a %s request: %v, want %v", s, err, ohfp.ErrConflict)
		}
	}
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	r := acquire(1, attempt(open(0)))
	if err := r.Repeat(1, after(time.Minute)); err != nil || !r.Attempts[0].CalledAt.Equal(after(time.Minute)) || !r.Attempts[0].EarlierAt.Equal(start()) || !r.Attempts[0].Doubtful {
		t.Errorf("repeating: attempt %+v, error %v", r.Attempts[0], err)
	}
	if !r.Attempts[0].IntendedAt.Equal(start()) {
		t.Errorf("the repetition changed when the attempt was intended; tokens expire by that")
	}
	answered, ended := acquire(1, attempt()), acquire(1, attempt(open(0)), status(ohfp.StatusStopping))
	for what, err := range map[string]error{
		"of an answered attempt":     answered.Repeat(1, start()),
		"while the request is ended": ended.Repeat(1, start()),
	} {
		if !errors.Is(err, ohfp.ErrConflict) {
			t.Errorf("a repetition %s: %v, want %v", what, err, ohfp.ErrConflict)
		}
	}
	for _, number := range []int{0, 2} {
		if err := r.Repeat(number, start()); !errors.Is(err, ohfp.ErrNotFound) {
			t.Errorf("repeating attempt %d of 1: %v, want %v", number, err, ohfp.ErrNotFound)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	launched := func(id ohfp.MachineID) ohfp.Machine {
		return ohfp.Machine{ID: id, State: ohfp.MachinePending, LaunchedAt: start()}
	}
	r := acquire(3, attempt(open(0)), status(ohfp.StatusPending))
	outcome := ohfp.Outcome{
		Resource: "fleet-1", Machines: []ohfp.Machine{launched("i-1"), launched("i-2")},
		Failures: []ohfp.Failure{{Code: "full", Message: "none left", Offering: "m5.large/a"}}, Exhausted: true,
	}
	events, err := r.Answer(1, outcome, after(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, "an answer", events, ohfp.AttemptLaunched, ohfp.AttemptRefused, ohfp.MachineLaunched, ohfp.MachineLaunched, ohfp.RequestChanged)
	if a := r.Attempts[0]; !a.Answered() || a.Resource != "fleet-1" || !a.Exhausted || a.Permanent || len(a.Failures) != 1 || r.Status != ohfp.StatusInProgress {
		t.Errorf("attempt %+v of a %s request", a, r.Status)
	}
	for _, m := range r.Machines {
		if m.Request != "req-1" || m.Template != "t" || m.Provider != "aws" || m.Attempt != 1 || m.Resource != "fleet-1" {
			t.Errorf("machine %+v does not know where it comes from", m)
		}
	}
	before := r
	before.Attempts, before.Machines = slices.Clone(r.Attempts), slices.Clone(r.Machines)
	events, err = r.Answer(1, outcome, after(time.Hour))
	if diff := cmp.Diff(before, r); diff != "" || err != nil || len(events) > 0 {
		t.Errorf("the same answer again: error %v, events %v, change (-want +got):\n%s", err, kinds(events), diff)
	}
	for _, number := range []int{0, 2} {
		if _, err := r.Answer(number, outcome, start()); !errors.Is(err, ohfp.ErrNotFound) {
			t.Errorf("an answer to attempt %d of 1: %v, want %v", number, err, ohfp.ErrNotFound)
		}
	}
}

func TestAnswerComesLate(t *testing.T) {
	t.Parallel()
	r := acquire(1, attempt(open(0)), status(ohfp.StatusStopping))
	if _, err := r.Settle(1, after(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Become(ohfp.StatusCancelled, "", after(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	events, err := r.Answer(1, ohfp.Outcome{Resource: "fleet-1", Machines: []ohfp.Machine{{ID: "i-1", State: ohfp.MachineRunning}}}, after(11*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, "a late answer", events, ohfp.MachineLaunched, ohfp.MachineEnding)
	if m := r.Machines[0]; m.Ending != ohfp.ReasonLate || m.Attempt != 1 || m.Resource != "fleet-1" || r.Settled() {
		t.Errorf("machine %+v came late and must be ended; settled %t", m, r.Settled())
	}
	if r.Attempts[0].Resource != "fleet-1" {
		t.Errorf("the attempt does not know its resource %q, so that it is never removed", r.Attempts[0].Resource)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	r := acquire(2, attempt(open(0), doubtful))
	if _, err := r.Settle(1, after(time.Hour)); err != nil {
		t.Fatal(err)
	}
	a := r.Attempts[0]
	if !a.Answered() || a.Doubtful || a.Permanent || !a.Exhausted || len(a.Failures) != 1 || a.Failures[0].Code != "NotCarriedOut" {
		t.Errorf("an attempt that brought nothing became %+v", a)
	}
	r = acquire(2, attempt(open(0)), with(machine("i-1")))
	if _, err := r.Settle(1, after(time.Hour)); err != nil || len(r.Attempts[0].Failures) > 0 {
		t.Errorf("an attempt that brought a machine failed by %v, error %v", r.Attempts[0].Failures, err)
	}
	r = acquire(2, attempt(permanent, doubtful), status(ohfp.StatusFailed))
	before := r.Attempts[0].AnsweredAt
	if r.Settled() {
		t.Errorf("a request is settled while machines of it may still turn up")
	}
	if _, err := r.Settle(1, after(time.Hour)); err != nil || r.Attempts[0].Doubtful || r.Attempts[0].AnsweredAt != before || !r.Settled() {
		t.Errorf("a doubtful attempt became %+v, settled %t, error %v", r.Attempts[0], r.Settled(), err)
	}
	if _, err := r.Settle(2, start()); !errors.Is(err, ohfp.ErrNotFound) {
		t.Errorf("settling attempt 2 of 1: %v, want %v", err, ohfp.ErrNotFound)
	}
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		outcome ohfp.Outcome
		repeat  bool
		want    bool
	}{
		"a refusal of the first call":    {ohfp.Outcome{Permanent: true}, false, false},
		"a refusal of a repetition":      {ohfp.Outcome{Permanent: true}, true, true},
		"machines brought by repetition": {ohfp.Outcome{Machines: []ohfp.Machine{{ID: "i-1"}}}, true, false},
	} {
		r := acquire(1, attempt(open(0)))
		if tt.repeat {
			if err := r.Repeat(1, after(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Answer(1, tt.outcome, after(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := r.Attempts[0].Doubtful; got != tt.want {
			t.Errorf("%s: doubtful %t, want %t", what, got, tt.want)
		}
	}
}

func TestThrottlingMovesTheDeadline(t *testing.T) {
	t.Parallel()
	r := acquire(1, status(ohfp.StatusPending))
	for _, let := range []time.Duration{20 * time.Minute, 40 * time.Minute, 80 * time.Minute} {
		number := len(r.Attempts) + 1
		if _, err := r.Intend(ohfp.Order{}, after(let-time.Minute)); err != nil {
			t.Fatal(err)
		}
		r.Delay(number, ohfp.Failure{Message: "slow down"}, true, start())
		if r.Message != "slow down" {
			t.Errorf("message %q does not say why nothing happens", r.Message)
		}
		if _, err := r.Answer(number, ohfp.Outcome{Failures: []ohfp.Failure{{Code: "full"}}}, after(let)); err != nil {
			t.Fatal(err)
		}
		if want := after(let + 10*time.Minute); !r.Deadline.Equal(want) {
			t.Errorf("deadline %s, want %s: ten minutes from the call that was let through", r.Deadline, want)
		}
	}
	deadline := r.Deadline
	if _, err := r.Intend(ohfp.Order{}, after(81*time.Minute)); err != nil {
		t.Fatal(err)
	}
	r.Delay(4, ohfp.Failure{Message: "no answer"}, false, start())
	if _, err := r.Answer(4, ohfp.Outcome{}, after(85*time.Minute)); err != nil || !r.Deadline.Equal(deadline) {
		t.Errorf("deadline %s, error %v; a call without answer does not move it", r.Deadline, err)
	}
	answered, stopped := acquire(1, attempt()), acquire(1, attempt(open(0)), stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled))
	answered.Delay(1, ohfp.Failure{Message: "no answer"}, true, start())
	stopped.Delay(1, ohfp.Failure{Message: "no answer"}, true, start())
	if answered.Attempts[0].Throttled || answered.Message != "" || stopped.Message != "why" {
		t.Errorf("a delay changed an answered attempt, or the message of a decision (%q)", stopped.Message)
	}
}

func TestRetired(t *testing.T) {
	t.Parallel()
	r := acquire(1, attempt())
	for _, number := range []int{0, 1, 2, 1} {
		r.Retired(number, after(time.Duration(number)*time.Minute))
	}
	if !r.Attempts[0].RetiredAt.Equal(after(time.Minute)) {
		t.Errorf("retired at %s, want the first time", r.Attempts[0].RetiredAt)
	}
}

func TestFailureString(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]ohfp.Failure{
		"full":                        {Code: "full"},
		"full: none left":             {Code: "full", Message: "none left"},
		"m5.large/a: full: none left": {Code: "full", Message: "none left", Offering: "m5.large/a"},
	} {
		if got := f.String(); got != want {
			t.Errorf("failure reads %q, want %q", got, want)
		}
	}
}

// TestDeadlineOfAnOrder: the first order says how long its request may take, unless the template does.
func TestDeadlineOfAnOrder(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		timeout time.Duration
		lasts   []time.Duration // of the attempts, one after the other
		want    time.Duration
	}{
		"as usual":                        {0, []time.Duration{0}, 10 * time.Minute},
		"as the order says":               {0, []time.Duration{45 * time.Minute}, 45 * time.Minute},
		"shorter than usual":              {0, []time.Duration{time.Minute}, time.Minute},
		"as the template says":            {2 * time.Minute, []time.Duration{45 * time.Minute}, 2 * time.Minute},
		"later orders do not prolong it":  {0, []time.Duration{45 * time.Minute, time.Hour}, 45 * time.Minute},
		"and do not begin to speak of it": {0, []time.Duration{0, time.Hour}, 10 * time.Minute},
	} {
		r, _, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 5, Timeout: test.timeout}, 1, ohfp.Origin{Face: "cli"}, 10*time.Minute, start())
		if err != nil {
			t.Fatal(err)
		}
		for i, lasts := range test.lasts {
			if _, err := r.Intend(ohfp.Order{Lasts: lasts}, after(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Answer(i+1, ohfp.Outcome{Failures: []ohfp.Failure{{Code: "full"}}}, after(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if r.Timeout != test.want || !r.Deadline.Equal(after(test.want)) {
			t.Errorf("%s: %s until %s, want %s until %s", what, r.Timeout, r.Deadline, test.want, after(test.want))
		}
		// Put off by the cloud, it is counted from the call that is let through.
		if _, err := r.Intend(ohfp.Order{}, after(time.Hour)); err != nil {
			t.Fatal(err)
		}
		r.Delay(len(r.Attempts), ohfp.Failure{Message: "slow down"}, true, after(time.Hour))
		if _, err := r.Answer(len(r.Attempts), ohfp.Outcome{}, after(2*time.Hour)); err != nil || !r.Deadline.Equal(after(2*time.Hour+test.want)) {
			t.Errorf("%s: put off, it may take until %s, want %s", what, r.Deadline, after(2*time.Hour+test.want))
		}
	}
}

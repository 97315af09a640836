package ohfp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestEveryKindOfEventHasAMeaning(t *testing.T) {
	t.Parallel()
	seen := map[ohfp.EventKind]bool{}
	for _, e := range ohfp.EventKinds() {
		if seen[e.Kind] || e.Meaning == "" {
			t.Errorf("%s is there twice, or means nothing", e.Kind)
		}
		seen[e.Kind] = true
	}
}

func TestRefusalsAreToldOnceWithTheCloudsWords(t *testing.T) {
	t.Parallel()
	r, _, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 10}, 1, ohfp.Origin{Face: "cli"}, time.Minute, start())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Intend(ohfp.Order{API: "Fleet", Count: 1}, start()); err != nil {
		t.Fatal(err)
	}
	throttled := ohfp.Failure{Code: "RequestLimitExceeded", Message: "slow down", RequestID: "abc"}
	events := r.Delay(1, throttled, true, after(time.Second))
	want := []ohfp.Event{{
		At: after(time.Second), Kind: ohfp.AttemptDelayed, Request: "req-1", Template: "t", Message: "attempt 1: slow down",
		Code: "RequestLimitExceeded", CloudRequest: "abc",
	}}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	throttled.RequestID = "def"
	if again := r.Delay(1, throttled, true, after(2*time.Second)); again != nil {
		t.Errorf("the same again is news: %+v", again)
	}
	if other := r.Delay(1, ohfp.Failure{Code: "NoAnswer", Message: "no answer"}, false, after(3*time.Second)); len(other) != 1 {
		t.Errorf("another reason is no news: %+v", other)
	}
	events, err = r.Answer(1, ohfp.Outcome{Permanent: true, Failures: []ohfp.Failure{{Code: "Unauthorized", Message: "no", RequestID: "ghi"}}}, after(4*time.Second))
	if err != nil || len(events) != 1 || events[0].Code != "Unauthorized" || events[0].CloudRequest != "ghi" {
		t.Errorf("the refusal is told as %+v (%v)", events, err)
	}

	denied := ohfp.Failure{Code: "UnauthorizedOperation", Message: "not you", RequestID: "xyz"}
	events = r.EndRefused(denied, after(5*time.Second))
	if len(events) != 1 || events[0].Kind != ohfp.EndRefused || events[0].Code != denied.Code || events[0].CloudRequest != "xyz" {
		t.Errorf("a refused end is told as %+v", events)
	}
	if again := r.EndRefused(denied, after(6*time.Second)); again != nil {
		t.Errorf("the same again is news: %+v", again)
	}
	r.Machines = []ohfp.Machine{{ID: "i-1", State: ohfp.MachineRunning}}
	r.EndAccepted("", map[ohfp.MachineID]ohfp.MachineState{"i-1": ohfp.MachineShuttingDown}, after(7*time.Second))
	if again := r.EndRefused(denied, after(8*time.Second)); len(again) != 1 {
		t.Error("a refusal after an order that was accepted is no news")
	}
}

func TestReportsAreToldOnce(t *testing.T) {
	t.Parallel()
	reader := ohfp.Origin{Face: "hostfactory", Caller: "egoadmin"}
	r := ohfp.Request{ID: "req-1", Type: ohfp.TypeAcquire, Status: ohfp.StatusInProgress, Machines: []ohfp.Machine{{ID: "i-1"}, {ID: "i-2"}}}
	told := func(what string, want string) {
		t.Helper()
		events := r.Report(reader, start())
		switch {
		case want == "" && len(events) > 0:
			t.Errorf("%s: told %q", what, events[0].Message)
		case want != "" && (len(events) != 1 || events[0].Message != want || events[0].Actor != "hostfactory:egoadmin" || events[0].Kind != ohfp.RequestReported):
			t.Errorf("%s: told %+v, want %q", what, events, want)
		}
	}
	told("nothing is ready", "")
	r.Machines[0].DeliveredAt = start()
	told("one is ready", "told that it is in_progress, with 1 machine ready")
	told("still one", "")
	r.Machines[1].DeliveredAt, r.Status = start(), ohfp.StatusComplete
	told("complete", "told that it is complete, with 2 machines ready")
	r.Machines[0].State = ohfp.MachineTerminated
	told("one was given back", "")
	back := ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete, Machines: r.Machines[:1]}
	if events := back.Report(reader, start()); len(events) != 1 || events[0].Message != "told that it is complete, with 1 machine gone" {
		t.Errorf("a return is told as %+v", events)
	}
}

func TestTheDeadlineIsAnEvent(t *testing.T) {
	t.Parallel()
	r := ohfp.Request{ID: "req-1", Type: ohfp.TypeAcquire, Status: ohfp.StatusInProgress, Timeout: 10 * time.Minute}
	events, err := r.Stop(ohfp.StatusTimeout, ohfp.ReasonDeadline, "0 of 2 delivered", start())
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, "the deadline", events, ohfp.RequestDeadline, ohfp.RequestChanged)
	if want := "the time is up after 10m: 0 of 2 delivered"; events[0].Message != want {
		t.Errorf("told %q, want %q", events[0].Message, want)
	}
}

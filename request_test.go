package ohfp_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func kinds(events []ohfp.Event) []ohfp.EventKind {
	var kinds []ohfp.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func wantKinds(t *testing.T, what string, events []ohfp.Event, want ...ohfp.EventKind) {
	t.Helper()
	if diff := cmp.Diff(want, kinds(events)); diff != "" {
		t.Errorf("%s: events (-want +got):\n%s", what, diff)
	}
}

func TestStatusMoves(t *testing.T) {
	t.Parallel()
	ends := []ohfp.Status{ohfp.StatusComplete, ohfp.StatusPartial, ohfp.StatusFailed, ohfp.StatusTimeout, ohfp.StatusCancelled}
	legal := map[ohfp.Status][]ohfp.Status{
		ohfp.StatusPending:    append([]ohfp.Status{ohfp.StatusInProgress, ohfp.StatusStopping}, ends...),
		ohfp.StatusInProgress: append([]ohfp.Status{ohfp.StatusStopping}, ends...),
		ohfp.StatusStopping:   ends[1:],
	}
	for _, from := range ohfp.Statuses() {
		if from.Terminal() != slices.Contains(ends, from) {
			t.Errorf("status %s is terminal: %t", from, from.Terminal())
		}
		for _, to := range append(ohfp.Statuses(), "elsewhere") {
			want := slices.Contains(legal[from], to)
			if got := from.MayBecome(to); got != want {
				t.Errorf("a %s request may become %s: %t, want %t", from, to, got, want)
			}
			r := acquire(1, status(from))
			events, err := r.Become(to, "why", after(time.Hour))
			switch {
			case from == to:
				if err != nil || len(events) > 0 || r.Message != "why" {
					t.Errorf("a %s request that stays so: events %v, message %q, error %v; want the message alone", from, kinds(events), r.Message, err)
				}
			case want:
				wantKinds(t, string(from)+" to "+string(to), events, ohfp.RequestChanged)
				if err != nil || r.Status != to || r.CompletedAt.IsZero() == to.Terminal() {
					t.Errorf("a %s request became %s instead of %s, completed at %s: %v", from, r.Status, to, r.CompletedAt, err)
				}
			case !errors.Is(err, ohfp.ErrConflict) || r.Status != from || r.Message != "":
				t.Errorf("a %s request became %s with message %q, error %v; want %v and no change", from, r.Status, r.Message, err, ohfp.ErrConflict)
			}
		}
	}
}

func TestNewAcquire(t *testing.T) {
	t.Parallel()
	template := ohfp.Template{ID: "t", MaxNumber: 5}
	origin := ohfp.Origin{Face: "cli", Caller: "me"}
	r, events, err := ohfp.NewAcquire("req-1", template, 3, origin, time.Minute, start())
	want := ohfp.Request{
		ID: "req-1", Type: ohfp.TypeAcquire, Origin: origin, Template: template, Count: 3, Status: ohfp.StatusPending,
		CreatedAt: start(), Timeout: time.Minute, Deadline: after(time.Minute),
	}
	if diff := cmp.Diff(want, r); diff != "" || err != nil {
		t.Errorf("error %v, request (-want +got):\n%s", err, diff)
	}
	wantKinds(t, "a new request", events, ohfp.RequestCreated)
	if e := events[0]; e.Actor != "cli:me" || e.Request != "req-1" || e.Template != "t" {
		t.Errorf("event %+v does not say who asked for what", e)
	}
	template.Timeout = time.Hour
	if r, _, _ := ohfp.NewAcquire("req-1", template, 3, origin, time.Minute, start()); !r.Deadline.Equal(after(time.Hour)) {
		t.Errorf("deadline %s does not follow the template's timeout", r.Deadline)
	}
	if _, events, err := ohfp.NewAcquire("req-1", template, 6, origin, time.Minute, start()); !errors.Is(err, ohfp.ErrLimit) || len(events) > 0 {
		t.Errorf("6 of a template for 5: error %v, events %v", err, kinds(events))
	}
}

func TestNewReturn(t *testing.T) {
	t.Parallel()
	machines := []ohfp.Machine{
		machine("i-1", delivered), machine("i-2", ending(ohfp.ReasonSpare)), machine("i-3", gone), machine("i-4", givenBack("ret-0")),
	}
	unknown := []ohfp.Unknown{{Name: "who", Message: "not known"}}
	r, events := ohfp.NewReturn("ret-1", machines, unknown, ohfp.Origin{Face: "rest"}, after(time.Minute))
	wantKinds(t, "a return", events, ohfp.RequestCreated, ohfp.MachineReturned, ohfp.MachineReturned, ohfp.MachineReturned)
	if r.Type != ohfp.TypeReturn || r.Status != ohfp.StatusPending || r.Count != 5 || len(r.Unknown) != 1 || r.Origin.String() != "rest" {
		t.Errorf("return %+v is not one of 5 machines", r)
	}
	if diff := cmp.Diff(ids("i-4"), r.Also); diff != "" {
		t.Errorf("machines that another return ends (-want +got):\n%s", diff)
	}
	reasons := map[ohfp.MachineID]ohfp.Reason{}
	for _, m := range r.Machines {
		if m.Return != "ret-1" {
			t.Errorf("machine %s belongs to return %q", m.ID, m.Return)
		}
		reasons[m.ID] = m.Ending
	}
	want := map[ohfp.MachineID]ohfp.Reason{"i-1": ohfp.ReasonReturned, "i-2": ohfp.ReasonSpare, "i-3": ohfp.ReasonReturned}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if machines[0].Ending != "" {
		t.Errorf("the caller's machines were changed")
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	r := acquire(1)
	events, err := r.Stop(ohfp.StatusCancelled, ohfp.ReasonCancelled, "no longer needed", after(time.Minute))
	if err != nil || r.Status != ohfp.StatusStopping || r.Verdict != ohfp.StatusCancelled || r.Because != ohfp.ReasonCancelled || len(events) != 1 {
		t.Fatalf("request %+v, error %v", r, err)
	}
	events, err = r.Stop(ohfp.StatusTimeout, ohfp.ReasonDeadline, "too late", after(time.Hour))
	if err != nil || len(events) > 0 || r.Verdict != ohfp.StatusCancelled || r.Message != "no longer needed" {
		t.Errorf("a second decision: verdict %s, message %q, error %v; the first must stay", r.Verdict, r.Message, err)
	}
	if _, err := r.Become(ohfp.StatusCancelled, r.Message, after(time.Hour)); err != nil || r.Verdict != "" {
		t.Errorf("the end: verdict %q, error %v", r.Verdict, err)
	}
	if _, err := r.Stop(ohfp.StatusCancelled, ohfp.ReasonCancelled, "", after(time.Hour)); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("stopping what has ended: %v, want %v", err, ohfp.ErrConflict)
	}
	for what, r := range map[string]ohfp.Request{
		"a verdict that cannot follow": acquire(1),
		"a return":                     {ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusInProgress},
	} {
		verdict := ohfp.StatusComplete
		if r.Type == ohfp.TypeReturn {
			verdict = ohfp.StatusCancelled
		}
		before := r.Status
		if _, err := r.Stop(verdict, ohfp.ReasonCancelled, "", start()); ohfp.KindOf(err) == nil || r.Status != before {
			t.Errorf("stopping with %s: status %s, error %v; it would never end", what, r.Status, err)
		}
	}
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	r := acquire(9, with(
		machine("i-1", delivered, weighs(2)),
		machine("i-2", delivered, gone),
		machine("i-3", delivered, givenBack("ret-1")),
		machine("i-4", delivered, ending(ohfp.ReasonCancelled)),
		machine("i-5"),
	))
	if got := r.Delivered(); got != 4 {
		t.Errorf("%d units delivered, want 4: what is there, what was lost and what was given back", got)
	}
}

func TestEndMachines(t *testing.T) {
	t.Parallel()
	r := acquire(4, with(machine("i-1"), machine("i-2", ending(ohfp.ReasonSpare)), machine("i-3", gone), machine("i-4")), status(ohfp.StatusPending))
	wantKinds(t, "intents", r.EndMachines(ids("i-1", "i-2", "i-3", "i-9"), ohfp.ReasonCancelled, after(time.Minute)), ohfp.MachineEnding)
	var got []ohfp.Reason
	for _, m := range r.Machines {
		got = append(got, m.Ending)
	}
	if diff := cmp.Diff([]ohfp.Reason{ohfp.ReasonCancelled, ohfp.ReasonSpare, "", ""}, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	states := map[ohfp.MachineID]ohfp.MachineState{"i-1": ohfp.MachineShuttingDown, "i-2": ohfp.MachineTerminated}
	if events := r.EndAccepted("other", states, after(time.Minute)); r.Machines[0].State != ohfp.MachinePending {
		t.Errorf("another provider's answer moved a machine: %v", kinds(events))
	}
	r.Status = ohfp.StatusPending
	events := r.EndAccepted("aws", states, after(2*time.Minute))
	wantKinds(t, "accepted", events, ohfp.MachineChanged, ohfp.MachineGone, ohfp.RequestChanged)
	if m := r.Machines[0]; !m.EndAccepted.Equal(after(2*time.Minute)) || m.State != ohfp.MachineShuttingDown || r.Status != ohfp.StatusInProgress {
		t.Errorf("machine %+v of a %s request", m, r.Status)
	}
	if m := r.Machines[3]; !m.EndAccepted.IsZero() {
		t.Errorf("machine %s was not named and is accepted at %s", m.ID, m.EndAccepted)
	}
	wantKinds(t, "accepted again", r.EndAccepted("aws", states, after(3*time.Minute)))
}

func TestSettled(t *testing.T) {
	t.Parallel()
	done, used := status(ohfp.StatusComplete), attempt(func(a *ohfp.Attempt) { a.Order.Retires = false })
	silent := func(r *ohfp.Request) { r.AnsweredAt, r.PolledAt = time.Time{}, time.Time{} }
	ignored := func(r *ohfp.Request) { r.PolledAt = time.Time{} }
	release := func(r *ohfp.Request) { r.Abandon.Release = true }
	never := func(r *ohfp.Request) { r.Abandon = ohfp.AbandonPolicy{} }
	for what, tt := range map[string]struct {
		request ohfp.Request
		want    bool
	}{
		"in progress":                        {acquire(1), false},
		"in use":                             {acquire(1, used, done, with(machine("i-1", delivered))), true},
		"a machine on its way out":           {acquire(1, used, done, with(machine("i-1", ending(ohfp.ReasonSpare), leaving))), false},
		"a machine ended":                    {acquire(1, used, done, with(machine("i-1", ending(ohfp.ReasonSpare), gone))), true},
		"a machine that a return ends":       {acquire(1, used, done, with(machine("i-1", delivered, givenBack("ret-1")))), true},
		"a machine nobody was given":         {acquire(1, used, done, with(machine("i-1"))), false},
		"nobody heard":                       {acquire(1, used, done, silent, with(machine("i-1", delivered))), false},
		"nobody heard, nothing there":        {acquire(1, used, done, silent, with(machine("i-1", delivered, gone))), true},
		"nobody heard, never released":       {acquire(1, used, done, silent, never, with(machine("i-1", delivered))), true},
		"nobody asked, kept":                 {acquire(1, used, done, ignored, with(machine("i-1", delivered))), true},
		"nobody asked, released one day":     {acquire(1, used, done, ignored, release, with(machine("i-1", delivered))), false},
		"an empty fleet":                     {acquire(1, attempt(), done), false},
		"a fleet in use":                     {acquire(1, attempt(), done, with(machine("i-1", delivered))), true},
		"a fleet removed":                    {acquire(1, attempt(func(a *ohfp.Attempt) { a.RetiredAt = start() }), done), true},
		"machines that may turn up":          {acquire(1, attempt(permanent, doubtful), done), false},
		"a return under way":                 {ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusInProgress}, false},
		"a return that ended":                {ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete}, true},
		"a return with leftovers":            {ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete, Machines: []ohfp.Machine{machine("i-1", givenBack("ret-1"), gone)}}, false},
		"a return with leftovers gone":       {ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete, ClearedAt: start(), Machines: []ohfp.Machine{machine("i-1", givenBack("ret-1"), gone)}}, true},
		"a return that only followed others": {ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete, Machines: []ohfp.Machine{machine("i-1", givenBack("ret-0"), gone)}}, true},
	} {
		if got := tt.request.Settled(); got != tt.want {
			t.Errorf("%s: settled %t, want %t", what, got, tt.want)
		}
	}
}

func TestAbandoned(t *testing.T) {
	t.Parallel()
	ignored := func(r *ohfp.Request) { r.PolledAt = time.Time{} }
	for what, tt := range map[string]struct {
		request ohfp.Request
		at      time.Duration
		want    bool
	}{
		"never asked about": {acquire(1, ignored), 40*time.Minute + 1, true},
		"ended, with machines": {acquire(1, ignored, func(r *ohfp.Request) {
			r.Status, r.Machines = ohfp.StatusComplete, []ohfp.Machine{{ID: "m", State: ohfp.MachineRunning}}
		}), time.Hour, true},
		"ended, all given back": {acquire(1, ignored, func(r *ohfp.Request) {
			r.Status, r.Machines = ohfp.StatusComplete, []ohfp.Machine{{ID: "m", State: ohfp.MachineRunning, Ending: ohfp.ReasonReturned}}
		}), time.Hour, false},
		"not for long":         {acquire(1, ignored), 40 * time.Minute, false},
		"asked about":          {acquire(1), time.Hour, false},
		"no such policy":       {acquire(1, ignored, func(r *ohfp.Request) { r.Abandon.Unpolled = 0 }), time.Hour, false},
		"returns are never so": {acquire(1, ignored, func(r *ohfp.Request) { r.Type = ohfp.TypeReturn }), time.Hour, false},
	} {
		if got := tt.request.Abandoned(after(tt.at)); got != tt.want {
			t.Errorf("%s: abandoned %t, want %t", what, got, tt.want)
		}
	}
}

func TestShortfallIsShort(t *testing.T) {
	t.Parallel()
	r := acquire(5)
	for _, code := range []string{"one", "two", "three", "four", "four"} {
		attempt(func(a *ohfp.Attempt) { a.Failures, a.Resource = []ohfp.Failure{{Code: code}}, "" })(&r)
	}
	attempt(permanent)(&r)
	actions := ohfp.Plan(r, saw(0), start())
	finish, ok := actions[0].(ohfp.Finish)
	if want := "0 of 5 delivered; InvalidAMIID.NotFound: no such image; four; three"; !ok || finish.Message != want {
		t.Errorf("plan %+v, want a message of the last three reasons, each once: %q", actions, want)
	}
	if strings.Contains(finish.Message, "\n") {
		t.Errorf("message %q is more than a sentence", finish.Message)
	}
}

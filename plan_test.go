package ohfp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

// start is when every request of these tests was made; their deadline is ten minutes later.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func after(d time.Duration) time.Time { return start().Add(d) }

// acquire is a request for count units that was answered and polled, changed as the test needs it.
func acquire(count int, changes ...func(*ohfp.Request)) ohfp.Request {
	r := ohfp.Request{
		ID: "req-1", Type: ohfp.TypeAcquire, Provider: "aws", Template: ohfp.Template{ID: "t", MaxNumber: ohfp.Unlimited}, Count: count,
		Status: ohfp.StatusInProgress, CreatedAt: start(), Timeout: 10 * time.Minute, Deadline: after(10 * time.Minute),
		AnsweredAt: start(), PolledAt: start(),
		Abandon: ohfp.AbandonPolicy{Unanswered: 10 * time.Minute, Unpolled: 40 * time.Minute},
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func status(s ohfp.Status) func(*ohfp.Request) {
	return func(r *ohfp.Request) { r.Status = s }
}

func stopping(verdict ohfp.Status, because ohfp.Reason) func(*ohfp.Request) {
	return func(r *ohfp.Request) {
		r.Status, r.Verdict, r.Because, r.Message = ohfp.StatusStopping, verdict, because, "why"
	}
}

func with(machines ...ohfp.Machine) func(*ohfp.Request) {
	return func(r *ohfp.Request) { r.Machines = append(r.Machines, machines...) }
}

// attempt appends an attempt that was called and answered at the start.
func attempt(changes ...func(*ohfp.Attempt)) func(*ohfp.Request) {
	return func(r *ohfp.Request) {
		a := ohfp.Attempt{
			Number: len(r.Attempts) + 1, Order: ohfp.Order{API: "EC2Fleet", Retires: true}, Resource: "fleet-1",
			IntendedAt: start(), CalledAt: start(), AnsweredAt: start(),
		}
		for _, change := range changes {
			change(&a)
		}
		r.Attempts = append(r.Attempts, a)
	}
}

// open makes the outcome of an attempt unknown since its call.
func open(called time.Duration) func(*ohfp.Attempt) {
	return func(a *ohfp.Attempt) {
		a.IntendedAt, a.CalledAt, a.AnsweredAt, a.Resource = after(called), after(called), time.Time{}, ""
	}
}

// refused makes an attempt fail for lack of capacity.
func refused(exhausted bool) func(*ohfp.Attempt) {
	return func(a *ohfp.Attempt) {
		a.Exhausted, a.Resource = exhausted, ""
		a.Failures = []ohfp.Failure{{Code: "InsufficientInstanceCapacity", Message: "none left", Offering: "m5.large/a"}}
	}
}

func permanent(a *ohfp.Attempt) {
	a.Permanent, a.Resource = true, ""
	a.Failures = []ohfp.Failure{{Code: "InvalidAMIID.NotFound", Message: "no such image"}}
}

func throttled(a *ohfp.Attempt) { a.Throttled = true }

func doubtful(a *ohfp.Attempt) { a.Doubtful = true }

// repeated is doubtful since a call was made a minute after the first.
func repeated(a *ohfp.Attempt) {
	a.EarlierAt, a.CalledAt, a.Doubtful = a.CalledAt, a.CalledAt.Add(time.Minute), true
}

func machine(id ohfp.MachineID, changes ...func(*ohfp.Machine)) ohfp.Machine {
	m := ohfp.Machine{
		Provider: "aws", ID: id, Request: "req-1", Template: "t", Attempt: 1, Resource: "fleet-1", State: ohfp.MachinePending, LaunchedAt: start(),
	}
	for _, change := range changes {
		change(&m)
	}
	return m
}

func delivered(m *ohfp.Machine) {
	m.State, m.Name, m.PrivateIP, m.DeliveredAt = ohfp.MachineRunning, "host-"+string(m.ID), "10.0.0.1", start()
}

func gone(m *ohfp.Machine) { m.State, m.TerminatedAt = ohfp.MachineTerminated, start() }

func leaving(m *ohfp.Machine) { m.State = ohfp.MachineShuttingDown }

func weighs(units int) func(*ohfp.Machine) { return func(m *ohfp.Machine) { m.Weight = units } }

// ending gives a machine the intent to be ended, not ordered yet.
func ending(reason ohfp.Reason) func(*ohfp.Machine) {
	return func(m *ohfp.Machine) { m.Ending, m.EndingAt = reason, start() }
}

func accepted(at time.Duration) func(*ohfp.Machine) {
	return func(m *ohfp.Machine) { m.EndAccepted = after(at) }
}

func givenBack(by ohfp.RequestID) func(*ohfp.Machine) {
	return func(m *ohfp.Machine) { m.Ending, m.EndingAt, m.Return = ohfp.ReasonReturned, start(), by }
}

// saw is a complete look at the given time.
func saw(at time.Duration, machines ...ohfp.Machine) ohfp.Facts {
	return ohfp.Facts{Machines: machines, Complete: true, ObservedAt: after(at)}
}

// partly is a look that broke off.
func partly(at time.Duration, machines ...ohfp.Machine) ohfp.Facts {
	f := saw(at, machines...)
	f.Complete = false
	return f
}

func ids(ids ...ohfp.MachineID) []ohfp.MachineID { return ids }

type planCase struct {
	name    string
	request ohfp.Request
	facts   ohfp.Facts
	now     time.Duration
	want    []ohfp.Action
}

func checkPlans(t *testing.T, cases []planCase) {
	t.Helper()
	for _, tt := range cases {
		if diff := cmp.Diff(tt.want, ohfp.Plan(tt.request, tt.facts, after(tt.now))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPlanLaunches(t *testing.T) {
	t.Parallel()
	const soon = 10 * time.Second
	waits := func(n int) func(*ohfp.Request) {
		return func(r *ohfp.Request) {
			for range n {
				attempt(refused(true))(r)
			}
		}
	}
	checkPlans(t, []planCase{
		{"nothing was tried", acquire(3, status(ohfp.StatusPending)), ohfp.Facts{}, 0, []ohfp.Action{ohfp.Launch{Count: 3}}},
		{"all are on the way", acquire(2, attempt(), with(machine("i-1"), machine("i-2"))), saw(soon), soon, nil},
		{"one offering is full, others are left", acquire(2, attempt(refused(false))), saw(0), 0, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{"refused while an earlier call may be on its way", acquire(2, attempt(refused(false), repeated)), saw(ohfp.CallLasts - 1), ohfp.CallLasts - 1, nil},
		{"refused, and nobody has looked since any earlier call has ended", acquire(2, attempt(refused(false), repeated)), saw(ohfp.CallLasts - 1), time.Hour / 10, nil},
		{"refused, and who looked could not", acquire(2, attempt(refused(false), repeated)), partly(ohfp.CallLasts), ohfp.CallLasts, nil},
		{"refused, and a look shows nothing after that", acquire(2, attempt(refused(false), repeated)), saw(ohfp.CallLasts), ohfp.CallLasts, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{"some came", acquire(3, attempt(refused(false)), with(machine("i-1"))), saw(0), 0, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{"every offering is full: a moment later", acquire(2, waits(1)), saw(0), soon - 1, nil},
		{"every offering is full: later", acquire(2, waits(1)), saw(0), soon, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{"a second time: too early", acquire(2, waits(2)), saw(0), 2*soon - 1, nil},
		{"a second time", acquire(2, waits(2)), saw(0), 2 * soon, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{"the interval ends growing: too early", acquire(2, waits(40)), saw(0), 2*time.Minute - 1, nil},
		{"the interval ends growing", acquire(2, waits(40)), saw(0), 2 * time.Minute, []ohfp.Action{ohfp.Launch{Count: 2}}},
		{
			"a fruitful attempt ends the growing: too early", acquire(2, waits(5), attempt(refused(true)), with(machine("i-1", func(m *ohfp.Machine) { m.Attempt = 6 }))),
			saw(0), soon - 1, nil,
		},
		{
			"a fruitful attempt ends the growing", acquire(2, waits(5), attempt(refused(true)), with(machine("i-1", func(m *ohfp.Machine) { m.Attempt = 6 }))),
			saw(0), soon,
			[]ohfp.Action{ohfp.Launch{Count: 1}},
		},
		{
			"one was lost on the way, another one helps", acquire(2, attempt(), with(machine("i-1"), machine("i-2", gone))), saw(soon), soon,
			[]ohfp.Action{ohfp.Launch{Count: 1}},
		},
		{
			"one was lost after its delivery, before all were there", acquire(2, attempt(), with(machine("i-1"), machine("i-2", delivered, gone))),
			saw(soon), soon,
			[]ohfp.Action{ohfp.Launch{Count: 1}},
		},
		{
			"all were lost on the way: wait", acquire(1, attempt(), with(machine("i-1", gone))), saw(0), soon - 1, nil,
		},
		{
			"one was given back early: it is not replaced", acquire(2, attempt(), with(machine("i-1"), machine("i-2", delivered, givenBack("ret-1")))),
			saw(soon), soon, nil,
		},
		{
			"one was given back before it was ready: it is not replaced", acquire(2, attempt(), with(machine("i-1"), machine("i-2", givenBack("ret-1")))),
			saw(soon), soon, nil,
		},
		{"units are missing", acquire(9, attempt(refused(false)), with(machine("i-1", weighs(4)))), saw(0), 0, []ohfp.Action{ohfp.Launch{Count: 5}}},
		{"the time is up, nobody has looked since", acquire(2, attempt(refused(true))), saw(0), 11 * time.Minute, nil},
		{"nothing was tried in time", acquire(2), ohfp.Facts{}, 11 * time.Minute, nil},
	})
}

func TestPlanUnknownOutcome(t *testing.T) {
	t.Parallel()
	const late = 11 * time.Minute
	timeout := ohfp.Stop{Verdict: ohfp.StatusTimeout, Because: ohfp.ReasonDeadline, Message: "0 of 2 delivered"}
	unknown := acquire(2, attempt(open(0)))
	checkPlans(t, []planCase{
		{"repeated at once", unknown, ohfp.Facts{}, 0, []ohfp.Action{ohfp.Resume{Attempt: 1}}},
		{"repeated after the deadline while nobody could look", unknown, partly(late), late, []ohfp.Action{ohfp.Resume{Attempt: 1}}},
		{"repeated after the deadline when the look is older", unknown, saw(9 * time.Minute), late, []ohfp.Action{ohfp.Resume{Attempt: 1}}},
		{"stopped after the deadline", unknown, saw(late), late, []ohfp.Action{timeout}},
		{"stopped right at the deadline", unknown, saw(10 * time.Minute), 10 * time.Minute, []ohfp.Action{timeout}},
		{"time that the cloud kept us waiting does not count", acquire(2, attempt(open(0), throttled)), saw(late), late, []ohfp.Action{ohfp.Resume{Attempt: 1}}},
		{"too old to be repeated, nobody could look", unknown, partly(13 * time.Hour), 13 * time.Hour, nil},
		{"too old to be repeated", unknown, saw(13 * time.Hour), 13 * time.Hour, []ohfp.Action{ohfp.Settle{Attempt: 1}}},
		{
			"what is not needed goes meanwhile", acquire(1, attempt(), attempt(open(0)), with(machine("i-1", delivered), machine("i-2"), machine("i-3", ending(ohfp.ReasonSpare)))),
			saw(time.Second), time.Second,
			[]ohfp.Action{
				ohfp.Terminate{Machines: ids("i-3"), Reason: ohfp.ReasonSpare}, ohfp.Terminate{Machines: ids("i-2"), Reason: ohfp.ReasonSpare}, ohfp.Resume{Attempt: 2},
			},
		},
	})
}

func TestPlanEnds(t *testing.T) {
	t.Parallel()
	const late = 11 * time.Minute
	full := "1 of 2 delivered; m5.large/a: InsufficientInstanceCapacity: none left"
	checkPlans(t, []planCase{
		{
			"all delivered", acquire(2, attempt(), with(machine("i-1", delivered), machine("i-2", delivered))), saw(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}},
		},
		{
			"all delivered, some given back since", acquire(2, attempt(), with(machine("i-1", delivered, givenBack("ret-1"), gone), machine("i-2", delivered))),
			saw(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}},
		},
		{
			"all delivered after the deadline", acquire(1, attempt(), with(machine("i-1", delivered))), saw(late), late,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}},
		},
		{
			"all delivered by the record, nobody could look", acquire(1, attempt(), with(machine("i-1", delivered))), partly(late), late,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}},
		},
		{
			"refused for good", acquire(2, attempt(permanent)), saw(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusFailed, Message: "0 of 2 delivered; InvalidAMIID.NotFound: no such image"}},
		},
		{
			"refused for good, some delivered", acquire(2, attempt(), attempt(permanent), with(machine("i-1", delivered))), saw(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusPartial, Message: "1 of 2 delivered; InvalidAMIID.NotFound: no such image"}},
		},
		{"refused for good, some on the way", acquire(2, attempt(), attempt(permanent), with(machine("i-1"))), saw(0), 0, nil},
		{
			"the time is up with some", acquire(2, attempt(refused(true)), with(machine("i-1", delivered))), saw(late), late,
			[]ohfp.Action{ohfp.Stop{Verdict: ohfp.StatusPartial, Because: ohfp.ReasonDeadline, Message: full}},
		},
		{
			"the time is up with none", acquire(2, attempt(), with(machine("i-1"), machine("i-2"))), saw(late), late,
			[]ohfp.Action{ohfp.Stop{Verdict: ohfp.StatusTimeout, Because: ohfp.ReasonDeadline, Message: "0 of 2 delivered; 2 were not ready in time"}},
		},
		{"the time is up, the cloud cannot be asked", acquire(2, attempt(), with(machine("i-1", delivered))), partly(late), late, nil},
		{"the time is up, the look is older", acquire(2, attempt(), with(machine("i-1", delivered))), saw(9 * time.Minute), late, nil},
	})
}

func TestPlanSpares(t *testing.T) {
	t.Parallel()
	spare := func(machines ...ohfp.MachineID) ohfp.Action {
		return ohfp.Terminate{Machines: machines, Reason: ohfp.ReasonSpare}
	}
	ready := func(m *ohfp.Machine) { m.State, m.Name, m.PrivateIP = ohfp.MachineRunning, "host", "10.0.0.1" }
	checkPlans(t, []planCase{
		{
			"one too many", acquire(1, attempt(), with(machine("i-1"), machine("i-2"))), saw(0), 0,
			[]ohfp.Action{spare("i-1")},
		},
		{
			"one too many: what is ready stays", acquire(1, attempt(), with(machine("i-1", ready), machine("i-2"))), saw(0), 0,
			[]ohfp.Action{spare("i-2")},
		},
		{
			"one too many: what is delivered stays", acquire(1, attempt(), with(machine("i-1", delivered), machine("i-2"))), saw(0), 0,
			[]ohfp.Action{spare("i-2"), ohfp.Finish{Status: ohfp.StatusComplete}},
		},
		{
			"the heaviest that can be spared", acquire(4, attempt(), with(machine("i-1"), machine("i-2", weighs(3)), machine("i-3", weighs(4)))), saw(0), 0,
			[]ohfp.Action{spare("i-3")},
		},
		{
			"none can be spared", acquire(5, attempt(), with(machine("i-1", weighs(4)), machine("i-2", weighs(4)))), saw(0), 0, nil,
		},
		{
			"on its way out already", acquire(1, attempt(), with(machine("i-1"), machine("i-2", ending(ohfp.ReasonSpare), accepted(0), leaving))), saw(0), 0, nil,
		},
	})
}

func TestPlanEndsAgain(t *testing.T) {
	t.Parallel()
	r := acquire(1, attempt(), with(machine("i-1", delivered), machine("i-2", ending(ohfp.ReasonSpare), accepted(0))), status(ohfp.StatusComplete))
	again := []ohfp.Action{ohfp.Terminate{Machines: ids("i-2"), Reason: ohfp.ReasonSpare}}
	checkPlans(t, []planCase{
		{"seen alive too early", r, saw(time.Minute, machine("i-2")), time.Minute, nil},
		{"seen alive", r, saw(61*time.Second, machine("i-2")), 61 * time.Second, again},
		{"seen alive by a part of a look", r, partly(61*time.Second, machine("i-2")), 61 * time.Second, again},
		{"seen alive before the order", r, saw(0, machine("i-2")), 61 * time.Second, nil},
		{"seen on its way out", r, saw(61*time.Second, machine("i-2", leaving)), 61 * time.Second, nil},
		{"not seen", r, saw(61 * time.Second), 61 * time.Second, nil},
	})
	order := acquire(0, status(ohfp.StatusComplete), with(
		machine("i-1", ending(ohfp.ReasonSpare)), machine("i-2", ending(ohfp.ReasonLate)), machine("i-3", ending(ohfp.ReasonSpare)),
		machine("i-4", ending(ohfp.ReasonSpare), gone), machine("i-5", givenBack("ret-1")),
	))
	checkPlans(t, []planCase{{"intents without an order, by reason", order, ohfp.Facts{}, 0, []ohfp.Action{
		ohfp.Terminate{Machines: ids("i-2"), Reason: ohfp.ReasonLate}, ohfp.Terminate{Machines: ids("i-1", "i-3"), Reason: ohfp.ReasonSpare},
	}}})
}

func TestPlanAbandoned(t *testing.T) {
	t.Parallel()
	const unanswered, unpolled = 11 * time.Minute, 41 * time.Minute
	silent := func(r *ohfp.Request) { r.AnsweredAt, r.PolledAt = time.Time{}, time.Time{} }
	ignored := func(r *ohfp.Request) { r.PolledAt = time.Time{} }
	release := func(r *ohfp.Request) { r.Abandon.Release = true }
	some := with(machine("i-1", delivered), machine("i-2", gone), machine("i-3", delivered, givenBack("ret-1")))
	stop := func(message string) []ohfp.Action {
		return []ohfp.Action{ohfp.Stop{Verdict: ohfp.StatusCancelled, Because: ohfp.ReasonAbandoned, Message: message}}
	}
	ended := []ohfp.Action{ohfp.Terminate{Machines: ids("i-1"), Reason: ohfp.ReasonAbandoned}}
	done := status(ohfp.StatusComplete)
	checkPlans(t, []planCase{
		{"nobody heard", acquire(9, attempt(), some, silent), partly(0), unanswered, stop("released: its answer never left us and nobody asked for it within 10m")},
		{"nobody heard yet", acquire(9, attempt(refused(true)), some, silent), partly(0), 10 * time.Minute, nil},
		{"polled", acquire(1, attempt(), some, silent, func(r *ohfp.Request) { r.PolledAt = start() }, done), saw(0), unpolled, nil},
		{"nobody asked, kept", acquire(9, attempt(permanent), some, ignored, done), saw(0), unpolled, nil},
		{"nobody asked, released", acquire(9, attempt(), some, ignored, release), partly(0), unpolled, stop("released: nobody asked for its status within 40m")},
		{"nobody asked yet", acquire(9, attempt(), some, ignored, release, done), saw(0), 40 * time.Minute, nil},
		{"complete, and nobody heard", acquire(1, attempt(), some, silent, done), saw(0), unanswered, ended},
		{"complete, and nobody asked", acquire(1, attempt(), some, ignored, release, done), saw(0), unpolled, ended},
		{"never released", acquire(1, attempt(), some, silent, done, func(r *ohfp.Request) { r.Abandon = ohfp.AbandonPolicy{} }), saw(0), unpolled, nil},
	})
}

func TestPlanStopping(t *testing.T) {
	t.Parallel()
	cancelled := stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled)
	partial := stopping(ohfp.StatusPartial, ohfp.ReasonDeadline)
	machines := with(machine("i-1", delivered), machine("i-2"), machine("i-3", gone), machine("i-4", delivered, givenBack("ret-1")))
	checkPlans(t, []planCase{
		{
			"cancelled: everything goes", acquire(4, attempt(), machines, cancelled), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-1", "i-2"), Reason: ohfp.ReasonCancelled}},
		},
		{
			"partial: what is delivered stays", acquire(4, attempt(), machines, partial), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-2"), Reason: ohfp.ReasonDeadline}},
		},
		{
			"not ordered yet", acquire(1, attempt(), with(machine("i-1", ending(ohfp.ReasonCancelled))), cancelled), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-1"), Reason: ohfp.ReasonCancelled}},
		},
		{
			"ordered", acquire(1, attempt(), with(machine("i-1", ending(ohfp.ReasonCancelled), accepted(0))), cancelled), partly(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusCancelled, Message: "why"}},
		},
		{"nothing there", acquire(1, partial), partly(0), 0, []ohfp.Action{ohfp.Finish{Status: ohfp.StatusPartial, Message: "why"}}},
		{"an unknown outcome is waited for", acquire(1, attempt(open(0)), cancelled), saw(5 * time.Minute), 5 * time.Minute, nil},
		{"an unknown outcome, nobody could look", acquire(1, attempt(open(0)), cancelled), partly(time.Hour), time.Hour, nil},
		{
			"an unknown outcome is settled", acquire(1, attempt(open(0)), cancelled), saw(5*time.Minute + 1), 5*time.Minute + 1,
			[]ohfp.Action{ohfp.Settle{Attempt: 1}},
		},
		{
			"an unknown outcome counts from its last call", acquire(1, attempt(open(0), func(a *ohfp.Attempt) { a.CalledAt = after(time.Minute) }), cancelled),
			saw(6 * time.Minute), 6 * time.Minute, nil,
		},
		{
			"an unknown outcome does not keep what is there", acquire(1, attempt(open(0)), with(machine("i-1")), cancelled), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-1"), Reason: ohfp.ReasonCancelled}},
		},
	})
}

func TestPlanTerminal(t *testing.T) {
	t.Parallel()
	done, failed := status(ohfp.StatusComplete), status(ohfp.StatusFailed)
	retire := []ohfp.Action{ohfp.Retire{Attempt: 1, Resource: "fleet-1"}}
	checkPlans(t, []planCase{
		{"in use", acquire(1, attempt(), with(machine("i-1", delivered)), done), saw(time.Hour), time.Hour, nil},
		{"lost since", acquire(1, attempt(), with(machine("i-1", delivered, gone)), done), saw(time.Hour), time.Hour, retire},
		{"on its way out", acquire(1, attempt(), with(machine("i-1", delivered, leaving)), done), saw(time.Hour), time.Hour, nil},
		{"nothing to remove", acquire(1, attempt(func(a *ohfp.Attempt) { a.Order.Retires = false }), failed), saw(0), 0, nil},
		{"removed", acquire(1, attempt(func(a *ohfp.Attempt) { a.RetiredAt = start() }), failed), saw(0), 0, nil},
		{"nothing was made", acquire(1, attempt(permanent), failed), saw(0), 0, nil},
		{
			"one fleet in use, one empty", acquire(1, attempt(), attempt(func(a *ohfp.Attempt) { a.Resource = "fleet-2" }), with(machine("i-1", delivered)), done), saw(0), 0,
			[]ohfp.Action{ohfp.Retire{Attempt: 2, Resource: "fleet-2"}},
		},
		{
			"never delivered", acquire(1, attempt(), with(machine("i-1", delivered), machine("i-2")), done), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-2"), Reason: ohfp.ReasonLate}},
		},
		{"a refusal after calls without answer: wait", acquire(1, attempt(permanent, doubtful), failed), saw(5 * time.Minute), 5 * time.Minute, nil},
		{"a refusal after calls without answer: nobody could look", acquire(1, attempt(permanent, doubtful), failed), partly(time.Hour), time.Hour, nil},
		{
			"a refusal after calls without answer", acquire(1, attempt(permanent, doubtful), failed), saw(5*time.Minute + 1), 5*time.Minute + 1,
			[]ohfp.Action{ohfp.Settle{Attempt: 1}},
		},
	})
}

func TestPlanReturn(t *testing.T) {
	t.Parallel()
	giveBack := func(unknown int, s ohfp.Status, machines ...ohfp.Machine) ohfp.Request {
		r := ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Count: unknown + len(machines), Status: s, CreatedAt: start(), Machines: machines}
		for range unknown {
			r.Unknown = append(r.Unknown, ohfp.Unknown{Name: "who", Message: "not known"})
		}
		return r
	}
	back := givenBack("ret-1")
	other := machine("i-9", givenBack("ret-0"))
	run := ohfp.StatusInProgress
	checkPlans(t, []planCase{
		{
			"ordered", giveBack(0, ohfp.StatusPending, machine("i-1", delivered, back), machine("i-2", delivered, back)),
			ohfp.Facts{},
			0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-1", "i-2"), Reason: ohfp.ReasonReturned}},
		},
		{"waited for", giveBack(0, run, machine("i-1", back, accepted(0), leaving), machine("i-2", back, gone)), saw(0), 0, nil},
		{"another return ends it: followed only", giveBack(0, run, other), saw(0, machine("i-9")), time.Hour, nil},
		{
			"ordered for another reason before", giveBack(0, run, machine("i-1", ending(ohfp.ReasonSpare), func(m *ohfp.Machine) { m.Return = "ret-1" })), saw(0), 0,
			[]ohfp.Action{ohfp.Terminate{Machines: ids("i-1"), Reason: ohfp.ReasonSpare}},
		},
		{"gone", giveBack(0, run, machine("i-1", back, gone)), partly(0), 0, []ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}}},
		{"nothing named", giveBack(0, ohfp.StatusPending), ohfp.Facts{}, 0, []ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}}},
		{
			"none known", giveBack(2, ohfp.StatusPending),
			ohfp.Facts{},
			0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusFailed, Message: "not known: 2 machines"}},
		},
		{
			"some known", giveBack(1, run, machine("i-1", back, gone)), saw(0), 0,
			[]ohfp.Action{ohfp.Finish{Status: ohfp.StatusPartial, Message: "1 of 2 machines not known"}},
		},
		{
			"ended: what its machines came from is cleared away once", giveBack(0, ohfp.StatusComplete, machine("i-1", back, gone), machine("i-2", back, gone)), saw(0), 0,
			[]ohfp.Action{ohfp.Clear{Requests: []ohfp.RequestID{"req-1"}}},
		},
		{"ended: what another return clears away", giveBack(0, ohfp.StatusComplete, machine("i-9", givenBack("ret-0"), gone)), saw(0), 0, nil},
	})
	cleared := giveBack(0, ohfp.StatusComplete, machine("i-1", back, gone))
	cleared.ClearedAt = start()
	checkPlans(t, []planCase{{"ended and cleared away", cleared, saw(0), 0, nil}})
}

package ohfp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

// selfLaunching makes an attempt's resource launch by itself, up to so many units on demand.
func selfLaunching(keeps bool, target int) func(*ohfp.Attempt) {
	return func(a *ohfp.Attempt) {
		a.Order.Async, a.Order.Keeps, a.Order.Target = true, keeps, ohfp.Target{OnDemand: target}
	}
}

func told(at time.Duration, target int) func(*ohfp.Attempt) {
	return func(a *ohfp.Attempt) { a.Told, a.ToldAt = ohfp.Target{OnDemand: target}, after(at) }
}

func yielded(a *ohfp.Attempt) { a.YieldedAt = after(time.Minute) }

func targets(n int) []ohfp.ResourceTarget {
	return []ohfp.ResourceTarget{{Resource: "fleet-1", Target: ohfp.Target{OnDemand: n}}}
}

// showing adds what a look showed of the resource.
func showing(f ohfp.Facts, target int, changes ...func(*ohfp.ResourceFacts)) ohfp.Facts {
	seen := ohfp.ResourceFacts{Resource: "fleet-1", Request: "req-1", Target: ohfp.Target{OnDemand: target}, Active: true}
	for _, change := range changes {
		change(&seen)
	}
	f.Resources = append(f.Resources, seen)
	return f
}

func spot(m *ohfp.Machine) { m.Lifecycle = ohfp.Spot }

func TestTargets(t *testing.T) {
	t.Parallel()
	keeps, fills := attempt(selfLaunching(true, 3)), attempt(selfLaunching(false, 3))
	a, b, c := machine("a", delivered), machine("b", delivered), machine("c", delivered)
	back := machine("a", delivered, givenBack("ret-1"))
	for _, tt := range []struct {
		name    string
		request ohfp.Request
		facts   ohfp.Facts
		named   []ohfp.MachineID
		want    []ohfp.ResourceTarget
	}{
		{"nothing while it fills", acquire(3, keeps, with(a)), ohfp.Facts{}, nil, nil},
		{"less while it fills and one is given back", acquire(3, keeps, with(back, b)), ohfp.Facts{}, nil, targets(2)},
		{"what only fills replaces nothing", acquire(3, fills, with(back, b)), ohfp.Facts{}, nil, nil},
		{"what is held once it is complete", acquire(3, status(ohfp.StatusComplete), keeps, with(back, b, c)), ohfp.Facts{}, nil, targets(2)},
		{"a loss lowers it", acquire(3, status(ohfp.StatusComplete), keeps, with(machine("a", delivered, gone), b, c)), ohfp.Facts{}, nil, targets(2)},
		{"never raised", acquire(3, status(ohfp.StatusComplete), attempt(selfLaunching(true, 3), told(0, 1)), with(a, b, c)), ohfp.Facts{}, nil, nil},
		{"a later look shows more", acquire(3, status(ohfp.StatusComplete), attempt(selfLaunching(true, 3), told(0, 2)), with(a, b)), showing(saw(time.Minute), 3), nil, targets(2)},
		{"an older look does not count", acquire(3, status(ohfp.StatusComplete), attempt(selfLaunching(true, 3), told(time.Minute, 2)), with(a, b)), showing(saw(time.Minute), 3), nil, nil},
		{"a busy one waits", acquire(3, status(ohfp.StatusComplete), keeps, with(a, b)), showing(saw(time.Minute), 3, func(f *ohfp.ResourceFacts) { f.Busy = true }), nil, nil},
		{"only those of the machines named", acquire(3, status(ohfp.StatusComplete), keeps, with(a, b)), ohfp.Facts{}, ids("z"), nil},
		{"those of the machines named", acquire(3, status(ohfp.StatusComplete), keeps, with(back, b, c)), ohfp.Facts{}, ids("a"), targets(2)},
		{"nothing is wanted while stopping", acquire(3, stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled), keeps), ohfp.Facts{}, nil, targets(0)},
		{"what it holds once it has yielded", acquire(3, attempt(selfLaunching(true, 3), yielded), with(a)), ohfp.Facts{}, nil, targets(1)},
		{"one lifecycle at a time", acquire(3, status(ohfp.StatusComplete), keeps, with(a, machine("b", delivered, spot))), ohfp.Facts{}, nil, []ohfp.ResourceTarget{
			{Resource: "fleet-1", Target: ohfp.Target{OnDemand: 1, Spot: 1}},
		}},
	} {
		if diff := cmp.Diff(tt.want, tt.request.Targets(tt.facts, tt.named...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPlanOfResourcesThatLaunchThemselves(t *testing.T) {
	t.Parallel()
	keeps := attempt(selfLaunching(true, 3))
	other := machine("z", func(m *ohfp.Machine) { m.Attempt, m.Resource = 2, "fleet-2" })
	checkPlans(t, []planCase{
		{"waits for what it launches", acquire(3, keeps), showing(saw(time.Minute), 3), time.Minute, nil},
		{"sets the targets of others after ending machines", acquire(3, stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled), keeps, attempt(func(a *ohfp.Attempt) { a.Resource = "fleet-2" }), with(other)), saw(time.Minute, other), time.Minute, []ohfp.Action{
			ohfp.Terminate{Machines: ids("z"), Reason: ohfp.ReasonCancelled}, ohfp.Retarget{Targets: targets(0)},
		}},
		{"ending its machines sets its target", acquire(1, stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled), keeps, with(machine("a", ending(ohfp.ReasonCancelled)))), saw(time.Minute), time.Minute, []ohfp.Action{
			ohfp.Terminate{Machines: ids("a"), Reason: ohfp.ReasonCancelled},
		}},
		{"is not cancelled before a look after the target", acquire(3, stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled), attempt(selfLaunching(true, 3), told(2*time.Minute, 0))), showing(saw(time.Minute), 3), 2 * time.Minute, nil},
		{"is cancelled after it", acquire(3, stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled), attempt(selfLaunching(true, 3), told(2*time.Minute, 0))), showing(saw(3*time.Minute), 0), 3 * time.Minute, []ohfp.Action{
			ohfp.Finish{Status: ohfp.StatusCancelled, Message: "why"},
		}},
		{"yields when its time is up", acquire(3, attempt(selfLaunching(true, 3), func(a *ohfp.Attempt) { a.Order.Yields = time.Minute })), showing(saw(time.Minute), 3), time.Minute, []ohfp.Action{ohfp.Yield{Attempt: 1}}},
		{"waits for a look after it has yielded", acquire(3, attempt(selfLaunching(true, 3), yielded, told(2*time.Minute, 0))), showing(saw(time.Minute), 3), 2 * time.Minute, nil},
		{"then asks another way", acquire(3, attempt(selfLaunching(true, 3), yielded, told(2*time.Minute, 0))), showing(saw(3*time.Minute), 0), 3 * time.Minute, []ohfp.Action{ohfp.Launch{Count: 3, Fallback: true}}},
		{"does not trim what it would replace", acquire(1, keeps, with(machine("a", delivered), machine("b"))), showing(saw(time.Minute), 3), 0, []ohfp.Action{ohfp.Finish{Status: ohfp.StatusComplete}}},
		{"trims what came after it had yielded", acquire(2, attempt(selfLaunching(true, 2), yielded, told(0, 1)), with(machine("a", delivered), machine("b"), other)), showing(saw(time.Minute, machine("a")), 1), time.Minute, []ohfp.Action{
			ohfp.Terminate{Machines: ids("b"), Reason: ohfp.ReasonSpare},
		}},
	})
}

// TestPlanEndsNothingThatWouldBeReplaced: a machine that no look shows is still counted in the target of its group. If it
// is gone, the late machine is what the group put in its place, and would put there again.
func TestPlanEndsNothingThatWouldBeReplaced(t *testing.T) {
	t.Parallel()
	complete, keeps := status(ohfp.StatusComplete), attempt(selfLaunching(true, 1))
	user, late := machine("a", delivered), machine("b", ending(ohfp.ReasonLate))
	end := []ohfp.Action{ohfp.Terminate{Machines: ids("b"), Reason: ohfp.ReasonLate}}
	stop := stopping(ohfp.StatusPartial, ohfp.ReasonDeadline)
	checkPlans(t, []planCase{
		{"the user's machine does not show", acquire(1, complete, keeps, with(user, late)), showing(saw(time.Minute, late), 1), time.Minute, nil},
		{"nothing was looked at", acquire(1, complete, keeps, with(user, late)), ohfp.Facts{}, time.Minute, nil},
		{"it shows", acquire(1, complete, keeps, with(user, late)), showing(saw(time.Minute, user, late), 1), time.Minute, end},
		{"it is gone", acquire(1, complete, keeps, with(machine("a", delivered, gone), late)), showing(saw(time.Minute, late), 1), time.Minute, end},
		{"one that launches no more", acquire(1, complete, attempt(selfLaunching(false, 1)), with(user, late)), showing(saw(time.Minute, late), 1), time.Minute, end},
		{"it is its user who gives it back", acquire(2, complete, attempt(selfLaunching(true, 2)), with(user, machine("b", delivered, ending(ohfp.ReasonReturned)))), showing(saw(time.Minute), 2), time.Minute, []ohfp.Action{
			ohfp.Terminate{Machines: ids("b"), Reason: ohfp.ReasonReturned},
		}},
		{"while the request stops", acquire(2, stop, attempt(selfLaunching(true, 1), told(0, 1)), with(user, machine("b"))), showing(saw(time.Minute, late), 1), time.Minute, []ohfp.Action{
			ohfp.Finish{Status: ohfp.StatusPartial, Message: "why"},
		}},
	})
}

func TestAnswerOfAResourceThatLaunchesItself(t *testing.T) {
	t.Parallel()
	r := acquire(3, status(ohfp.StatusPending), attempt(selfLaunching(true, 3), open(0), doubtful))
	if _, err := r.Answer(1, ohfp.Outcome{Resource: "fleet-1"}, after(time.Second)); err != nil {
		t.Fatal(err)
	}
	if r.Status != ohfp.StatusInProgress || r.Attempts[0].Doubtful {
		t.Errorf("the launch is accepted, and the request is %s, doubtful %t", r.Status, r.Attempts[0].Doubtful)
	}
}

func TestLookFindsTheResourceOfALostAnswer(t *testing.T) {
	t.Parallel()
	stop := stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled)
	for name, r := range map[string]ohfp.Request{
		"open":    acquire(3, stop, attempt(selfLaunching(true, 3), open(0))),
		"refused": acquire(3, status(ohfp.StatusFailed), attempt(selfLaunching(true, 3), permanent, doubtful)),
	} {
		if !r.Open() {
			t.Errorf("%s: nothing is looked for", name)
		}
		stranger := showing(saw(time.Minute), 3, func(f *ohfp.ResourceFacts) { f.Request = "req-2" })
		r.Fold(stranger, after(time.Minute))
		if r.Attempts[0].Resource != "" {
			t.Errorf("%s: the resource of another request was taken", name)
		}
		r.Fold(showing(saw(time.Minute), 3), after(time.Minute))
		if diff := cmp.Diff(targets(0), r.Targets(ohfp.Facts{})); diff != "" {
			t.Errorf("%s: targets (-want +got):\n%s", name, diff)
		}
		if _, err := r.Settle(1, after(10*time.Minute)); err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Attempts[0].Failures {
			if f.Code == "NotCarriedOut" {
				t.Errorf("%s: a call whose resource is there is called not carried out", name)
			}
		}
	}
}

// TestMachineTellsTheResourceOfALostAnswer: a machine of it may show before it does, and must not end before its target is
// lowered.
func TestMachineTellsTheResourceOfALostAnswer(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]ohfp.Request{
		"open":    acquire(3, attempt(selfLaunching(true, 3), open(0)), stopping(ohfp.StatusCancelled, ohfp.ReasonCancelled)),
		"refused": acquire(3, status(ohfp.StatusFailed), attempt(selfLaunching(true, 3), permanent, doubtful)),
	} {
		r.Fold(saw(time.Minute, machine("z", func(m *ohfp.Machine) { m.Attempt = 0 })), after(time.Minute))
		if r.Machines[0].Attempt != 1 {
			t.Errorf("%s: the machine is of attempt %d, want 1", name, r.Machines[0].Attempt)
		}
		r.Machines[0].End(ohfp.ReasonCancelled, after(time.Minute))
		if diff := cmp.Diff(targets(0), r.Targets(ohfp.Facts{}, "z")); diff != "" {
			t.Errorf("%s: targets before it ends (-want +got):\n%s", name, diff)
		}
	}
}

func TestLookLearnsOfResources(t *testing.T) {
	t.Parallel()
	short := func(f *ohfp.ResourceFacts) { f.Failures = []ohfp.Failure{{Code: "NoCapacity"}} }
	idle := func(f *ohfp.ResourceFacts) { f.Active = false }
	r := acquire(3, status(ohfp.StatusComplete), attempt(selfLaunching(true, 3)), with(machine("a", delivered)))
	if r.Settled() {
		t.Error("the target is above what is wanted, and the request is settled")
	}
	r.Fold(showing(partly(time.Minute), 1, idle), after(time.Minute))
	if r.Attempts[0].Ended || !r.Settled() {
		t.Errorf("after a look that broke off: ended %t, settled %t; want false, and true by the target that it showed", r.Attempts[0].Ended, r.Settled())
	}
	r.Fold(showing(saw(2*time.Minute), 1, idle, short), after(2*time.Minute))
	if got := r.Attempts[0]; !got.Ended || !got.Exhausted || len(got.Failures) != 1 {
		t.Errorf("a resource that has ended short: %+v", got)
	}
}

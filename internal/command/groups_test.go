package command_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

// selfLaunching are the templates whose resources launch by themselves and have machines of weight 1.
var selfLaunching = []ohfp.TemplateID{"group", "ask"}

// each runs a test for each of them.
func each(t *testing.T, test func(t *testing.T, w *world, template ohfp.TemplateID)) {
	t.Helper()
	for _, template := range selfLaunching {
		t.Run(string(template), func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t), template)
		})
	}
}

// wait lets time pass while somebody looks at everything, as a daemon does.
func (w *world) wait(d time.Duration) {
	w.t.Helper()
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); w.clock.Advance(10 * time.Second) {
		if err := w.process().SyncRequests(w.t.Context(), command.SyncRequests{Others: true, Live: true}); err != nil {
			w.t.Logf("sync: %v", err)
		}
	}
}

// wantTarget checks what the resource of the request's first attempt is told to have.
func (w *world) wantTarget(r ohfp.Request, want int) {
	w.t.Helper()
	got, ok := w.cloud.Target(r.Attempts[0].Resource)
	if sum := got.OnDemand + got.Spot; !ok || sum != want {
		w.t.Errorf("resource %s exists: %t, and is told to have %d; want %d", r.Attempts[0].Resource, ok, sum, want)
	}
}

func (w *world) wantNoFleets() {
	w.t.Helper()
	if fleets := w.cloud.Fleets(); len(fleets) != 0 {
		w.t.Errorf("fleets %v are left", fleets)
	}
}

func (w *world) lose(id ohfp.MachineID) {
	w.t.Helper()
	if err := w.cloud.Lose(id, "Server.SpotInstanceTermination"); err != nil {
		w.t.Fatal(err)
	}
}

func liveOf(r ohfp.Request) []ohfp.Machine {
	return slices.DeleteFunc(slices.Clone(r.Machines), func(m ohfp.Machine) bool { return m.Gone() })
}

func TestGroupIsWaitedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
		w.cloud.Set(fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay, Wave: 2})
		r := w.request(template, 5)
		w.want(r, ohfp.StatusInProgress, 0)
		r = w.follow(r.ID)
		w.want(r, ohfp.StatusComplete, 5)
		if calls := w.cloud.Calls(); calls[fake.OpLaunch] != 1 || calls[fake.OpTarget] != 0 || calls[fake.OpTerminate] != 0 {
			t.Errorf("a plain request made the calls %v; want one launch, and nothing set or ended", calls)
		}
		w.wait(20 * time.Minute)
		w.want(w.read(r.ID), ohfp.StatusComplete, 5)
	})
}

func TestPartialReturnShrinksTheGroup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
		r := w.follow(w.request(template, 5).ID)
		w.want(w.follow(w.giveBack(named(r.Machines[:2])...).ID), ohfp.StatusComplete, 3)
		w.wait(10 * time.Minute)
		r = w.read(r.ID)
		w.want(r, ohfp.StatusComplete, 3)
		if len(r.Machines) != 5 {
			t.Errorf("the request lists %d machines after a return, want 5: something was replaced", len(r.Machines))
		}
		if template == "group" {
			w.wantTarget(r, 3)
		}
		w.follow(w.giveBack(named(liveOf(r))...).ID)
		w.wantNoFleets()
		if r = w.read(r.ID); !r.Settled() {
			t.Error("the request is not settled after its last machine was given back")
		}
	})
}

func TestLossAfterCompletionIsNotReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
		r := w.follow(w.request(template, 4).ID)
		w.lose(r.Machines[0].ID)
		w.wait(10 * time.Minute) // seen at once: nothing is replaced
		w.want(w.read(r.ID), ohfp.StatusComplete, 3)
		w.lose(r.Machines[1].ID)
		w.clock.Advance(10 * time.Minute) // seen late: the group has replaced it
		w.wait(10 * time.Minute)
		r = w.read(r.ID)
		w.want(r, ohfp.StatusComplete, 2)
		if template == "group" {
			w.wantTarget(r, 2)
		}
		for _, m := range liveOf(r) {
			if m.DeliveredAt.IsZero() {
				t.Errorf("machine %s, which nobody asked for, is kept", m.ID)
			}
		}
	})
}

func TestReturnOfALostMachineTakesItsReplacementAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("group", 1).ID)
	w.lose(r.Machines[0].ID)
	w.clock.Advance(10 * time.Minute)
	back := w.follow(w.giveBack(named(r.Machines)...).ID)
	w.wait(time.Minute)
	w.want(back, ohfp.StatusComplete, 0)
	w.wantNoFleets()
}

func TestLossWhileFillingIsMadeUpFor(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world, template ohfp.TemplateID) {
		r := w.request(template, 3)
		w.clock.Advance(launchDelay)
		r = w.poll(r.ID)
		w.lose(r.Machines[0].ID)
		w.want(w.follow(r.ID), ohfp.StatusComplete, 3)
	})
}

func TestReturnWhileFilling(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world, template ohfp.TemplateID) {
		w.cloud.Set(fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay, Wave: 2})
		r := w.request(template, 6)
		for len(r.Machines) < 4 {
			w.clock.Advance(10 * time.Second)
			r = w.poll(r.ID)
		}
		w.giveBack(named(r.Machines[:1])...)
		r = w.follow(r.ID)
		w.want(r, ohfp.StatusComplete, 5)
		w.wait(5 * time.Minute)
		w.want(w.read(r.ID), ohfp.StatusComplete, 5)
	})
}

func TestCancelOfAGroup(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*world, ohfp.TemplateID) ohfp.RequestID{
		"empty": func(w *world, id ohfp.TemplateID) ohfp.RequestID { return w.request(id, 4).ID },
		"half full": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.Set(fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay, Wave: 2})
			r := w.request(id, 4)
			w.clock.Advance(launchDelay)
			return w.poll(r.ID).ID
		},
		"filled unseen": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			r := w.request(id, 4)
			w.clock.Advance(launchDelay)
			return r.ID
		},
		"being changed": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.Set(fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay, ModifyDelay: time.Minute})
			r := w.request(id, 4)
			w.clock.Advance(launchDelay)
			r = w.poll(r.ID)
			w.giveBack(named(r.Machines[:1])...)
			return r.ID
		},
		"reply lost": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.DropReply(fake.OpLaunch)
			return w.request(id, 4).ID
		},
		"reply lost without room": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.SetCapacity("small/zone-a", 0)
			w.cloud.DropReply(fake.OpLaunch)
			return w.request(id, 4).ID
		},
		"reply lost, then denied": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.SetCapacity("small/zone-a", 0)
			w.cloud.DropReply(fake.OpLaunch)
			r := w.request(id, 4)
			w.cloud.FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 1)
			return r.ID
		},
		"never called": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.FailNext(fake.OpLaunch, fake.Unavailable(fake.OpLaunch), 1)
			return w.request(id, 4).ID
		},
		"targets fail": func(w *world, id ohfp.TemplateID) ohfp.RequestID {
			w.cloud.FailNext(fake.OpTarget, fake.Throttled(fake.OpTarget), 3)
			w.cloud.DropReply(fake.OpTarget)
			r := w.request(id, 4)
			w.clock.Advance(launchDelay)
			return w.poll(r.ID).ID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
				id := prepare(w, template)
				launches := w.cloud.Calls()[fake.OpLaunch]
				if _, err := w.process().CancelRequest(t.Context(), command.CancelRequest{ID: id}); err != nil {
					t.Fatal(err)
				}
				r := w.follow(id)
				w.want(r, ohfp.StatusCancelled, 0)
				if now := w.cloud.Calls()[fake.OpLaunch]; now != launches {
					t.Errorf("a cancelled request launched %d times more", now-launches)
				}
				w.wantNoFleets()
			})
		})
	}
}

func TestDeniedRepetitionLeavesNoGroup(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world, template ohfp.TemplateID) {
		w.cloud.SetCapacity("small/zone-a", 0)
		w.cloud.DropReply(fake.OpLaunch)
		r := w.request(template, 4)
		w.cloud.FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 1)
		r = w.poll(r.ID)
		w.cloud.SetCapacity("small/zone-a", -1)
		r = w.follow(r.ID)
		w.want(r, ohfp.StatusFailed, 0)
		w.wantNoFleets()
	})
}

func TestGroupAtItsDeadline(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
		w.cloud.SetCapacity("small/zone-a", 2)
		r := w.follow(w.request(template, 5).ID)
		w.want(r, ohfp.StatusPartial, 2)
		if !strings.Contains(r.Message, "no room left") {
			t.Errorf("the request does not tell what the cloud lacked: %q", r.Message)
		}
		w.cloud.SetCapacity("small/zone-a", -1)
		w.wait(10 * time.Minute)
		w.want(w.read(r.ID), ohfp.StatusPartial, 2)
		none := newWorld(t)
		none.cloud.SetCapacity("small/zone-a", 0)
		r = none.follow(none.request(template, 5).ID)
		none.want(r, ohfp.StatusTimeout, 0)
		none.wantNoFleets()
	})
}

func TestCrashAtAnyStepOfAGroup(t *testing.T) {
	t.Parallel()
	for _, step := range []string{reconcile.StepRequestStored, reconcile.StepLaunchAnswered, reconcile.StepLaunchRecorded} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
				if !w.dieAt(step, func(c *command.Commands) {
					_, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: template, Count: 4})
					t.Errorf("the request went past the step: %v", err)
				}) {
					t.Fatal("the process did not die")
				}
				requests, err := w.store.Requests(t.Context(), storeAll)
				if err != nil || len(requests) != 1 {
					t.Fatalf("%d requests are stored: %v", len(requests), err)
				}
				w.want(w.follow(requests[0].ID), ohfp.StatusComplete, 4)
				if fleets := w.cloud.Fleets(); len(fleets) != 1 {
					t.Errorf("fleets %v exist, want one", fleets)
				}
			})
		})
	}
	for _, step := range []string{reconcile.StepEndStored, reconcile.StepEndAnswered, reconcile.StepEndRecorded} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
				r := w.follow(w.request(template, 4).ID)
				if !w.dieAt(step, func(c *command.Commands) {
					_, err := c.ReturnMachines(t.Context(), command.ReturnMachines{Machines: named(r.Machines[:3])})
					t.Errorf("the return went past the step: %v", err)
				}) {
					t.Fatal("the process did not die")
				}
				returns, err := w.store.Requests(t.Context(), store.RequestFilter{Type: ohfp.TypeReturn})
				if err != nil || len(returns) != 1 {
					t.Fatalf("%d returns are stored: %v", len(returns), err)
				}
				w.want(w.follow(returns[0].ID), ohfp.StatusComplete, 1)
				w.wait(5 * time.Minute)
				w.want(w.read(r.ID), ohfp.StatusComplete, 1)
			})
		})
	}
}

func TestRefusedTargetEndsOnlyOtherMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stuck := w.follow(w.request("group", 2).ID)
	free := w.follow(w.request("group", 2).ID)
	if err := w.cloud.RefuseTargets(stuck.Attempts[0].Resource, true); err != nil {
		t.Fatal(err)
	}
	back := w.giveBack(append(named(stuck.Machines), named(free.Machines)...)...)
	w.wait(3 * time.Minute)
	if back = w.read(back.ID); back.Status.Terminal() || !strings.Contains(back.Message, "may not do this") {
		t.Errorf("the return is %s (%q) although machines cannot be ended without being replaced", back.Status, back.Message)
	}
	if live := w.cloud.Live(); len(live) != 2 {
		t.Errorf("%d machines are alive, want the 2 of the group that cannot be shrunk", len(live))
	}
	if err := w.cloud.RefuseTargets(stuck.Attempts[0].Resource, false); err != nil {
		t.Fatal(err)
	}
	w.want(w.follow(back.ID), ohfp.StatusComplete, 0)
	w.wantNoFleets()
}

func TestCancelEndsWhatItCanWhileATargetIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.SetCapacity("small/zone-a", 1)
	w.cloud.SetCapacity("large/zone-a", 1)
	r := w.request("mixed", 4)
	for len(r.Machines) < 2 {
		w.clock.Advance(10 * time.Second)
		r = w.poll(r.ID)
	}
	if err := w.cloud.RefuseTargets(r.Attempts[0].Resource, true); err != nil {
		t.Fatal(err)
	}
	if err := w.process().SyncRequests(t.Context(), command.SyncRequests{}); err != nil {
		t.Fatal(err)
	}
	w.cloud.SetCapacity("small/zone-a", 5)
	if _, err := w.process().CancelRequest(t.Context(), command.CancelRequest{ID: r.ID}); err != nil {
		t.Fatal(err)
	}
	w.wait(3 * time.Minute)
	for _, m := range liveOf(w.read(r.ID)) {
		if m.Type == "large" {
			t.Errorf("machine %s lives although its end depends on no target", m.ID)
		}
	}
	w.cloud.Heal()
	if err := w.cloud.RefuseTargets(r.Attempts[0].Resource, false); err != nil {
		t.Fatal(err)
	}
	w.want(w.follow(r.ID), ohfp.StatusCancelled, 0)
	w.wantNoFleets()
}

// late lets something else happen before its first call that sets a target.
type late struct {
	*fake.Provider

	first func()
}

func (l *late) Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
	if first := l.first; first != nil && len(targets) > 0 {
		l.first = nil
		first()
	}
	return l.Provider.Terminate(ctx, machines, targets)
}

func TestReturnsWhoseTargetsArriveInTheWrongOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("group", 5).ID)
	slow := w.process()
	slow.Executor.Providers = opened{&late{Provider: w.open(), first: func() {
		w.giveBack(named(r.Machines[1:3])...)
	}}}
	back, err := slow.ReturnMachines(t.Context(), command.ReturnMachines{Machines: named(r.Machines[:1])})
	if err != nil {
		t.Fatal(err)
	}
	w.wantTarget(r, 2)
	w.follow(back.ID)
	w.wait(10 * time.Minute)
	r = w.read(r.ID)
	w.want(r, ohfp.StatusComplete, 2)
	w.wantTarget(r, 2)
	if len(r.Machines) != 5 {
		t.Errorf("the request lists %d machines, want 5: something was replaced", len(r.Machines))
	}
}

func TestYieldFallsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.SetCapacity("small/zone-a", 3)
	r := w.request("mixed", 5)
	began := w.clock.Now()
	r = w.follow(r.ID)
	w.want(r, ohfp.StatusComplete, 5)
	if len(r.Attempts) != 2 || r.Attempts[0].Order.API != fake.APIGroup || r.Attempts[1].Order.API != fake.APIInstances || r.Attempts[1].Order.Count != 2 {
		t.Errorf("%d attempts were made, the last for %d; want a group, then 2 by the other way", len(r.Attempts), r.Attempts[len(r.Attempts)-1].Order.Count)
	}
	if took := w.clock.Now().Sub(began); took < fake.YieldsAfter {
		t.Errorf("the group yielded before its time, within %s", took)
	}
	w.wantTarget(r, 3)
	w.cloud.SetCapacity("small/zone-a", -1)
	w.wait(10 * time.Minute)
	r = w.read(r.ID)
	w.want(r, ohfp.StatusComplete, 5)
	w.follow(w.giveBack(named(r.Machines)...).ID)
	w.wantNoFleets()
}

// TestYieldWaitsForWhatTheGroupHasLaunched has room come up just when the group yields.
func TestYieldWaitsForWhatTheGroupHasLaunched(t *testing.T) {
	t.Parallel()
	for _, template := range []ohfp.TemplateID{"mixed", "mixed ask"} {
		t.Run(string(template), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.template("mixed ask", 100, `{"type":"small","fallback":"large"}`, fake.APIRequest)
			w.cloud.SetCapacity("small/zone-a", 1)
			r := w.request(template, 4)
			p := &late{Provider: w.open(), first: func() {
				w.cloud.SetCapacity("small/zone-a", 1)
				w.clock.Advance(40 * time.Second)
			}}
			for range 200 {
				w.clock.Advance(10 * time.Second)
				c := w.process()
				c.Executor.Providers = opened{p}
				if err := c.SyncRequests(t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{r.ID}}); err != nil {
					t.Logf("sync: %v", err)
				}
				if r = w.read(r.ID); r.Settled() {
					break
				}
			}
			w.want(r, ohfp.StatusComplete, 4)
			if len(r.Attempts) != 2 || r.Attempts[1].Order.Count != 2 {
				t.Errorf("%d attempts were made, the last for %d; want a second one, for the 2 that the group had not launched", len(r.Attempts), r.Attempts[len(r.Attempts)-1].Order.Count)
			}
			if p.first != nil {
				t.Error("the group was never told to launch no more")
			}
		})
	}
}

func TestGroupThatWasRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world, template ohfp.TemplateID) {
		w.cloud.SetCapacity("small/zone-a", 0)
		r := w.request(template, 3)
		w.clock.Advance(time.Minute)
		r = w.poll(r.ID)
		if err := w.open().Retire(t.Context(), r.Attempts[0].Resource); err != nil {
			t.Fatal(err)
		}
		w.cloud.SetCapacity("small/zone-a", -1)
		w.want(w.follow(r.ID), ohfp.StatusComplete, 3)
	})
}

func TestHeavyMachinesOfAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.SetCapacity("medium/zone-b", 1)
	r := w.follow(w.request("heavy", 5).ID)
	w.want(r, ohfp.StatusComplete, 2) // 2 + 4 units
	w.wait(5 * time.Minute)
	small := slices.IndexFunc(r.Machines, func(m ohfp.Machine) bool { return m.Units() == 2 })
	w.follow(w.giveBack(named(r.Machines[small : small+1])...).ID)
	w.wait(5 * time.Minute)
	r = w.read(r.ID)
	w.want(r, ohfp.StatusComplete, 1)
	w.wantTarget(r, 4)
}

func TestTargetWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("group", 3).ID)
	w.lose(r.Machines[0].ID)
	w.cloud.DropReply(fake.OpTarget)
	w.wait(5 * time.Minute)
	r = w.read(r.ID)
	w.want(r, ohfp.StatusComplete, 2)
	if !r.Settled() {
		t.Error("the target is set, a look has shown it, and the request is not settled")
	}
}

package command_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

var storeAll = store.RequestFilter{}

func named(machines []ohfp.Machine) []command.Named {
	out := make([]command.Named, len(machines))
	for i, m := range machines {
		out[i] = command.Named{ID: m.ID, Name: m.Name}
	}
	return out
}

func aliveOf(r ohfp.Request) int {
	alive := 0
	for _, m := range r.Machines {
		if !m.Gone() {
			alive++
		}
	}
	return alive
}

func TestReturnEndsExactlyTheMachinesNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("small", 5).ID)
	back := w.giveBack(
		command.Named{ID: r.Machines[0].ID},
		command.Named{Name: r.Machines[1].Name},
		command.Named{ID: r.Machines[0].ID, Name: r.Machines[0].Name},
		command.Named{ID: "i-unknown", Name: "nobody"},
		command.Named{Name: "nobody.example"},
	)
	if len(back.Machines) != 2 || len(back.Unknown) != 2 {
		t.Fatalf("the return has %d machines and %d unknown ones, want 2 and 2", len(back.Machines), len(back.Unknown))
	}
	back = w.follow(back.ID)
	if back.Status != ohfp.StatusPartial {
		t.Errorf("a return with unknown machines ends %s", back.Status)
	}
	r = w.read(r.ID)
	w.want(r, ohfp.StatusComplete, 3)
	if len(r.Machines) != 5 {
		t.Errorf("after a return the request lists %d machines, want all 5", len(r.Machines))
	}
}

func TestReturnTwiceFollowsTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("small", 2).ID)
	first := w.giveBack(named(r.Machines[:1])...)
	second := w.giveBack(named(r.Machines)...)
	if first.ID == second.ID {
		t.Fatal("two returns bear one id")
	}
	w.want(w.follow(second.ID), ohfp.StatusComplete, 0)
	w.want(w.follow(first.ID), ohfp.StatusComplete, 0)
	third := w.follow(w.giveBack(named(r.Machines)...).ID)
	if third.Status != ohfp.StatusComplete || len(third.Machines) != 2 {
		t.Errorf("returning what is gone: %s with %d machines", third.Status, len(third.Machines))
	}
	var states []ohfp.MachineState
	for _, m := range third.Machines {
		states = append(states, m.State)
	}
	if diff := cmp.Diff([]ohfp.MachineState{ohfp.MachineTerminated, ohfp.MachineTerminated}, states); diff != "" {
		t.Error(diff)
	}
}

func TestLastReturnTakesTheFleetAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("fleet", 8).ID)
	half := len(r.Machines) / 2
	if half == 0 {
		t.Fatalf("a fleet of 8 units has %d machines; the test needs two", len(r.Machines))
	}
	w.follow(w.giveBack(named(r.Machines[:half])...).ID)
	if len(w.cloud.Fleets()) != 1 {
		t.Fatal("the fleet went before its last machine")
	}
	w.follow(w.giveBack(named(r.Machines[half:])...).ID)
	if fleets := w.cloud.Fleets(); len(fleets) != 0 {
		t.Errorf("fleets %v outlived their machines", fleets)
	}
	if r = w.read(r.ID); !r.Settled() {
		t.Error("the request is not settled")
	}
}

func TestReturnWhileTheCloudIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("small", 2).ID)
	w.cloud.FailNext(fake.OpTerminate, fake.Unavailable(fake.OpTerminate), 3)
	back := w.giveBack(named(r.Machines)...)
	if back.Status.Terminal() {
		t.Fatalf("the return is %s although the cloud was away", back.Status)
	}
	w.want(w.follow(back.ID), ohfp.StatusComplete, 0)
}

func TestCrashAtAnyStepOfAReturn(t *testing.T) {
	t.Parallel()
	for _, step := range []string{reconcile.StepReturnStored, reconcile.StepEndStored, reconcile.StepEndAnswered, reconcile.StepEndRecorded} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.follow(w.request("fleet", 8).ID)
			if !w.dieAt(step, func(c *command.Commands) {
				_, err := c.ReturnMachines(t.Context(), command.ReturnMachines{Machines: named(r.Machines)})
				t.Errorf("the return went past the step: %v", err)
			}) {
				t.Fatal("the process did not die")
			}
			returns, err := w.store.Requests(t.Context(), store.RequestFilter{Type: ohfp.TypeReturn})
			if err != nil || len(returns) != 1 {
				t.Fatalf("%d returns are stored: %v", len(returns), err)
			}
			w.want(w.follow(returns[0].ID), ohfp.StatusComplete, 0)
			if fleets := w.cloud.Fleets(); len(fleets) != 0 {
				t.Errorf("fleets %v are left", fleets)
			}
		})
	}
}

func TestReturnByRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 3)
	if _, err := w.process().ReturnMachines(t.Context(), command.ReturnMachines{Request: r.ID}); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("returning a request that still launches: %v", err)
	}
	w.follow(r.ID)
	back, err := w.process().ReturnMachines(t.Context(), command.ReturnMachines{Request: r.ID})
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.follow(back.ID), ohfp.StatusComplete, 0)
	if _, err := w.process().ReturnMachines(t.Context(), command.ReturnMachines{Request: back.ID}); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("returning a return: %v", err)
	}
}

func TestNameMeansTheLiveBearer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.follow(w.request("small", 1).ID)
	w.follow(w.giveBack(named(old.Machines)...).ID)
	young := w.follow(w.request("small", 1).ID)
	// EC2 makes host names of addresses, which it gives out again.
	_, err := w.store.UpdateRequest(t.Context(), old.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Machines[0].Name = young.Machines[0].Name
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	back := w.giveBack(command.Named{Name: young.Machines[0].Name})
	if len(back.Machines) != 1 || back.Machines[0].ID != young.Machines[0].ID {
		t.Errorf("the name means %v, want %s", back.Machines, young.Machines[0].ID)
	}
	w.want(w.follow(back.ID), ohfp.StatusComplete, 0)
}

package ohfp

import (
	"errors"
	"testing"
	"time"
)

// TestAParkedMachineIsNotLost: it stays in its request, nothing is launched or ended for it, and it can still be given back.
func TestAParkedMachineIsNotLost(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	m := Machine{ID: "m-1", State: MachineRunning, Name: "n", PrivateIP: "10.0.0.1", DeliveredAt: now}
	r := Request{ID: "req-1", Type: TypeAcquire, Count: 1, Status: StatusComplete, PolledAt: now, AnsweredAt: now, Machines: []Machine{m}}
	events, err := r.Machines[0].Park("cli (ann)", now)
	if err != nil || len(events) != 1 || events[0].Actor != "cli (ann)" {
		t.Fatalf("%v, %v", events, err)
	}
	if events, err = r.Machines[0].Park("cli (bob)", now); err != nil || len(events) != 0 {
		t.Errorf("parked twice: %v, %v", events, err)
	}
	for _, state := range []MachineState{MachineStopping, MachineStopped} {
		seen := m
		seen.State = state
		f := Facts{Machines: []Machine{seen}, Complete: true, ObservedAt: now}
		r.Fold(f, now)
		if actions := Plan(r, f, now); len(actions) != 0 || r.Delivered() != 1 || !r.Settled() {
			t.Errorf("%s: %v, %d delivered", state, actions, r.Delivered())
		}
	}
	if _, err := r.Machines[0].Unpark("cli (ann)", now); err != nil || !r.Machines[0].ParkedAt.IsZero() {
		t.Error(err)
	}
}

func TestWhatCannotBeParked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, m := range map[string]Machine{
		"not delivered": {State: MachineRunning},
		"gone":          {State: MachineTerminated, DeliveredAt: now},
		"given back":    {State: MachineRunning, DeliveredAt: now, Ending: ReasonReturned},
	} {
		if _, err := m.Park("x", now); !errors.Is(err, ErrConflict) || !m.ParkedAt.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	spot := Machine{State: MachineRunning, DeliveredAt: now, Lifecycle: Spot}
	if _, err := spot.Park("x", now); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	gone := Machine{State: MachineShuttingDown}
	if _, err := gone.Unpark("x", now); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	r := Request{Attempts: []Attempt{{Resource: "fleet-1", Order: Order{Keeps: true}}, {Resource: "fleet-2"}}}
	if r.KeptBy(Machine{Resource: "fleet-1"}) != "fleet-1" || r.KeptBy(Machine{Resource: "fleet-2"}) != "" || r.KeptBy(Machine{}) != "" {
		t.Error("a fleet that keeps its machines is not told from one that does not")
	}
}

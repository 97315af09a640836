package ohfp_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

func machineStates() []ohfp.MachineState {
	return []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown, ohfp.MachineTerminated,
	}
}

func TestMachineMoves(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := machineStates()
	legal := map[ohfp.MachineState][]ohfp.MachineState{
		"":                       all,
		ohfp.MachinePending:      all,
		ohfp.MachineRunning:      all[1:],
		ohfp.MachineStopping:     all,
		ohfp.MachineStopped:      {ohfp.MachineStopped, ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineShuttingDown, ohfp.MachineTerminated},
		ohfp.MachineShuttingDown: {ohfp.MachineShuttingDown, ohfp.MachineTerminated},
		ohfp.MachineTerminated:   {ohfp.MachineTerminated},
	}
	for from, allowed := range legal {
		for _, to := range append(all, "", "rebooting") {
			want := slices.Contains(allowed, to) || from == to
			if got := from.MayBecome(to); got != want {
				t.Errorf("a %q machine may become %q: %t, want %t", from, to, got, want)
			}
			m := ohfp.Machine{ID: "i-1", State: from}
			err := m.Become(to, now)
			switch {
			case want && (err != nil || m.State != to):
				t.Errorf("a %q machine became %q instead of %q: %v", from, m.State, to, err)
			case !want && (!errors.Is(err, ohfp.ErrConflict) || m.State != from):
				t.Errorf("a %q machine became %q, error %v; want %v and no change", from, m.State, err, ohfp.ErrConflict)
			}
			if gone := want && to == ohfp.MachineTerminated; gone == m.TerminatedAt.IsZero() {
				t.Errorf("a %q machine that was to become %q is terminated at %s", from, to, m.TerminatedAt)
			}
		}
	}
}

func TestMachinePredicates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state                      ohfp.MachineState
		gone, alive, wanted, ready bool
	}{
		{ohfp.MachinePending, false, true, true, false},
		{ohfp.MachineRunning, false, true, true, true},
		{ohfp.MachineStopping, false, true, true, false},
		{ohfp.MachineStopped, false, true, true, false},
		{ohfp.MachineShuttingDown, false, false, false, false},
		{ohfp.MachineTerminated, true, false, false, false},
	} {
		m := ohfp.Machine{State: tt.state, Name: "host", PrivateIP: "10.0.0.1"}
		if m.Gone() != tt.gone || m.Alive() != tt.alive || m.Wanted() != tt.wanted || m.Ready() != tt.ready {
			t.Errorf("a %s machine: gone %t, alive %t, wanted %t, ready %t", tt.state, m.Gone(), m.Alive(), m.Wanted(), m.Ready())
		}
		m.Ending = ohfp.ReasonSpare
		if m.Wanted() {
			t.Errorf("a %s machine that is to be ended is wanted", tt.state)
		}
		for _, incomplete := range []ohfp.Machine{{State: tt.state, Name: "host"}, {State: tt.state, PrivateIP: "10.0.0.1"}} {
			if incomplete.Ready() {
				t.Errorf("a %s machine with name %q and address %q is ready", tt.state, incomplete.Name, incomplete.PrivateIP)
			}
		}
	}
	for weight, want := range map[int]int{-1: 1, 0: 1, 1: 1, 4: 4} {
		if got := (ohfp.Machine{Weight: weight}).Units(); got != want {
			t.Errorf("a machine of weight %d counts %d units, want %d", weight, got, want)
		}
	}
}

func TestMachineEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var m ohfp.Machine
	m.End(ohfp.ReasonSpare, now)
	m.End(ohfp.ReasonReturned, now.Add(time.Hour))
	if m.Ending != ohfp.ReasonSpare || !m.EndingAt.Equal(now) {
		t.Errorf("the machine ends because %q since %s; the first reason must stay", m.Ending, m.EndingAt)
	}
}

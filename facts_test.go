package ohfp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestFoldMovesMachines(t *testing.T) {
	t.Parallel()
	r := acquire(2, attempt(), with(machine("i-1"), machine("i-2", delivered, leaving)))
	seen := ohfp.Machine{
		Provider: "aws", ID: "i-1", State: ohfp.MachineRunning, Name: "host-1", PrivateIP: "10.0.0.1", PublicIP: "1.2.3.4", Type: "m5.large",
		Zone: "a", Subnet: "subnet-1", Image: "ami-1", Lifecycle: ohfp.Spot, Tags: "k=v", Weight: 2, Resource: "fleet-1",
	}
	old := machine("i-2", func(m *ohfp.Machine) { m.State = ohfp.MachineRunning })
	events := r.Fold(saw(time.Minute, seen, old), after(time.Minute))
	wantKinds(t, "a machine came up", events, ohfp.MachineChanged, ohfp.MachineNamed, ohfp.MachineDelivered)
	want := seen
	want.Request, want.Template, want.Attempt, want.LaunchedAt, want.DeliveredAt = "req-1", "t", 1, start(), after(time.Minute)
	if diff := cmp.Diff(want, r.Machines[0]); diff != "" {
		t.Errorf("machine (-want +got):\n%s", diff)
	}
	if r.Machines[1].State != ohfp.MachineShuttingDown {
		t.Errorf("an old look brought a machine back: %s", r.Machines[1].State)
	}
	dead := machine("i-1", func(m *ohfp.Machine) { m.State, m.StateReason = ohfp.MachineTerminated, "interrupted" })
	events = r.Fold(saw(2*time.Minute, dead), after(2*time.Minute))
	wantKinds(t, "a machine was lost", events, ohfp.MachineGone)
	if m := r.Machines[0]; m.Name != "host-1" || m.PrivateIP != "10.0.0.1" || m.StateReason != "interrupted" || !m.TerminatedAt.Equal(after(2*time.Minute)) {
		t.Errorf("lost machine %+v; what it had must stay, and why it ended be told", m)
	}
	if events := r.Fold(saw(2*time.Minute, dead), after(3*time.Minute)); len(events) > 0 {
		t.Errorf("the same look again tells %v", kinds(events))
	}
	foreign := dead
	foreign.Provider, foreign.ID, foreign.State = "other", "i-2", ohfp.MachineTerminated
	r.Type = ohfp.TypeReturn
	if events := r.Fold(saw(3*time.Minute, foreign), after(3*time.Minute)); len(events) > 0 {
		t.Errorf("a machine of another provider with the same id tells %v", kinds(events))
	}
}

func TestFoldAbsence(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		machine ohfp.Machine
		facts   ohfp.Facts
		gone    bool
	}{
		"a complete look":                    {machine("i-1"), saw(5*time.Minute + 1), true},
		"a look that broke off":              {machine("i-1"), partly(time.Hour), false},
		"a young machine":                    {machine("i-1"), saw(5 * time.Minute), false},
		"nobody looked":                      {machine("i-1"), ohfp.Facts{}, false},
		"no launch time, but ended long ago": {machine("i-1", ending(ohfp.ReasonSpare), func(m *ohfp.Machine) { m.LaunchedAt = time.Time{} }), saw(time.Hour), true},
	} {
		r := acquire(1, attempt(), with(tt.machine))
		events := r.Fold(tt.facts, after(2*time.Hour))
		if r.Machines[0].Gone() != tt.gone || (len(events) == 1) != tt.gone {
			t.Errorf("%s: machine is %s, events %v; gone should be %t", what, r.Machines[0].State, kinds(events), tt.gone)
		}
	}
}

func TestFoldAdopts(t *testing.T) {
	t.Parallel()
	stray := machine("i-7", func(m *ohfp.Machine) { m.Request, m.Attempt, m.Resource = "", 0, "fleet-7" })
	r := acquire(1, attempt(), attempt(open(0)))
	wantKinds(t, "a stray machine", r.Fold(saw(time.Minute, stray, stray), after(time.Minute)), ohfp.MachineAdopted)
	if len(r.Machines) != 1 || r.Machines[0].Attempt != 2 || r.Attempts[1].Resource != "fleet-7" || r.Machines[0].Request != "req-1" {
		t.Errorf("machines %+v, attempts %+v; want one machine of attempt 2", r.Machines, r.Attempts)
	}
	known := machine("i-8", func(m *ohfp.Machine) { m.Attempt = 0 })
	r.Fold(saw(time.Minute, known), after(time.Minute))
	if r.Machines[1].Attempt != 1 {
		t.Errorf("a machine of the first fleet belongs to attempt %d", r.Machines[1].Attempt)
	}
	for _, s := range ohfp.Statuses() {
		r := acquire(1, attempt(), status(s))
		r.Fold(saw(time.Minute, stray), after(time.Minute))
		want := ohfp.Reason("")
		if s.Terminal() {
			want = ohfp.ReasonLate
		}
		if r.Machines[0].Ending != want {
			t.Errorf("a machine that comes to a %s request ends because %q, want %q", s, r.Machines[0].Ending, want)
		}
	}
	ret := ohfp.Request{ID: "ret-1", Type: ohfp.TypeReturn, Status: ohfp.StatusInProgress}
	if events := ret.Fold(saw(time.Minute, stray), after(time.Minute)); len(events) > 0 || len(ret.Machines) > 0 {
		t.Errorf("a return adopted machines: %v", kinds(events))
	}
	dead := machine("i-9", gone, func(m *ohfp.Machine) { m.TerminatedAt = time.Time{} })
	r = acquire(1, attempt(), status(ohfp.StatusFailed))
	r.Fold(saw(time.Minute, dead), after(time.Minute))
	if m := r.Machines[0]; m.Ending != "" || m.TerminatedAt.IsZero() {
		t.Errorf("a dead machine that came late: %+v", m)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	up := func(id ohfp.MachineID, weight int) ohfp.Machine {
		return machine(id, delivered, weighs(weight), func(m *ohfp.Machine) { m.DeliveredAt = time.Time{} })
	}
	for _, tt := range []struct {
		what    string
		request ohfp.Request
		seen    []ohfp.Machine
		want    []ohfp.MachineID
	}{
		{"as many as asked for", acquire(2, attempt()), []ohfp.Machine{up("i-1", 1), up("i-2", 1), up("i-3", 1)}, ids("i-2", "i-3")},
		{"what fits exactly", acquire(5, attempt()), []ohfp.Machine{up("i-1", 4), up("i-2", 4), up("i-3", 1)}, ids("i-2", "i-3")},
		{"more than asked for when nothing fits", acquire(5, attempt()), []ohfp.Machine{up("i-1", 4), up("i-2", 4)}, ids("i-1", "i-2")},
		{"ready ones before those on the way", acquire(1, attempt(), with(machine("i-1"))), []ohfp.Machine{up("i-2", 1)}, ids("i-2")},
		{"none while it is stopping", acquire(2, attempt(), stopping(ohfp.StatusPartial, ohfp.ReasonDeadline)), []ohfp.Machine{up("i-1", 1)}, nil},
		{"none after its end", acquire(2, attempt(), status(ohfp.StatusFailed)), []ohfp.Machine{up("i-1", 1)}, nil},
		{"none that will be ended", acquire(2, attempt(), with(machine("i-1", ending(ohfp.ReasonSpare)))), []ohfp.Machine{up("i-1", 1)}, nil},
	} {
		r := tt.request
		r.Fold(saw(time.Minute, tt.seen...), after(time.Minute))
		var got []ohfp.MachineID
		for _, m := range r.Machines {
			if !m.DeliveredAt.IsZero() {
				got = append(got, m.ID)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
	r := acquire(1, attempt(open(0)))
	events, err := r.Answer(1, ohfp.Outcome{Resource: "r-1", Machines: []ohfp.Machine{up("i-1", 1), up("i-2", 1)}}, start())
	if err != nil || r.Delivered() != 1 {
		t.Errorf("2 machines that were ready at once: %d of 1 delivered, events %v, error %v", r.Delivered(), kinds(events), err)
	}
}

func TestFoldMessage(t *testing.T) {
	t.Parallel()
	trouble := partly(time.Minute)
	trouble.Problem = "no credentials"
	for _, s := range ohfp.Statuses() {
		r := acquire(1, status(s), func(r *ohfp.Request) { r.Message = "before" })
		r.Fold(trouble, after(time.Minute))
		want := "before"
		if s == ohfp.StatusPending || s == ohfp.StatusInProgress {
			want = "no credentials"
		}
		if r.Message != want {
			t.Errorf("a %s request has message %q after trouble, want %q", s, r.Message, want)
		}
	}
}

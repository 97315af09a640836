package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func returnTests() []test {
	return []test{
		{"both see the machines", returnSeenByBoth},
		{"machine changed in between", returnConflict},
		{"machine no longer known", returnUnknown},
		{"found in the cloud", returnAdopted},
		{"overtakes the acquire", returnOvertakes},
		{"given back twice", returnTwice},
		{"overtaken by another return", returnOvertaken},
		{"moved to another return", returnMoves},
		{"acquire gets work again", returnUnsettles},
		{"many acquires", returnMany},
	}
}

// returned stores a return of machines and gives it back as the store has it.
func returned(t *testing.T, s store.Store, machines ...ohfp.Machine) ohfp.Request {
	t.Helper()
	r, told := ohfp.NewReturn(ohfp.NewRequestID(ohfp.TypeReturn, start()), machines, nil, origin(), start())
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}, told...))
	return get(t, s, r.ID)
}

func returnSeenByBoth(s bench) {
	t := s.t
	a := created(t, s, 3, 3)
	r := returned(t, s, a.Machines[2], a.Machines[0])
	if len(r.Machines) != 2 || r.Machines[0].ID != a.Machines[0].ID || r.Machines[1].ID != a.Machines[2].ID {
		t.Fatalf("machines of the return are %+v", r.Machines)
	}
	now := get(t, s, a.ID)
	for i, ending := range []ohfp.Reason{ohfp.ReasonReturned, "", ohfp.ReasonReturned} {
		if now.Machines[i].Ending != ending {
			t.Errorf("machine %d ends for %q, want %q", i, now.Machines[i].Ending, ending)
		}
	}
	if now.Version <= a.Version {
		t.Error("the acquire has its old version, though machines of it changed")
	}
	// An update through either is seen by both.
	update(t, s, r.ID, touchless(func(r *ohfp.Request) { r.Machines[0].State = ohfp.MachineTerminated }))
	update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[2].State = ohfp.MachineShuttingDown }))
	for _, id := range []ohfp.RequestID{a.ID, r.ID} {
		all := get(t, s, id).Machines
		if all[0].State != ohfp.MachineTerminated || all[len(all)-1].State != ohfp.MachineShuttingDown {
			t.Errorf("%s sees %s and %s", id, all[0].State, all[len(all)-1].State)
		}
	}
	list := requests(t, s, store.RequestFilter{Machines: true})
	for _, r := range list {
		same(t, r, get(t, s, r.ID))
	}
}

func returnConflict(s bench) {
	t := s.t
	a := created(t, s, 2, 2)
	update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[1].State = ohfp.MachineStopped }))
	now, told := get(t, s, a.ID), events(t, s, store.EventFilter{})

	r, more := ohfp.NewReturn("ret-1", a.Machines, nil, origin(), start())
	want(t, s.CreateRequest(t.Context(), r, store.Limits{}, more...), ohfp.ErrConflict)
	_, err := s.Request(t.Context(), r.ID)
	want(t, err, ohfp.ErrNotFound)
	same(t, get(t, s, a.ID), now)
	same(t, events(t, s, store.EventFilter{}), told)
}

func returnUnknown(s bench) {
	t := s.t
	a := created(t, s, 1, 1)
	m := a.Machines[0]
	m.ID += "-gone"
	r, told := ohfp.NewReturn("ret-1", []ohfp.Machine{m}, nil, origin(), start())
	want(t, s.CreateRequest(t.Context(), r, store.Limits{}, told...), ohfp.ErrConflict)
}

// A machine whose record was lost can still be given back, by its tag.
func returnAdopted(s bench) {
	t := s.t
	r := returned(t, s, ohfp.Machine{Provider: providerName, ID: "i-lost", Request: "req-lost", State: ohfp.MachineRunning})
	if len(r.Machines) != 1 || r.Machines[0].Ending != ohfp.ReasonReturned || r.Machines[0].Request != "req-lost" {
		t.Errorf("machines are %+v", r.Machines)
	}
}

// An acquire that is about to end a machine, because it still thinks it wanted, sees that it was given back meanwhile.
func returnOvertakes(s bench) {
	t := s.t
	a := created(t, s, 1, 1)
	_, err := overtake(t, s, a.ID, touchless(func(r *ohfp.Request) {
		r.Machines[0].End(ohfp.ReasonSpare, start())
		r.Message = "1 spare"
	}), func() {
		// It may lose the race for a machine, which it is told.
		r, told := ohfp.NewReturn("ret-1", a.Machines, nil, origin(), start())
		if err := s.CreateRequest(t.Context(), r, store.Limits{}, told...); err != nil {
			want(t, err, ohfp.ErrConflict)
		}
	})
	must(t, err)
	got := get(t, s, a.ID)
	_, err = s.Request(t.Context(), "ret-1")
	reason := ohfp.ReasonReturned
	if err != nil {
		reason = ohfp.ReasonSpare
	}
	if got.Message != "1 spare" || got.Machines[0].Ending != reason {
		t.Errorf("machine ends for %q, want %q; message is %q", got.Machines[0].Ending, reason, got.Message)
	}
}

// The second return ends nothing, it only follows what the first one ends.
func returnTwice(s bench) {
	t := s.t
	a := created(t, s, 3, 3)
	first := returned(t, s, a.Machines[:2]...)
	fresh := get(t, s, a.ID)
	second := returned(t, s, fresh.Machines[1:]...)
	same(t, get(t, s, first.ID), first)
	if len(second.Machines) != 2 || second.Machines[0].Return != first.ID || second.Machines[1].Return != second.ID {
		t.Fatalf("machines of the second return are %+v", second.Machines)
	}
	same(t, machines(t, s, store.MachineFilter{Return: second.ID}), second.Machines[1:])

	update(t, s, first.ID, touchless(func(r *ohfp.Request) { r.Machines[1].State = ohfp.MachineTerminated }))
	got := update(t, s, second.ID, touchless(func(r *ohfp.Request) {
		if !r.Machines[0].Gone() {
			t.Error("the second return does not see that the machine is gone")
		}
		r.Machines[0].StateReason = "seen"
	}))
	same(t, got, get(t, s, second.ID))
	if now := get(t, s, first.ID); now.Machines[1].StateReason != "seen" || now.Version != 3 {
		t.Errorf("the first return does not see what the second did: %+v", now)
	}
	for _, r := range requests(t, s, store.RequestFilter{Machines: true}) {
		same(t, r, get(t, s, r.ID))
	}
	// What is followed may grow.
	got = update(t, s, second.ID, touchless(func(r *ohfp.Request) { r.Also = append(r.Also, a.Machines[0].ID) }))
	same(t, got, get(t, s, second.ID))
	if len(got.Machines) != 3 {
		t.Errorf("%d machines, want 3", len(got.Machines))
	}
}

func returnOvertaken(s bench) {
	t := s.t
	a := created(t, s, 1, 1)
	first := returned(t, s, a.Machines...)
	second := returned(t, s, first.Machines...)
	_, err := overtake(t, s, second.ID, touchless(func(r *ohfp.Request) {
		r.Message = string(r.Machines[0].State)
		r.Machines[0].Tags += "b"
	}), func() {
		update(t, s, first.ID, touchless(func(r *ohfp.Request) {
			r.Machines[0].State = ohfp.MachineTerminated
			r.Machines[0].Tags += "a"
		}))
	})
	must(t, err)
	m := get(t, s, a.ID).Machines[0]
	if m.State != ohfp.MachineTerminated || len(m.Tags) != 2 {
		t.Errorf("machine is %+v: an update was lost", m)
	}
	// Either it was decided before the machine went, or it saw it.
	if now := get(t, s, second.ID); now.Message != string(ohfp.MachineTerminated) && m.Tags != "ba" {
		t.Errorf("decided on %q, with the updates in the order %s", now.Message, m.Tags)
	}
}

func returnMoves(s bench) {
	t := s.t
	a := created(t, s, 1, 1)
	first := returned(t, s, a.Machines...)
	m := first.Machines[0]
	m.Return = "ret-2"
	must(t, s.CreateRequest(t.Context(), ohfp.Request{ID: "ret-2", Type: ohfp.TypeReturn, Status: ohfp.StatusPending, Machines: []ohfp.Machine{m}}, store.Limits{}))
	if now := get(t, s, first.ID); len(now.Machines) != 0 || now.Version <= first.Version {
		t.Errorf("the first return is %+v, want it without machines and with a new version", now)
	}
	if now := get(t, s, "ret-2"); len(now.Machines) != 1 {
		t.Errorf("the second return has %d machines, want 1", len(now.Machines))
	}
}

// An acquire that was done has to remove its fleet once a return has ended the machines of it, and is found for that.
func returnUnsettles(s bench) {
	t := s.t
	a := created(t, s, 1, 1, func(r *ohfp.Request) {
		r.Status, r.AnsweredAt, r.PolledAt, r.CompletedAt = ohfp.StatusComplete, start(), start(), start()
		r.Attempts = []ohfp.Attempt{{Number: 1, AnsweredAt: start(), Resource: "fleet-1", Order: ohfp.Order{Retires: true, Call: []byte(`{}`)}}}
		r.Machines[0].Resource = "fleet-1"
	})
	unsettled := func(want ...ohfp.RequestID) {
		t.Helper()
		var got []ohfp.RequestID
		for _, r := range requests(t, s, store.RequestFilter{Unsettled: true}) {
			got = append(got, r.ID)
		}
		same(t, got, want)
	}
	unsettled()
	r := returned(t, s, a.Machines...)
	unsettled(r.ID)
	update(t, s, r.ID, touchless(func(r *ohfp.Request) {
		must(t, r.Machines[0].Become(ohfp.MachineTerminated, start()))
		_, err := r.Become(ohfp.StatusComplete, "", start())
		must(t, err)
	}))
	unsettled(r.ID, a.ID)
	update(t, s, r.ID, touchless(func(r *ohfp.Request) { r.ClearedAt = start() }))
	unsettled(a.ID)
	update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Retired(1, start()) }))
	unsettled()
}

func returnMany(s bench) {
	t := s.t
	var all []ohfp.Machine
	var acquires []ohfp.RequestID
	for i := range 30 {
		a := created(t, s, 1, 2, func(r *ohfp.Request) {
			r.CreatedAt = start().Add(time.Duration(i) * time.Minute)
			r.Status, r.PolledAt, r.AnsweredAt = ohfp.StatusComplete, start(), start()
		})
		all, acquires = append(all, a.Machines...), append(acquires, a.ID)
	}
	r := returned(t, s, all...)
	if len(r.Machines) != 60 {
		t.Fatalf("%d machines, want 60", len(r.Machines))
	}
	for i, a := range acquires {
		if got := get(t, s, a); got.Version != 2 || got.Machines[0].Return != r.ID || got.Machines[1].Return != r.ID {
			t.Fatalf("acquire %d: %+v", i, got)
		}
	}
	found := requests(t, s, store.RequestFilter{Machines: true, Type: ohfp.TypeReturn})
	same(t, fmt.Sprint(len(found), len(found[0].Machines)), "1 60")
}

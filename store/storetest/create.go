package storetest

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func createTests() []test {
	return []test{
		{"unknown id", func(s bench) {
			t := s.t
			_, err := s.Request(t.Context(), "req-unknown")
			want(t, err, ohfp.ErrNotFound)
		}},
		{"same id", createTwice},
		{"same id at once", createTwiceAtOnce},
		{"with machines", createWithMachines},
		{"machine exists", createMachineExists},
		{"machine of another request", createForeignMachine},
		{"machine named twice", createMachineTwice},
	}
}

func createTwice(s bench) {
	t := s.t
	r, told := acquire(t, 1, start())
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}, told...))
	first := get(t, s, r.ID)

	r.Count = 2
	want(t, s.CreateRequest(t.Context(), r, store.Limits{}, told...), ohfp.ErrConflict)
	same(t, get(t, s, r.ID), first)
	if n := len(events(t, s, store.EventFilter{})); n != len(told) {
		t.Errorf("%d events, want %d: the refused request left some", n, len(told))
	}
}

func createTwiceAtOnce(s bench) {
	t := s.t
	r, told := acquire(t, 1, start())
	errs := make([]error, 16)
	inParallel(len(errs), func(i int) { errs[i] = s.CreateRequest(t.Context(), r, store.Limits{}, told...) })
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		want(t, err, ohfp.ErrConflict)
	}
	if made != 1 || len(events(t, s, store.EventFilter{})) != len(told) {
		t.Errorf("%d of %d created it, with %d events; want one", made, len(errs), len(events(t, s, store.EventFilter{})))
	}
}

// A request that was lost and found again in the cloud comes with its machines.
func createWithMachines(s bench) {
	t := s.t
	r := created(t, s, 3, 3)
	if len(r.Machines) != 3 {
		t.Fatalf("%d machines, want 3", len(r.Machines))
	}
	same(t, machines(t, s, store.MachineFilter{Request: r.ID}), r.Machines)
}

func createMachineExists(s bench) {
	t := s.t
	first := created(t, s, 1, 1)
	second, told := acquire(t, 1, start())
	thief := first.Machines[0]
	thief.Request, thief.Version = second.ID, 0
	second.Machines = append(machinesFor(second, 1), thief)
	want(t, s.CreateRequest(t.Context(), second, store.Limits{}, told...), ohfp.ErrConflict)

	_, err := s.Request(t.Context(), second.ID)
	want(t, err, ohfp.ErrNotFound)
	same(t, machines(t, s, store.MachineFilter{}), first.Machines)

	// The same id at another provider is another machine.
	thief.Provider = "cloud-b"
	second.Machines = []ohfp.Machine{thief}
	must(t, s.CreateRequest(t.Context(), second, store.Limits{}, told...))
	if found := machines(t, s, store.MachineFilter{IDs: []ohfp.MachineID{thief.ID}}); len(found) != 2 {
		t.Errorf("%d machines have the id, want one per provider", len(found))
	}
}

func createForeignMachine(s bench) {
	t := s.t
	r, _ := acquire(t, 1, start())
	r.Machines = machinesFor(r, 1)
	r.Machines[0].Request = "req-another"
	want(t, s.CreateRequest(t.Context(), r, store.Limits{}), ohfp.ErrConflict)
}

func createMachineTwice(s bench) {
	t := s.t
	r, _ := acquire(t, 1, start())
	r.Machines = append(machinesFor(r, 1), machinesFor(r, 1)...)
	want(t, s.CreateRequest(t.Context(), r, store.Limits{}), ohfp.ErrInvalid)
	if found := machines(t, s, store.MachineFilter{}); len(found) != 0 {
		t.Errorf("%d machines stored, want none", len(found))
	}
}

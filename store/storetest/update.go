package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func updateTests() []test {
	return []test{
		{"unknown id", func(s bench) {
			t := s.t
			_, err := s.UpdateRequest(t.Context(), "req-unknown", touchless(func(*ohfp.Request) { t.Error("change was called") }))
			want(t, err, ohfp.ErrNotFound)
		}},
		{"writes the difference", updateDifference},
		{"nothing differs", updateNothing},
		{"another provider", updateProvider},
		{"only events", updateOnlyEvents},
		{"refused by the change", updateRefused},
		{"panic in the change", updatePanic},
		{"machine of another request", updateForeignMachine},
		{"records are not removed or renamed", updateForbidden},
		{"50 at once", updateAtOnce},
		{"overtaken", updateOvertaken},
		{"kept pointer", updateKeptPointer},
	}
}

func updateDifference(s bench) {
	t := s.t
	r := created(t, s, 3, 3)
	told := len(events(t, s, store.EventFilter{}))
	got := update(t, s, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Message = "one changed, one came"
		r.Machines[1].State = ohfp.MachineStopped
		late := machinesFor(*r, 4)[3]
		late.LaunchedAt = start().Add(-time.Hour)
		r.Machines = append(r.Machines, late)
		return []ohfp.Event{{Kind: ohfp.MachineChanged, Request: r.ID}, {Kind: ohfp.MachineLaunched, Request: r.ID}}, nil
	})
	same(t, got, get(t, s, r.ID))
	if got.Version <= r.Version || got.Message != "one changed, one came" || len(got.Machines) != 4 {
		t.Fatalf("got %+v", got)
	}
	// The new one was launched first, so the others have moved.
	if got.Machines[0].ID != machinesFor(r, 4)[3].ID || got.Machines[2].State != ohfp.MachineStopped || got.Machines[2].Version <= r.Machines[1].Version {
		t.Errorf("machines are %+v", got.Machines)
	}
	same(t, got.Machines[1], r.Machines[0])
	same(t, got.Machines[3], r.Machines[2])
	if n := len(events(t, s, store.EventFilter{})); n != told+2 {
		t.Errorf("%d events, want %d", n, told+2)
	}
}

// updateProvider: what a request holds counts where it is now.
func updateProvider(s bench) {
	t := s.t
	r := created(t, s, 3, 0)
	update(t, s, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Fallbacks, r.Provider = []string{"third"}, "second"
		return nil, nil
	})
	used, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := used.Providers["second"]; n != 3 || used.Providers[r.Provider] != 0 {
		t.Errorf("%v are counted, want 3 of second alone", used.Providers)
	}
	if got := get(t, s, r.ID); got.Provider != "second" || len(got.Fallbacks) != 1 {
		t.Errorf("the request is at %s with fallbacks %v", got.Provider, got.Fallbacks)
	}
}

func updateNothing(s bench) {
	t := s.t
	r := full(t)
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
	before := get(t, s, r.ID)
	zone := time.FixedZone("elsewhere", 3600)
	for _, change := range []func(*ohfp.Request){
		func(*ohfp.Request) {},
		func(r *ohfp.Request) { *r = store.CopyRequest(*r) },
		func(r *ohfp.Request) { // the same moments, told otherwise
			r.CreatedAt, r.Machines[0].LaunchedAt = r.CreatedAt.In(zone), r.Machines[0].LaunchedAt.In(zone)
		},
		func(r *ohfp.Request) { r.Version, r.Machines[0].Version = 99, 99 }, // not the change's to set
	} {
		same(t, update(t, s, r.ID, touchless(change)), before)
		same(t, get(t, s, r.ID), before)
	}
	if told := events(t, s, store.EventFilter{}); len(told) != 0 {
		t.Errorf("events are %+v, want none", told)
	}
}

func updateOnlyEvents(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	got := update(t, s, r.ID, func(*ohfp.Request) ([]ohfp.Event, error) {
		return []ohfp.Event{{Kind: ohfp.AttemptRefused, Request: r.ID}}, nil
	})
	same(t, got, get(t, s, r.ID))
	same(t, got.Machines, r.Machines)
	told := events(t, s, store.EventFilter{Request: r.ID})
	if last := told[len(told)-1]; last.Kind != ohfp.AttemptRefused {
		t.Errorf("last event is %+v", last)
	}
}

func updateRefused(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	told := events(t, s, store.EventFilter{})
	reason := errors.New("changed its mind")
	for _, refusal := range []error{reason, ohfp.Errorf(ohfp.ErrConflict, "no: %w", reason)} {
		_, err := s.UpdateRequest(t.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Status, r.Machines[0].State = ohfp.StatusFailed, ohfp.MachineTerminated
			r.Machines = append(r.Machines, machinesFor(*r, 2)[1])
			return []ohfp.Event{{Kind: ohfp.RequestChanged}}, refusal
		})
		if !errors.Is(err, reason) || err.Error() != refusal.Error() {
			t.Fatalf("error is %v, want it as the change returned it", err)
		}
	}
	same(t, get(t, s, r.ID), r)
	same(t, events(t, s, store.EventFilter{}), told)
}

func updatePanic(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.UpdateRequest(t.Context(), r.ID, touchless(func(r *ohfp.Request) {
			r.Count = 99
			panic("a mistake in a change")
		}))
	}()
	same(t, get(t, s, r.ID), r)
	if got := update(t, s, r.ID, touchless(func(r *ohfp.Request) { r.Count = 2 })); got.Count != 2 {
		t.Errorf("count is %d, want 2: the store is stuck", got.Count)
	}
}

func updateForeignMachine(s bench) {
	t := s.t
	first, second := created(t, s, 1, 1), created(t, s, 1, 1)
	thief := first.Machines[0]
	thief.Request, thief.Version = second.ID, 0
	honest := first.Machines[0]
	honest.Version = 0
	for _, m := range []ohfp.Machine{thief, honest} {
		_, err := s.UpdateRequest(t.Context(), second.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Message = "stolen"
			r.Machines = append(r.Machines, m)
			return []ohfp.Event{{Kind: ohfp.MachineAdopted}}, nil
		})
		want(t, err, ohfp.ErrConflict)
	}
	same(t, get(t, s, first.ID), first)
	same(t, get(t, s, second.ID), second)
}

func updateForbidden(s bench) {
	t := s.t
	r := created(t, s, 2, 2)
	for name, change := range map[string]func(*ohfp.Request){
		"dropped":       func(r *ohfp.Request) { r.Machines = r.Machines[:1] },
		"twice":         func(r *ohfp.Request) { r.Machines = append(r.Machines, r.Machines[0]) },
		"other id":      func(r *ohfp.Request) { r.ID += "x" },
		"other type":    func(r *ohfp.Request) { r.Type = ohfp.TypeReturn },
		"other machine": func(r *ohfp.Request) { r.Machines[0].ID += "x" },
		"other owner":   func(r *ohfp.Request) { r.Machines[0].Request += "x" },
	} {
		if _, err := s.UpdateRequest(t.Context(), r.ID, touchless(change)); err == nil {
			t.Errorf("%s: no error", name)
		}
		same(t, get(t, s, r.ID), r)
	}
}

func updateAtOnce(s bench) {
	t := s.t
	const times = 50
	r := created(t, s, 1, 1)
	errs := make([]error, times)
	inParallel(times, func(i int) {
		_, errs[i] = s.UpdateRequest(t.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			r.Machines[0].Weight++
			return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID, Message: fmt.Sprint(r.Count)}}, nil
		})
	})
	must(t, errors.Join(errs...))
	got := get(t, s, r.ID)
	if got.Count != r.Count+times || got.Machines[0].Weight != r.Machines[0].Weight+times {
		t.Errorf("count is %d and weight %d, want %d more", got.Count, got.Machines[0].Weight, times)
	}
	var counts []string
	for _, e := range events(t, s, store.EventFilter{Request: r.ID}) {
		if e.Kind == ohfp.RequestChanged {
			counts = append(counts, e.Message)
		}
	}
	var all []string
	for i := range times {
		all = append(all, fmt.Sprint(r.Count+i+1))
	}
	same(t, counts, all) // each event beside its change
}

// overtake runs a change of request id, and another write in the moment between what the change saw and what it wrote.
// A store that holds others off meanwhile makes the other write wait, which is as good.
func overtake(t *testing.T, s bench, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error), other func()) (ohfp.Request, error) {
	t.Helper()
	done := make(chan struct{})
	runs := 0
	r, err := s.UpdateRequest(t.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if runs++; runs == 1 {
			go func() {
				defer close(done)
				other()
			}()
			select {
			case <-done:
			case <-time.After(100 * time.Millisecond):
			}
		}
		return change(r)
	})
	<-done
	return r, err
}

func updateOvertaken(s bench) {
	t := s.t
	r := created(t, s, 1, 2)
	_, err := overtake(t, s, r.ID, touchless(func(r *ohfp.Request) {
		r.Count++
		r.Machines[0].Tags += "a"
	}), func() {
		update(t, s, r.ID, touchless(func(r *ohfp.Request) {
			r.Count++
			r.Machines[0].Tags += "b"
			r.Machines[1].Tags += "b"
		}))
	})
	must(t, err)
	got := get(t, s, r.ID)
	if got.Count != 3 || len(got.Machines[0].Tags) != 2 || got.Machines[1].Tags != "b" {
		t.Errorf("count is %d, tags are %q and %q; one of two updates was lost", got.Count, got.Machines[0].Tags, got.Machines[1].Tags)
	}
}

func updateKeptPointer(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	var kept *ohfp.Request
	got := update(t, s, r.ID, touchless(func(r *ohfp.Request) {
		r.Attempts = []ohfp.Attempt{{Number: 1, Failures: []ohfp.Failure{{Code: "a"}}, Order: ohfp.Order{Call: []byte(`{}`)}}}
		kept = r
	}))
	kept.Attempts[0].Failures[0].Code, kept.Machines[0].Name = "b", "b"
	got.Attempts[0].Order.Call[0] = '['
	now := get(t, s, r.ID)
	if now.Attempts[0].Failures[0].Code != "a" || string(now.Attempts[0].Order.Call) != "{}" || now.Machines[0].Name != r.Machines[0].Name {
		t.Errorf("the store changed with what it gave away: %+v", now)
	}
}

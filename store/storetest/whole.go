package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func wholeTests() []test {
	return []test{
		{"installation", installation},
		{"cancelled context", cancelled},
		{"one state per look", oneState},
		{"10,000 machines", large},
		{"closed twice", func(s bench) {
			t := s.t
			must(t, s.Close()) // and once more when the test ends
		}},
	}
}

func installation(s bench) {
	t := s.t
	_, err := s.Installation(t.Context(), "")
	want(t, err, ohfp.ErrNotFound)

	ids := make([]ohfp.InstallationID, 20)
	errs := make([]error, len(ids))
	inParallel(len(ids), func(i int) {
		ids[i], errs[i] = s.Installation(t.Context(), ohfp.InstallationID(fmt.Sprintf("suggestion-%d", i)))
	})
	must(t, errors.Join(errs...))
	for _, suggested := range []ohfp.InstallationID{"", "another"} {
		id, err := s.Installation(t.Context(), suggested)
		must(t, err)
		ids = append(ids, id)
	}
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("ids are %q, want one", ids)
		}
	}
}

// cancelled calls every method of a store with a context that has ended.
func cancelled(s bench) {
	t := s.t
	a := created(t, s, 1, 1)
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "kept"}))
	must(t, s.Remember(t.Context(), "kept", nil, time.Hour))
	held, err := s.Lease(t.Context(), "kept", "holder", time.Hour)
	must(t, err)
	told := events(t, s, store.EventFilter{})
	fresh, _ := acquire(t, 1, start())
	event := ohfp.Event{Kind: ohfp.RequestChanged}

	calls := map[string]func(ctx context.Context) error{
		"Request":      func(ctx context.Context) error { _, err := s.Request(ctx, a.ID); return err },
		"Requests":     func(ctx context.Context) error { _, err := s.Requests(ctx, store.RequestFilter{}); return err },
		"Machines":     func(ctx context.Context) error { _, err := s.Machines(ctx, store.MachineFilter{}); return err },
		"Templates":    func(ctx context.Context) error { _, err := s.Templates(ctx); return err },
		"Events":       func(ctx context.Context) error { _, err := s.Events(ctx, store.EventFilter{}); return err },
		"Positions":    func(ctx context.Context) error { _, err := s.Positions(ctx); return err },
		"Advance":      func(ctx context.Context) error { _, err := s.Advance(ctx, "new", 0, 1); return err },
		"Usage":        func(ctx context.Context) error { _, err := s.Usage(ctx); return err },
		"Leases":       func(ctx context.Context) error { _, err := s.Leases(ctx, ""); return err },
		"Inspect":      func(ctx context.Context) error { _, err := s.Inspect(ctx); return err },
		"Check":        func(ctx context.Context) error { return s.Check(ctx) },
		"Lease":        func(ctx context.Context) error { _, err := s.Lease(ctx, "new", "holder", time.Hour); return err },
		"Renew":        func(ctx context.Context) error { _, err := s.Renew(ctx, 2*time.Hour, held); return err },
		"Release":      func(ctx context.Context) error { return s.Release(ctx, held) },
		"Under":        func(ctx context.Context) error { return s.Under(held).Remember(ctx, "new", nil, time.Hour) },
		"Compact":      func(ctx context.Context) error { _, err := s.Compact(ctx, start()); return err },
		"Recall":       func(ctx context.Context) error { _, _, err := s.Recall(ctx, "kept"); return err },
		"RecallPrefix": func(ctx context.Context) error { _, err := s.RecallPrefix(ctx, ""); return err },
		"Remember":     func(ctx context.Context) error { return s.Remember(ctx, "new", nil, time.Hour) },
		"Swap":         func(ctx context.Context) error { _, err := s.Swap(ctx, "new", nil, nil, time.Hour); return err },
		"Forget":       func(ctx context.Context) error { return s.Forget(ctx, "") },
		"Installation": func(ctx context.Context) error { _, err := s.Installation(ctx, "new"); return err },
		"CreateRequest": func(ctx context.Context) error {
			return s.CreateRequest(ctx, fresh, store.Limits{}, event)
		},
		"UpdateRequest": func(ctx context.Context) error {
			_, err := s.UpdateRequest(ctx, a.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Count++
				return []ohfp.Event{event}, nil
			})
			return err
		},
		"PutTemplate":    func(ctx context.Context) error { return s.PutTemplate(ctx, ohfp.Template{ID: "new"}, event) },
		"DeleteTemplate": func(ctx context.Context) error { return s.DeleteTemplate(ctx, "kept", event) },
	}
	port := reflect.TypeFor[store.Store]()
	for i := range port.NumMethod() {
		if name := port.Method(i).Name; calls[name] == nil && name != "Close" {
			t.Errorf("%s is not tried; add it", name)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, call := range calls {
		if err := call(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error is %v, want it to wrap %v", name, err, context.Canceled)
		}
	}
	// In the middle of an update, too.
	inside, end := context.WithCancel(t.Context())
	defer end()
	_, err = s.UpdateRequest(inside, a.ID, touchless(func(r *ohfp.Request) {
		r.Count++
		end()
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled update: error is %v", err)
	}

	same(t, requests(t, s, store.RequestFilter{Machines: true}), []ohfp.Request{a})
	same(t, events(t, s, store.EventFilter{}), told)
	templates, err := s.Templates(t.Context())
	must(t, err)
	same(t, templates, []ohfp.Template{{ID: "kept", Version: 1}})
	memory, err := s.RecallPrefix(t.Context(), "")
	must(t, err)
	if _, ok := memory["kept"]; len(memory) != 1 || !ok {
		t.Errorf("memory is %v", memory)
	}
	_, err = s.Installation(t.Context(), "")
	want(t, err, ohfp.ErrNotFound)
	leases, err := s.Leases(t.Context(), "")
	must(t, err)
	same(t, leases, []store.Lease{held})
}

// oneState reads while somebody writes: every look shows one state, never half of a change.
func oneState(s bench) {
	t := s.t
	r := created(t, s, 1, 40)
	var done atomic.Bool
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		defer done.Store(true)
		for i := range 60 {
			tag := fmt.Sprint(i)
			if _, err := s.UpdateRequest(t.Context(), r.ID, touchless(func(r *ohfp.Request) {
				r.Message = tag
				for m := range r.Machines {
					r.Machines[m].Tags = tag
				}
			})); err != nil {
				t.Errorf("update: %v", err)
				return
			}
		}
	})
	for looks := 0; !done.Load() || looks == 0; looks++ {
		for _, seen := range []ohfp.Request{get(t, s, r.ID), requests(t, s, store.RequestFilter{Machines: true})[0]} {
			for _, m := range seen.Machines {
				if m.Tags != seen.Message {
					t.Fatalf("machine is at %q, its request at %q", m.Tags, seen.Message)
				}
			}
		}
	}
}

// large takes well under a second a step; a minute is what the race detector on a busy machine stays below, and what
// anything that grows with the square of the machines does not.
func large(s bench) {
	t := s.t
	const size, bound = 10_000, time.Minute
	began := time.Now()
	step := func(name string) {
		t.Helper()
		t.Logf("%s: %d ms", name, time.Since(began).Milliseconds())
		if time.Since(began) > bound {
			t.Errorf("%s took %s", name, time.Since(began))
		}
		began = time.Now()
	}
	r := created(t, s, size, 0)
	got := update(t, s, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Machines = machinesFor(*r, size)
		var told []ohfp.Event
		for _, m := range r.Machines {
			told = append(told, ohfp.Event{Kind: ohfp.MachineLaunched, Request: r.ID, Machine: m.ID})
		}
		return told, nil
	})
	step("launch")
	if seen := get(t, s, r.ID); len(seen.Machines) != size || seen.Machines[size-1].ID != got.Machines[size-1].ID {
		t.Fatalf("%d machines", len(seen.Machines))
	}
	step("read")
	got = update(t, s, r.ID, touchless(func(*ohfp.Request) {}))
	step("unchanged update")
	update(t, s, r.ID, touchless(func(r *ohfp.Request) { r.Machines[size/2].State = ohfp.MachineTerminated }))
	step("update of one machine")
	if found := machines(t, s, store.MachineFilter{IDs: []ohfp.MachineID{got.Machines[7].ID}}); len(found) != 1 {
		t.Fatalf("%d machines found", len(found))
	}
	usage, err := s.Usage(t.Context())
	must(t, err)
	same(t, usage.Templates["tmpl"], size) // what is asked for
	step("find one, count all")
	for _, patience := range []time.Duration{time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond} {
		ctx, end := context.WithTimeout(t.Context(), patience)
		if _, err := s.Request(ctx, r.ID); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("read within %s: error is %v, want it to wrap the context's", patience, err)
		}
		end()
	}
	step("impatient reads")
	left := get(t, s, r.ID).Machines
	back := returned(t, s, left...)
	step("return")
	update(t, s, back.ID, touchless(func(r *ohfp.Request) {
		for i := range r.Machines {
			r.Machines[i].State = ohfp.MachineTerminated
		}
	}))
	step("all gone")
	usage, err = s.Usage(t.Context())
	must(t, err)
	same(t, usage.Templates["tmpl"], size) // still asked for: the acquire has not ended
}

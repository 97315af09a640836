package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func compactTests() []test {
	return []test{
		{"what goes and what stays", compactWhat},
		{"machines found when they were given back", compactFound},
		{"a return that follows", compactFollowed},
		{"what has expired", compactExpired},
		{"hundreds, while others write", compactMany},
	}
}

// ended stores a request for machines that ended some time ago, whose machines are gone but for some.
func ended(t *testing.T, s store.Store, age time.Duration, machines, there int) ohfp.Request {
	t.Helper()
	return created(t, s, max(machines, 1), machines, func(r *ohfp.Request) {
		r.CreatedAt = start().Add(-age - time.Hour)
		r.Status, r.CompletedAt = ohfp.StatusComplete, start().Add(-age)
		r.PolledAt, r.AnsweredAt = r.CreatedAt, r.CreatedAt
		for i := there; i < machines; i++ {
			r.Machines[i].State = ohfp.MachineTerminated
		}
	})
}

// over is the end of a return, some time ago.
func over(t *testing.T, s store.Store, id ohfp.RequestID, age time.Duration) {
	t.Helper()
	update(t, s, id, touchless(func(r *ohfp.Request) {
		for i := range r.Machines {
			r.Machines[i].State = ohfp.MachineTerminated
		}
		r.CreatedAt = start().Add(-age - time.Minute)
		r.Status, r.CompletedAt, r.ClearedAt = ohfp.StatusComplete, start().Add(-age), start()
	}))
}

func kept(t *testing.T, s store.Reader, name string, id ohfp.RequestID, want bool) {
	t.Helper()
	_, err := s.Request(t.Context(), id)
	if got := err == nil; got != want || err != nil && ohfp.KindOf(err) != ohfp.ErrNotFound {
		t.Errorf("%s: kept %t (%v), want %t", name, got, err, want)
	}
}

func compactWhat(s bench) {
	t := s.t
	const day = 24 * time.Hour
	machine := func(r ohfp.Request, i int) ohfp.Machine { return get(t, s, r.ID).Machines[i] }
	old := ended(t, s, 40*day, 3, 0)
	empty := ended(t, s, 40*day, 0, 0)
	young := ended(t, s, 20*day, 1, 0)
	used := ended(t, s, 40*day, 2, 1)
	open := created(t, s, 1, 1, func(r *ohfp.Request) { r.CreatedAt = start().Add(-50 * day) })
	given := ended(t, s, 40*day, 2, 2)
	back := returned(t, s, machine(given, 0), machine(given, 1))
	over(t, s, back.ID, 35*day)
	late := ended(t, s, 40*day, 1, 1)
	lateBack := returned(t, s, machine(late, 0))
	over(t, s, lateBack.ID, 20*day) // the return still tells of its machine
	half := ended(t, s, 40*day, 2, 2)
	halfBack := returned(t, s, machine(half, 0))
	over(t, s, halfBack.ID, 35*day)
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "kept"}, ohfp.Event{Kind: ohfp.RequestChanged, Template: "kept"}))

	before := events(t, s, store.EventFilter{})
	gone := map[ohfp.RequestID]bool{old.ID: true, empty.ID: true, given.ID: true, back.ID: true, halfBack.ID: true}
	left := slices.DeleteFunc(slices.Clone(before), func(e ohfp.Event) bool { return gone[e.Request] })
	usage, err := s.Usage(t.Context())
	must(t, err)
	done, err := s.Compact(t.Context(), start().Add(-30*day))
	must(t, err)
	same(t, done, store.Compacted{Requests: 5, Machines: 5, Events: len(before) - len(left)})

	for name, c := range map[string]struct {
		id   ohfp.RequestID
		kept bool
	}{
		"old": {old.ID, false}, "without machines": {empty.ID, false}, "given back": {given.ID, false}, "its return": {back.ID, false},
		"young": {young.ID, true}, "in use": {used.ID, true}, "not settled": {open.ID, true},
		"of a young return": {late.ID, true}, "the young return": {lateBack.ID, true},
		"half given back": {half.ID, true}, "the return of half": {halfBack.ID, false},
	} {
		kept(t, s, name, c.id, c.kept)
	}
	same(t, events(t, s, store.EventFilter{}), left)
	if found := events(t, s, store.EventFilter{Request: old.ID}); len(found) > 0 {
		t.Errorf("%d events of a request that is gone", len(found))
	}
	if found := machines(t, s, store.MachineFilter{IDs: []ohfp.MachineID{old.Machines[0].ID, given.Machines[0].ID}}); len(found) > 0 {
		t.Errorf("machines %v of requests that are gone", found)
	}
	if found := machines(t, s, store.MachineFilter{Names: []string{used.Machines[0].Name}}); len(found) != 1 {
		t.Errorf("%d machines with the name of one in use", len(found))
	}
	now, err := s.Usage(t.Context())
	must(t, err)
	same(t, now, usage)
	must(t, s.Check(t.Context()))

	// A machine whose return is gone goes on.
	update(t, s, half.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		for i := range r.Machines {
			r.Machines[i].Tags = "seen"
		}
		return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID}}, nil
	})
	all := events(t, s, store.EventFilter{})
	if last := all[len(all)-1]; last.Sequence <= before[len(before)-1].Sequence {
		t.Errorf("event %d follows %d", last.Sequence, before[len(before)-1].Sequence)
	}
	again, err := s.Compact(t.Context(), start().Add(-30*day))
	must(t, err)
	same(t, again, store.Compacted{})
	must(t, s.Check(t.Context()))
	// Its id may be used again.
	must(t, s.CreateRequest(t.Context(), ohfp.Request{ID: old.ID, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending, CreatedAt: start()}, store.Limits{}))
	if r := get(t, s, old.ID); len(r.Machines) > 0 {
		t.Errorf("a new request has the machines %v", r.Machines)
	}
	must(t, s.Check(t.Context()))
}

// compactFound removes a return of machines whose requests were never in the store.
func compactFound(s bench) {
	t := s.t
	id := ohfp.NewRequestID(ohfp.TypeReturn, start())
	r := ohfp.Request{ID: id, Type: ohfp.TypeReturn, Status: ohfp.StatusPending, CreatedAt: start().Add(-time.Hour)}
	r.Machines = []ohfp.Machine{{Provider: providerName, ID: "i-found", Request: "req-unknown", Return: id, State: ohfp.MachineRunning}}
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
	over(t, s, id, time.Minute)
	done, err := s.Compact(t.Context(), start())
	must(t, err)
	same(t, done, store.Compacted{Requests: 1, Machines: 1})
	if left := machines(t, s, store.MachineFilter{}); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	must(t, s.Check(t.Context()))
}

// compactFollowed: a return that is not settled needs the machines that it only follows.
func compactFollowed(s bench) {
	t := s.t
	a := ended(t, s, time.Hour, 1, 1)
	first := returned(t, s, get(t, s, a.ID).Machines[0])
	follows := returned(t, s, get(t, s, a.ID).Machines[0])
	over(t, s, first.ID, time.Hour)
	done, err := s.Compact(t.Context(), start())
	must(t, err)
	same(t, done, store.Compacted{Requests: 1, Events: 1}) // the first return
	if r := get(t, s, follows.ID); len(r.Machines) != 1 {
		t.Fatalf("the second return has %d machines", len(r.Machines))
	}
	over(t, s, follows.ID, time.Hour)
	done, err = s.Compact(t.Context(), start())
	must(t, err)
	same(t, done, store.Compacted{Requests: 2, Machines: 1, Events: 3})
}

func compactExpired(s bench) {
	t := s.t
	must(t, s.Remember(t.Context(), "short", nil, time.Minute))
	must(t, s.Remember(t.Context(), "long", nil, time.Hour))
	take(t, s, "lapsed", "a")
	s.clock.pass(2 * time.Minute)
	take(t, s, "held", "a")
	done, err := s.Compact(t.Context(), s.clock.Now().Add(time.Hour))
	must(t, err)
	same(t, done, store.Compacted{Memories: 1, Leases: 1})
	same(t, slices.Collect(maps.Keys(recalled(s))), []string{"long"})
	all, err := s.Leases(t.Context(), "")
	must(t, err)
	if len(all) != 1 || all[0].Name != "held" {
		t.Errorf("leases are %v", all)
	}
}

// compactMany takes more than one transaction, between which others write.
func compactMany(s bench) {
	t := s.t
	const count = 250
	in := ended(t, s, time.Hour, 1, 1)
	for i := range count {
		r, told := acquire(t, 1, start().Add(-2*time.Hour))
		r.Status, r.CompletedAt, r.PolledAt, r.AnsweredAt = ohfp.StatusFailed, start().Add(-time.Hour), start(), start()
		r.ID = ohfp.RequestID(fmt.Sprintf("req-%03d", i))
		for i := range told {
			told[i].Request = r.ID
		}
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}, told...))
	}
	var writer sync.WaitGroup
	stop := make(chan struct{})
	var failed error
	written := 0
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, err := s.UpdateRequest(t.Context(), in.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Count++
				return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID}}, nil
			})
			failed = errors.Join(failed, err)
			written++
		}
	})
	done, err := s.Compact(t.Context(), start())
	close(stop)
	writer.Wait()
	must(t, errors.Join(err, failed))
	same(t, done, store.Compacted{Requests: count, Events: count})
	if left := requests(t, s, store.RequestFilter{}); len(left) != 1 || left[0].Count != written+1 {
		t.Errorf("%d requests are left after %d writes: %+v", len(left), written, left)
	}
	if told := events(t, s, store.EventFilter{}); len(told) != written+1 {
		t.Errorf("%d events are left, want %d", len(told), written+1)
	}
	must(t, s.Check(t.Context()))
}

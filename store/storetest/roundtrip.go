package storetest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func roundTripTests() []test {
	return []test{
		{"request", roundTripRequest},
		{"updated request", roundTripUpdate},
		{"empty request", roundTripEmpty},
		{"template", roundTripTemplate},
		{"event", roundTripEvent},
		{"copies", nothingShared},
	}
}

// full is a request and machines of it in which no field is zero.
func full(t *testing.T) ohfp.Request {
	t.Helper()
	r := filled[ohfp.Request](t)
	r.ID, r.Type, r.Status = ohfp.NewRequestID(ohfp.TypeAcquire, start()), ohfp.TypeAcquire, ohfp.StatusInProgress
	r.Version = 0
	for i := range r.Machines {
		r.Machines[i].Request = r.ID
		r.Machines[i].State = ohfp.MachineRunning
		r.Machines[i].Version = 0
	}
	return r
}

// withoutVersions leaves out what is the store's own.
func withoutVersions() cmp.Option { return cmpopts.IgnoreFields(ohfp.Machine{}, "Version") }

func sameRequest(t *testing.T, got, want ohfp.Request) {
	t.Helper()
	same(t, got, want, withoutVersions(), cmpopts.IgnoreFields(ohfp.Request{}, "Version"))
	inUTC(t, reflect.ValueOf(got), "Request")
}

func roundTripRequest(s bench) {
	t := s.t
	r := full(t)
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}))

	got := get(t, s, r.ID)
	sameRequest(t, got, r)
	if got.Version < 1 || got.Machines[0].Version < 1 {
		t.Errorf("versions are %d and %d, want them set by the store", got.Version, got.Machines[0].Version)
	}
	list := requests(t, s, store.RequestFilter{Machines: true})
	same(t, list, []ohfp.Request{got})

	bare := got
	bare.Machines = nil
	same(t, requests(t, s, store.RequestFilter{}), []ohfp.Request{bare})
	same(t, machines(t, s, store.MachineFilter{}), got.Machines)
	inUTC(t, reflect.ValueOf(machines(t, s, store.MachineFilter{})), "Machine")
}

func roundTripUpdate(s bench) {
	t := s.t
	r := created(t, s, 2, 0)
	next := full(t)
	next.ID = r.ID
	for i := range next.Machines {
		next.Machines[i].Request = r.ID
	}
	got := update(t, s, r.ID, touchless(func(r *ohfp.Request) { *r = next }))
	sameRequest(t, got, next)
	same(t, get(t, s, r.ID), got)
}

func roundTripEmpty(s bench) {
	t := s.t
	r := ohfp.Request{ID: "req-empty", Type: ohfp.TypeAcquire, Status: ohfp.StatusPending}
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
	sameRequest(t, get(t, s, r.ID), r)
}

func roundTripTemplate(s bench) {
	t := s.t
	want := filled[ohfp.Template](t)
	want.Version = 0 // set by the store
	must(t, s.PutTemplate(t.Context(), want))
	want.Version = 1
	got, err := s.Templates(t.Context())
	must(t, err)
	same(t, got, []ohfp.Template{want})
	inUTC(t, reflect.ValueOf(got), "Template")
}

func roundTripEvent(s bench) {
	t := s.t
	want := filled[ohfp.Event](t)
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}, want))
	got := events(t, s, store.EventFilter{})
	same(t, got, []ohfp.Event{want}, cmpopts.IgnoreFields(ohfp.Event{}, "Sequence"))
	if got[0].Sequence < 1 {
		t.Errorf("sequence is %d, want it set by the store", got[0].Sequence)
	}
	inUTC(t, reflect.ValueOf(got), "Event")
}

// nothingShared overwrites all that was given to the store and all that it gave back, and looks again.
func nothingShared(s bench) {
	t := s.t
	// What is given away is made a second time, not copied: the copies are what is tested.
	want, r := full(t), full(t)
	template, mine := filled[ohfp.Template](t), filled[ohfp.Template](t)
	event := filled[ohfp.Event](t)
	r.ID = want.ID
	for i := range r.Machines {
		r.Machines[i].Request = r.ID
	}
	tell := []ohfp.Event{event}
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}, tell...))
	mine.Version = 0 // set by the store
	must(t, s.PutTemplate(t.Context(), mine))
	template.Version = 1
	value := []byte("value")
	must(t, s.Remember(t.Context(), "key", value, 1<<40))
	scramble(reflect.ValueOf(&r))
	scramble(reflect.ValueOf(&mine))
	scramble(reflect.ValueOf(tell))
	scramble(reflect.ValueOf(value))

	for look := range 2 {
		got := get(t, s, want.ID)
		sameRequest(t, got, want)
		list := requests(t, s, store.RequestFilter{Machines: true})
		sameRequest(t, list[0], want)
		bare := requests(t, s, store.RequestFilter{})
		if bare[0].Template.Name != want.Template.Name {
			t.Fatalf("look %d: template is %+v", look, bare[0].Template)
		}
		found := machines(t, s, store.MachineFilter{})
		same(t, found, want.Machines, withoutVersions())
		templates, err := s.Templates(t.Context())
		must(t, err)
		same(t, templates, []ohfp.Template{template})
		told := events(t, s, store.EventFilter{})
		same(t, told, []ohfp.Event{event}, cmpopts.IgnoreFields(ohfp.Event{}, "Sequence"))
		remembered, _, err := s.Recall(t.Context(), "key")
		must(t, err)
		same(t, string(remembered), "value")
		all, err := s.RecallPrefix(t.Context(), "")
		must(t, err)
		same(t, fmt.Sprintf("%s", all), "map[key:value]")
		var kept *ohfp.Request
		returned := update(t, s, want.ID, touchless(func(r *ohfp.Request) { kept = r }))
		for _, v := range []any{&got, list, bare, found, templates, told, remembered, all["key"], kept, &returned} {
			scramble(reflect.ValueOf(v))
		}
	}
}

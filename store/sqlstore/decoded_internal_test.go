package sqlstore

import (
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// TestCopiesOfAMachineShareNothing: what is kept is given to many callers, who may change what they get.
func TestCopiesOfAMachineShareNothing(t *testing.T) {
	t.Parallel()
	var look func(at string, kind reflect.Type)
	look = func(at string, kind reflect.Type) {
		switch kind.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Chan, reflect.Func:
			t.Errorf("%s is a %s, which copies share", at, kind.Kind())
		case reflect.Struct:
			if kind == reflect.TypeFor[time.Time]() {
				return // it cannot be changed through a copy
			}
			for i := range kind.NumField() {
				look(at+"."+kind.Field(i).Name, kind.Field(i).Type)
			}
		default:
		}
	}
	look("Machine", reflect.TypeFor[ohfp.Machine]())
}

// TestReadsAgain: what is kept shows as it is in the file, with every change by this process and by another, and versions.
func TestReadsAgain(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	path := filepath.Join(t.TempDir(), "ohfp.db")
	ours, err := Open(t.Context(), Options{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := Open(t.Context(), Options{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	const id = ohfp.RequestID("req-1")
	r := ohfp.Request{ID: id, Type: ohfp.TypeAcquire, Count: 2, Status: ohfp.StatusInProgress, CreatedAt: now()}
	for _, m := range []ohfp.MachineID{"i-1", "i-2"} {
		r.Machines = append(r.Machines, ohfp.Machine{Provider: "aws", ID: m, Request: id, State: ohfp.MachinePending, LaunchedAt: now()})
	}
	if err := ours.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	change := func(s *Store, state ohfp.MachineState) {
		t.Helper()
		if _, err := s.UpdateRequest(t.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Machines[0].State = state
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range []ohfp.MachineState{ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopped} {
		writer, reader := ours, theirs
		if state == ohfp.MachineRunning {
			writer, reader = theirs, ours
		}
		change(writer, state)
		for range worthKeeping + 1 {
			got, err := reader.Request(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := Open(t.Context(), Options{Path: path, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			want, err := fresh.Request(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" || got.Machines[0].State != state {
				t.Fatalf("%s (-want +got):\n%s", state, diff)
			}
			got.Machines[1].Name = "changed by whoever asked"
			if err := fresh.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(ours.decoded.of); n == 0 {
		t.Error("nothing is kept")
	}
}

// TestKeptMachinesAreBounded: a store with many machines does not fill the memory.
func TestKeptMachinesAreBounded(t *testing.T) {
	t.Parallel()
	var kept decoded
	for i := range maxDecoded + 10 {
		kept.keep([]byte(strconv.Itoa(i)), ohfp.Machine{ID: ohfp.MachineID(strconv.Itoa(i))})
	}
	if len(kept.of) != 10 {
		t.Errorf("%d are kept", len(kept.of))
	}
	if m, known := kept.find([]byte(strconv.Itoa(maxDecoded))); !known || m.ID != ohfp.MachineID(strconv.Itoa(maxDecoded)) {
		t.Errorf("%+v, %v", m, known)
	}
	if _, known := kept.find([]byte("0")); known {
		t.Error("the first is known yet")
	}
}

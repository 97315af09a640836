package jsonfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// prepared is a store with a request that a compaction removes, one that it keeps, and the memory of one write that was
// killed half way.
func prepared(t *testing.T) string {
	t.Helper()
	root := filepath.Join(scratch(t), "store")
	s := (&machine{t: t}).open(root)
	for _, id := range []ohfp.RequestID{"req-1", "req-2"} {
		r := ohfp.Request{
			ID: id, Type: ohfp.TypeAcquire, Provider: "p", Template: ohfp.Template{ID: "t"}, Status: ohfp.StatusComplete, Count: 1,
			CreatedAt: start.Add(-2 * time.Hour), CompletedAt: start.Add(-time.Hour), AnsweredAt: start, PolledAt: start,
			Machines: []ohfp.Machine{{
				Provider: "p", ID: ohfp.MachineID("i-" + id), Name: "host-" + string(id) + "-0", Request: id, Template: "t",
				State: ohfp.MachineTerminated, LaunchedAt: start, DeliveredAt: start,
			}},
		}
		if id == "req-2" {
			r.Machines[0].State = ohfp.MachineRunning
		}
		if err := s.CreateRequest(t.Context(), r, store.Limits{}, ohfp.Event{Kind: ohfp.RequestCreated, Request: id}); err != nil {
			t.Fatal(err)
		}
	}
	m := &machine{t: t, after: headFile}
	if err := m.open(root).Remember(t.Context(), "k", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestCompactInterrupted lets a compaction fail and be killed at each of its steps: the store is sound all the time, and the
// next compaction ends what this one has begun.
func TestCompactInterrupted(t *testing.T) {
	t.Parallel()
	template := prepared(t)
	trial := func(fail int, dead bool) (state, bool) {
		root := filepath.Join(scratch(t), "store")
		if err := os.CopyFS(root, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
		m := &machine{t: t}
		s := m.open(root)
		m.steps, m.fail, m.dead = 0, fail, dead
		_, err := s.Compact(t.Context(), start)
		finished := fail == 0 || m.steps < fail
		if finished && err != nil {
			t.Fatal(err)
		}
		survivor := (&machine{t: t}).open(root)
		if err := survivor.Check(t.Context()); err != nil {
			t.Errorf("step %d: %v", fail, err)
		}
		if _, err := survivor.Compact(t.Context(), start); err != nil {
			t.Errorf("step %d: when tried again: %v", fail, err)
		}
		if err := survivor.Check(t.Context()); err != nil {
			t.Errorf("step %d: when tried again: %v", fail, err)
		}
		return stateOf(t, survivor), finished
	}
	want, _ := trial(0, false)
	if len(want.Requests) != 1 || len(want.Events) != 1 || len(want.Memory) != 1 {
		t.Fatalf("left is %+v", want)
	}
	for _, dead := range []bool{false, true} {
		for fail, finished := 1, false; !finished; fail++ {
			var got state
			got, finished = trial(fail, dead)
			compare(t, fmt.Sprintf("step %d, killed %t", fail, dead), want, got)
		}
	}
}

// TestCompactFiles: files of events that have nothing left go, lookup files shrink.
func TestCompactFiles(t *testing.T) {
	t.Parallel()
	root := prepared(t)
	s := (&machine{t: t}).open(root)
	long := ohfp.Event{Kind: ohfp.RequestChanged, Request: "req-1", Message: strings.Repeat("x", 1<<20)}
	for range 3 * eventFileBytes / len(long.Message) {
		if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}, long); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Events(t.Context(), store.EventFilter{Request: "req-1"})
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.Compact(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if done.Events != len(last) {
		t.Errorf("%d events removed, want %d", done.Events, len(last))
	}
	if files, _ := os.ReadDir(filepath.Join(root, eventDir)); len(files) != 2 {
		t.Errorf("files of events are %v, want the first, with the event of req-2, and the last, which goes on", files)
	}
	if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}, long); err != nil {
		t.Fatal(err)
	}
	left, err := s.Events(t.Context(), store.EventFilter{})
	if err != nil || len(left) != 2 || left[1].Sequence != last[len(last)-1].Sequence+1 {
		t.Errorf("%d events left (%v), want that of req-2 and a new one", len(left), err)
	}
	for key, want := range map[string]bool{"i-req-1": false, "host-req-1-0": false, "i-req-2": true} {
		data, err := os.ReadFile(filepath.Join(root, lookupFile(key)))
		if got := strings.Contains(string(data), key); got != want {
			t.Errorf("lookup of %s: %t (%v), want %t", key, got, err, want)
		}
	}
}

// TestCheckFindsDamage spoils one file at a time.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	template := prepared(t)
	s := (&machine{t: t}).open(template)
	if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lease(t.Context(), "shard", "a", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, done := heldDir+"/req-2.json", doneDir+"/req-1.json"
	for name, spoil := range map[string]struct {
		file  string
		alter func(text string) string
	}{
		"head":            {headFile, func(text string) string { return text[:len(text)/2] }},
		"count":           {headFile, func(text string) string { return strings.Replace(text, `"live": 1`, `"live": 2`, 1) }},
		"usage":           {headFile, func(text string) string { return strings.Replace(text, `"p": 1`, `"p": 7`, 1) }},
		"request":         {held, func(text string) string { return strings.Replace(text, `"status"`, `status`, 1) }},
		"machine":         {done, func(text string) string { return strings.Replace(text, `"machineId":"`, `"machineId":`, 1) }},
		"its state":       {done, func(text string) string { return strings.Replace(text, `"terminated"`, `"running"`, 1) }},
		"its directory":   {held, func(text string) string { return strings.Replace(text, `"complete"`, `"pending"`, 1) }},
		"lookup":          {lookupFile("i-req-2"), func(string) string { return "" }},
		"templates":       {templateFile, func(string) string { return "{" }},
		"leases":          {leaseFile, func(string) string { return "[]" }},
		"memory":          {memoryFile("k"), func(string) string { return "x" }},
		"event":           {eventFile(1), func(text string) string { return strings.Replace(text, "{", " ", 1) }},
		"order of events": {eventFile(1), func(text string) string { return strings.Replace(text, `:2`, `:1`, 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(scratch(t), "store")
			if err := os.CopyFS(root, os.DirFS(template)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root, filepath.FromSlash(spoil.file))
			was, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			spoiled := spoil.alter(string(was))
			if spoiled == string(was) {
				t.Fatalf("%s stays as it is:\n%s", spoil.file, was)
			}
			if err := os.WriteFile(path, []byte(spoiled), fileMode); err != nil {
				t.Fatal(err)
			}
			s := &Store{disk: disk{root, surroundings{}}, now: now, busy: time.Second, writer: make(chan struct{}, 1)}
			refused(t, s.Check(t.Context()), ohfp.ErrUnavailable, "damaged")
		})
	}
}

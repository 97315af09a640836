package jsonfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

// machine says when the disk of a test fails, and holds every write to what makes it outlive a power cut.
type machine struct {
	t *testing.T

	mu    sync.Mutex
	steps int
	fail  int             // the step that fails, from 1
	dead  bool            // with all after it: the process was killed there
	after string          // fail right after a file was put into its place
	dirty map[string]bool // files, and directories by the names in them, that were not synced
}

var errInterrupted = fmt.Errorf("interrupted: %w", syscall.ENOSPC)

func (m *machine) step(what, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps++
	if m.fail > 0 && (m.steps == m.fail || m.dead && m.steps > m.fail) {
		return errInterrupted
	}
	dir := path.Dir(name)
	switch what {
	case "create", "append", "extend":
		m.dirty[name], m.dirty[dir] = true, true
	case "sync":
		delete(m.dirty, name)
	case "remove":
		m.dirty[dir] = true
	case "rename":
		if name == headFile {
			for left := range m.dirty {
				m.t.Errorf("%s is not synced when %s is replaced", left, headFile)
			}
		}
		m.dirty[dir], m.dirty[stagedDir] = true, true
		if name == m.after {
			m.fail, m.dead = m.steps+2, true // what comes after the directory was synced
		}
	default:
		m.t.Errorf("step %s of %s is not known", what, name)
	}
	return nil
}

// scratch is a directory in memory where the system has such: these tests replace thousands of files, and some disks
// write each at once.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ohfp-*") //nolint:usetesting // the testing package makes none there
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (m *machine) open(root string) *Store {
	m.t.Helper()
	m.dirty = map[string]bool{}
	s, err := open(m.t.Context(), Options{Path: root, Now: now}, surroundings{
		fileSystem: localdisk.NetworkFileSystem, step: m.step, flush: func(*os.File) error { return nil }, // the order is enough
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// deeds are writes of every kind, each after those before it.
func deeds() []func(ctx context.Context, s *Store) error {
	acquire := func(id ohfp.RequestID, n int) ohfp.Request {
		r := ohfp.Request{
			ID: id, Type: ohfp.TypeAcquire, Provider: "p", Template: ohfp.Template{ID: "t"}, Status: ohfp.StatusComplete, Count: n,
			CreatedAt: start, AnsweredAt: start, PolledAt: start,
		}
		for i := range n {
			r.Machines = append(r.Machines, ohfp.Machine{
				Provider: "p", ID: ohfp.MachineID(fmt.Sprintf("i-%s-%d", id, i)), Name: fmt.Sprintf("host-%s-%d", id, i), Request: id, Template: "t",
				State: ohfp.MachineRunning, LaunchedAt: start, DeliveredAt: start,
			})
		}
		return r
	}
	event := func(text string) ohfp.Event { return ohfp.Event{Kind: ohfp.RequestChanged, Message: text} }
	return []func(ctx context.Context, s *Store) error{
		func(ctx context.Context, s *Store) error {
			_, err := s.Installation(ctx, "here")
			return err
		},
		func(ctx context.Context, s *Store) error {
			return s.CreateRequest(ctx, acquire("req-1", 2), store.Limits{Template: 10}, event("a"), event("b"))
		},
		func(ctx context.Context, s *Store) error {
			return s.CreateRequest(ctx, acquire("req-2", 2), store.Limits{Template: 10}, event("c"))
		},
		func(ctx context.Context, s *Store) error { return s.Remember(ctx, "k/1", []byte("v"), time.Hour) },
		func(ctx context.Context, s *Store) error { return s.Remember(ctx, "k/2", []byte("w"), time.Hour) },
		func(ctx context.Context, s *Store) error {
			return s.PutTemplate(ctx, ohfp.Template{ID: "t"}, event("d"))
		},
		func(ctx context.Context, s *Store) error {
			machines, err := s.Machines(ctx, store.MachineFilter{})
			if err != nil {
				return err
			}
			r, told := ohfp.NewReturn("ret-1", machines[:3], nil, ohfp.Origin{Face: "cli"}, start)
			return s.CreateRequest(ctx, r, store.Limits{}, told...)
		},
		func(ctx context.Context, s *Store) error { // moves a request from held to done, and one from open to done
			_, err := s.UpdateRequest(ctx, "ret-1", func(r *ohfp.Request) ([]ohfp.Event, error) {
				for i := range r.Machines {
					r.Machines[i].State = ohfp.MachineTerminated
				}
				r.Status, r.ClearedAt = ohfp.StatusComplete, start
				return []ohfp.Event{event("e")}, nil
			})
			return err
		},
		func(ctx context.Context, s *Store) error { return s.Forget(ctx, "k") },
		func(ctx context.Context, s *Store) error { return s.DeleteTemplate(ctx, "t", event("f")) },
		func(ctx context.Context, s *Store) error {
			_, err := s.Lease(ctx, "shard", "a", time.Hour)
			return err
		},
	}
}

// state is all that can be seen of a store.
type state struct {
	Installation       ohfp.InstallationID
	Requests, Open     []ohfp.Request
	Machines, ByLookup []ohfp.Machine
	Templates          []ohfp.Template
	Events             []ohfp.Event
	Usage              store.Usage
	Memory             map[string][]byte
	Leases             []store.Lease
}

func stateOf(t *testing.T, s *Store) state {
	t.Helper()
	var now state
	var errs [10]error
	now.Installation, errs[0] = s.Installation(t.Context(), "")
	if errors.Is(errs[0], ohfp.ErrNotFound) {
		errs[0] = nil
	}
	now.Requests, errs[1] = s.Requests(t.Context(), store.RequestFilter{Machines: true})
	now.Open, errs[2] = s.Requests(t.Context(), store.RequestFilter{Unsettled: true})
	now.Machines, errs[3] = s.Machines(t.Context(), store.MachineFilter{})
	now.ByLookup, errs[4] = s.Machines(t.Context(), store.MachineFilter{Names: []string{"host-req-1-0", "host-req-1-1", "host-req-2-0", "host-req-2-1"}})
	now.Templates, errs[5] = s.Templates(t.Context())
	now.Events, errs[6] = s.Events(t.Context(), store.EventFilter{})
	now.Usage, errs[7] = s.Usage(t.Context())
	now.Memory, errs[8] = s.RecallPrefix(t.Context(), "")
	now.Leases, errs[9] = s.Leases(t.Context(), "")
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(now.Machines, now.ByLookup, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("found by name differs (-all +found):\n%s", diff)
	}
	return now
}

// TestInterrupted lets every write fail and be killed at each of its steps, on a store whose last writer was killed too.
// It must have happened as a whole or not at all, as readers see it at once and after the next write.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for number, deed := range deeds() {
		if number == 2 || number == 4 {
			continue // like the one before
		}
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			template := filepath.Join(scratch(t), "store")
			for i, before := range deeds()[:number] {
				m := &machine{t: t}
				s := m.open(template)
				if i == number-1 {
					m.after = headFile
				}
				if err := before(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if number == 0 {
				(&machine{t: t}).open(template)
			}
			undisturbed := whole(t, template, deed)
			trial := func(fail int, dead bool) (finished bool) {
				root := filepath.Join(scratch(t), "store")
				if err := os.CopyFS(root, os.DirFS(template)); err != nil {
					t.Fatal(err)
				}
				m := &machine{t: t}
				s := m.open(root)
				before := stateOf(t, s)
				m.steps, m.fail, m.dead = 0, fail, dead
				err := deed(t.Context(), s)
				finished = m.steps < fail
				survivor := (&machine{t: t}).open(root)
				after := stateOf(t, survivor)
				changed := cmp.Diff(before, after, cmpopts.EquateEmpty()) != ""
				if err == nil && !changed {
					t.Errorf("step %d: reported as done, but nothing changed", fail)
				}
				if err != nil && changed && !strings.Contains(err.Error(), "may not outlive a power cut") {
					t.Errorf("step %d: something changed, though the error was %v", fail, err)
				}
				if err != nil && !errors.Is(err, ohfp.ErrUnavailable) {
					t.Errorf("step %d: error is %v", fail, err)
				}
				if changed {
					compare(t, fmt.Sprintf("step %d: what was done", fail), undisturbed, after)
				}
				if err := survivor.Forget(t.Context(), "nothing"); err != nil { // finishes what was begun
					t.Fatal(err)
				}
				compare(t, fmt.Sprintf("step %d: after the next write", fail), after, stateOf(t, survivor))
				if left, err := os.ReadDir(filepath.Join(root, stagedDir)); err != nil || len(left) > 0 {
					t.Errorf("%v, %v: something stayed aside", left, err)
				}
				if !changed {
					if err := deed(t.Context(), survivor); err != nil {
						t.Errorf("step %d: when tried again: %v", fail, err)
					}
				}
				return finished
			}
			for _, dead := range []bool{false, true} {
				for fail := 1; !trial(fail, dead); fail++ {
					if fail > 200 {
						t.Fatal("it never ends")
					}
				}
			}
		})
	}
}

// whole is the state after an undisturbed deed.
func whole(t *testing.T, template string, deed func(context.Context, *Store) error) state {
	t.Helper()
	root := filepath.Join(scratch(t), "store")
	if err := os.CopyFS(root, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	s := (&machine{t: t}).open(root)
	if err := deed(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return stateOf(t, s)
}

func compare(t *testing.T, what string, want, got state) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// TestSynced holds the order of syncs over writes that follow each other, also in what the one before left to sync.
func TestSynced(t *testing.T) {
	t.Parallel()
	m := &machine{t: t}
	s := m.open(filepath.Join(scratch(t), "store"))
	for i, deed := range deeds() {
		if err := deed(t.Context(), s); err != nil {
			t.Fatalf("deed %d: %v", i, err)
		}
	}
	if left := slices.Collect(keys(m.dirty)); !slices.Contains(left, stagedDir) {
		t.Errorf("left to sync is %v; the test sees nothing", left)
	}
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// Package storetest is the conformance suite that every store passes: what package store promises, as tests.
// It refuses to know any store: it sees them through a [Harness] and the port only.
//
// [Run] holds for every store, [RunProcesses] for those that several processes share, and [RunDurable] for those that
// outlive a process which is killed. The last two start the test binary again, with the name of the test that called
// them; what that test does before the call is done in those processes too.
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Harness is how the suite gets at a kind of store.
type Harness struct {
	// Fresh returns the location of a store that does not exist yet. What is there is removed with the test.
	Fresh func(t testing.TB) string

	// Open opens the store at a location and makes it when it does not exist. Opened twice, also by another process, it is
	// the same store, if the store is one that can be shared at all.
	Open func(ctx context.Context, location string, now store.Now) (store.Store, error)

	// Check examines a store that nobody has open, with means of its own. Nil when it has none.
	Check func(t testing.TB, location string)
}

// Run runs the tests that every store passes.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, part := range []struct {
		name  string
		tests []test
	}{
		{"roundtrip", roundTripTests()},
		{"create", createTests()},
		{"update", updateTests()},
		{"return", returnTests()},
		{"limit", limitTests()},
		{"list", listTests()},
		{"event", eventTests()},
		{"template", templateTests()},
		{"memory", memoryTests()},
		{"lease", leaseTests()},
		{"page", pageTests()},
		{"compact", compactTests()},
		{"inspect", inspectTests()},
		{"whole", wholeTests()},
		{"revision", revisionTests()},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range part.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(open(t, h))
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(s bench)
}

// bench is a fresh store with a clock that the test turns.
type bench struct {
	store.Store
	clock *clock
	t     *testing.T
}

func open(t *testing.T, h Harness) bench {
	t.Helper()
	c := &clock{now: start()}
	s, err := h.Open(t.Context(), h.Fresh(t), c.Now)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return bench{s, c, t}
}

// start is when every test begins: in another time zone and with nanoseconds, which a store must not lose.
func start() time.Time {
	return time.Date(2026, 3, 29, 1, 59, 59, 123456789, time.FixedZone("", 5*3600+45*60))
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Records to test with.

func origin() ohfp.Origin { return ohfp.Origin{Face: "cli", Caller: "tester"} }

const providerName = "cloud-a"

// acquire is a new request for machines of template "tmpl".
func acquire(t *testing.T, count int, now time.Time) (ohfp.Request, []ohfp.Event) {
	t.Helper()
	template := ohfp.Template{ID: "tmpl", MaxNumber: ohfp.Unlimited}
	r, events, err := ohfp.NewAcquire(ohfp.NewRequestID(ohfp.TypeAcquire, now), template, count, origin(), time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	r.Provider = providerName
	return r, events
}

// machinesFor are n machines that request r launched, running and ready, each launched a second after the one before.
func machinesFor(r ohfp.Request, n int) []ohfp.Machine {
	machines := make([]ohfp.Machine, n)
	for i := range machines {
		number := fmt.Sprintf("%s-%05d", r.ID, i)
		machines[i] = ohfp.Machine{
			Provider: r.Provider, ID: ohfp.MachineID("i-" + number), Request: r.ID, Template: r.Template.ID, Attempt: 1,
			State: ohfp.MachineRunning, Name: "host-" + number, PrivateIP: "10.0.0.1", Weight: 1,
			LaunchedAt: r.CreatedAt.Add(time.Duration(i) * time.Second), DeliveredAt: r.CreatedAt.Add(time.Hour),
		}
	}
	return machines
}

// created stores a request with n machines and returns it as the store has it.
func created(t *testing.T, s store.Store, count, n int, alter ...func(*ohfp.Request)) ohfp.Request {
	t.Helper()
	r, events := acquire(t, count, start())
	r.Status = ohfp.StatusInProgress
	r.Machines = machinesFor(r, n)
	for _, change := range alter {
		change(&r)
	}
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}, events...))
	return get(t, s, r.ID)
}

// Small tools.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, kind error) {
	t.Helper()
	if got := ohfp.KindOf(err); got != kind {
		t.Fatalf("error %v is of kind %v, want %v", err, got, kind)
	}
}

func same(t *testing.T, got, want any, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, append(options, cmpopts.EquateEmpty())...); diff != "" {
		t.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func get(t *testing.T, s store.Reader, id ohfp.RequestID) ohfp.Request {
	t.Helper()
	r, err := s.Request(t.Context(), id)
	must(t, err)
	return r
}

func update(t *testing.T, s store.Store, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error)) ohfp.Request {
	t.Helper()
	r, err := s.UpdateRequest(t.Context(), id, change)
	must(t, err)
	return r
}

// touchless makes a change without events.
func touchless(change func(*ohfp.Request)) func(*ohfp.Request) ([]ohfp.Event, error) {
	return func(r *ohfp.Request) ([]ohfp.Event, error) {
		change(r)
		return nil, nil
	}
}

func events(t *testing.T, s store.Reader, f store.EventFilter) []ohfp.Event {
	t.Helper()
	found, err := s.Events(t.Context(), f)
	must(t, err)
	return found
}

func requests(t *testing.T, s store.Reader, f store.RequestFilter) []ohfp.Request {
	t.Helper()
	found, err := s.Requests(t.Context(), f)
	must(t, err)
	return found
}

func machines(t *testing.T, s store.Reader, f store.MachineFilter) []ohfp.Machine {
	t.Helper()
	found, err := s.Machines(t.Context(), f)
	must(t, err)
	return found
}

// inParallel runs do n times at once and waits.
func inParallel(n int, do func(i int)) {
	var wait sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-gate
			do(i)
		})
	}
	close(gate)
	wait.Wait()
}

package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// RunDurable runs the tests of stores that outlive their processes: writers are killed in the middle of what they do,
// also while they make the store. Whatever a writer was told is stored must be there, and nothing may be there by half.
func RunDurable(t *testing.T, h Harness) {
	t.Helper()
	if j, ok := jobOf(t); ok {
		if j.Kind == "write" {
			write(t, h, j)
		}
		return
	}
	const writers, births, rounds = 6, 8, 5
	for range births {
		location := h.Fresh(t)
		killed(t, location, writers, 0, 12*time.Millisecond)
		verify(t, h, location, nil)
	}
	location := h.Fresh(t)
	stored := 0
	for round := range rounds {
		var held store.Store
		if round%2 == 1 {
			// Somebody who lives on, as a daemon does, so that what the killed left is not cleared away by the next to open.
			var err error
			held, err = h.Open(t.Context(), location, time.Now)
			must(t, err)
		}
		told := killed(t, location, writers, 20*time.Millisecond, 150*time.Millisecond)
		if held != nil {
			verifyOpen(t, held, told)
			must(t, held.Close())
		}
		verify(t, h, location, told)
		stored += len(told)
	}
	if stored == 0 {
		t.Error("no writer stored anything before it was killed")
	}
}

// killed starts writers on a location, kills each at some time from earliest to latest after all were ready, and returns
// up to which generation each request was reported to be stored.
func killed(t *testing.T, location string, writers int, earliest, latest time.Duration) map[ohfp.RequestID]int {
	t.Helper()
	running := make([]*process, writers)
	for i := range running {
		running[i] = spawn(t, job{Kind: "write", Location: location, Number: i})
	}
	for _, p := range running {
		p.awaitReady(t)
	}
	var mu sync.Mutex
	told := map[ohfp.RequestID]int{}
	var wait sync.WaitGroup
	for _, p := range running {
		must(t, p.start.Close())
		delay := earliest + rand.N(latest-earliest) //nolint:gosec // nobody gains by guessing it
		timer := time.AfterFunc(delay, func() { _ = p.command.Process.Kill() })
		wait.Go(func() {
			defer timer.Stop()
			var line generation
			for p.next(t, &line) {
				mu.Lock()
				told[line.Request] = line.Number
				mu.Unlock()
			}
			if err := p.command.Wait(); err == nil || p.command.ProcessState.Exited() {
				t.Errorf("a writer ended by itself (%v):\n%s", err, p.others)
			}
		})
	}
	wait.Wait()
	return told
}

type generation struct {
	Request ohfp.RequestID
	Number  int
}

// write makes requests and changes all of each again and again until it is killed. Every generation of a request is one
// transaction: the number in its Count, in every machine and in one event.
func write(t *testing.T, h Harness, j job) {
	t.Helper()
	awaitStart(t)
	s, err := h.Open(t.Context(), j.Location, time.Now)
	must(t, err)
	for {
		r, _ := acquire(t, 1, time.Now())
		r.Count = 0
		r.Machines = machinesFor(r, 3)
		for i := range r.Machines {
			r.Machines[i].Tags = "0"
		}
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}, generationEvent(r.ID, 0)))
		report(t, generation{r.ID, 0})
		for n := 1; n <= 5; n++ {
			update(t, s, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Count = n
				r.Machines = append(r.Machines, machinesFor(*r, 3+n)[2+n])
				for i := range r.Machines {
					r.Machines[i].Tags = fmt.Sprint(n)
				}
				return []ohfp.Event{generationEvent(r.ID, n)}, nil
			})
			report(t, generation{r.ID, n})
		}
		if os.Getppid() == 1 {
			t.Fatal("nobody is left to kill this process")
		}
	}
}

func generationEvent(id ohfp.RequestID, n int) ohfp.Event {
	return ohfp.Event{Kind: ohfp.RequestChanged, Request: id, Message: fmt.Sprint(n)}
}

// verify opens a store whose users are all dead and examines it.
func verify(t *testing.T, h Harness, location string, told map[ohfp.RequestID]int) {
	t.Helper()
	s, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	verifyOpen(t, s, told)
	must(t, s.Close())
	if h.Check != nil {
		h.Check(t, location)
	}
}

func verifyOpen(t *testing.T, s store.Store, told map[ohfp.RequestID]int) {
	t.Helper()
	stored := map[ohfp.RequestID]int{}
	for _, r := range requests(t, s, store.RequestFilter{Machines: true}) {
		stored[r.ID] = r.Count
		if len(r.Machines) != 3+r.Count {
			t.Errorf("request %s is at generation %d with %d machines", r.ID, r.Count, len(r.Machines))
		}
		for _, m := range r.Machines {
			if m.Tags != fmt.Sprint(r.Count) {
				t.Errorf("request %s is at generation %d, its machine %s at %s", r.ID, r.Count, m.ID, m.Tags)
			}
		}
	}
	next := map[ohfp.RequestID]int{}
	for _, e := range events(t, s, store.EventFilter{}) {
		if e.Message != fmt.Sprint(next[e.Request]) {
			t.Errorf("event %d of request %s is of generation %s, want %d", e.Sequence, e.Request, e.Message, next[e.Request])
		}
		next[e.Request]++
	}
	for id, n := range stored {
		if next[id] != n+1 {
			t.Errorf("request %s is at generation %d and has %d events", id, n, next[id])
		}
	}
	for id, n := range told {
		if got, ok := stored[id]; !ok || got < n {
			t.Errorf("request %s was reported stored at generation %d; it is there: %t, at %d", id, n, ok, got)
		}
	}
	if told != nil {
		t.Logf("%d requests, %d reported by those just killed", len(stored), len(told))
	}
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "later"})) // and it still takes a write
}

package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// chaos is how much happens in [RunChaos].
type chaos struct {
	Processes  int
	Operations int // of each process, and of those that take the place of killed ones together
	Machines   int // in the requests that all work on
	Every      time.Duration
}

// size is a short run, or what the environment says.
func size(t *testing.T) chaos {
	t.Helper()
	c := chaos{Processes: 6, Operations: 25, Machines: 200, Every: 100 * time.Millisecond}
	for name, field := range map[string]*int{
		"OHFP_CHAOS_PROCESSES": &c.Processes, "OHFP_CHAOS_OPERATIONS": &c.Operations, "OHFP_CHAOS_MACHINES": &c.Machines,
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			must(t, err)
			*field = n
			c.Every = time.Second
		}
	}
	return c
}

// rivals is how many processes, about, work on one request at a time.
const rivals = 4

// act is what a process reports about an operation: that it begins, and how it ended.
type act struct {
	Kind  string // add, read, create or list
	Key   ohfp.RequestID
	Begun int64          // by the clock of the machine, which all processes share
	Ended int64          // 0: it only begins
	Value int            // what it saw: the count of a request
	Mark  ohfp.RequestID // of an addition: what its event says besides the count; no two have the same
}

// RunChaos lets processes do mixed operations on the same requests while one after the other is killed and another takes
// its place. What they saw must be explained by one order of all operations, in which each happened at one moment between its
// begin and its end; what was reported as stored must be there; and the store must be whole.
func RunChaos(t *testing.T, h Harness) {
	t.Helper()
	if j, ok := jobOf(t); ok {
		if j.Kind == "chaos" {
			riot(t, h, j)
		}
		return
	}
	c := size(t)
	location := h.Fresh(t)
	s, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	var keys []ohfp.RequestID
	for range max(c.Processes/rivals, 2) {
		r, _ := acquire(t, 1, time.Now())
		r.Count, r.Status = 0, ohfp.StatusInProgress
		r.Machines = machinesFor(r, c.Machines/max(c.Processes/rivals, 2))
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
		keys = append(keys, r.ID)
	}
	must(t, s.Close())

	began := time.Now()
	acts, kills := raging(t, location, keys, c)
	took := time.Since(began)
	s, err = h.Open(t.Context(), location, time.Now)
	must(t, err)
	defer s.Close()
	must(t, s.Check(t.Context()))
	if h.Check != nil {
		created(t, s, 1, 1) // the last that was killed may have left something for the next writer to clear away
		h.Check(t, location)
	}
	for _, key := range keys {
		explain(t, s, key, acts)
	}
	made, ended := 0, 0
	for _, a := range acts {
		if a.Ended == 0 {
			continue
		}
		ended++
		if a.Kind == "create" {
			made++
			if r := get(t, s, a.Key); len(r.Machines) != 1 {
				t.Errorf("request %s was stored and has %d machines, want 1", a.Key, len(r.Machines))
			}
		}
	}
	// A short run on a fast machine may be over before the first is killed.
	if want := c.Processes * c.Operations; ended != want || kills == 0 && c.Every >= time.Second {
		t.Errorf("%d operations ended, want %d; %d processes were killed", ended, want, kills)
	}
	t.Logf("%d processes, %d operations (%d requests made) on %d machines in %s, %d killed: nothing lost, one order explains all",
		c.Processes, ended, made, c.Machines, took.Round(time.Millisecond), kills)
}

// ran is what came of a process.
type ran struct {
	number int
	acts   []act
	others []string
	killed bool
}

// raging runs the processes until all operations are done, and kills one every so often.
func raging(t *testing.T, location string, keys []ohfp.RequestID, c chaos) (acts []act, kills int) {
	t.Helper()
	ended := make(chan ran)
	running := map[int]*process{}
	start := func(number, operations int) {
		text, err := json.Marshal(task{Keys: keys, Operations: operations})
		must(t, err)
		p := spawn(t, job{Kind: "chaos", Location: location, Number: number, Subject: string(text)})
		running[number] = p
		must(t, p.start.Close())
		go func() {
			r := ran{number: number}
			var word string
			if p.next(t, &word) {
				for a := (act{}); p.next(t, &a); a = (act{}) {
					r.acts = append(r.acts, a)
				}
			}
			err := p.command.Wait()
			r.others, r.killed = p.others, err != nil && !p.command.ProcessState.Exited()
			if err != nil && !r.killed {
				r.others = append(r.others, err.Error())
			} else if !r.killed {
				r.others = nil
			}
			ended <- r
		}()
	}
	left := make([]int, c.Processes)
	for i := range left {
		left[i] = c.Operations
		start(i, c.Operations)
	}
	killer := time.NewTicker(c.Every)
	defer killer.Stop()
	for len(running) > 0 {
		select {
		case <-killer.C:
			numbers := make([]int, 0, len(running))
			for n := range running {
				numbers = append(numbers, n)
			}
			victim := running[numbers[rand.IntN(len(numbers))]] //nolint:gosec // nobody gains by guessing it
			if victim.command.Process.Kill() == nil {
				kills++
			}
		case r := <-ended:
			delete(running, r.number)
			acts = append(acts, r.acts...)
			for _, a := range r.acts {
				if a.Ended > 0 {
					left[r.number]--
				}
			}
			switch {
			case r.killed && left[r.number] > 0:
				start(r.number, left[r.number])
			case !r.killed && (r.others != nil || left[r.number] > 0):
				t.Errorf("process %d ended with %d operations left:\n%v", r.number, left[r.number], r.others)
			}
		}
	}
	return acts, kills
}

// explain looks for an order of the operations on a request that explains what was seen, and compares what is stored. The
// event of an addition bears its mark, which tells whether the last act of a killed process happened, and when.
func explain(t *testing.T, s store.Store, key ohfp.RequestID, acts []act) {
	t.Helper()
	stored := map[ohfp.RequestID]int{} // counts by mark
	for _, e := range events(t, s, store.EventFilter{Request: key}) {
		var count int
		var mark ohfp.RequestID
		if _, err := fmt.Sscan(e.Message, &count, &mark); err != nil {
			t.Errorf("request %s has the event %q, want a count and a mark", key, e.Message)
		}
		if before, twice := stored[mark]; twice {
			t.Errorf("request %s was added to twice by one addition: it made %d and %d", key, before, count)
		}
		stored[mark] = count
	}
	var history []porcupine.Operation
	done := map[ohfp.RequestID]bool{}
	see := func(a act) {
		history = append(history, porcupine.Operation{ClientId: len(history), Input: a.Kind, Output: a.Value, Call: a.Begun, Return: a.Ended})
	}
	for _, a := range acts {
		if a.Key != key || a.Kind == "create" || a.Ended == 0 {
			continue
		}
		if a.Kind == "add" {
			if done[a.Mark] = true; stored[a.Mark] != a.Value {
				t.Errorf("request %s: an addition was told that it made %d, its event says %d (0: there is none)", key, a.Value, stored[a.Mark])
			}
		}
		see(a)
	}
	for _, a := range acts {
		if count, happened := stored[a.Mark]; happened && a.Key == key && a.Kind == "add" && a.Ended == 0 && !done[a.Mark] {
			done[a.Mark] = true
			a.Value, a.Ended = count, math.MaxInt64 // its process was killed before it could tell
			see(a)
		}
	}
	model := porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) {
			count, saw := state.(int), output.(int) //nolint:forcetypeassert,errcheck // made above
			if input == "add" {
				count++
			}
			return saw == count, count
		},
	}
	if result := porcupine.CheckOperationsTimeout(model, history, 2*time.Minute); result != porcupine.Ok {
		t.Errorf("request %s: no order explains its %d operations (%s)", key, len(history), result)
	}
	r := get(t, s, key)
	if r.Count != len(stored) || weights(r) != r.Count || r.Count != len(done) {
		t.Errorf("request %s counts %d, its events %d, its machines %d, and %d additions are known to have happened",
			key, r.Count, len(stored), weights(r), len(done))
	}
}

// weights counts the additions by the machines, each of which bears its part.
func weights(r ohfp.Request) int {
	sum := 0
	for _, m := range r.Machines {
		sum += m.Weight - 1
	}
	return sum
}

type task struct {
	Keys       []ohfp.RequestID
	Operations int
}

// riot is what each process does.
func riot(t *testing.T, h Harness, j job) {
	t.Helper()
	var todo task
	must(t, json.Unmarshal([]byte(j.Subject), &todo))
	awaitStart(t)
	s, err := h.Open(t.Context(), j.Location, time.Now)
	must(t, err)
	defer s.Close()
	for range todo.Operations {
		a := act{Kind: "list", Key: todo.Keys[rand.IntN(len(todo.Keys))]} //nolint:gosec // nobody gains by guessing it
		switch dice := rand.IntN(10); {                                   //nolint:gosec // the same
		case dice < 4:
			a.Kind = "add"
		case dice < 8:
			a.Kind = "read"
		case dice < 9:
			a.Kind = "create"
		}
		own, told := acquire(t, 1, time.Now())
		switch a.Kind {
		case "create":
			a.Key = own.ID
		case "add":
			a.Mark = own.ID
		}
		a.Begun = time.Now().UnixNano()
		report(t, a)
		switch a.Kind {
		case "add":
			r := update(t, s, a.Key, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Machines[r.Count%len(r.Machines)].Weight++
				r.Count++
				return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID, Message: fmt.Sprintln(r.Count, a.Mark)}}, nil
			})
			a.Value = r.Count
		case "read", "list":
			r := get(t, s, a.Key)
			if a.Value = r.Count; weights(r) != r.Count {
				t.Fatalf("request %s was seen by half: it counts %d, its machines %d", r.ID, r.Count, weights(r))
			}
			if a.Kind == "list" {
				requests(t, s, store.RequestFilter{Unsettled: true, Limit: 20})
				machines(t, s, store.MachineFilter{Request: a.Key, Limit: 20})
			}
		case "create":
			own.Machines = machinesFor(own, 1)
			must(t, s.CreateRequest(t.Context(), own, store.Limits{}, told...))
		}
		a.Ended = time.Now().UnixNano()
		report(t, a)
	}
}

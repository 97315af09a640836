package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Pair is a store under test beside one that is simple enough to be believed, both empty.
type Pair struct {
	Believed, Tested store.Store
	Done             func() // closes and checks the tested one
}

// RunModel does the same random things to the stores of a pair, and compares all that can be seen, down to versions and
// sequences. open makes a pair for each history.
func RunModel(t *testing.T, open func(rt *rapid.T, now store.Now) Pair) {
	t.Helper()
	now := modelStart
	rapid.Check(t, func(rt *rapid.T) {
		pair := open(rt, now)
		defer pair.Done()
		m := &model{t: rt, stores: [2]store.Store{pair.Believed, pair.Tested}, ctx: t}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			m.step()
		}
		m.compareAll()
	})
}

// modelStart is when everything in these histories happens: an hour at which clocks are put forward.
func modelStart() time.Time { return time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC) }

type model struct {
	t      *rapid.T
	ctx    *testing.T
	stores [2]store.Store // the one in memory first
	made   []ohfp.RequestID
	count  int // of machines
}

// both does one thing to both stores and compares the results and the kinds of error.
func both[T any](m *model, what string, do func(s store.Store) (T, error)) T {
	var results [2]T
	var errs [2]error
	for i, s := range m.stores {
		results[i], errs[i] = do(s)
	}
	if a, b := ohfp.KindOf(errs[0]), ohfp.KindOf(errs[1]); a != b || (errs[0] == nil) != (errs[1] == nil) {
		m.t.Fatalf("%s: in memory %v, in the file %v", what, errs[0], errs[1])
	}
	if diff := cmp.Diff(results[0], results[1], cmpopts.EquateEmpty()); diff != "" {
		m.t.Fatalf("%s differs (-memory +file):\n%s", what, diff)
	}
	return results[0]
}

func (m *model) step() {
	switch rapid.IntRange(0, 4).Draw(m.t, "step") {
	case 0:
		m.acquire()
	case 1:
		m.giveBack()
	default:
		m.update()
	}
	m.compareSome()
}

func (m *model) machines(r ohfp.Request, n int) []ohfp.Machine {
	var machines []ohfp.Machine
	for range n {
		m.count++
		machines = append(machines, ohfp.Machine{
			Provider: r.Provider, ID: ohfp.MachineID(fmt.Sprintf("i-%d", m.count)), Request: r.ID, Template: r.Template.ID,
			State: ohfp.MachinePending, Weight: rapid.IntRange(0, 3).Draw(m.t, "weight"),
			Name:       rapid.SampledFrom([]string{"", "a", "b"}).Draw(m.t, "name"),
			Resource:   rapid.SampledFrom([]string{"", "fleet-1", "fleet-2"}).Draw(m.t, "resource"),
			LaunchedAt: modelStart().Add(time.Duration(rapid.IntRange(0, 3).Draw(m.t, "launched")) * time.Second),
		})
	}
	return machines
}

func (m *model) acquire() {
	template := ohfp.Template{ID: rapid.SampledFrom([]ohfp.TemplateID{"t", "u"}).Draw(m.t, "template"), MaxNumber: ohfp.Unlimited}
	r, events, err := ohfp.NewAcquire(ohfp.RequestID(fmt.Sprintf("req-%d", len(m.made))), template, rapid.IntRange(1, 5).Draw(m.t, "count"),
		ohfp.Origin{Face: "cli"}, time.Hour, modelStart().Add(-time.Duration(rapid.IntRange(0, 3).Draw(m.t, "age"))*time.Minute))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Provider = rapid.SampledFrom([]string{"a", "b"}).Draw(m.t, "provider")
	r.Machines = m.machines(r, rapid.IntRange(0, 3).Draw(m.t, "machines"))
	limits := store.Limits{Template: rapid.IntRange(0, 12).Draw(m.t, "template limit"), Provider: rapid.IntRange(0, 12).Draw(m.t, "provider limit")}
	both(m, "create "+string(r.ID), func(s store.Store) (bool, error) {
		return true, s.CreateRequest(m.ctx.Context(), store.CopyRequest(r), limits, events...)
	})
	m.made = append(m.made, r.ID)
}

func (m *model) giveBack() {
	all := both(m, "machines", func(s store.Store) ([]ohfp.Machine, error) { return s.Machines(m.ctx.Context(), store.MachineFilter{}) })
	if len(all) == 0 {
		return
	}
	var chosen []ohfp.Machine
	for _, one := range all {
		if rapid.Bool().Draw(m.t, "give back") {
			if rapid.IntRange(0, 9).Draw(m.t, "stale") == 0 {
				one.Version--
			}
			chosen = append(chosen, one)
		}
	}
	r, events := ohfp.NewReturn(ohfp.RequestID(fmt.Sprintf("ret-%d", len(m.made))), chosen, nil, ohfp.Origin{Face: "cli"}, modelStart())
	both(m, "create "+string(r.ID), func(s store.Store) (bool, error) {
		return true, s.CreateRequest(m.ctx.Context(), store.CopyRequest(r), store.Limits{}, events...)
	})
	m.made = append(m.made, r.ID)
}

func (m *model) update() {
	if len(m.made) == 0 {
		return
	}
	id := rapid.SampledFrom(m.made).Draw(m.t, "request")
	status := rapid.SampledFrom(append(ohfp.Statuses(), "", "", "")).Draw(m.t, "status")
	state := rapid.SampledFrom([]ohfp.MachineState{"", "", ohfp.MachineRunning, ohfp.MachineShuttingDown, ohfp.MachineTerminated}).Draw(m.t, "state")
	ending := rapid.SampledFrom([]ohfp.Reason{"", "", ohfp.ReasonSpare}).Draw(m.t, "ending")
	which := rapid.IntRange(1, 3).Draw(m.t, "every nth machine")
	polled, cleared := rapid.Bool().Draw(m.t, "polled"), rapid.Bool().Draw(m.t, "cleared")
	told := rapid.Bool().Draw(m.t, "told")
	more := m.machines(ohfp.Request{ID: id, Provider: "a"}, rapid.IntRange(0, 2).Draw(m.t, "more machines"))
	both(m, "update "+string(id), func(s store.Store) (ohfp.Request, error) {
		return s.UpdateRequest(m.ctx.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			if status != "" {
				r.Status = status
			}
			if polled {
				r.PolledAt = modelStart()
			}
			if cleared {
				r.ClearedAt = modelStart()
			}
			for i := range r.Machines {
				if i%which != 0 {
					continue
				}
				if state != "" {
					r.Machines[i].State = state
				}
				if ending != "" {
					r.Machines[i].End(ending, modelStart())
				}
			}
			if r.Type == ohfp.TypeAcquire {
				r.Machines = append(r.Machines, more...)
				r.Attempts = []ohfp.Attempt{{Number: 1, Resource: "fleet-1", Order: ohfp.Order{Retires: true, Call: []byte("{}")}}}
			}
			if told {
				return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID, Message: string(status)}}, nil
			}
			return nil, nil
		})
	})
}

func (m *model) compareSome() {
	ctx := m.ctx.Context()
	requests := store.RequestFilter{
		Unsettled: rapid.Bool().Draw(m.t, "unsettled"), Machines: rapid.Bool().Draw(m.t, "with machines"),
		Type:  rapid.SampledFrom([]ohfp.RequestType{"", ohfp.TypeAcquire, ohfp.TypeReturn}).Draw(m.t, "type"),
		Limit: rapid.IntRange(0, 3).Draw(m.t, "limit"), Offset: rapid.IntRange(0, 2).Draw(m.t, "offset"),
	}
	both(m, fmt.Sprintf("requests %+v", requests), func(s store.Store) ([]ohfp.Request, error) { return s.Requests(ctx, requests) })
	machines := store.MachineFilter{
		Names:    rapid.SampledFrom([][]string{nil, nil, {"a"}, {"a", "b", ""}}).Draw(m.t, "names"),
		States:   rapid.SampledFrom([][]ohfp.MachineState{nil, nil, {ohfp.MachineRunning, ohfp.MachinePending}}).Draw(m.t, "states"),
		Resource: rapid.SampledFrom([]string{"", "", "fleet-1"}).Draw(m.t, "of resource"),
		Limit:    requests.Limit, Offset: requests.Offset,
	}
	both(m, fmt.Sprintf("machines %+v", machines), func(s store.Store) ([]ohfp.Machine, error) { return s.Machines(ctx, machines) })
	both(m, "usage", func(s store.Store) (store.Usage, error) { return s.Usage(ctx) })
}

func (m *model) compareAll() {
	ctx := m.ctx.Context()
	both(m, "all requests", func(s store.Store) ([]ohfp.Request, error) {
		return s.Requests(ctx, store.RequestFilter{Machines: true})
	})
	both(m, "unsettled requests", func(s store.Store) ([]ohfp.Request, error) {
		return s.Requests(ctx, store.RequestFilter{Unsettled: true})
	})
	both(m, "all events", func(s store.Store) ([]ohfp.Event, error) { return s.Events(ctx, store.EventFilter{}) })
	for _, id := range m.made {
		both(m, string(id), func(s store.Store) (ohfp.Request, error) { return s.Request(ctx, id) })
	}
}

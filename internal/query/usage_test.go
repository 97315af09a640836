package query_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	records := memory.New(func() time.Time { return noon })
	number := 0
	add := func(template ohfp.TemplateID, provider string, origin ohfp.Origin, status ohfp.Status, count int, machines ...ohfp.Machine) {
		t.Helper()
		number++
		r := ohfp.Request{
			ID: ohfp.NewRequestID(ohfp.TypeAcquire, noon), Type: ohfp.TypeAcquire, Origin: origin, Template: ohfp.Template{ID: template}, Provider: provider,
			Status: status, Count: count, CreatedAt: noon,
		}
		for i, m := range machines {
			m.ID, m.Request, m.Template, m.Provider = ohfp.MachineID("i-"+string(rune('a'+number))+string(rune('a'+i))), r.ID, template, provider
			r.Machines = append(r.Machines, m)
		}
		if err := records.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	cost := ohfp.Cost{VCPUs: 2, Price: 96_000, Source: "configured"}
	running := ohfp.Machine{State: ohfp.MachineRunning, Cost: cost}
	going := ohfp.Machine{State: ohfp.MachineShuttingDown, Ending: ohfp.ReasonReturned, Cost: cost}
	gone := ohfp.Machine{State: ohfp.MachineTerminated, Cost: cost}
	strange := ohfp.Machine{State: ohfp.MachineRunning}
	ann, symphony := ohfp.Origin{Face: "cli", Caller: "ann"}, ohfp.Origin{Face: "hostfactory", Caller: "egoadmin"}
	add("small", "east", symphony, ohfp.StatusComplete, 3, running, running, going)
	add("small", "west", ann, ohfp.StatusInProgress, 5, running, gone)
	add("odd", "west", ann, ohfp.StatusComplete, 1, strange)
	add("odd", "west", symphony, ohfp.StatusStopping, 4)
	add("old", "west", symphony, ohfp.StatusComplete, 1, gone)

	q := query.Queries{Store: records, Now: func() time.Time { return noon }}
	small := query.UsageGroup{Machines: 4, Ending: 1, Awaited: 4, VCPUs: 8, Price: 384_000, Dollars: "0.384"}
	odd := query.UsageGroup{Machines: 1, Price: 0, Dollars: "0", Unsized: 1, Unpriced: 1}
	all := query.UsageGroup{Machines: 5, Ending: 1, Awaited: 4, VCPUs: 8, Price: 384_000, Dollars: "0.384", Unsized: 1, Unpriced: 1}
	named := func(g query.UsageGroup, name string) query.UsageGroup { g.Name = name; return g }
	held := query.UsageGroup{Machines: 3, Ending: 1, VCPUs: 6, Price: 288_000, Dollars: "0.288"}
	awaits := query.UsageGroup{Machines: 2, Awaited: 4, VCPUs: 2, Price: 96_000, Dollars: "0.096", Unsized: 1, Unpriced: 1}
	for by, groups := range map[query.UsageBy][]query.UsageGroup{
		query.UsageByTemplate: {named(small, "small"), named(odd, "odd")},
		query.UsageByProvider: {named(held, "east"), named(awaits, "west")},
		query.UsageByCaller:   {named(held, "hostfactory:egoadmin"), named(awaits, "cli:ann")},
	} {
		got, err := q.Usage(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		want := query.UsageReport{By: by, Usage: groups, Total: all, Sources: []string{"configured"}, Unknown: []string{
			"The price of 1 of 5 machines is not known and not in the sums.", "The vCPUs of 1 of 5 machines are not known and not in the sums.",
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", by, diff)
		}
	}
	if _, err := q.Usage(t.Context(), "colour"); ohfp.KindOf(err) != ohfp.ErrInvalid {
		t.Errorf("usage by colour: %v", err)
	}
}

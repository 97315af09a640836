package query_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestTimelines(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	records := memory.New(func() time.Time { return now })
	q := query.Queries{Store: records, Now: func() time.Time { return now }}
	ann, symphony := ohfp.Origin{Face: "cli", Caller: "ann"}, ohfp.Origin{Face: "hostfactory", Caller: "ego"}
	change := func(id ohfp.RequestID, do func(r *ohfp.Request) ([]ohfp.Event, error)) ohfp.Request {
		t.Helper()
		r, err := records.UpdateRequest(t.Context(), id, do)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, told, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 10}, 3, symphony, time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	intended, err := r.Intend(ohfp.Order{API: "Fleet", Count: 3, Offering: "small"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := records.CreateRequest(t.Context(), r, store.Limits{}, append(told, intended...)...); err != nil {
		t.Fatal(err)
	}
	var machines []ohfp.Machine
	for i := range 3 {
		machines = append(machines, ohfp.Machine{ID: ohfp.MachineID(fmt.Sprintf("i-%d", i)), Type: "small", Zone: "a", State: ohfp.MachinePending})
	}
	now = now.Add(1500 * time.Millisecond)
	change("req-1", func(r *ohfp.Request) ([]ohfp.Event, error) {
		return r.Answer(1, ohfp.Outcome{Resource: "fleet-1", Machines: machines}, now)
	})
	now = now.Add(time.Minute)
	for i := range machines {
		machines[i].State, machines[i].Name, machines[i].PrivateIP = ohfp.MachineRunning, fmt.Sprintf("host-%d", i), "10.0.0.1"
	}
	r = change("req-1", func(r *ohfp.Request) ([]ohfp.Event, error) {
		events := r.Fold(ohfp.Facts{Machines: machines, Complete: true, ObservedAt: now}, now)
		return append(events, r.Report(symphony, now)...), nil
	})
	now = now.Add(time.Hour)
	back, told := ohfp.NewReturn("ret-1", r.Machines[1:2], nil, ann, now)
	if err := records.CreateRequest(t.Context(), back, store.Limits{}, told...); err != nil {
		t.Fatal(err)
	}
	change("ret-1", func(r *ohfp.Request) ([]ohfp.Event, error) {
		denied := ohfp.Failure{Code: "Denied", Message: "not you", RequestID: "abc"}
		events := r.EndRefused(denied, now)
		return append(events, r.EndAccepted("", map[ohfp.MachineID]ohfp.MachineState{"i-1": ohfp.MachineTerminated}, now)...), nil
	})

	lines := func(timeline query.Timeline, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, s := range timeline.Steps {
			list = append(list, fmt.Sprintf("%s %s %s%.0d %s %s %s", s.After, s.Event, s.Machine, s.Machines, s.Actor, s.Code, s.CloudRequest))
		}
		return list
	}
	if diff := cmp.Diff([]string{
		"+0s request.created  hostfactory:ego  ",
		"+0s attempt.intended    ",
		"+1.5s attempt.launched    ",
		"+1.5s machine.launched 3   ",
		"+1.5s request.changed    ",
		"+1m2s machine.changed 3   ",
		"+1m2s machine.named 3   ",
		"+1m2s machine.delivered 3   ",
		"+1m2s request.reported  hostfactory:ego  ",
		"+1h1m2s machine.returned i-1 cli:ann  ",
		"+1h1m2s machine.gone i-1   ",
	}, lines(q.RequestTimeline(t.Context(), "req-1", false))); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
	if n := len(lines(q.RequestTimeline(t.Context(), "req-1", true))); n != 11+4*2 {
		t.Errorf("%d steps, one for each machine; want 19", n)
	}
	if diff := cmp.Diff([]string{
		"+0s request.created  cli:ann  ",
		"+0s machine.returned i-1 cli:ann  ",
		"+0s end.refused   Denied abc",
		"+0s machine.gone i-1   ",
		"+0s request.changed    ",
	}, lines(q.RequestTimeline(t.Context(), "ret-1", false))); diff != "" {
		t.Errorf("the return (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"+0s request.created  hostfactory:ego  ",
		"+0s attempt.intended    ",
		"+1.5s attempt.launched    ",
		"+1.5s machine.launched i-1   ",
		"+1m2s machine.changed i-1   ",
		"+1m2s machine.named i-1   ",
		"+1m2s machine.delivered i-1   ",
		"+1m2s request.reported  hostfactory:ego  ",
		"+1h1m2s request.created  cli:ann  ",
		"+1h1m2s machine.returned i-1 cli:ann  ",
		"+1h1m2s end.refused   Denied abc",
		"+1h1m2s machine.gone i-1   ",
	}, lines(q.MachineTimeline(t.Context(), "i-1"))); diff != "" {
		t.Errorf("the machine (-want +got):\n%s", diff)
	}
}

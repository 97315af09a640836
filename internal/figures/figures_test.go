package figures_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

// none is a catalog without templates.
type none struct{}

func (none) Listed(context.Context) ([]query.TemplateView, []string, error) {
	return nil, []string{"a broken file"}, nil
}

func over(records store.Store, book string, now func() time.Time) *figures.Figures {
	return &figures.Figures{
		Records: records, Memory: records, Installation: "here", Sinks: []string{"hook"}, Meter: telemetry.NewMeter(),
		Queries: &query.Queries{Store: records, Memory: records, Templates: none{}, Now: now},
		Book:    telemetry.Book{Path: book}, Now: now, Log: slog.New(slog.DiscardHandler),
	}
}

// TestLife follows two machines from their request to their end, counted by one process after another.
func TestLife(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	records, book := memory.New(clock), filepath.Join(t.TempDir(), "counters")
	want := func(lines ...string) {
		t.Helper()
		gathered, err := over(records, book, clock).Gather(t.Context()) // a process of its own
		if err != nil {
			t.Fatal(err)
		}
		text := string(telemetry.Exposition(gathered))
		for _, line := range lines {
			if strings.HasPrefix(line, "!") == strings.Contains(text, strings.TrimPrefix(line, "!")+"\n") {
				t.Errorf("want %s in\n%s", line, text)
			}
		}
	}
	want(`ohfp_store_up 1`, `ohfp_requests_open{type="acquire",status="pending"} 0`, `ohfp_request_oldest_open_seconds{type="acquire"} 0`)

	template := ohfp.Template{ID: "small", MaxNumber: 10, Spec: json.RawMessage(`{}`)}
	r, events, err := ohfp.NewAcquire(ohfp.NewRequestID(ohfp.TypeAcquire, now), template, 2, ohfp.Origin{Face: "cli"}, time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	r.Provider = "aws"
	for i := range events {
		events[i].Provider = "aws"
	}
	if err := records.CreateRequest(t.Context(), r, store.Limits{}, events...); err != nil {
		t.Fatal(err)
	}
	now = now.Add(40 * time.Second)
	want(
		`ohfp_requests_total{type="acquire",provider="aws"} 1`, `ohfp_requests_open{type="acquire",status="pending"} 1`,
		`ohfp_request_oldest_open_seconds{type="acquire"} 40`, `ohfp_requests_overdue 0`, `ohfp_events_waiting{sink="hook"} 1`,
	)
	change := func(do func(r *ohfp.Request) []ohfp.Event) {
		t.Helper()
		if _, err := records.UpdateRequest(t.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) { return do(r), nil }); err != nil {
			t.Fatal(err)
		}
	}
	about := func(kind ohfp.EventKind, id ohfp.MachineID) ohfp.Event {
		return ohfp.Event{At: now, Kind: kind, Request: r.ID, Machine: id, Template: "small", Provider: "aws"}
	}
	change(func(r *ohfp.Request) []ohfp.Event {
		for _, id := range []ohfp.MachineID{"i-1", "i-2"} {
			r.Machines = append(r.Machines, ohfp.Machine{
				Provider: "aws", ID: id, Request: r.ID, Template: "small", State: ohfp.MachineRunning, LaunchedAt: now, Weight: 1,
				Cost: ohfp.Cost{VCPUs: 2, Price: 250_000}, Notice: ohfp.Notice{Kind: ohfp.NoticeSpot, AnnouncedAt: now},
			})
		}
		ended, err := r.Become(ohfp.StatusComplete, "all are ready", now)
		if err != nil {
			t.Fatal(err)
		}
		refused := about(ohfp.AttemptRefused, "")
		refused.Code = "InsufficientInstanceCapacity"
		return append(ended, about(ohfp.MachineLaunched, "i-1"), about(ohfp.MachineLaunched, "i-2"), about(ohfp.MachineDelivered, "i-1"),
			about(ohfp.MachineDelivered, "i-2"), about(ohfp.MachineNoticed, "i-2"), refused)
	})
	lines := []string{
		`ohfp_requests_ended_total{type="acquire",status="complete",provider="aws"} 1`,
		`ohfp_request_duration_seconds_sum{type="acquire",provider="aws"} 40`,
		`ohfp_machines_launched_total{provider="aws",template="small"} 2`,
		`ohfp_machine_provision_duration_seconds_bucket{provider="aws",template="small",le="45"} 2`,
		`ohfp_machine_provision_duration_seconds_bucket{provider="aws",template="small",le="30"} 0`,
		`ohfp_machine_provision_duration_seconds_sum{provider="aws",template="small"} 80`,
		`ohfp_interruptions_total{provider="aws",kind="spot-interruption"} 1`,
		`ohfp_launches_refused_total{provider="aws",code="InsufficientInstanceCapacity"} 1`,
		`ohfp_machines{provider="aws",template="small",state="running"} 2`,
		`ohfp_machine_vcpus{provider="aws"} 4`, `ohfp_machine_dollars_per_hour{provider="aws"} 0.5`,
		`ohfp_machines_end_overdue{provider="aws"} 0`, `ohfp_requests_open{type="acquire",status="pending"} 0`,
	}
	want(lines...)
	want(lines...) // nothing counts twice

	change(func(r *ohfp.Request) []ohfp.Event {
		r.Machines[0].Ending, r.Machines[0].EndingAt = ohfp.ReasonReturned, now
		r.Machines[1].State = ohfp.MachineTerminated
		return []ohfp.Event{about(ohfp.MachineGone, "i-2")}
	})
	now = now.Add(time.Hour)
	want(
		`ohfp_machines_end_overdue{provider="aws"} 1`, `ohfp_machines{provider="aws",template="small",state="running"} 1`,
		`ohfp_machines_gone_total{provider="aws",template="small"} 1`,
	)
	h := over(records, book, clock).Health(t.Context(), records)
	statuses := map[string]string{}
	for _, c := range h.Checks {
		statuses[c.Check] = c.Status
	}
	if !h.Healthy || statuses["requests"] != figures.StatusWarning || statuses["templates"] != figures.StatusWarning || statuses["store write"] != figures.StatusOK {
		t.Errorf("health = %+v", h)
	}
}

// TestCountersOutliveTheStore: what was counted is told when the store cannot be read.
func TestCountersOutliveTheStore(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	dir := t.TempDir()
	records, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: filepath.Join(dir, "a.db"), Now: now, MaxConnections: 2})
	if err != nil {
		t.Fatal(err)
	}
	f := over(records, filepath.Join(dir, "counters"), now)
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	f.Meter.Count(telemetry.CloudCalls, 3, "aws", "RunInstances", telemetry.OutcomeThrottled)
	f.Meter.Count(telemetry.CloudCalls, 1, "aws", "RunInstances", telemetry.OutcomeOK)
	f.Meter.Observe(telemetry.CloudSeconds, 2*time.Second, "aws", "RunInstances")
	gathered, err := f.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := string(telemetry.Exposition(gathered))
	if !strings.Contains(text, "ohfp_store_up 0\n") || !strings.Contains(text, `outcome="throttled"} 3`) {
		t.Errorf("told of a store that is closed:\n%s", text)
	}
	if h := f.Health(t.Context(), records); h.Healthy || h.Checks[0].Status != figures.StatusFailed {
		t.Errorf("health = %+v", h)
	}
	calls := figures.CallsOf(gathered, "aws")
	if calls.Calls != 4 || calls.Errors != 3 || calls.Throttled != 3 || calls.Average != 500 || calls.Operations[0].Outcomes["ok"] != 1 {
		t.Errorf("calls = %+v", calls)
	}
	if other := figures.CallsOf(gathered, "other"); other.Calls != 0 || other.Operations == nil {
		t.Errorf("calls of another = %+v", other)
	}
}

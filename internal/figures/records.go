package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/store"
)

// endWithin is how long a machine may take to be gone once that is decided. EC2 takes a minute or two.
const endWithin = 15 * time.Minute

// millionths of a dollar are what prices are in.
const millionths = 1e6

// records tells what the records say now.
func (f *Figures) records(ctx context.Context, t telemetry.Tally) error {
	for _, tell := range []func(context.Context, telemetry.Tally) error{f.open, f.machines, f.orphans, f.circuits, f.waiting} {
		if err := tell(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (f *Figures) open(ctx context.Context, t telemetry.Tally) error {
	statuses := []ohfp.Status{ohfp.StatusPending, ohfp.StatusInProgress, ohfp.StatusStopping}
	requests, err := f.Records.Requests(ctx, store.RequestFilter{Statuses: statuses})
	if err != nil {
		return fmt.Errorf("read open requests: %w", err)
	}
	counts, oldest, overdue := telemetry.Tally{}, map[ohfp.RequestType]time.Duration{}, 0
	for _, kind := range []ohfp.RequestType{ohfp.TypeAcquire, ohfp.TypeReturn} {
		for _, status := range statuses {
			t.Set(telemetry.RequestsOpen, 0, string(kind), string(status))
		}
		oldest[kind] = 0
	}
	now := f.Now()
	for _, r := range requests {
		one := telemetry.Tally{}
		one.Set(telemetry.RequestsOpen, 1, string(r.Type), string(r.Status))
		counts.Add(one)
		oldest[r.Type] = max(oldest[r.Type], now.Sub(r.CreatedAt))
		if r.Type == ohfp.TypeAcquire && now.After(r.Deadline) {
			overdue++
		}
	}
	t.Add(counts)
	for kind, age := range oldest {
		t.Set(telemetry.OldestOpen, age.Seconds(), string(kind))
	}
	t.Set(telemetry.RequestsOverdue, float64(overdue))
	return nil
}

func (f *Figures) machines(ctx context.Context, t telemetry.Tally) error {
	machines, err := f.Records.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
	}})
	if err != nil {
		return fmt.Errorf("read machines: %w", err)
	}
	type kind struct {
		provider, template string
		state              ohfp.MachineState
	}
	type sums struct{ overdue, vcpus, dollars float64 }
	counts, byProvider := map[kind]float64{}, map[string]sums{}
	for _, m := range machines {
		counts[kind{m.Provider, string(m.Template), m.State}]++
		all := byProvider[m.Provider]
		all.vcpus += float64(m.Cost.VCPUs)
		all.dollars += float64(m.Cost.Price) / millionths
		if m.Ending != "" && f.Now().Sub(m.EndingAt) > endWithin {
			all.overdue++
		}
		byProvider[m.Provider] = all
	}
	for k, n := range counts {
		t.Set(telemetry.Machines, n, k.provider, k.template, string(k.state))
	}
	for name, all := range byProvider {
		t.Set(telemetry.VCPUs, all.vcpus, name)
		t.Set(telemetry.DollarsPerHour, all.dollars, name)
		t.Set(telemetry.EndsOverdue, all.overdue, name)
	}
	return nil
}

func (f *Figures) orphans(ctx context.Context, t telemetry.Tally) error {
	found, err := f.Queries.Orphans(ctx)
	if err != nil {
		return fmt.Errorf("read orphans: %w", err)
	}
	counts := map[[2]string]float64{}
	for _, o := range found.Orphans {
		counts[[2]string{o.Provider, string(o.Reason)}]++
	}
	for of, n := range counts {
		t.Set(telemetry.Orphans, n, of[0], of[1])
	}
	held := 0.0
	if found.Held != "" {
		held = 1
	}
	t.Set(telemetry.OrphansHeld, held)
	return nil
}

func (f *Figures) circuits(ctx context.Context, t telemetry.Tally) error {
	failing, err := guard.Circuits(ctx, f.Memory, f.Now())
	if err != nil {
		return fmt.Errorf("read which clouds fail: %w", err)
	}
	for _, c := range failing {
		open := 0.0
		if c.Open {
			open = 1
		}
		t.Set(telemetry.BreakerOpen, open, c.Provider, c.Operation)
	}
	return nil
}

func (f *Figures) waiting(ctx context.Context, t telemetry.Tally) error {
	if len(f.Sinks) == 0 {
		return nil
	}
	positions, err := f.Records.Positions(ctx)
	if err != nil {
		return fmt.Errorf("read how far events are delivered: %w", err)
	}
	found, err := f.Records.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("read how many events there are: %w", err)
	}
	for _, sink := range f.Sinks {
		t.Set(telemetry.EventsWaiting, float64(max(found.Sequence-positions[sink], 0)), sink)
	}
	return nil
}

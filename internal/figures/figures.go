// Package figures is what Prometheus and people are told of an installation in numbers: what the records say now, what
// the stored events add up to, and what all processes have counted of their work.
// It refuses to ask a cloud, and to cost the calls that bring all this about anything but a few lines in a file.
package figures

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/version"
	"github.com/openhostfactory/ohfp/store"
)

// Memory is what all processes have noted about clouds that fail.
type Memory interface {
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
}

// Figures gathers. All fields but Sinks are required.
type Figures struct {
	Records      store.Reader
	Memory       Memory
	Queries      *query.Queries
	Installation ohfp.InstallationID
	Sinks        []string // that events are taken to
	Meter        *telemetry.Meter
	Book         telemetry.Book
	Now          func() time.Time
	Log          *slog.Logger
}

// Keep adds to the book what this process has counted. What cannot be kept is kept the next time.
func (f *Figures) Keep(ctx context.Context) {
	counted := f.Meter.Take()
	if err := f.Book.Append(counted); err != nil {
		f.Meter.GiveBack(counted)
		f.Log.DebugContext(ctx, "counters not kept", "error", err)
	}
}

// keepEvery is how far behind the book may be on a program that stays.
const keepEvery = 10 * time.Second

// Run keeps again and again until ctx ends.
func (f *Figures) Run(ctx context.Context) error {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f.Keep(ctx)
		}
	}
}

// Counted is what all processes have counted, without what the records say now.
func (f *Figures) Counted(ctx context.Context) (telemetry.Tally, error) {
	f.Keep(ctx)
	t, err := f.Book.Read()
	if err != nil {
		return nil, fmt.Errorf("read what was counted: %w", err)
	}
	return t, nil
}

// Gather returns everything. Where the store cannot be read, the counters are told all the same, and that it cannot.
func (f *Figures) Gather(ctx context.Context) (telemetry.Tally, error) {
	t := telemetry.Tally{}
	problem := f.CountEvents(ctx)
	if problem == nil {
		problem = f.records(ctx, t)
	}
	up := 1.0
	if problem != nil {
		f.Log.WarnContext(ctx, "not all figures could be read", "error", problem)
		t, up = telemetry.Tally{}, 0
	}
	counted, err := f.Counted(ctx)
	if err != nil {
		return nil, err
	}
	t.Add(counted)
	t.Set(telemetry.StoreUp, up)
	build := version.Current()
	t.Set(telemetry.BuildInfo, 1, build.Version, build.Commit)
	process(t)
	return t, nil
}

// process is how this process is.
func process(t telemetry.Tally) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() == metrics.KindUint64 {
		t.Set(telemetry.HeapBytes, float64(samples[0].Value.Uint64()))
	}
	t.Set(telemetry.Goroutines, float64(runtime.NumGoroutine()))
}

package app

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/store"
)

// countersFile holds, in the work directory, what all its processes have counted.
const countersFile = "counters"

// measure makes what the program tells about its work with. Nothing is opened before there is something to tell.
func (a *App) measure(ctx context.Context, now func() time.Time) error {
	a.Telemetry = &telemetry.Instruments{Meter: telemetry.NewMeter(), Now: now}
	if endpoint := a.Config.Telemetry.Traces.Endpoint; endpoint != "" {
		if err := telemetry.CheckEndpoint(endpoint); err != nil {
			return err
		}
		a.Telemetry.Tracer = &telemetry.Tracer{Now: now}
		a.exporter = &telemetry.Exporter{
			Tracer: a.Telemetry.Tracer, Endpoint: endpoint, Log: a.Log,
			Client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}},
		}
	}
	a.Figures = newFigures(a, now)
	lasting := context.WithoutCancel(ctx)
	a.closers = append(a.closers, closing(func() error {
		a.Figures.Keep(lasting)
		if a.exporter != nil {
			a.exporter.Flush(lasting)
			a.exporter.Client.CloseIdleConnections()
		}
		return nil
	}))
	return nil
}

func newFigures(a *App, now func() time.Time) *figures.Figures {
	return &figures.Figures{
		Meter: a.Telemetry.Meter, Book: telemetry.Book{Path: filepath.Join(a.Config.WorkDir, countersFile)}, Now: now, Log: a.Log,
	}
}

// closing is a closer.
type closing func() error

func (c closing) Close() error { return c() }

// gatherFrom says where the records are that figures are taken from.
func (a *App) gatherFrom(records store.Store, id ohfp.InstallationID) {
	a.Figures.Records, a.Figures.Memory, a.Figures.Queries, a.Figures.Installation = records, records, a.Queries, id
	for _, s := range a.Config.Events.Sinks {
		a.Figures.Sinks = append(a.Figures.Sinks, s.Name)
	}
}

// delivered counts what sinks have taken.
func (a *App) delivered(sink string, events int, err error) {
	if err != nil {
		a.Telemetry.Meter.Count(telemetry.EventDeliveryFailure, 1, sink)
		return
	}
	a.Telemetry.Meter.Count(telemetry.EventsDelivered, float64(events), sink)
}

// countEvery is how far behind the figures from events are at most. Who asks for them has them counted at once; this is
// for installations that nobody asks, whose events are removed one day.
const countEvery = time.Hour

// countChore counts events.
func (a *App) countChore() reconcile.Chore {
	return reconcile.Chore{Name: "figures", Every: countEvery, Run: a.Figures.CountEvents}
}

// tellers are what a daemon keeps running to tell of its work.
func (a *App) tellers() []reconcile.Watcher {
	list := []reconcile.Watcher{{Name: "counters", Run: a.Figures.Run}}
	if a.exporter != nil {
		list = append(list, reconcile.Watcher{Name: "traces", Run: func(ctx context.Context) error {
			a.exporter.Run(ctx)
			return nil
		}})
	}
	return list
}

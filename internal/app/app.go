// Package app puts the program together: it is the only package that knows which stores and which providers there are.
// It refuses to do anything itself; what it builds is in the packages it names.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/events"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store"
)

// App is the program, open.
type App struct {
	Config   config.Config
	Log      *slog.Logger
	Commands *command.Commands // nil when only templates are listed
	Queries  *query.Queries
	Audit    *audit.Log // nil: nothing is recorded
	// Revision is a number that changes with the store, for what may be kept while nothing changes; ok is false where the store
	// has none, and it is nil when only templates are listed.
	Revision func(ctx context.Context) (n int64, ok bool, err error)

	Telemetry *telemetry.Instruments
	Figures   *figures.Figures // what is told of the installation in numbers; without its records when only templates are listed

	catalog  *catalog
	store    *guard.MeasuredStore // nil when only templates are listed
	registry provider.Registry
	now      func() time.Time
	exporter *telemetry.Exporter // nil: nobody takes traces
	level    *slog.LevelVar
	closers  []io.Closer // in the order of opening
}

// Registry is the provider types that come with the program.
func Registry() provider.Registry {
	return provider.Registry{"aws": {Open: aws.Open, Settings: aws.Settings}}
}

// Open puts the program together. No cloud is called.
func Open(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	a := &App{Config: cfg, now: o.Now, registry: o.registry()}
	if err := a.tell(ctx, o); err != nil {
		return nil, err
	}
	a.Audit = a.auditLog(o)
	for _, note := range cfg.Notes {
		a.Log.DebugContext(ctx, note) // each call of a script comes here; config validate and doctor tell them, too
	}
	return a.open(ctx, o)
}

// tell opens what the program tells about its own work with: the log, the counters and the traces.
func (a *App) tell(ctx context.Context, o Options) error {
	if running := o.Running; running != nil {
		a.Log, a.level, a.Telemetry, a.exporter = running.Log, running.level, running.Telemetry, running.exporter
		a.Figures = newFigures(a, o.Now)
		return nil
	}
	cfg := a.Config
	a.level = &slog.LevelVar{}
	a.level.Set(cfg.Logging.Level)
	logging := telemetry.Options{
		Level: a.level, File: cfg.Logging.File, MaxSizeMB: cfg.Logging.MaxSizeMB,
		MaxRotate: cfg.Logging.MaxRotate, Fallback: o.Stderr, JSON: cfg.Logging.Format == config.LogJSON,
	}
	if cfg.Logging.Console {
		logging.Console = o.Stderr
	}
	log, closer, err := telemetry.Open(logging)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	a.Log = log
	a.closers = append(a.closers, closer)
	if err := a.measure(ctx, o.Now); err != nil {
		return errors.Join(err, a.Close())
	}
	return nil
}

// open puts the rest together. For a listing that is the templates; for everything else, the store and the commands too.
func (a *App) open(ctx context.Context, o Options) (*App, error) {
	cfg, log := a.Config, a.Log
	policy := policyOf(cfg)
	providers := &instances{config: cfg, registry: o.registry(), telemetry: a.Telemetry, env: provider.Environment{
		Log: log, Now: o.Now, ConfDir: cfg.ConfDir, LookupEnv: o.LookupEnv,
	}}
	a.closers = append(a.closers, providers)
	catalog := newCatalog(cfg, providers, policy, log)
	a.catalog = catalog
	a.Queries = &query.Queries{Templates: catalog, Now: o.Now, Rebalance: cfg.Interruptions.Rebalance}
	if o.ListingOnly {
		remembered := &memory{
			open:    func(ctx context.Context) (store.Store, error) { return OpenStore(ctx, cfg.Storage, o) },
			missing: func() bool { return notMade(cfg.Storage) },
		}
		providers.env.Memory, catalog.files.Store = o.memory(remembered), remembered
		a.closers = append(a.closers, remembered)
		return a, nil
	}

	records, err := a.records(ctx, o)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.store, a.Revision = records, records.Revision
	id, err := installation(ctx, cfg.WorkDir, records, log)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	providers.env.Installation, providers.env.Memory = id, o.memory(records)
	a.Queries.Store, a.Queries.Memory, catalog.files.Store = records, records, records
	followed, err := delivery(cfg, records, id, o.Now, log)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	followed.Delivered = a.delivered
	a.gatherFrom(records, id)
	a.Commands = a.commands(o, catalog, records, followed)
	a.Commands.Chores.List = append(chores(a.Commands, cfg), a.countChore())
	return a, nil
}

// commands is the write side. Its chores are listed when all of it is there.
func (a *App) commands(o Options, catalog *catalog, records store.Store, followed *events.Delivery) *command.Commands {
	cfg, log := a.Config, a.Log
	return &command.Commands{
		Store:     records,
		Templates: catalog,
		Catalog:   catalog,
		Placement: catalog.policy,
		Executor: &reconcile.Executor{
			Store: records, Providers: catalog.providers, Now: o.Now, Log: log, Step: o.step(),
		},
		Chores: &reconcile.Chores{Memory: records, Now: o.Now, Log: log},
		Events: followed, TemplateEvents: cfg.Events.Templates,
		Limits: command.Limits{
			PerRequest: cfg.Limits.MaxMachinesPerRequest, Provider: cfg.Limits.MaxMachines,
			VCPUs: cfg.Limits.MaxVCPUs, Price: cfg.Limits.MaxHourlyCost,
		},
		Orphans: orphanPolicy(cfg), Providers: providerNames(cfg),
		Requests: command.RequestPolicy{
			Timeout: cfg.Requests.Timeout,
			Abandon: ohfp.AbandonPolicy{
				Unanswered: cfg.Requests.UnansweredRelease,
				Unpolled:   cfg.Requests.AbandonedAfter,
				Release:    cfg.Requests.ReleaseAbandoned,
			},
		},
		Now:   o.Now,
		NewID: func(t ohfp.RequestType) ohfp.RequestID { return ohfp.NewRequestID(t, o.Now()) },
		Log:   log,
	}
}

// Close closes what Open opened, last first.
func (a *App) Close() error {
	var problems []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		problems = append(problems, a.closers[i].Close())
	}
	a.closers = nil
	return errors.Join(problems...)
}

func policyOf(cfg config.Config) placement.Policy {
	policy := placement.Policy{Default: cfg.DefaultProvider, Name: cfg.Placement.Policy, Fallback: cfg.Placement.Fallback}
	for _, p := range cfg.Providers {
		if p.Enabled {
			policy.Instances = append(policy.Instances, placement.Instance{Name: p.Name, Type: p.Type, Priority: p.Priority, Weight: p.Weight})
		}
	}
	return policy
}

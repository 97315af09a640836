// Package app puts the program together: it is the only package that knows which stores and which providers there are.
// It refuses to do anything itself; what it builds is in the packages it names.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	inmemory "github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/sqlstore"
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

// Options are what differs between the program and its tests.
type Options struct {
	Stderr    io.Writer                       // where the log goes that has no file
	LookupEnv func(key string) (string, bool) // the environment
	Now       func() time.Time
	// ListingOnly: only templates will be asked for. The store is opened for no longer than it takes to look into it, and need
	// not be there.
	ListingOnly bool
	// Apart: what clouds tell is forgotten with the App. It is for a look at another place than the configured one.
	Apart bool

	Registry provider.Registry // every provider type there is; nil: [Registry]

	// Running is the program whose store, log and counters this one goes on with, for a configuration that was read again;
	// nil: it opens its own.
	Running *App

	// What a test puts in the place of the program's own; nil leaves that.
	Records store.Store       // outlives the App: its owner closes it
	Step    func(name string) // is told which step of a request is reached
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
	log := a.Log
	for _, note := range cfg.Notes {
		log.DebugContext(ctx, note) // each call of a script comes here; config validate and doctor tell them, too
	}
	return a.open(ctx, o)
}

// tell opens what the program tells about itself with.
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

// open puts the rest together.
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
	a.Commands = &command.Commands{
		Store:     records,
		Templates: catalog,
		Catalog:   catalog,
		Placement: policy,
		Executor: &reconcile.Executor{
			Store: records, Providers: providers, Now: o.Now, Log: log, Step: o.step(),
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
	a.Commands.Chores.List = append(chores(a.Commands, cfg), a.countChore())
	return a, nil
}

func (o Options) registry() provider.Registry {
	if o.Registry != nil {
		return o.Registry
	}
	return Registry()
}

// memory is what providers share, unless what they learn now is true elsewhere only.
func (o Options) memory(shared provider.Memory) provider.Memory {
	if o.Apart {
		return inmemory.New(o.Now)
	}
	return shared
}

func (o Options) step() func(string) {
	if o.Step != nil {
		return o.Step
	}
	return step(o.LookupEnv)
}

// records opens the store, which Close closes.
func (a *App) records(ctx context.Context, o Options) (*guard.MeasuredStore, error) {
	if o.Running != nil {
		return o.Running.store, nil
	}
	records := o.Records
	if records == nil {
		var err error
		if records, err = OpenStore(ctx, a.Config.Storage, o); err != nil {
			return nil, err
		}
		a.closers = append(a.closers, records)
	}
	return &guard.MeasuredStore{Store: records, With: a.Telemetry}, nil
}

// cleanEvery is how often it is looked for what nothing uses any more.
const cleanEvery = time.Hour

// chores lists the work that no request asks for.
func chores(c *command.Commands, cfg config.Config) []reconcile.Chore {
	list := []reconcile.Chore{eventChore(c.Events)}
	list = append(list, storageChores(c.Store, cfg.Storage, c.Now)...)
	if after := cfg.Cleaning.UnusedAfter; after > 0 {
		list = append(list, reconcile.Chore{Name: "launch-templates", Every: cleanEvery, Run: func(ctx context.Context) error {
			_, err := c.Clean(ctx, command.Clean{UnusedFor: after})
			return err
		}})
	}
	if c.Orphans.Watch {
		list = append(list, reconcile.Chore{Name: "orphans", Every: cfg.Orphans.Interval, Run: c.TendOrphans})
	}
	return append(list, interruptionChores(cfg.Interruptions, c)...)
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

// notMade says whether the store's place on this machine's disk is empty. Elsewhere it takes a look to know.
func notMade(s config.Storage) bool {
	place := s.SQL.Path
	switch {
	case s.Strategy == config.StrategyJSON:
		place = s.JSON.Path
	case s.Strategy != config.StrategySQL || s.SQL.Type != config.SQLite:
		return false
	}
	_, err := os.Stat(place)
	return errors.Is(err, fs.ErrNotExist)
}

// OpenStore opens the store of the strategy. The one in DynamoDB makes no call before it is used.
func OpenStore(ctx context.Context, at config.Storage, o Options) (records store.Store, err error) {
	switch at.Strategy {
	case config.StrategyJSON:
		records, err = jsonfile.Open(ctx, jsonfile.Options{Path: at.JSON.Path, Now: o.Now})
	case config.StrategyDynamoDB:
		place := at.DynamoDB
		records, err = dynamodb.Open(dynamodb.Options{
			Prefix: place.TablePrefix, Region: place.Region, Profile: place.Profile, Endpoint: place.Endpoint,
			Now: o.Now, LookupEnv: o.LookupEnv,
		})
	default:
		records, err = openDatabase(ctx, at.SQL, o.Now)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return records, nil
}

func openDatabase(ctx context.Context, place config.SQL, now func() time.Time) (store.Store, error) {
	if place.Type == config.PostgreSQL {
		return sqlstore.OpenPostgres(ctx, sqlstore.PostgresOptions{
			URL: string(place.URL), Schema: place.Schema, Now: now, ServerClock: true, MaxConnections: place.MaxConnections,
		})
	}
	return sqlstore.Open(ctx, sqlstore.Options{Path: place.Path, Now: now, MaxConnections: place.MaxConnections})
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

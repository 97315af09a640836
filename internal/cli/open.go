package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"time"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// wish is what a command needs of a session.
type wish struct {
	Global globalFlags
	// Listing: only templates are asked for, which needs no store.
	Listing bool
	// Console: a log level on the command line is for whoever typed it, who wants to see the log; scripts keep theirs in
	// its file.
	Console bool
	// Apart: nothing is remembered of what clouds tell.
	Apart bool
	// Settings are those that flags of the command give.
	Settings map[string]string
}

// open reads the configuration and opens what it names.
func open(ctx context.Context, w wish, p *program) (*session, error) {
	cfg, err := p.config(w)
	if err != nil {
		return nil, err
	}
	a, partial, err := p.openApp(ctx, cfg, w)
	if err != nil {
		return nil, err
	}
	return &session{
		Commands: a.Commands, Queries: a.Queries, Partial: partial, Caller: p.caller(), Role: access.Role(cfg.Access.LocalRole),
		Audit: a.Audit, Budget: cfg.Requests.CallBudget, Close: a.Close, Telemetry: a.Telemetry,
	}, nil
}

// config reads the configuration.
func (p *program) config(w wish) (config.Config, error) {
	sources, err := p.sources(w)
	if err != nil {
		return config.Config{}, err
	}
	cfg, err := config.Load(sources)
	if err != nil {
		return cfg, err
	}
	p.settings = settings{Scheduler: cfg.Scheduler.Type, Fields: map[string][]string{
		"machines": cfg.Output.Machines, "providers": cfg.Output.Providers, "requests": cfg.Output.Requests, "templates": cfg.Output.Templates,
	}}
	if p.operation == "" {
		return cfg, nil
	}
	caller := access.Caller{Name: p.caller(), Face: "cli", Role: access.Role(cfg.Access.LocalRole)}
	p.audit(cfg.Audit, caller)
	return cfg, caller.May(p.operation)
}

// audit notes for the audit log that the command begins, when it is the first to read the configuration.
func (p *program) audit(at config.Audit, caller access.Caller) {
	if p.record != nil || !at.Enabled {
		return
	}
	own := &audit.Log{Path: at.File, Reads: at.Reads, Now: time.Now, Log: slog.New(slog.NewTextHandler(p.errw, nil))}
	p.record = own.Begin(caller, audit.Local, p.operation)
	p.record.About(p.subjects...)
	if p.dryRun {
		p.record.DryRun()
	}
}

// sources are where the configuration comes from.
func (p *program) sources(w wish) (config.Sources, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Sources{}, fmt.Errorf("find the current directory: %w", err)
	}
	flags := maps.Clone(w.Settings)
	if flags == nil {
		flags = map[string]string{}
	}
	if w.Global.LogLevel != "" {
		flags["logging.level"] = w.Global.LogLevel
		if w.Console {
			flags["logging.console"] = "true"
		}
	}
	return config.Sources{File: w.Global.Config, Environ: os.Environ(), Flags: flags, Dir: dir}, nil
}

// openApp opens what the configuration names.
func (p *program) openApp(ctx context.Context, cfg config.Config, w wish) (*app.App, hostfactory.Partial, error) {
	partial, err := partialOf(cfg)
	if err != nil {
		return nil, "", err
	}
	for name, value := range cfg.Variables {
		if p.export == nil {
			break
		}
		if err := p.export(name, value); err != nil {
			return nil, "", fmt.Errorf("take over %s: %w", name, err)
		}
	}
	a, err := app.Open(ctx, cfg, app.Options{Stderr: p.errw, LookupEnv: cfg.LookupEnv(p.lookupEnv), Now: time.Now, ListingOnly: w.Listing, Apart: w.Apart, Registry: p.providers})
	return a, partial, err
}

func partialOf(cfg config.Config) (hostfactory.Partial, error) {
	return hostfactory.ParsePartial(cfg.HostFactory.PartialResult)
}

// caller is who runs the program, as the environment tells. Asking the system would cost a look into its user database.
func (p *program) caller() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user, ok := p.lookupEnv(name); ok && user != "" {
			return user
		}
	}
	return ""
}

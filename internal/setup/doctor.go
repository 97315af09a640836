package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/provider"
)

// Doctor finds out what is wrong with an installation. All fields but Scripts are required.
type Doctor struct {
	Sources config.Sources
	Scripts string        // the directory of Host Factory's scripts; empty: where HF_TOP says, if it is set
	Budget  time.Duration // that the whole may take
	// Elsewhere makes the configuration one of another region or identity, of which nothing is remembered; nil: as it is.
	Elsewhere func(cfg config.Config) (config.Config, error)
	Version   string // what ohfp --version of this program prints

	Now       func() time.Time
	LookupEnv func(key string) (string, bool)
	Registry  provider.Registry                                                     // every provider type there is; nil: those that come with the program
	Daemon    func(ctx context.Context, cfg config.Config) (Daemon, error)          // asks the one that runs
	Resolve   func(ctx context.Context, host string) ([]string, error)              // asks the name service
	Probe     func(dir string) error                                                // writes to a directory as the store does, and takes it back
	Free      func(dir string) (bytes uint64, known bool)                           // what its file system has left
	Ask       func(ctx context.Context, program string) (version string, err error) // runs ohfp --version
}

// Daemon is what a daemon that runs says of itself.
type Daemon struct {
	PID     int
	Version string
	Live    bool
	Problem string // what its last look could not do
}

// Report is what a doctor has found.
type Report struct {
	Healthy  bool               `json:"healthy"` // there is no failure
	Failures int                `json:"failures"`
	Warnings int                `json:"warnings"`
	Findings []provider.Finding `json:"findings"`
}

// check is one look, which runs beside the others.
type check struct {
	name string
	look func(ctx context.Context) []provider.Finding
}

// Examine looks at everything. A check that fails, hangs or panics spoils no other.
func (d Doctor) Examine(ctx context.Context) Report {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	env := directories.NewEnvironment(d.Sources.Environ)
	cfg, err := config.Load(d.Sources)
	if err == nil && d.Elsewhere != nil {
		cfg, err = d.Elsewhere(cfg)
	}
	first, usable := configuration(cfg, err)
	checks := []check{
		{registeredCheck, func(context.Context) []provider.Finding { return Registered(d.Sources.Environ, d.Probe) }},
		{"scripts", func(ctx context.Context) []provider.Finding { return d.scripts(ctx, env) }},
	}
	if usable {
		checks = append(checks, d.checks(cfg)...)
	}
	report := Report{Findings: append(first, together(ctx, checks)...)}
	for _, f := range report.Findings {
		switch f.Level {
		case provider.LevelFailure:
			report.Failures++
		case provider.LevelWarning:
			report.Warnings++
		case provider.LevelOK:
		}
	}
	report.Healthy = report.Failures == 0
	return report
}

// checks are those that need a configuration.
func (d Doctor) checks(cfg config.Config) []check {
	_, unread := os.ReadDir(cfg.ConfDir)
	list := []check{
		{"directories", func(context.Context) []provider.Finding { return d.directories(cfg, unread) }},
		{"store", func(ctx context.Context) []provider.Finding { return d.records(ctx, cfg) }},
		{"daemon", func(ctx context.Context) []provider.Finding { return d.daemon(ctx, cfg) }},
		{"templates", func(ctx context.Context) []provider.Finding { return d.templates(ctx, cfg) }},
	}
	for _, p := range cfg.Providers {
		if p.Enabled {
			list = append(list, check{"provider " + p.Name, func(ctx context.Context) []provider.Finding { return d.cloud(ctx, cfg, p.Name) }})
		}
	}
	return list
}

// together runs the checks side by side and keeps their order. One that does not end in time is left behind.
func together(ctx context.Context, checks []check) []provider.Finding {
	found := make([]chan []provider.Finding, len(checks))
	for i, c := range checks {
		found[i] = make(chan []provider.Finding, 1)
		go func() { found[i] <- guarded(ctx, c) }()
	}
	var all []provider.Finding
	for i, c := range checks {
		select {
		case list := <-found[i]:
			all = append(all, list...)
		case <-ctx.Done():
			// What ends because of the same deadline has more to say.
			grace := time.NewTimer(time.Second)
			select {
			case list := <-found[i]:
				all = append(all, list...)
			case <-grace.C:
				all = append(all, failure(c.name, "", "the check did not end in time", "run ohfp doctor --timeout with more; see whether disk and network answer"))
			}
			grace.Stop()
		}
	}
	return all
}

func guarded(ctx context.Context, c check) (found []provider.Finding) {
	defer func() {
		if cause := recover(); cause != nil {
			found = []provider.Finding{failure(c.name, "", fmt.Sprintf("internal error: %v", cause), "report it with this line; the other checks are not affected")}
		}
	}()
	return c.look(ctx)
}

// configuration says what was read. Without a configuration that can be read, most checks have nothing to look at.
func configuration(cfg config.Config, err error) (found []provider.Finding, usable bool) {
	const name = "configuration"
	if err != nil {
		return []provider.Finding{failure(name, "", err.Error(), "correct it where the message says; docs/reference/configuration.md lists every setting")}, false
	}
	files := "no file"
	for i, file := range cfg.Files {
		if i == 0 {
			files = file
			continue
		}
		files += ", " + file
	}
	found = append(found, fine(name, "", files+"; directories: "+cfg.ConfDir+", "+cfg.WorkDir+", "+cfg.LogDir))
	for _, note := range cfg.Notes {
		if strings.HasPrefix(note, "the configuration directory "+cfg.ConfDir) {
			continue // it is a failure of the directories, not fine here
		}
		found = append(found, fine(name, "", note))
	}
	enabled := 0
	for _, p := range cfg.Providers {
		if p.Enabled {
			enabled++
		}
	}
	switch {
	case len(cfg.Providers) == 0:
		found = append(found, failure("providers", "", "no provider is configured", "run ohfp init, or write providers into a file in "+cfg.ConfDir))
	case enabled == 0:
		found = append(found, failure("providers", "", "every provider is switched off", "set enabled of one to true"))
	}
	return found, true
}

// open opens the program without a word: what it would log is found here.
func (d Doctor) open(ctx context.Context, cfg config.Config) (*app.App, error) {
	cfg.Logging.File, cfg.Logging.Console, cfg.Notes = "", false, nil
	return app.Open(ctx, cfg, app.Options{Stderr: io.Discard, LookupEnv: d.LookupEnv, Now: d.Now, ListingOnly: true, Apart: d.Elsewhere != nil, Registry: d.Registry})
}

func fine(check, about, text string) provider.Finding {
	return provider.Finding{Check: check, Level: provider.LevelOK, About: about, Text: text}
}

func warning(check, about, text, fix string) provider.Finding {
	return provider.Finding{Check: check, Level: provider.LevelWarning, About: about, Text: text, Fix: fix}
}

func failure(check, about, text, fix string) provider.Finding {
	return provider.Finding{Check: check, Level: provider.LevelFailure, About: about, Text: text, Fix: fix}
}

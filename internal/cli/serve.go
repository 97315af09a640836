package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/output"
)

// daemonCommand is serve where one looks for it first; systemCommand has it too, for those who know it there.
func (p *program) daemonCommand() *cobra.Command {
	cmd := p.serveCommand("ohfp serve")
	cmd.GroupID = groupTools
	return cmd
}

func (p *program) serveCommand(path string) *cobra.Command {
	check := false
	var at serveAt
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Stay, follow all requests, and answer the scripts at once",
		Long: `Stays until it is told to stop (SIGTERM, SIGINT), follows all requests on its own, and answers the calls that the
scripts hand over through a Unix socket in the work directory. Nothing depends on it: scripts and commands work on the
same records without it and beside it. Only one can serve a work directory, and only one a store in files. Those on
several hosts may share a database: they divide the requests, and take over from one that is not heard of.

Programs are answered over HTTP at http://127.0.0.1:8000 (api.host, api.port), described at /docs; see docs/rest.md.

It reads the configuration when it starts, and again on SIGHUP or ohfp system reload, and templates whenever they are
asked for.

With --check it asks the one that runs how it is, and which share of the requests it has. The exit code is 0 when it is
ready and live, else 1.`,
		Example: "  " + path + "\n  " + path + " --port 8080\n  " + path + " --check",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check {
				return p.checkDaemon(cmd.Context())
			}
			return p.serve(cmd.Context(), at.settings(cmd))
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "ask the daemon that runs how it is")
	at.flags(cmd)
	return cmd
}

// heapGrowth lets the heap of a daemon, some 10 MB, grow fivefold between collections. At Go's usual twofold they take a
// tenth of the time of each call. GOGC in the environment wins.
const heapGrowth = 400 // percent

// serve runs the daemon until ctx ends.
func (p *program) serve(ctx context.Context, settings map[string]string) (err error) {
	w := wish{Global: p.global, Console: true, Settings: settings}
	sources, err := p.sources(w) // before .env files have added to the environment
	if err != nil {
		return err
	}
	cfg, err := p.config(w)
	if err != nil {
		return err
	}
	if _, set := p.lookupEnv("GOGC"); !set {
		debug.SetGCPercent(heapGrowth)
	}
	runtime, _ := p.lookupEnv("XDG_RUNTIME_DIR") // empty: the system's directory for temporary files
	place, err := daemon.Claim(cfg, runtime)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Release()) }()
	a, partial, err := p.openApp(ctx, cfg, wish{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	p.record.End(ctx, nil) // it serves; its end is nobody's operation
	d := &daemon.Daemon{
		Config: cfg, Audit: a.Audit, Commands: a.Commands, Queries: a.Queries, Partial: partial, Watchers: a.Watchers(), Now: time.Now, Log: a.Log,
		Notify: daemon.Notifier(p.lookupEnv), Telemetry: a.Telemetry, Retire: a.Retire,
	}
	use := func(*app.App) (func(daemon.Served), error) { return nil, nil }
	if cfg.API.Enabled {
		face, err := p.restFace(ctx, a)
		if err != nil {
			return err
		}
		d.Faces = append(d.Faces, face.serve)
		use = face.use
	}
	d.Renew = p.renew(sources, a, use)
	defer p.onHangUp(ctx, d)()
	p.note("serving %s; stop it with SIGTERM or Ctrl-C", cfg.WorkDir)
	return d.Run(ctx, place)
}

// checkDaemon shows how the daemon is that runs.
func (p *program) checkDaemon(ctx context.Context) error {
	cfg, err := p.config(wish{Global: p.global})
	if err != nil {
		return err
	}
	status, err := daemon.Check(ctx, cfg, time.Now)
	if err != nil {
		return err
	}
	if err := p.show(status, output.Layout{}); err != nil {
		return err
	}
	switch {
	case !status.Live:
		return fmt.Errorf("the daemon (process %d) answers, but its loop stands still; start it again", status.PID)
	case !status.Ready:
		return fmt.Errorf("the daemon (process %d) has not looked at everything yet", status.PID)
	default:
		return nil
	}
}

// onHangUp has a daemon read its configuration again with each SIGHUP, until the function that it returns is called.
func (p *program) onHangUp(ctx context.Context, d *daemon.Daemon) (stop func()) {
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangUps:
				if _, err := d.Reload(ctx); err != nil {
					p.note("the configuration was not read again: %v", err)
				}
			}
		}
	}()
	return func() {
		signal.Stop(hangUps)
		cancel()
		<-done
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

func (p *program) systemCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "system",
		Short: "Run the program as a service, and watch over it",
		Example: `  ohfp system serve
  ohfp system health --format table
  ohfp system metrics --prometheus`,
		GroupID: groupTools,
	})
	cmd.AddCommand(
		p.serveCommand("ohfp system serve"), p.systemStatusCommand(), p.systemHealthCommand(), p.systemMetricsCommand(),
		p.reloadCommand("ohfp system reload"),
	)
	return cmd
}

func (p *program) systemStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how the daemon is that runs",
		Long: `Asks the daemon of this configuration how it is. The exit code is 0 when it is ready and live, else 1. Scripts and
commands work without one.`,
		Example: "  ohfp system status --format list",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.checkDaemon(cmd.Context()) },
	}
}

func (p *program) systemHealthCommand() *cobra.Command {
	offline := false
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Look whether everything works, and how fast",
		Long: `Reads and writes the store, reads templates, asks the daemon if one runs, looks for what is late, held back or left
behind, and makes a cheap call to each cloud. Each look tells how long it took. The exit code is 1 when one fails; a
warning is no failure.`,
		Example: `  ohfp system health --format table
  ohfp system health --offline`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error { return p.systemHealth(cmd.Context(), a, offline) })
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "make no call to a cloud")
	return cmd
}

func (p *program) systemHealth(ctx context.Context, a *app.App, offline bool) error {
	h := a.Figures.Health(ctx, a.Commands.Store)
	h.Look("daemon", time.Now, func() (string, string, error) {
		status, err := daemon.Check(ctx, a.Config, time.Now)
		switch {
		case errors.Is(err, ohfp.ErrUnavailable):
			return "none runs, which nothing depends on", "", nil
		case err != nil:
			return "", "", err
		case !status.Live:
			return "", "", fmt.Errorf("process %d answers, but its loop stands still; start it again", status.PID)
		case status.Problem != "":
			return "", status.Problem, nil
		default:
			return fmt.Sprintf("process %d, %s", status.PID, ohfp.Count(status.Rounds, "round")), "", nil
		}
	})
	for _, instance := range a.Providers() {
		if offline || !instance.Enabled {
			continue
		}
		h.Look("provider "+instance.Name, time.Now, func() (string, string, error) {
			ctx, cancel := context.WithTimeout(ctx, a.Config.Requests.CallBudget)
			defer cancel()
			identity, err := a.Health(ctx, instance.Name)
			return identity, "", err
		})
	}
	if err := p.show(h, output.Layout{Records: "checks", Columns: []output.Column{
		{Key: "check"}, {Key: "status", State: true}, {Key: "latencyMs", Heading: "ms", Number: true}, {Key: "detail"},
	}}); err != nil {
		return err
	}
	if !h.Healthy {
		return errors.New("something does not work; the answer says what")
	}
	return nil
}

// metricList is the answer of system metrics.
type metricList struct {
	Metrics []telemetry.Family `json:"metrics"`
}

func (p *program) systemMetricsCommand() *cobra.Command {
	text := false
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Show the figures that Prometheus gets",
		Long: `Shows what all processes of this work directory have counted, what the stored events add up to, and what the
records say now. A daemon tells the same at /metrics; what it has counted in the last ten seconds may be missing here.
docs/monitoring.md says what each figure means.

With --prometheus it is Prometheus' own text format, for the textfile collector of its node exporter where no daemon
runs.`,
		Example: `  ohfp system metrics --format table
  ohfp system metrics --prometheus --output /var/lib/node_exporter/ohfp.prom`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				t, err := a.Figures.Gather(cmd.Context())
				if err != nil {
					return err
				}
				if status, err := daemon.Check(cmd.Context(), a.Config, time.Now); err == nil {
					daemonFigures(t, status, time.Now())
				}
				if !text {
					return p.show(metricList{Metrics: telemetry.Families(t)}, output.Layout{Records: "metrics", Columns: []output.Column{
						{Key: "name"}, {Key: "type"}, {Key: "help"},
					}})
				}
				if _, err := p.out.Write(telemetry.Exposition(t)); err != nil {
					return fmt.Errorf("write the figures: %w", err)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&text, "prometheus", false, "in the text format of Prometheus, whatever --format says")
	return cmd
}

// daemonFigures adds how a daemon is.
func daemonFigures(t telemetry.Tally, s daemon.Status, now time.Time) {
	live := 0.0
	if s.Live {
		live = 1
	}
	since := s.StartedAt
	if s.DrivenAt != nil {
		since = *s.DrivenAt
	}
	t.Set(telemetry.DaemonLive, live)
	t.Set(telemetry.DaemonStart, float64(s.StartedAt.Unix()))
	t.Set(telemetry.ReconcileLag, max(now.Sub(since).Seconds(), 0))
}

// reloadCommand is one command under two names.
func (p *program) reloadCommand(path string) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the daemon read its configuration again",
		Long: `Has the daemon that runs read its configuration and templates again, as SIGHUP does. No call is dropped: those under
way are finished with what they began with. A configuration that is wrong is refused, and the daemon goes on as it is.
The answer names the settings that have changed, and those that take effect only when the daemon is started again.

Commands and scripts read the configuration whenever they run.`,
		Example: "  " + path,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return fmt.Errorf("nothing is read again: %w", err)
			}
			done, err := daemon.Reload(cmd.Context(), cfg, p.caller(), time.Now)
			if err != nil {
				return err
			}
			return p.show(done, output.Layout{})
		},
	}
}

// renew returns what reads the configuration again for a daemon that runs, over what is open. Use is told of each program
// that takes over.
func (p *program) renew(sources config.Sources, running *app.App, use func(a *app.App) (func(daemon.Served), error)) func(context.Context) (daemon.Generation, daemon.Reloaded, error) {
	current := running
	return func(ctx context.Context) (g daemon.Generation, done daemon.Reloaded, err error) {
		cfg, err := config.Load(sources)
		if err != nil {
			return g, done, err
		}
		partial, err := partialOf(cfg)
		if err != nil {
			return g, done, err
		}
		next, changed, restart, err := current.Renew(ctx, cfg, app.Options{Stderr: p.errw, LookupEnv: cfg.LookupEnv(p.lookupEnv), Now: time.Now, Registry: p.providers})
		if err != nil {
			return g, done, err
		}
		takeOver, err := use(next)
		if err != nil {
			return g, done, errors.Join(err, next.Retire())
		}
		next.TakeOver()
		current = next
		g = daemon.Generation{
			Config: next.Config, Commands: next.Commands, Queries: next.Queries, Partial: partial, Watchers: next.Watchers(),
			Use: takeOver, Retire: next.Retire,
		}
		return g, daemon.Reloaded{Changed: changed, Restart: restart}, nil
	}
}

package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/setup"
	"github.com/openhostfactory/ohfp/internal/version"
)

func (p *program) doctorCommand() *cobra.Command {
	var scripts string
	var where elsewhere
	budget := 30 * time.Second
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is wrong, and what to do about it",
		Long: `Looks at everything that a request needs: environment, configuration, directories and disk, the store, the daemon,
how Host Factory's own files below HF_TOP register this provider, the scripts and the program that they start, the
templates, and in each cloud credentials, region, clock, permissions, what templates name, free addresses, images and
their architecture, user data, fleet roles and the interruption queue.

Each finding is ok, a warning or a failure, and says what to do. Nothing is changed: calls that would change something
are made as dry runs. Only the store is made if there is none yet. The exit code is 1 when there is a failure.`,
		Example: `  ohfp doctor --format table
  ohfp doctor --timeout 1m --scripts-dir $HF_TOP/1.2/providerplugins/ohfp/scripts`,
		GroupID: groupTools,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.doctor(cmd.Context(), setup.Doctor{Scripts: scripts, Budget: budget}, where)
		},
	}
	cmd.Flags().StringVar(&scripts, "scripts-dir", "", "`DIRECTORY` of the scripts that Host Factory starts (default: the plug-in's below HF_TOP)")
	where.addFlags(cmd)
	cmd.Flags().Var(seconds{&budget}, "timeout", "how long it may take in all")
	return cmd
}

func (p *program) doctor(ctx context.Context, d setup.Doctor, where elsewhere) error {
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the current directory: %w", err)
	}
	d.Sources = config.Sources{File: p.global.Config, Environ: os.Environ(), Dir: dir}
	if err := p.permitted(d.Sources); err != nil {
		return err
	}
	if where.given() {
		d.Elsewhere = func(cfg config.Config) (config.Config, error) { return where.in(cfg, "") }
	}
	d.Version = version.Current().String()
	d.Now, d.LookupEnv, d.Registry = time.Now, p.lookupEnv, p.providers
	d.Resolve = net.DefaultResolver.LookupHost
	d.Probe, d.Free, d.Ask = setup.Probe, setup.Free, setup.AskVersion
	d.Daemon = func(ctx context.Context, cfg config.Config) (setup.Daemon, error) {
		told, err := daemon.Check(ctx, cfg, time.Now)
		if err == nil && told.Version == version.Current().Version {
			told.Version = d.Version
		}
		return setup.Daemon{PID: told.PID, Version: told.Version, Live: told.Live, Problem: told.Problem}, err
	}
	report := d.Examine(ctx)
	if err := p.show(report, output.Layout{Records: "findings", Columns: []output.Column{
		{Key: "level", State: true}, {Key: "check"}, {Key: "about"}, {Key: "text", Heading: "finding"}, {Key: "fix"},
	}}); err != nil {
		return err
	}
	if !report.Healthy {
		return fmt.Errorf("%s among %s; each says what to do", ohfp.Count(report.Failures, "failure"), ohfp.Count(len(report.Findings), "finding"))
	}
	return nil
}

// permitted asks a configuration whether the caller may do what the command does. One that cannot be read does not say:
// commands that mend it must run all the same.
func (p *program) permitted(sources config.Sources) error {
	cfg, err := config.Load(sources)
	if err != nil {
		return nil //nolint:nilerr // as the comment above says
	}
	caller := access.Caller{Name: p.caller(), Face: "cli", Role: access.Role(cfg.Access.LocalRole)}
	p.audit(cfg.Audit, caller)
	return caller.May(p.operation)
}

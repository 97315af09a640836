package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/store"
)

// keeper is what works on the configured store as a whole. It opens nothing yet.
func (p *program) keeper() (storage.Keeper, error) {
	cfg, err := p.config(wish{Global: p.global, Console: true})
	return storage.Keeper{
		Storage: cfg.Storage,
		Now:     time.Now,
		Open: func(ctx context.Context, at config.Storage) (store.Store, error) {
			return app.OpenStore(ctx, at, app.Options{LookupEnv: p.lookupEnv, Now: time.Now})
		},
		Exclude: func(stores ...config.Storage) (func() error, error) {
			place, err := daemon.Exclude(stores...)
			if err != nil {
				return nil, err
			}
			return place.Release, nil
		},
	}, err
}

func (p *program) storageListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the ways to keep records",
		Long:    "Lists the strategies that this program has, and says which one is in use. It opens no store.",
		Example: "  ohfp storage list --format table",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			return p.show(k.Strategies(), output.Layout{Records: "strategies", Columns: []output.Column{
				{Key: "name", Heading: "strategy"}, {Key: "active"}, {Key: "registered"}, {Key: "description"}, {Key: "capabilities"},
			}})
		},
	}
}

func (p *program) storageShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show the settings of the store",
		Long:    "Shows the settings of the store as they are in effect, without secrets. It opens no store.",
		Example: "  ohfp storage show --format yaml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			return p.show(k.Show(), output.Layout{})
		},
	}
}

func (p *program) storageHealthCommand() *cobra.Command {
	detailed := false
	cmd := &cobra.Command{
		Use:   "health",
		Short: "See whether the store works",
		Long: `Opens the store, writes, reads and removes a probe, and counts what there is. Times are in milliseconds.

With --detailed it also reads everything and looks for damage, which takes longer the more there is. The exit code
is 1 when something fails.`,
		Example: `  ohfp storage health
  ohfp storage health --detailed --format list`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			h := k.Health(cmd.Context(), detailed)
			if err := p.show(h, output.Layout{}); err != nil {
				return err
			}
			return unless(h.Healthy, "the store is not healthy; the answer says why")
		},
	}
	cmd.Flags().BoolVar(&detailed, "detailed", false, "also read everything and look for damage")
	return cmd
}

// unless is the exit code of commands for monitors.
func unless(good bool, problem string) error {
	if good {
		return nil
	}
	return fmt.Errorf("%s", problem)
}

func (p *program) storageValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "See whether the store can be used as it is configured",
		Long: `Checks the settings against the world: a directory that this user may write to and that is on a local disk, a
database that can be reached, credentials that are let in, a write that comes back.

A store in files that is not there yet is not made; its directory is tried. A database is reached as the program
would, which makes its tables. The exit code is 1 when a check fails.`,
		Example: "  ohfp storage validate --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			v := k.Validate(cmd.Context())
			if err := p.show(v, output.Layout{Records: "checks", Columns: []output.Column{{Key: "check"}, {Key: "ok"}, {Key: "message"}}}); err != nil {
				return err
			}
			return unless(v.Success, v.Message)
		},
	}
}

func (p *program) storageTestCommand() *cobra.Command {
	timeout := 30 * time.Second
	cmd := &cobra.Command{
		Use:     "test",
		Short:   "Write, read and remove a record",
		Long:    "Writes a record that means nothing into the store, reads it, and removes it. The exit code is 1 when that fails.",
		Example: "  ohfp storage test --timeout 5s",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return usageErrorf("--timeout %s makes no sense; use a positive duration such as 10s", ohfp.FormatDuration(timeout))
			}
			k, err := p.keeper()
			if err != nil {
				return err
			}
			within, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			r := k.Test(within)
			if err := p.show(r, output.Layout{}); err != nil {
				return err
			}
			return unless(r.Success, "the store failed the test; the answer says why")
		},
	}
	cmd.Flags().Var(seconds{&timeout}, "timeout", "how long it may take")
	return cmd
}

func (p *program) storageMetricsCommand() *cobra.Command {
	rounds := 20
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Measure how fast the store is",
		Long: `Does each kind of operation some times, and tells how long they took, in milliseconds, beside what the store holds.
It writes probes only, which it removes. These are the operations of this command: what other processes did is not
counted, because counting would cost each of them a write.`,
		Example: "  ohfp storage metrics --rounds 100 --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			m, err := k.Measure(cmd.Context(), rounds)
			if err != nil {
				return err
			}
			return p.show(m, output.Layout{})
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", rounds, "how often each operation is done")
	return cmd
}

func (p *program) storageInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make the store",
		Long: `Makes the store where there is none: its directory, file, schema or table, and the id of this installation. Doing
it again changes nothing. The first request does the same; this is for those who prepare a host, or whose programs
may not make tables.`,
		Example: "  ohfp storage init",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			if _, err := k.Init(cmd.Context()); err != nil {
				return err
			}
			// Opened as every command does, which gives the installation its id.
			if err := p.with(cmd.Context(), func(*session) error { return nil }); err != nil {
				return err
			}
			found, err := k.Init(cmd.Context())
			if err != nil {
				return err
			}
			return p.show(found, output.Layout{})
		},
	}
}

// absolute is the path of a file that the user named.
func absolute(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be found: %w", path, err)
	}
	return full, nil
}

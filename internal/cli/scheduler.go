package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/setup"
	"github.com/openhostfactory/ohfp/provider"
)

func (p *program) schedulerCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "scheduler",
		Short:   "For whom answers are written",
		Long:    "A scheduler is whom answers are written for: it decides how their fields are named. The scripts always speak Host\nFactory's.",
		Example: "  ohfp scheduler list --format table",
		GroupID: groupTools,
	})
	cmd.AddCommand(p.schedulerListCommand(), p.schedulerShowCommand(), p.schedulerValidateCommand())
	return cmd
}

func (p *program) schedulerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the schedulers",
		Example: "  ohfp scheduler list",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if _, err := p.config(wish{Global: p.global}); err != nil {
				return err
			}
			return p.show(app.Schedulers(p.scheduler()), output.Layout{
				Records: "strategies", Columns: []output.Column{{Key: "name"}, {Key: "active"}, {Key: "description"}},
			})
		},
	}
}

func (p *program) schedulerShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show the scheduler that is active, and its directories",
		Example: "  ohfp scheduler show",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return err
			}
			return p.show(app.SchedulerOf(cfg, p.scheduler()), output.Layout{})
		},
	}
}

func (p *program) schedulerValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check what the scheduler needs of this machine's files",
		Long: `Checks the configuration directory and the templates in it and, where HF_TOP says that there is a Host Factory, how
it knows this provider: its files hostProviderPlugins.json, hostProviders.json and hostRequestors.json, and the scripts
and directories that they name. ohfp doctor also checks the program, permissions and the cloud. The exit code is 1 when
something is wrong.`,
		Example: "  ohfp scheduler validate",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := config.Checked{Valid: true, Files: []string{}, Errors: []string{}, Warnings: []string{}}
			err := p.around(cmd.Context(), true, func(a *app.App) error {
				found.Files = append(found.Files, a.Config.Files...)
				if _, err := os.ReadDir(a.Config.ConfDir); err != nil {
					return fmt.Errorf("the configuration directory: %w", err)
				}
				_, problems, err := a.Queries.TemplateList(cmd.Context())
				found.Warnings = append(found.Warnings, problems...)
				return err
			})
			for _, problem := range problemsIn(err) {
				found.Valid, found.Errors = false, append(found.Errors, problem.Error())
			}
			for _, f := range setup.Registered(os.Environ(), setup.Probe) {
				text := strings.TrimPrefix(f.About+": ", ": ") + f.Text + "; " + f.Fix
				switch f.Level {
				case provider.LevelFailure:
					found.Valid, found.Errors = false, append(found.Errors, text)
				case provider.LevelWarning:
					found.Warnings = append(found.Warnings, text)
				case provider.LevelOK:
				}
			}
			if shown := p.show(found, output.Layout{}); shown != nil {
				return shown
			}
			if !found.Valid {
				return errors.New("the scheduler cannot work with this; the answer says why")
			}
			return nil
		},
	}
}

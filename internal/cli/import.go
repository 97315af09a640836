package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/setup"
)

func (p *program) importCommand() *cobra.Command {
	var in setup.Import
	dryRun := false
	cmd := &cobra.Command{
		Use:   "import DIRECTORY|FILE...",
		Short: "Take over configuration and templates of other systems",
		Long: `Reads awsprov_config.json and awsprov_templates.json of IBM's AWS plug-in, and config.json, default_config.json and
templates of the Python system in its old and new forms, and writes config.json and templates.json. Every setting and
template is tried before it counts as taken; what could not be taken is listed by name with the reason. What is there
already is replaced with --force only, and a copy is kept; ohfp init --undo puts it back. Where two files say the same,
the first counts. Records of requests are another matter, see ohfp storage import.

IBM's two files need no import: the program reads them as they are.`,
		Example: `  ohfp import /opt/orb/config --dry-run
  ohfp import $HF_TOP/conf/providers/awsinst --config-dir /etc/ohfp`,
		GroupID: groupTools,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("%s takes a directory or files; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Sources = args
			return p.takeOver(cmd.Context(), in, dryRun, cmd.Flags().Changed("format"))
		},
	}
	cmd.Flags().StringVar(&in.ConfDir, "config-dir", "", "`DIRECTORY` to write to (default: where the program looks for its configuration)")
	cmd.Flags().StringVar(&in.Name, "name", "", "of the provider instance, for files that name none")
	cmd.Flags().BoolVar(&in.Force, "force", false, "replace what is there already; copies are kept")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "write nothing, show what would change")
	return cmd
}

func (p *program) takeOver(ctx context.Context, in setup.Import, dryRun, formatted bool) (err error) {
	if in.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("find the current directory: %w", err)
	}
	in.File, in.Environ, in.LookupEnv, in.Now = p.global.Config, os.Environ(), p.lookupEnv, time.Now
	if err := p.permitted(config.Sources{File: in.File, Environ: in.Environ, Dir: in.Dir}); err != nil {
		return err
	}
	found, err := in.Plan(ctx)
	if err != nil {
		return err
	}
	for _, u := range found.Untaken {
		if formatted && p.readable() {
			break
		}
		p.note("not taken: %s:%d: %s: %s", u.File, u.Line, u.Key, u.Reason)
	}
	return p.carryOut(found.Plan, dryRun, formatted, func(view *initView) {
		view.Settings, view.Templates, view.Untaken = found.Settings, found.Templates, found.Untaken
	})
}

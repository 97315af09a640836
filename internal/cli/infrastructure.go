package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) infrastructureCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "infrastructure",
		Aliases: []string{"infra"},
		Short:   "What the cloud has that templates refer to",
		Long:    "Infrastructure is what templates refer to and do not make: networks, security groups, keys, images and such.",
		Example: "  ohfp infrastructure discover --format table",
		GroupID: groupTools,
	})
	cmd.AddCommand(p.discoverCommand(), p.referencesCommand(), p.validateCommand(), p.cleanCommand())
	return cmd
}

func addProvider(cmd *cobra.Command, name *string, otherwise string) *cobra.Command {
	cmd.Flags().StringVar(name, "provider", "", "only of the provider of this `NAME` (default: "+otherwise+")")
	return cmd
}

func (p *program) discoverCommand() *cobra.Command {
	var name string
	var where elsewhere
	cmd := addProvider(&cobra.Command{
		Use:   "discover",
		Short: "List what the account has",
		Long: `Lists what the account of a provider has that templates may refer to, each with the template field that takes it.
What may not be read is under "unread". Nothing is changed.`,
		Example: "  ohfp infrastructure discover --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.aroundIn(cmd.Context(), where, name, true, func(a *app.App) error {
				name, err := usual(a, []string{name})
				if err != nil {
					return err
				}
				inventory, err := a.Discover(cmd.Context(), name)
				if err != nil {
					return err
				}
				for _, part := range inventory.Unread {
					p.note("could not be read: %s", part)
				}
				return p.show(inventory, output.Layout{Records: "resources", Empty: "Nothing that templates refer to.", Columns: resourceColumns()})
			})
		},
	}, &name, "the default provider")
	where.addFlags(cmd)
	return cmd
}

func (p *program) referencesCommand() *cobra.Command {
	var name string
	return addProvider(&cobra.Command{
		Use:     "show",
		Short:   "Show what templates refer to",
		Long:    "Shows what the templates refer to. It asks no cloud, so nothing of it need exist.",
		Example: "  ohfp infrastructure show --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				list, problems, err := a.References(cmd.Context(), name)
				if err != nil {
					return err
				}
				shown := view.References{References: list, Problems: problems}
				return p.show(shown, output.Layout{
					Records: "references", Empty: "The templates refer to nothing.", Columns: referenceColumns(),
				})
			})
		},
	}, &name, "all")
}

func (p *program) validateCommand() *cobra.Command {
	var name string
	var where elsewhere
	cmd := addProvider(&cobra.Command{
		Use:   "validate",
		Short: "Look in the cloud for what templates refer to",
		Long: `Looks in the cloud for all that the templates refer to, and lists what is missing or may not be seen. The exit
code is 1 when something is missing, or when templates have problems.`,
		Example: "  ohfp infrastructure validate --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.aroundIn(cmd.Context(), where, name, true, func(a *app.App) error { return p.validate(cmd.Context(), a, name) })
		},
	}, &name, "all")
	where.addFlags(cmd)
	return cmd
}

func (p *program) validate(ctx context.Context, a *app.App, name string) error {
	wanted, problems, err := a.References(ctx, name)
	if err != nil {
		return err
	}
	missing, err := a.Missing(ctx, wanted)
	if err != nil {
		return err
	}
	shown := view.Validation{Checked: len(wanted), Missing: missing, Problems: problems}
	err = p.show(shown, output.Layout{Records: "missing", Empty: "Nothing is missing.", Columns: referenceColumns()})
	switch {
	case err != nil:
		return err
	case len(missing) > 0:
		return fmt.Errorf("%d of %s missing in the cloud, or not to be seen with these rights", len(missing), ohfp.Count(len(wanted), "reference"))
	case len(problems) > 0:
		return fmt.Errorf("nothing is missing, but templates have %s; the first: %s", ohfp.Count(len(problems), "problem"), problems[0])
	default:
		return nil
	}
}

func (p *program) cleanCommand() *cobra.Command {
	var in command.Clean
	var unusedFor time.Duration
	cmd := addProvider(&cobra.Command{
		Use:   "clean",
		Short: "Remove launch templates that nothing uses",
		Long: `Removes the launch templates that this installation made and that nothing uses: no request that is under way, no fleet
or group that replaces its machines, and no launch for a while (the setting cleaning.unused_after, usually a day). This
also happens by itself every hour. What others made is never touched, and a launch makes again what it misses.`,
		Example: `  ohfp infrastructure clean --dry-run --format table
  ohfp infrastructure clean --unused-for 0s`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				if _, ok := a.Config.Provider(in.Provider); in.Provider != "" && !ok {
					return ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see ohfp providers list", in.Provider)
				}
				in.UnusedFor = a.Config.Cleaning.UnusedAfter
				if cmd.Flags().Changed("unused-for") {
					in.UnusedFor = unusedFor
				} else if in.UnusedFor == 0 {
					return ohfp.Errorf(ohfp.ErrInvalid, "cleaning.unused_after is 0, which is never; give --unused-for")
				}
				removed, failed := a.Commands.Clean(cmd.Context(), in)
				if failed != nil && len(removed) == 0 {
					return failed
				}
				shown := view.Cleaning{DryRun: in.DryRun, Removed: removed}
				columns := append([]output.Column{{Key: "provider"}}, resourceColumns()...)
				return errors.Join(failed, p.show(shown, output.Layout{Records: "removed", Empty: "Nothing to remove.", Columns: columns}))
			})
		},
	}, &in.Provider, "all that are enabled")
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "remove nothing, show what would be removed")
	cmd.Flags().Var(seconds{&unusedFor}, "unused-for", "how long nothing must have used it (default: the setting cleaning.unused_after)")
	return cmd
}

func resourceColumns() []output.Column {
	return []output.Column{{Key: "kind"}, {Key: "id"}, {Key: "name"}, {Key: "field"}, {Key: "details", Text: fieldsText}}
}

func referenceColumns() []output.Column {
	return append([]output.Column{{Key: "templateId", Heading: "template"}, {Key: "provider"}}, resourceColumns()...)
}

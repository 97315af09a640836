package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) providersCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "providers",
		Aliases: []string{"provider"},
		Short:   "The clouds that are configured",
		Long:    "Providers are the clouds, or parts of them, that machines come from. The configuration names them.",
		Example: "  ohfp providers list --format table",
		GroupID: groupTools,
	})
	cmd.AddCommand(p.providersListCommand(), p.providersHealthCommand(), p.providersPolicyCommand(), p.providersRefreshCommand())
	cmd.AddCommand(p.providersShowCommand(), p.providersAddCommand(), p.providersUpdateCommand(), p.providersRemoveCommand(), p.providersExecCommand(), p.providersMetricsCommand())
	cmd.AddCommand(p.providersDefaultCommands()...)
	return cmd
}

// around opens the program for the time of one command that asks providers themselves. Listing leaves the store closed.
func (p *program) around(ctx context.Context, listing bool, do func(a *app.App) error) error {
	return p.aroundIn(ctx, elsewhere{}, "", listing, do)
}

func (p *program) providersListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the configured providers",
		Long:    "Lists the configured providers. It asks no cloud.",
		Example: "  ohfp providers list --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				return p.show(view.Providers{Providers: a.Providers()}, output.Layout{
					Records: "providers",
					Empty:   "No providers.",
					Columns: []output.Column{
						{Key: "name", Heading: "provider"}, {Key: "type"}, {Key: "enabled"}, {Key: "default"}, {Key: "priority", Number: true},
					},
				})
			})
		},
	}
}

func (p *program) providersHealthCommand() *cobra.Command {
	var where elsewhere
	cmd := &cobra.Command{
		Use:   "health [NAME]",
		Short: "Ask the cloud whether it lets us in",
		Long: `Makes a cheap call to the cloud of a provider, or of all enabled ones, and tells as whom. The exit code is 1 when
one of them fails.`,
		Example: `  ohfp providers health
  ohfp providers health default --format table`,
		Args: optional("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.aroundIn(cmd.Context(), where, firstOf(args), true, func(a *app.App) error { return p.health(cmd.Context(), a, args) })
		},
	}
	where.addFlags(cmd)
	return cmd
}

func firstOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (p *program) health(ctx context.Context, a *app.App, args []string) error {
	names, err := named(a, args)
	if err != nil {
		return err
	}
	list := view.ProvidersHealth{Providers: []view.ProviderHealth{}}
	failed := 0
	for _, name := range names {
		found := view.ProviderHealth{Name: name, Healthy: true}
		if found.Identity, err = a.Health(ctx, name); err != nil {
			if errors.Is(err, ohfp.ErrNotFound) && len(args) > 0 || ctx.Err() != nil {
				return err
			}
			found.Healthy, found.Error = false, err.Error()
			failed++
		}
		list.Providers = append(list.Providers, found)
	}
	err = p.show(list, output.Layout{Records: "providers", Columns: []output.Column{
		{Key: "name", Heading: "provider"}, {Key: "healthy"}, {Key: "identity"}, {Key: "error"},
	}})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %s failed; the answer says why", failed, ohfp.Count(len(names), "provider"))
	}
	return err
}

func (p *program) providersPolicyCommand() *cobra.Command {
	var features []string
	cmd := &cobra.Command{
		Use:   "iam-policy [NAME]",
		Short: "Print the least policy that a provider needs",
		Long: `Prints what the identity of a provider must be allowed to do, as a policy that the cloud takes: always JSON,
whatever --format says. Without a name it is the default provider's. It asks no cloud.`,
		Example: "  ohfp providers iam-policy > policy.json",
		Args:    optional("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				name, err := usual(a, args)
				if err != nil {
					return err
				}
				policy, err := a.Policy(cmd.Context(), name, features)
				if err != nil {
					return err
				}
				if _, err := p.out.Write(policy); err != nil {
					return fmt.Errorf("write the policy: %w", err)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&features, "feature", nil, "only what this feature needs (several: repeat or separate by commas)")
	return cmd
}

func (p *program) providersRefreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "refresh [NAME]",
		Short: "Forget what was learnt of the cloud, and ask again",
		Long: `Forgets resolved images and reads the machine types anew, of one provider or of all enabled ones. Otherwise what
was learnt expires by itself.`,
		Example: "  ohfp providers refresh",
		Args:    optional("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				names, err := named(a, args)
				if err != nil {
					return err
				}
				list := view.ProvidersRefresh{Providers: []view.ProviderRefresh{}}
				for _, name := range names {
					count, err := a.Refresh(cmd.Context(), name)
					if err != nil {
						return fmt.Errorf("refresh: %w", err)
					}
					list.Providers = append(list.Providers, view.ProviderRefresh{Name: name, MachineTypes: count})
				}
				return p.show(list, output.Layout{Records: "providers", Columns: []output.Column{
					{Key: "name", Heading: "provider"}, {Key: "machineTypes", Heading: "machine types", Number: true},
				}})
			})
		},
	}
}

// optional allows one argument.
func optional(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageErrorf("%s takes at most one %s, not %d arguments; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// named is the provider of the command line, or all that are enabled.
func named(a *app.App, args []string) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	var names []string
	for _, instance := range a.Providers() {
		if instance.Enabled {
			names = append(names, instance.Name)
		}
	}
	if len(names) == 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
	}
	return names, nil
}

// usual is the provider of the command line, or the default one.
func usual(a *app.App, args []string) (string, error) {
	if len(args) > 0 && args[0] != "" {
		return args[0], nil
	}
	for _, instance := range a.Providers() {
		if instance.Default {
			return instance.Name, nil
		}
	}
	return "", ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
}

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) templatesValidateCommand() *cobra.Command {
	var source templateSource
	var online bool
	var where elsewhere
	cmd := &cobra.Command{
		Use:   "validate [TEMPLATE_ID...]",
		Short: "Check templates without using them",
		Long: `Checks the templates of a file, those named, or all, with the defaults that they would get. It asks no cloud, unless
--online says to look for what they refer to. The exit code is 1 when one of them could not be used.`,
		Example: `  ohfp templates validate --file template.json
  ohfp templates validate my-template --online
  ohfp templates validate`,
		RunE: func(cmd *cobra.Command, args []string) error {
			given := source.file != "" || source.data != ""
			if given && len(args) > 0 {
				return usageErrorf("name templates, or give some with --file, not both")
			}
			if where.given() && !online {
				return usageErrorf("--region and --profile say where to look; pass --online too")
			}
			return p.aroundIn(cmd.Context(), where, "", !online, func(a *app.App) error {
				verdicts, err := p.verdicts(cmd.Context(), a, source, given, args, online)
				if err != nil {
					return err
				}
				return p.showVerdicts(verdicts)
			})
		},
	}
	source.flags(cmd)
	where.addFlags(cmd)
	cmd.Flags().BoolVar(&online, "online", false, "also look in the cloud for what they refer to")
	return cmd
}

func (p *program) verdicts(
	ctx context.Context, a *app.App, source templateSource, given bool, ids []string, online bool,
) ([]view.TemplateVerdict, error) {
	var list []app.WrittenTemplate
	var err error
	if given {
		list, err = p.readTemplates(source)
	} else {
		list, err = a.WrittenTemplates(ctx, templateIDsOf(ids)...)
	}
	if err != nil {
		return nil, err
	}
	verdicts := make([]view.TemplateVerdict, 0, len(list))
	for _, t := range list {
		v, err := a.Judge(ctx, t, online)
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func templateIDsOf(args []string) []ohfp.TemplateID {
	ids := make([]ohfp.TemplateID, 0, len(args))
	for _, arg := range args {
		ids = append(ids, ohfp.TemplateID(arg))
	}
	return ids
}

func (p *program) showVerdicts(verdicts []view.TemplateVerdict) error {
	err := p.show(view.TemplateVerdicts{Templates: verdicts}, output.Layout{Records: "templates", Empty: "No templates.", Columns: []output.Column{
		{Key: "templateId", Heading: "template"}, {Key: "valid"}, {Key: "problems"}, {Key: "missing"},
	}})
	if err != nil {
		return err
	}
	bad := 0
	for _, v := range verdicts {
		if !v.Valid {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %s could not be used; the answer says why", bad, ohfp.Count(len(verdicts), "template"))
	}
	return nil
}

func (p *program) templatesRefreshCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Read template files and the store anew, and resolve what they name",
		Long: `Reads the template files and the store's templates, and lists from now on what they say; that also happens by itself
at each list. With --force it first drops what is remembered of the clouds (images by name, machine types, prices) and
asks them again.`,
		Example: `  ohfp templates refresh
  ohfp templates refresh --force               # ask the clouds again, too`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				var found view.TemplateRefresh
				if force {
					names, err := named(a, nil)
					if err != nil {
						return err
					}
					for _, name := range names {
						if _, err := a.Refresh(cmd.Context(), name); err != nil {
							return fmt.Errorf("refresh: %w", err)
						}
						found.Providers = append(found.Providers, name)
					}
				}
				templates, problems, err := a.Queries.TemplateList(cmd.Context())
				if err != nil {
					return err
				}
				found.Count(templates, problems)
				return p.show(found, output.Layout{})
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "drop what is remembered of the clouds, and ask them again")
	return cmd
}

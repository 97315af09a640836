package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

// templateSource is where a command line has templates: a file, standard input, or the command line itself.
type templateSource struct {
	file string
	data string
}

func (s *templateSource) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.file, "file", "f", "", "read from `FILE`, JSON or YAML; - is standard input")
	cmd.Flags().StringVarP(&s.data, "data", "d", "", "the template itself, as `JSON`")
}

// read returns the templates. One that is not as it should be spoils all: half an import helps nobody.
func (p *program) readTemplates(s templateSource) ([]app.WrittenTemplate, error) {
	name, data := "the command line", []byte(s.data)
	switch {
	case s.file != "" && s.data != "":
		return nil, usageErrorf("give --file or --data, not both")
	case s.file != "":
		var err error
		if name = s.file; name == "-" {
			name = "standard input"
		}
		if data, err = p.input(s.file); err != nil {
			return nil, err
		}
	case s.data == "":
		return nil, usageErrorf("which template? pass --file FILE, or --data JSON")
	}
	return parseTemplates(name, data)
}

func parseTemplates(name string, data []byte) ([]app.WrittenTemplate, error) {
	list, problems, err := app.ParseTemplates(name, data)
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		texts := make([]string, 0, len(problems))
		for _, problem := range problems {
			texts = append(texts, problem.String())
		}
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s", strings.Join(texts, "; "))
	case len(list) == 0:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s holds no template", name)
	}
	return list, nil
}

func (p *program) showTemplateChanges(changes ...view.TemplateChange) error {
	return p.show(view.TemplateChanges{Templates: changes}, output.Layout{Records: "templates", Columns: []output.Column{
		{Key: "templateId", Heading: "template"}, {Key: "result"}, {Key: "version", Number: true}, {Key: "message"},
	}})
}

func (p *program) templatesCreateCommand() *cobra.Command {
	var source templateSource
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "create --file FILE",
		Short: "Put new templates into the store",
		Long: `Checks the templates of a file as a list would, and puts them into the store, from where every process of this
installation lists them. Nothing is stored when one of them is not as it should be, or exists already. A template with
the id of one in a template file is refused: the file would win.`,
		Example: `  ohfp templates create --file template.json
  ohfp templates create --file template.yaml --validate-only`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := p.readTemplates(source)
			if err != nil {
				return err
			}
			return p.around(cmd.Context(), false, func(a *app.App) error {
				return p.putTemplates(cmd.Context(), a, list, func(t ohfp.Template) command.PutTemplate {
					return command.PutTemplate{Template: t, DryRun: dryRun}
				}, dryRun)
			})
		},
	}
	source.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "validate-only", false, "check, and store nothing")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "the same")
	return cmd
}

// putTemplates checks all before it stores the first.
func (p *program) putTemplates(
	ctx context.Context, a *app.App, list []app.WrittenTemplate, how func(t ohfp.Template) command.PutTemplate, dryRun bool,
) error {
	changes := make([]view.TemplateChange, 0, len(list))
	for _, dry := range []bool{true, false} {
		changes = changes[:0]
		for _, t := range list {
			in := how(t.Template)
			in.DryRun, in.Origin = dry, ohfp.Origin{Face: "cli", Caller: p.caller()}
			stored, err := a.Commands.PutTemplate(ctx, in)
			if err != nil {
				return t.Blame(err)
			}
			change := view.TemplateChange{ID: stored.ID, Result: "created", Version: stored.Version}
			if in.Update {
				change.Result = "updated"
			}
			if dryRun {
				change.Result, change.Version = "would be "+change.Result, 0
			}
			changes = append(changes, change)
		}
		if dryRun {
			break
		}
	}
	return p.showTemplateChanges(changes...)
}

func (p *program) templatesUpdateCommand() *cobra.Command {
	var source templateSource
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "update TEMPLATE_ID --file FILE",
		Short: "Replace a template of the store",
		Long: `Replaces a template of the store by the one in a file, as a whole: what the file does not say, the template no longer
has. Requests that were made before keep the template that they were made from.`,
		Example: "  ohfp templates update my-template --file updated-template.json",
		Args:    one("template id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := p.readTemplates(source)
			if err != nil {
				return err
			}
			if len(list) != 1 || list[0].ID != ohfp.TemplateID(args[0]) {
				return ohfp.Errorf(ohfp.ErrInvalid, "template %s is to be updated, and the input has %s; give that one alone", args[0], templateIDs(list))
			}
			return p.around(cmd.Context(), false, func(a *app.App) error {
				return p.putTemplates(cmd.Context(), a, list, func(t ohfp.Template) command.PutTemplate {
					return command.PutTemplate{Template: t, Update: true}
				}, dryRun)
			})
		},
	}
	source.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check, and store nothing")
	return cmd
}

func templateIDs(list []app.WrittenTemplate) string {
	ids := make([]string, 0, len(list))
	for _, t := range list {
		ids = append(ids, string(t.ID))
	}
	return strings.Join(ids, ", ")
}

func (p *program) templatesDeleteCommand() *cobra.Command {
	var sure consent
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "delete TEMPLATE_ID",
		Short: "Remove a template from the store",
		Long: `Removes a template from the store, once you have said yes. Its machines are not touched. The template stays listed and
launches nothing, because Host Factory takes it amiss when a list grows shorter; ohfp templates forget ends that.`,
		Example: `  ohfp templates delete my-template
  ohfp templates delete my-template --force    # without asking`,
		Args: one("template id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := ohfp.TemplateID(args[0])
			return p.around(cmd.Context(), false, func(a *app.App) error {
				in := command.DeleteTemplate{ID: id, DryRun: true, Origin: ohfp.Origin{Face: "cli", Caller: p.caller()}}
				if err := a.Commands.DeleteTemplate(cmd.Context(), in); err != nil {
					return err
				}
				if dryRun {
					return p.showTemplateChanges(view.TemplateChange{ID: id, Result: "would be deleted"})
				}
				if !sure.given() {
					if err := p.confirm(fmt.Sprintf("delete template %s?", id)); err != nil {
						return err
					}
				}
				in.DryRun = false
				if err := a.Commands.DeleteTemplate(cmd.Context(), in); err != nil {
					return err
				}
				return p.showTemplateChanges(view.TemplateChange{ID: id, Result: "deleted"})
			})
		},
	}
	sure.addFlags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	return cmd
}

func (p *program) templatesForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget TEMPLATE_ID",
		Short: "Stop listing a template that is broken or gone",
		Long: `Ends the listing of a template that stayed in the list although its file or the store no longer has it. Restart Host
Factory's provider afterwards: it takes a list that grew shorter amiss.`,
		Example: "  ohfp templates forget old-template",
		Args:    one("template id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := ohfp.TemplateID(args[0])
			return p.around(cmd.Context(), false, func(a *app.App) error {
				if err := a.Commands.ForgetTemplate(cmd.Context(), command.ForgetTemplate{ID: id}); err != nil {
					return err
				}
				return p.showTemplateChanges(view.TemplateChange{ID: id, Result: "forgotten"})
			})
		},
	}
}

func (p *program) templatesImportCommand() *cobra.Command {
	var dryRun, update bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Take templates of files into the store",
		Long: `Takes the templates of files into the store, in our format, IBM's or that of the Python system, JSON or YAML. What
cannot be taken is told with its reason, and the rest is taken. The exit code is 1 when something was not taken.`,
		Example: "  ohfp templates import awsprov_templates.json\n  ohfp templates import --update templates.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("which file? ohfp templates import FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.around(cmd.Context(), false, func(a *app.App) error {
				return p.importTemplates(cmd.Context(), a, args, update, dryRun)
			})
		},
	}
	cmd.Flags().BoolVar(&update, "update", false, "replace templates that the store has already")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be taken, and take nothing")
	return cmd
}

func (p *program) importTemplates(ctx context.Context, a *app.App, files []string, update, dryRun bool) error {
	var changes []view.TemplateChange
	left := 0
	for _, file := range files {
		data, err := p.input(file)
		if err != nil {
			return err
		}
		taken, not, err := a.TakeTemplates(ctx, file, data, command.PutTemplate{
			Update: update, DryRun: dryRun, Origin: ohfp.Origin{Face: "cli", Caller: p.caller()},
		})
		if err != nil {
			return err
		}
		changes, left = append(changes, taken...), left+not
	}
	if err := p.showTemplateChanges(changes...); err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("not taken: %d of %s; the answer says why", left, ohfp.Count(len(changes), "template"))
	}
	return nil
}

package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) templatesCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "templates",
		Aliases: []string{"template"},
		Short:   "What machines may be asked for",
		Long:    "Templates say what kinds of machines may be asked for, and how many of each.",
		Example: "  ohfp templates list --format table",
		GroupID: groupMachines,
	})
	var long bool
	var api string
	list := &cobra.Command{
		Use:   "list",
		Short: "List templates",
		Long: `Lists the templates from which machines may be requested. It asks no cloud.

A template that cannot be used now stays in the list with the reason under "refused".`,
		Example: `  ohfp templates list
  ohfp templates list --long --format yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.listing(cmd.Context(), func(s *session) error {
				templates, problems, err := s.Queries.TemplateList(cmd.Context())
				if err != nil {
					return err
				}
				templates = slices.DeleteFunc(templates, func(t query.TemplateView) bool {
					return api != "" && !strings.EqualFold(t.LaunchedBy(), api)
				})
				return p.show(view.NewTemplates(templates, problems, long), templatesLayout())
			})
		},
	}
	list.Flags().BoolVar(&long, "long", false, "all fields, those of the cloud too")
	list.Flags().StringVar(&api, "provider-api", "", "only templates of this `API`, for example EC2Fleet")
	show := &cobra.Command{
		Use:     "show TEMPLATE_ID",
		Short:   "Show one template with all its fields",
		Example: "  ohfp templates show EC2FleetInstant --format yaml",
		Args:    one("template id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.listing(cmd.Context(), func(s *session) error {
				template, err := s.Queries.Template(cmd.Context(), ohfp.TemplateID(args[0]))
				if err != nil {
					return err
				}
				layout := templatesLayout()
				layout.Records = ""
				return p.show(view.NewTemplate(template, true), layout)
			})
		},
	}
	cmd.AddCommand(
		list, p.templatesCreateCommand(), p.templatesForgetCommand(), withTemplateIDs(show), withTemplateIDs(p.templatesUpdateCommand()),
		withTemplateIDs(p.templatesDeleteCommand()), withTemplateIDs(p.templatesValidateCommand()), p.templatesRefreshCommand(), p.templatesGenerateCommand(), p.templatesImportCommand(),
		p.templatesExportCommand(),
	)
	return cmd
}

func templatesLayout() output.Layout {
	return output.Layout{
		Records: "templates",
		Empty:   "No templates.",
		Columns: []output.Column{
			{Key: "templateId", Heading: "template"},
			{Key: "providerApi", Heading: "api"},
			{Key: "maxNumber", Heading: "max", Number: true, Text: maxNumberText},
			{Key: "attributes", Text: attributesText},
			{Key: "refused"},
			{Key: "name"},
			{Key: "description"},
			{Key: "fields", Text: fieldsText},
		},
	}
}

func maxNumberText(value json.RawMessage) string {
	if string(value) == "-1" {
		return "unlimited"
	}
	return string(value)
}

// attributesText leaves out the types of attributes, which matter to Host Factory only.
func attributesText(value json.RawMessage) string {
	var attributes map[string]ohfp.Attribute
	if err := json.Unmarshal(value, &attributes); err != nil {
		return string(value)
	}
	var parts []string
	names := slices.Sorted(maps.Keys(attributes))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		parts = append(parts, name+" "+attributes[name].Value)
	}
	return strings.Join(parts, ", ")
}

// rank puts the attributes that everybody looks for first.
func rank(attribute string) int {
	known := []string{"type", "ncpus", "nram", "ncores"}
	if i := slices.Index(known, attribute); i >= 0 {
		return i
	}
	return len(known)
}

// fieldsText shows strings bare and everything else as JSON.
func fieldsText(value json.RawMessage) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return string(value)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text := string(fields[name])
		if err := json.Unmarshal(fields[name], &text); err != nil {
			text = string(fields[name]) // not a string
		}
		parts = append(parts, name+" "+text)
	}
	return strings.Join(parts, ", ")
}

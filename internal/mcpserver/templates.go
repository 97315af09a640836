package mcpserver

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/view"
)

type listTemplatesIn struct {
	Long   bool `json:"long,omitempty" jsonschema:"all fields, those of the cloud too"`
	Limit  int  `json:"limit,omitempty" jsonschema:"at most this many; 0 or absent: all"`
	Offset int  `json:"offset,omitempty" jsonschema:"leave out this many at the beginning"`
}

type templateIn struct {
	Template ohfp.TemplateID `json:"template_id" jsonschema:"id of the template, see list_templates"`
}

// Verdict is what is wrong with a template, if anything.
type Verdict struct {
	Template ohfp.TemplateID `json:"templateId"`
	Valid    bool            `json:"valid"`
	Problems []string        `json:"problems,omitempty"`
}

func templateTools() []tool {
	return []tool{
		define(tool{
			Name: "list_templates", Title: "List templates", Offline: true,
			Description: "List the templates from which machines can be requested, with their attributes and the most machines of each. " +
				"A template that cannot be used now says why under refused.",
		}, listTemplates),
		define(tool{
			Name: "get_template", Title: "Show a template", Offline: true,
			Description: "Show one template with all its fields, those of the cloud too.",
		}, getTemplate),
		define(tool{
			Name: "validate_template", Title: "Check a template", Offline: true,
			Description: "Tell whether machines can be requested from a template as it is configured, and if not, why. It asks no cloud; " +
				"validate_infrastructure looks there for what templates refer to.",
		}, validateTemplate),
	}
}

func listTemplates(ctx context.Context, c *call, in listTemplatesIn) (view.Templates, error) {
	if err := checkPage(in.Limit, in.Offset); err != nil {
		return view.Templates{}, err
	}
	templates, problems, err := c.Queries.TemplateList(ctx)
	if err != nil {
		return view.Templates{}, err
	}
	return view.NewTemplates(page(templates, in.Limit, in.Offset), problems, in.Long), nil
}

func getTemplate(ctx context.Context, c *call, in templateIn) (view.Template, error) {
	template, err := c.Queries.Template(ctx, in.Template)
	if err != nil {
		return view.Template{}, err
	}
	return view.NewTemplate(template, true), nil
}

func validateTemplate(ctx context.Context, c *call, in templateIn) (Verdict, error) {
	template, err := c.Queries.Template(ctx, in.Template)
	if err != nil {
		return Verdict{}, err
	}
	verdict := Verdict{Template: in.Template, Valid: template.Template.Refused == ""}
	if !verdict.Valid {
		verdict.Problems = []string{template.Template.Refused}
	}
	return verdict, nil
}

func checkPage(limit, offset int) error {
	if limit < 0 || offset < 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "limit %d and offset %d make no sense; use 0 or more", limit, offset)
	}
	return nil
}

// page is a part of a list that was read whole.
func page[T any](list []T, limit, offset int) []T {
	list = list[min(offset, len(list)):]
	if limit > 0 {
		list = list[:min(limit, len(list))]
	}
	return list
}

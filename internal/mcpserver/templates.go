package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"

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

type validateTemplateIn struct {
	ID       ohfp.TemplateID `json:"template_id,omitempty" jsonschema:"id of a template that is configured, see list_templates"`
	Template map[string]any  `json:"template,omitempty" jsonschema:"instead: a template as a template file has it, with templateId"`
	Online   bool            `json:"online,omitempty" jsonschema:"look in the cloud for what it refers to"`
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
			Name: "validate_template", Title: "Check a template",
			Description: "Tell whether machines could be requested from a template, and if not, why: from one that is configured, by its " +
				"template_id, or from one as a template file would have it, before create_template stores it. It asks no cloud, unless " +
				"online says to look there for what the template refers to.",
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

func validateTemplate(ctx context.Context, c *call, in validateTemplateIn) (view.TemplateVerdicts, error) {
	if (in.ID == "") == (in.Template == nil) {
		return view.TemplateVerdicts{}, ohfp.Errorf(ohfp.ErrInvalid, "which template? give template_id or template, one of them")
	}
	var text []byte
	if in.Template != nil {
		var err error
		if text, err = json.Marshal(in.Template); err != nil {
			return view.TemplateVerdicts{}, fmt.Errorf("encode a template: %w", err)
		}
	}
	within, cancel := c.budget(ctx)
	defer cancel()
	verdict, err := c.Clouds.Judge(within, text, in.ID, in.Online)
	if err != nil {
		return view.TemplateVerdicts{}, err
	}
	return view.TemplateVerdicts{Templates: []view.TemplateVerdict{verdict}}, nil
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

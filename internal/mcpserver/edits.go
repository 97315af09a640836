package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

type putTemplateIn struct {
	Template map[string]any `json:"template" jsonschema:"the template as a template file has it, with templateId"`
	DryRun   bool           `json:"dry_run,omitempty" jsonschema:"check it, and store nothing"`
}

type deleteTemplateIn struct {
	Confirmation

	Template ohfp.TemplateID `json:"template_id" jsonschema:"id of the template, see list_templates"`
}

type refreshTemplatesIn struct {
	Force bool `json:"force,omitempty" jsonschema:"drop what is remembered of the clouds, and ask them again"`
}

func editTools() []tool {
	return []tool{
		define(tool{
			Name: "create_template", Title: "Make a template", Offline: true,
			Description: "Put a new template into the store, once it is checked. get_template shows what one looks like.",
		}, func(ctx context.Context, c *call, in putTemplateIn) (view.TemplateChanges, error) {
			return putTemplate(ctx, c, in, false)
		}),
		define(tool{
			Name: "update_template", Title: "Replace a template", Idempotent: true, Offline: true,
			Description: "Replace a template of the store by another with its id, once it is checked. All fields are replaced: start from " +
				"what get_template shows.",
		}, func(ctx context.Context, c *call, in putTemplateIn) (view.TemplateChanges, error) {
			return putTemplate(ctx, c, in, true)
		}),
		confirmed(tool{
			Name: "delete_template", Title: "Delete a template", Offline: true,
			Description: "Remove a template from the store. It stays listed and launches nothing until it is forgotten; machines of it are not touched.",
		}, func(ctx context.Context, c *call, in deleteTemplateIn) (Plan, error) {
			err := c.Commands.DeleteTemplate(ctx, command.DeleteTemplate{ID: in.Template, DryRun: true, Origin: c.Caller.Origin()})
			return Plan{Summary: fmt.Sprintf("delete template %s", in.Template), Subject: string(in.Template)}, err
		}, func(ctx context.Context, c *call, in deleteTemplateIn) (view.TemplateChanges, error) {
			err := c.Commands.DeleteTemplate(ctx, command.DeleteTemplate{ID: in.Template, Origin: c.Caller.Origin()})
			return changed(in.Template, "deleted", 0), err
		}),
		confirmed(tool{
			Name: "forget_template", Title: "Forget a template", Offline: true,
			Description: "End the listing of a template that is broken or gone. Host Factory may take a list that grew shorter amiss.",
		}, func(_ context.Context, _ *call, in deleteTemplateIn) (Plan, error) {
			return Plan{Summary: fmt.Sprintf("list template %s no longer", in.Template), Subject: string(in.Template)}, nil
		}, func(ctx context.Context, c *call, in deleteTemplateIn) (view.TemplateChanges, error) {
			err := c.Commands.ForgetTemplate(ctx, command.ForgetTemplate{ID: in.Template})
			return changed(in.Template, "forgotten", 0), err
		}),
		define(tool{
			Name: "refresh_templates", Title: "Read templates anew", Idempotent: true,
			Description: "Read the template files and the store's templates anew, and with force also what they name in the cloud.",
		}, refreshTemplates),
	}
}

func changed(id ohfp.TemplateID, result string, version int64) view.TemplateChanges {
	return view.TemplateChanges{Templates: []view.TemplateChange{{ID: id, Result: result, Version: version}}}
}

func putTemplate(ctx context.Context, c *call, in putTemplateIn, update bool) (view.TemplateChanges, error) {
	text, err := json.Marshal(in.Template)
	if err != nil {
		return view.TemplateChanges{}, fmt.Errorf("encode a template: %w", err)
	}
	t, err := c.Clouds.ParseTemplate(text)
	if err != nil {
		return view.TemplateChanges{}, err
	}
	stored, err := c.Commands.PutTemplate(ctx, command.PutTemplate{Template: t, Update: update, DryRun: in.DryRun, Origin: c.Caller.Origin()})
	if err != nil {
		return view.TemplateChanges{}, err
	}
	result, version := "created", stored.Version
	if update {
		result = "updated"
	}
	if in.DryRun {
		result, version = "would be "+result, 0
	}
	return changed(stored.ID, result, version), nil
}

func refreshTemplates(ctx context.Context, c *call, in refreshTemplatesIn) (view.TemplateRefresh, error) {
	done := view.TemplateRefresh{}
	if in.Force {
		names, err := c.instances("")
		if err != nil {
			return done, err
		}
		for _, name := range names {
			if _, err := c.Clouds.Refresh(ctx, name); err != nil {
				return done, fmt.Errorf("refresh: %w", err)
			}
			done.Providers = append(done.Providers, name)
		}
	}
	templates, problems, err := c.Queries.TemplateList(ctx)
	if err != nil {
		return done, err
	}
	done.Count(templates, problems)
	return done, nil
}

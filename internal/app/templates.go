package app

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/templates"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

// WrittenTemplates returns templates as they are written, without defaults: all, or those named. A file that cannot be read
// is an error.
func (a *App) WrittenTemplates(ctx context.Context, ids ...ohfp.TemplateID) ([]WrittenTemplate, error) {
	list, problems, err := a.catalog.files.Written(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for _, problem := range problems {
		if len(ids) == 0 {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s", problem)
		}
	}
	return list, nil
}

// CheckTemplate says whether a template could be used, and returns it with its defaults. It asks no cloud.
func (a *App) CheckTemplate(ctx context.Context, t ohfp.Template) (ohfp.Template, error) {
	return a.catalog.files.Check(ctx, t)
}

// MissingOf asks the template's cloud for what the template refers to, and returns what is not there.
func (a *App) MissingOf(ctx context.Context, t ohfp.Template) ([]provider.Resource, error) {
	choice, err := a.catalog.policy.Choose(t)
	if err != nil {
		return nil, err
	}
	looks, err := a.discoverer(ctx, choice.Provider)
	if err != nil {
		return nil, err
	}
	wanted, err := looks.References(t)
	if err != nil {
		return nil, err
	}
	missing, err := looks.Missing(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("look for what template %s refers to: %w", t.ID, err)
	}
	return missing, nil
}

// Judge says whether a template could be used, online also whether its cloud has what it refers to. What is wrong with the
// template is in the answer; an error is that it could not be looked at.
func (a *App) Judge(ctx context.Context, t WrittenTemplate, online bool) (view.TemplateVerdict, error) {
	v := view.TemplateVerdict{ID: t.ID}
	complete, err := a.CheckTemplate(ctx, t.Template)
	if err == nil && online {
		v.Missing, err = a.MissingOf(ctx, complete)
	}
	if err != nil {
		if ctx.Err() != nil {
			return v, err
		}
		v.Problems = append(v.Problems, t.Blame(err).Error())
	}
	v.Valid = len(v.Problems) == 0 && len(v.Missing) == 0
	return v, nil
}

// ExampleTemplates are templates to begin with, of an API or of all, from the named provider.
func (a *App) ExampleTemplates(ctx context.Context, name, api string) ([]ohfp.Template, error) {
	knows, err := capable[provider.Exampler](ctx, a, name, "example templates")
	if err != nil {
		return nil, err
	}
	return knows.Examples(api)
}

// WrittenTemplate is a template as somebody wrote it.
type WrittenTemplate = templates.Written

// Resource is something that a template refers to.
type Resource = provider.Resource

// ParseTemplates reads templates as a file holds them. What is wrong with one is told beside the others.
func ParseTemplates(name string, data []byte) ([]WrittenTemplate, []templates.Problem, error) {
	return templates.Parse(name, data)
}

// TemplateDocument is a template as a file holds it.
func TemplateDocument(t ohfp.Template) (json.RawMessage, error) { return templates.Document(t) }

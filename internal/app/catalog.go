package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/templates"
	"github.com/openhostfactory/ohfp/provider"
)

// catalog is the template files together with what their providers know of them.
type catalog struct {
	files     *templates.Catalog
	providers *instances
	policy    placement.Policy
	log       *slog.Logger
}

func newCatalog(cfg config.Config, providers *instances, policy placement.Policy, log *slog.Logger) *catalog {
	c := &catalog{providers: providers, policy: policy, log: log}
	defaults := templates.Defaults{Types: cfg.ProviderDefaults, Instances: map[string]templates.Fields{}}
	for _, p := range cfg.Providers {
		defaults.Instances[p.Name] = p.TemplateDefaults
	}
	c.files = &templates.Catalog{
		ConfDir: cfg.ConfDir, Instance: cfg.Instance, Files: cfg.Templates.Files, WorkDir: cfg.WorkDir, Defaults: defaults,
		Choose: func(t ohfp.Template) (string, string, error) {
			choice, err := policy.Choose(t)
			if err != nil {
				return "", "", err
			}
			chosen, _ := cfg.Provider(choice.Provider)
			return chosen.Name, chosen.Type, nil
		},
		Validate: c.validate,
	}
	return c
}

// Template implements the commands' Templates.
func (c *catalog) Template(ctx context.Context, id ohfp.TemplateID) (ohfp.Template, error) {
	return c.files.Template(ctx, id)
}

// Check implements the commands' Templates.
func (c *catalog) Check(ctx context.Context, t ohfp.Template) error {
	_, err := c.files.Check(ctx, t)
	return err
}

// InFile implements the commands' Templates.
func (c *catalog) InFile(id ohfp.TemplateID) string { return c.files.InFile(id) }

// Forget implements the commands' Templates.
func (c *catalog) Forget(ctx context.Context, id ohfp.TemplateID) error {
	return c.files.Forget(ctx, id)
}

// Listed implements the queries' Templates.
func (c *catalog) Listed(ctx context.Context) ([]query.TemplateView, []string, error) {
	list, err := c.files.List(ctx)
	var problems []string
	for _, p := range list.Problems {
		problems = append(problems, p.String())
		c.log.WarnContext(ctx, "template problem", "problem", p.String())
	}
	if err != nil {
		return nil, problems, err
	}
	views := make([]query.TemplateView, 0, len(list.Templates))
	for _, t := range list.Templates {
		view, err := c.view(ctx, t)
		if err != nil {
			// What was listed once stays listed, with what is known of it.
			problems = append(problems, err.Error())
		}
		views = append(views, view)
	}
	return views, problems, nil
}

func (c *catalog) view(ctx context.Context, t ohfp.Template) (query.TemplateView, error) {
	view := query.TemplateView{Template: t, Attributes: maps.Clone(t.Attributes)}
	p, err := c.provider(ctx, t)
	if err != nil {
		return view, err
	}
	if lister, ok := provider.As[provider.Lister](p); ok {
		if view.Fields, err = lister.Listing(t); err != nil {
			return view, err
		}
	}
	if chooser, ok := provider.As[provider.Chooser](p); ok && t.ProviderAPI == "" {
		if view.API, err = chooser.API(t); err != nil {
			c.log.DebugContext(ctx, "api not known", "template", t.ID, "error", err) // why it launches nothing is told with it
		}
	}
	generated, err := attributes(p, t)
	if err != nil {
		return view, err
	}
	maps.Copy(generated, t.Attributes)
	view.Attributes = generated
	return view, nil
}

// required are the attributes without which Host Factory cannot size a machine.
var required = []string{"type", "ncpus", "nram"}

// attributes generates what the operator did not write. An operator who wrote all that Host Factory needs may use
// machine types that the provider does not know.
func attributes(p provider.Provider, t ohfp.Template) (map[string]ohfp.Attribute, error) {
	generated := map[string]ohfp.Attribute{}
	knows, ok := provider.As[provider.Attributer](p)
	if !ok {
		return generated, nil
	}
	known, err := knows.Attributes(t)
	if err == nil {
		return known, nil
	}
	for _, name := range required {
		if _, written := t.Attributes[name]; !written {
			return generated, fmt.Errorf("template %s needs its attribute %s written: %w", t.ID, name, err)
		}
	}
	return generated, nil
}

func (c *catalog) provider(ctx context.Context, t ohfp.Template) (provider.Provider, error) {
	choice, err := c.policy.Choose(t)
	if err != nil {
		return nil, err
	}
	return c.providers.Provider(ctx, choice.Provider)
}

// validate checks what only the provider of a template can, without any call to a cloud.
func (c *catalog) validate(ctx context.Context, t ohfp.Template) error {
	p, err := c.provider(ctx, t)
	if err != nil {
		return err
	}
	if err := p.Validate(ctx, t); err != nil {
		return err
	}
	_, err = attributes(p, t)
	return err
}

package cli

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/view"
)

// clouds is what the program knows of its providers, in the words of the face for assistants.
type clouds struct{ *app.App }

// ParseTemplate reads one template as a template file has it.
func (clouds) ParseTemplate(text []byte) (ohfp.Template, error) {
	list, err := parseTemplates("the template", text)
	if err != nil {
		return ohfp.Template{}, err
	}
	return list[0].Template, nil
}

// Judge checks a template as it is written, or by its id as it is configured.
func (c clouds) Judge(ctx context.Context, text []byte, id ohfp.TemplateID, online bool) (view.TemplateVerdict, error) {
	var list []app.WrittenTemplate
	var err error
	if len(text) > 0 {
		if list, err = parseTemplates("the template", text); err != nil {
			return view.TemplateVerdict{ID: id, Problems: []string{err.Error()}}, nil //nolint:nilerr // that it cannot be read is the verdict
		}
	} else if list, err = c.WrittenTemplates(ctx, id); err != nil {
		return view.TemplateVerdict{}, err
	}
	if len(list) != 1 {
		return view.TemplateVerdict{}, ohfp.Errorf(ohfp.ErrInvalid, "%d templates were given; give one", len(list))
	}
	return c.App.Judge(ctx, list[0], online)
}

// configuration is what the face for assistants tells of the settings that it runs with.
type configuration struct {
	p *program
	a *app.App
}

// Show returns settings without secrets.
func (c configuration) Show(name string) (config.Shown, error) { return c.a.Settings(name) }

// Check reads the configuration anew.
func (c configuration) Check(ctx context.Context) (config.Checked, error) {
	w := wish{Global: c.p.global}
	sources, err := c.p.sources(w)
	if err != nil {
		return config.Checked{}, err
	}
	cfg, err := config.Load(sources)
	found, _ := c.p.checkConfig(ctx, w, cfg, err) // what is wrong is in it
	return found, nil
}

// Schema describes configuration files.
func (c configuration) Schema() map[string]any { return app.ConfigSchema(c.p.providers) }

package cli

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/mcpserver"
)

// clouds is what the program knows of its providers, in the words of the face for assistants.
type clouds struct{ *app.App }

func (c clouds) Providers() []mcpserver.Provider {
	var list []mcpserver.Provider
	for _, p := range c.App.Providers() {
		list = append(list, mcpserver.Provider(p))
	}
	return list
}

func (c clouds) References(ctx context.Context, name string) ([]mcpserver.Reference, []string, error) {
	found, problems, err := c.App.References(ctx, name)
	return referencesOf(found), problems, err
}

func (c clouds) Missing(ctx context.Context, wanted []mcpserver.Reference) ([]mcpserver.Reference, error) {
	list := make([]app.Reference, len(wanted))
	for i, r := range wanted {
		list[i] = app.Reference(r)
	}
	missing, err := c.App.Missing(ctx, list)
	return referencesOf(missing), err
}

func referencesOf(found []app.Reference) []mcpserver.Reference {
	list := make([]mcpserver.Reference, len(found))
	for i, r := range found {
		list[i] = mcpserver.Reference(r)
	}
	return list
}

// ParseTemplate reads one template as a template file has it.
func (c clouds) ParseTemplate(text []byte) (ohfp.Template, error) {
	list, err := parseTemplates("the template", text)
	if err != nil {
		return ohfp.Template{}, err
	}
	return list[0].Template, nil
}

package app

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Examine looks at everything that a provider instance and the templates that go to it need of its cloud.
func (a *App) Examine(ctx context.Context, name string) ([]provider.Finding, error) {
	examiner, err := capable[provider.Examiner](ctx, a, name, "examine its account")
	if err != nil {
		return nil, err
	}
	// Problems of templates are told by those who list them.
	views, _, _ := a.Queries.TemplateList(ctx)
	var own []ohfp.Template
	for _, view := range views {
		if choice, err := a.catalog.policy.Choose(view.Template); err == nil && choice.Provider == name && view.Template.Refused == "" {
			own = append(own, view.Template)
		}
	}
	return examiner.Examine(ctx, own), nil
}

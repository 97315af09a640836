package query

import (
	"cmp"
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp"
)

// LaunchedBy is the API of the cloud by which the template launches, empty when it is not known.
func (v TemplateView) LaunchedBy() string { return cmp.Or(v.Template.ProviderAPI, v.API) }

// TemplateList returns the templates that may be asked for, and sentences about those that cannot be shown.
func (q *Queries) TemplateList(ctx context.Context) ([]TemplateView, []string, error) {
	views, problems, err := q.Templates.Listed(ctx)
	if err != nil {
		return nil, problems, fmt.Errorf("list templates: %w", err)
	}
	return views, problems, nil
}

// Template returns one template as the list shows it.
func (q *Queries) Template(ctx context.Context, id ohfp.TemplateID) (TemplateView, error) {
	views, _, err := q.TemplateList(ctx)
	if err != nil {
		return TemplateView{}, err
	}
	for _, view := range views {
		if view.Template.ID == id {
			return view, nil
		}
	}
	return TemplateView{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist; see ohfp templates list", id)
}

package view

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

// NewTemplates shows templates.
func NewTemplates(templates []query.TemplateView, problems []string, long bool) Templates {
	list := Templates{Templates: make([]Template, 0, len(templates)), Problems: problems}
	for _, t := range templates {
		list.Templates = append(list.Templates, NewTemplate(t, long))
	}
	return list
}

// NewTemplate shows a template, in the long form with all fields.
func NewTemplate(view query.TemplateView, long bool) Template {
	t := view.Template
	v := Template{
		ID: t.ID, ProviderAPI: view.LaunchedBy(), MaxNumber: t.MaxNumber, Attributes: view.Attributes, Refused: t.Refused,
	}
	if long {
		v.Name, v.Description, v.Source = t.Name, t.Description, t.Source
		v.ProviderName, v.ProviderType, v.CapacityUnit = t.ProviderName, t.ProviderType, t.CapacityUnit
		v.Fields = view.Fields
		if t.Timeout > 0 {
			v.Timeout = ohfp.FormatDuration(t.Timeout)
		}
	}
	return v
}

package view

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

// Template is a template; the last fields only in the long form.
type Template struct {
	ID          ohfp.TemplateID           `json:"templateId"`
	ProviderAPI string                    `json:"providerApi,omitempty"`
	MaxNumber   int                       `json:"maxNumber"`
	Attributes  map[string]ohfp.Attribute `json:"attributes,omitempty"`
	Refused     string                    `json:"refused,omitempty"`

	Name         string            `json:"name,omitempty"`
	Description  string            `json:"description,omitempty"`
	ProviderName string            `json:"providerName,omitempty"`
	ProviderType string            `json:"providerType,omitempty"`
	CapacityUnit ohfp.CapacityUnit `json:"capacityUnit,omitempty"`
	Timeout      string            `json:"timeout,omitempty"` // for example 10m0s
	Source       string            `json:"source,omitempty"`
	Fields       map[string]any    `json:"fields,omitempty"` // the provider's own
}

// Templates is a list of templates, with what is wrong with those that cannot be shown.
type Templates struct {
	Templates []Template `json:"templates"`
	Problems  []string   `json:"problems,omitempty"`
}

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
		ID: t.ID, ProviderAPI: t.ProviderAPI, MaxNumber: t.MaxNumber, Attributes: view.Attributes, Refused: t.Refused,
	}
	if long {
		v.Name, v.Description, v.Source = t.Name, t.Description, t.Source
		v.ProviderName, v.ProviderType, v.CapacityUnit = t.ProviderName, t.ProviderType, t.CapacityUnit
		v.Fields = view.Fields
		if t.Timeout > 0 {
			v.Timeout = t.Timeout.String()
		}
	}
	return v
}

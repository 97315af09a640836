package api

import "github.com/openhostfactory/ohfp"

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

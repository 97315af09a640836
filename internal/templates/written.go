package templates

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// Written returns templates as they are written, in files and in the store, without defaults: all, or those named.
func (c *Catalog) Written(ctx context.Context, ids ...ohfp.TemplateID) ([]Written, []Problem, error) {
	found := c.gather(ctx)
	var written []Written
	var known []string
	for _, d := range found.drafts {
		known = append(known, string(d.template.ID))
		if len(ids) > 0 && !slices.Contains(ids, d.template.ID) {
			continue
		}
		t, err := d.written()
		if err != nil {
			return nil, nil, err
		}
		written = append(written, Written{t, *d})
	}
	for _, id := range ids {
		if !slices.ContainsFunc(written, func(w Written) bool { return w.ID == id }) {
			return nil, nil, notFound(id, known, found.problems)
		}
	}
	return written, found.problems, nil
}

// Document is a template as a file holds it: the fields that all providers share, then the provider's own.
func Document(t ohfp.Template) (json.RawMessage, error) {
	shared := struct {
		ID           ohfp.TemplateID           `json:"templateId"`
		Name         string                    `json:"name,omitempty"`
		Description  string                    `json:"description,omitempty"`
		ProviderName string                    `json:"providerName,omitempty"`
		ProviderType string                    `json:"providerType,omitempty"`
		ProviderAPI  string                    `json:"providerApi,omitempty"`
		MaxNumber    int                       `json:"maxNumber"`
		CapacityUnit ohfp.CapacityUnit         `json:"capacityUnit,omitempty"`
		Timeout      string                    `json:"timeout,omitempty"`
		Attributes   map[string]ohfp.Attribute `json:"attributes,omitempty"`
	}{
		ID: t.ID, Name: t.Name, Description: t.Description, ProviderName: t.ProviderName, ProviderType: t.ProviderType,
		ProviderAPI: t.ProviderAPI, MaxNumber: t.MaxNumber, CapacityUnit: t.CapacityUnit, Attributes: t.Attributes,
	}
	if t.Timeout > 0 {
		shared.Timeout = ohfp.FormatDuration(t.Timeout)
	}
	document, err := json.Marshal(shared)
	if err != nil {
		return nil, err
	}
	own := bytes.TrimSpace(t.Spec)
	if len(own) <= len("{}") {
		return document, nil
	}
	return slices.Concat(document[:len(document)-1], []byte(","), own[1:]), nil
}

package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

const templatesPath = "/api/v1/templates"

// TemplateFilter narrows a list. Empty fields do not narrow.
type TemplateFilter struct {
	ProviderAPI string // of the cloud, for example EC2Fleet
	Verbose     bool   // all fields
	Limit       int    // 0: 50
	Offset      int
}

// Templates lists what machines may be asked for.
func (c *Client) Templates(ctx context.Context, filter TemplateFilter) (api.Templates, error) {
	query := url.Values{}
	set(query, "providerApi", filter.ProviderAPI)
	setPage(query, filter.Limit, filter.Offset)
	if filter.Verbose {
		query.Set("verbose", "true")
	}
	var list api.Templates
	_, err := c.do(ctx, call{Method: http.MethodGet, Path: templatesPath, Query: query}, &list)
	return list, err
}

// Template is one template with all its fields, and the tag of the version that it is.
func (c *Client) Template(ctx context.Context, id ohfp.TemplateID) (t api.Template, tag string, err error) {
	header, err := c.do(ctx, call{Method: http.MethodGet, Path: templatePath(id)}, &t)
	return t, header.Get("ETag"), err
}

// CreateTemplate puts a new template into the store. The document is one as template files have it.
func (c *Client) CreateTemplate(ctx context.Context, document any) (t api.Template, tag string, err error) {
	header, err := c.do(ctx, call{Method: http.MethodPost, Path: templatesPath, Body: document}, &t)
	return t, header.Get("ETag"), err
}

// UpdateTemplate replaces a template of the store as a whole. With a tag it refuses, as [ohfp.ErrConflict], when the template
// has changed since it was read.
func (c *Client) UpdateTemplate(ctx context.Context, id ohfp.TemplateID, document any, tag string) (t api.Template, newTag string, err error) {
	header, err := c.do(ctx, call{Method: http.MethodPut, Path: templatePath(id), Header: match(tag), Body: document}, &t)
	return t, header.Get("ETag"), err
}

// DeleteTemplate removes a template from the store. The tag is as of [Client.UpdateTemplate].
func (c *Client) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, tag string) error {
	_, err := c.do(ctx, call{Method: http.MethodDelete, Path: templatePath(id), Header: match(tag)}, nil)
	return err
}

func templatePath(id ohfp.TemplateID) string { return templatesPath + "/" + url.PathEscape(string(id)) }

func match(tag string) map[string]string {
	if tag == "" {
		return nil
	}
	return map[string]string{"If-Match": tag}
}

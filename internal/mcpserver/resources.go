package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// kind is a kind of things that can be read: all under its scheme alone, each under the scheme and its id.
type kind struct {
	Scheme      string // for example templates
	Title       string
	Description string
	ID          string // what completion and tools call the id
	List, Item  access.Operation
	Changes     bool // events tell of changes, so that it can be subscribed to
	list        func(ctx context.Context, c *call) (any, error)
	item        func(ctx context.Context, c *call, id string) (any, error)
}

func (k kind) uri() string { return k.Scheme + "://" }

func kinds() []kind {
	return []kind{
		{
			Scheme: "templates", Title: "Templates", ID: "template_id", List: "templates.list", Item: "templates.show",
			Description: "the templates from which machines can be requested",
			list:        func(ctx context.Context, c *call) (any, error) { return listTemplates(ctx, c, listTemplatesIn{}) },
			item: func(ctx context.Context, c *call, id string) (any, error) {
				return getTemplate(ctx, c, templateIn{Template: ohfp.TemplateID(id)})
			},
		},
		{
			Scheme: "requests", Title: "Requests", ID: "request_id", List: "requests.list", Item: "requests.show", Changes: true,
			Description: "requests for machines and returns, newest first, as they were last recorded",
			list:        func(ctx context.Context, c *call) (any, error) { return listRequests(ctx, c, listRequestsIn{}) },
			item: func(ctx context.Context, c *call, id string) (any, error) {
				return getRequest(ctx, c, requestIn{Request: ohfp.RequestID(id)})
			},
		},
		{
			Scheme: "machines", Title: "Machines", ID: "machine_id", List: "machines.list", Item: "machines.show", Changes: true,
			Description: "the machines that exist, as they were last recorded",
			list: func(ctx context.Context, c *call) (any, error) {
				filter, err := listMachinesIn{}.filter()
				if err != nil {
					return nil, err
				}
				machines, err := c.Queries.Machines(ctx, filter)
				return view.NewMachines(machines), err
			},
			item: func(ctx context.Context, c *call, id string) (any, error) {
				return machineStatus(ctx, c, machineIn{Machine: ohfp.MachineID(id)})
			},
		},
		{
			Scheme: "providers", Title: "Providers", ID: "provider_name", List: "providers.list", Item: "providers.show",
			Description: "the configured provider instances",
			list:        func(ctx context.Context, c *call) (any, error) { return listProviders(ctx, c, nothingIn{}) },
			item: func(ctx context.Context, c *call, id string) (any, error) {
				return providerConfig(ctx, c, providerConfigIn{Provider: id})
			},
		},
	}
}

const jsonType = "application/json"

// addResources offers what the caller may read.
func (v visit) addResources(s *mcp.Server) {
	for _, k := range kinds() {
		if v.may(k.List) == nil {
			s.AddResource(&mcp.Resource{
				URI: k.uri(), Name: k.Scheme, Title: k.Title, Description: "All " + k.Description + ".", MIMEType: jsonType,
			}, v.reader(k))
		}
		if v.may(k.Item) == nil {
			s.AddResourceTemplate(&mcp.ResourceTemplate{
				URITemplate: k.uri() + "{" + k.ID + "}", Name: strings.TrimSuffix(k.Scheme, "s"), Title: "One of " + strings.ToLower(k.Title),
				Description: "One of " + k.Description + ", with everything.", MIMEType: jsonType,
			}, v.reader(k))
		}
	}
}

func (v visit) reader(k kind) mcp.ResourceHandler {
	return func(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		c := &call{visit: v, tool: req.Params.URI}
		content, err := guarded(c, func() (any, error) {
			if id := strings.TrimPrefix(req.Params.URI, k.uri()); id != "" {
				return k.item(ctx, c, id)
			}
			return k.list(ctx, c)
		})
		if ohfp.KindOf(err) == ohfp.ErrNotFound {
			return nil, mcp.ResourceNotFoundError(req.Params.URI)
		}
		if err != nil {
			return nil, c.refusal(ctx, err)
		}
		text, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", req.Params.URI, err)
		}
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, MIMEType: jsonType, Text: string(text)}}}, nil
	}
}

// mostValues is how many values a completion may have by the protocol.
const mostValues = 100

// complete offers ids that begin with what is there already.
func (v visit) complete(ctx context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
	c := &call{visit: v, tool: "completion"}
	values, err := c.ids(ctx, req.Params.Argument.Name)
	if err != nil {
		return nil, c.refusal(ctx, err)
	}
	details := mcp.CompletionResultDetails{Values: []string{}}
	for _, value := range values {
		if !strings.HasPrefix(value, req.Params.Argument.Value) {
			continue
		}
		if details.Total++; len(details.Values) < mostValues {
			details.Values = append(details.Values, value)
		}
	}
	details.HasMore = details.Total > len(details.Values)
	return &mcp.CompleteResult{Completion: details}, nil
}

// ids lists what an argument of this name can be; nothing for one that is none of ours.
func (c *call) ids(ctx context.Context, argument string) (values []string, err error) {
	switch argument {
	case "template_id", "template_type":
		if err := c.may("templates.list"); err != nil {
			return nil, err
		}
		templates, _, err := c.Queries.TemplateList(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range templates {
			values = append(values, string(t.Template.ID))
		}
	case "request_id":
		if err := c.may("requests.list"); err != nil {
			return nil, err
		}
		requests, err := c.Queries.Requests(ctx, query.RequestFilter{})
		if err != nil {
			return nil, err
		}
		for _, r := range requests {
			values = append(values, string(r.ID))
		}
	case "machine_id":
		if err := c.may("machines.list"); err != nil {
			return nil, err
		}
		machines, err := c.Queries.Machines(ctx, query.MachineFilter{States: present()})
		if err != nil {
			return nil, err
		}
		for _, m := range machines {
			values = append(values, string(m.ID))
		}
	case "provider_name", "provider":
		if err := c.may("providers.list"); err != nil {
			return nil, err
		}
		for _, p := range c.Clouds.Providers() {
			values = append(values, p.Name)
		}
	}
	return values, nil
}

package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// prompt is a task that a person picks, told with the facts of the moment.
type prompt struct {
	def   mcp.Prompt
	needs []access.Operation // whose facts it tells
	text  func(ctx context.Context, c *call, arguments map[string]string) (string, error)
}

func prompts() []prompt {
	return []prompt{
		{
			def: mcp.Prompt{
				Name: "provision_infrastructure", Title: "Request machines", Description: "Guides through choosing a template and requesting machines.",
				Arguments: []*mcp.PromptArgument{
					{Name: "template_type", Description: "id of a template, or words that say what kind of machines", Required: true},
					{Name: "instance_count", Description: "how many machines"},
				},
			},
			needs: []access.Operation{"templates.list", "usage"}, text: provisionPrompt,
		},
		{
			def: mcp.Prompt{
				Name: "troubleshoot_deployment", Title: "Find out why a request fails", Description: "Tells what happened to a request and asks for the cause and the cure.",
				Arguments: []*mcp.PromptArgument{{Name: "request_id", Description: "id of the request or return", Required: true}},
			},
			needs: []access.Operation{"requests.show", "requests.timeline"}, text: troubleshootPrompt,
		},
		{
			def: mcp.Prompt{
				Name: "infrastructure_best_practices", Title: "Review how machines are used", Description: "Tells what is configured and running, and asks what to improve.",
				Arguments: []*mcp.PromptArgument{{Name: "provider", Description: "only this provider instance"}},
			},
			needs: []access.Operation{"templates.list", "providers.list", "usage"}, text: practicesPrompt,
		},
	}
}

// addPrompts offers those whose facts the caller may know.
func (v visit) addPrompts(s *mcp.Server) {
	for _, p := range prompts() {
		allowed := true
		for _, op := range p.needs {
			allowed = allowed && v.may(op) == nil
		}
		if !allowed {
			continue
		}
		s.AddPrompt(&p.def, func(ctx context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			c := &call{visit: v, tool: p.def.Name}
			text, err := guarded(c, func() (string, error) {
				for _, argument := range p.def.Arguments {
					if argument.Required && strings.TrimSpace(req.Params.Arguments[argument.Name]) == "" {
						return "", ohfp.Errorf(ohfp.ErrInvalid, "prompt %s needs %s: %s", p.def.Name, argument.Name, argument.Description)
					}
				}
				return p.text(ctx, c, req.Params.Arguments)
			})
			if err != nil {
				return nil, c.refusal(ctx, err)
			}
			return &mcp.GetPromptResult{
				Description: p.def.Description,
				Messages:    []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: text}}},
			}, nil
		})
	}
}

// refusal is an error where the protocol has no other place for one.
func (c *call) refusal(ctx context.Context, err error) error {
	var wire *jsonrpc.Error
	if errors.As(err, &wire) {
		return err
	}
	c.failed(ctx, err) // for the log
	code := int64(jsonrpc.CodeInvalidParams)
	if kind := ohfp.KindOf(err); kind == nil || ohfp.Retryable(err) {
		code = jsonrpc.CodeInternalError
	}
	failure := NewFailure(err)
	data, problem := json.Marshal(failure)
	if problem != nil {
		return fmt.Errorf("encode a refusal: %w", problem)
	}
	return &jsonrpc.Error{Code: code, Message: failure.Message, Data: data}
}

// fact is something that is so at the moment, as JSON under a heading.
func fact(heading string, value any) (string, error) {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", heading, err)
	}
	return "\n## " + heading + "\n```json\n" + string(text) + "\n```\n", nil
}

func facts(list ...any) (string, error) {
	var all strings.Builder
	for i := 0; i+1 < len(list); i += 2 {
		text, err := fact(fmt.Sprint(list[i]), list[i+1])
		if err != nil {
			return "", err
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

func provisionPrompt(ctx context.Context, c *call, arguments map[string]string) (string, error) {
	templates, problems, err := c.Queries.TemplateList(ctx)
	if err != nil {
		return "", err
	}
	used, err := c.Queries.Usage(ctx, query.UsageByTemplate)
	if err != nil {
		return "", err
	}
	known, err := facts("Templates", view.NewTemplates(templates, problems, false), "What is running now", used)
	if err != nil {
		return "", err
	}
	count := arguments["instance_count"]
	if count == "" {
		count = "a number that you ask me for"
	}
	return fmt.Sprintf(`I want machines of this kind: %s. How many: %s.

1. Choose the template that fits; leave out those with "refused". If none fits or several do, ask me.
2. Say what it comes to: how many machines, of what size, how many the template still allows (maxNumber less what is running), and the cost where it is known.
3. Once I agree, call request_machines with template_id and count, and follow it with get_request_status and wait_seconds until it has ended.
4. Show me the machines with their names and addresses. If it did not bring all of them, say why, by get_request_timeline.
Remind me that machines cost money until they are given back with return_machines.
%s`, arguments["template_type"], count, known), nil
}

func troubleshootPrompt(ctx context.Context, c *call, arguments map[string]string) (string, error) {
	id := ohfp.RequestID(strings.TrimSpace(arguments["request_id"]))
	r, err := getRequest(ctx, c, requestIn{Request: id})
	if err != nil {
		return "", err
	}
	timeline, err := c.Queries.RequestTimeline(ctx, id, false)
	if err != nil {
		return "", err
	}
	refusals := []query.Step{}
	for _, step := range timeline.Steps {
		if step.Code != "" {
			refusals = append(refusals, step)
		}
	}
	list := []any{"The request", r, "What the cloud refused", refusals, "What happened", timeline}
	if template, err := c.Queries.Template(ctx, r.Template); err == nil {
		list = append(list, "Its template", view.NewTemplate(template, true))
	}
	known, err := facts(list...)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`Find out how request %s stands, and what is wrong with it if anything is.

1. Say in a sentence how it stands. If it has brought all that was asked for, say so and stop.
2. Name the cause. The cloud's codes in the timeline tell: no capacity (InsufficientInstanceCapacity, MaxSpotInstanceCountExceeded), a quota (VcpuLimitExceeded), permissions (UnauthorizedOperation), a template that refers to what does not exist (Invalid…NotFound), or a rate (RequestLimitExceeded, which is only waited for).
3. Check it: validate_infrastructure looks for what templates refer to, check_provider_health for the connection, get_iam_policy has the permissions that are needed.
4. Propose what to do, and what it costs. Change nothing before I agree.
%s`, id, known), nil
}

func practicesPrompt(ctx context.Context, c *call, arguments map[string]string) (string, error) {
	name := arguments["provider"]
	providers := c.Clouds.Providers()
	if name != "" {
		p, err := c.instance(name)
		if err != nil {
			return "", err
		}
		providers = []view.Provider{p}
	}
	templates, problems, err := c.Queries.TemplateList(ctx)
	if err != nil {
		return "", err
	}
	used, err := c.Queries.Usage(ctx, query.UsageByProvider)
	if err != nil {
		return "", err
	}
	abandoned, err := c.Queries.Abandoned(ctx, query.RequestFilter{})
	if err != nil {
		return "", err
	}
	known, err := facts("Providers", providers, "Templates", view.NewTemplates(templates, problems, true), "What is running now", used,
		"Requests that nobody follows", view.NewRequests(abandoned, c.Now()))
	if err != nil {
		return "", err
	}
	return `Review how machines are requested and used here, by the facts below, and say what to improve and why, the most useful first. Look at:

- availability: templates with several machine types and several subnets find capacity where one has none;
- cost: spot for work that can be interrupted, a maxNumber that bounds each template, limits on machines and dollars, requests that nobody follows, orphans (list_orphans);
- safety: the least permissions (get_iam_policy), private subnets, no secrets in user data;
- templates that are refused or have problems.
Change nothing before I agree.
` + known, nil
}

package mcpserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
)

// Confirmation is what every tool takes that ends or removes something.
type Confirmation struct {
	Confirm string `json:"confirm,omitempty" jsonschema:"the token of a plan that this tool answered with for the same arguments, once the user has agreed to it"`
}

// Plan is what a tool would end or remove.
type Plan struct {
	Summary  string           `json:"summary"` // what it is, after "would"
	Subject  string           `json:"subject,omitempty"`
	Machines []ohfp.MachineID `json:"machineIds,omitempty"`
	Others   []string         `json:"resources,omitempty"` // fleets, groups, launch templates
	Unknown  []string         `json:"unknown,omitempty"`   // what was named and is not on record
}

func (p Plan) empty() bool { return p.Subject == "" && len(p.Machines) == 0 && len(p.Others) == 0 }

// Proposal is the answer of a tool that waits for a confirmation. Nothing was done.
type Proposal struct {
	Plan      Plan   `json:"plan"`
	Confirm   string `json:"confirm"`
	ExpiresAt string `json:"expiresAt"`
	Message   string `json:"message"`
}

const (
	confirmWithin = 10 * time.Minute
	mostTokens    = 1000 // that wait at once; the oldest give way
	question      = "confirm"
)

// Tokens are the confirmations under way. They are kept in memory only: after a restart a plan is made again, of what is
// there then.
type Tokens struct {
	Now func() time.Time

	mu      sync.Mutex
	pending []pendingToken // the oldest first
}

type pendingToken struct {
	token   string
	binding string
	expires time.Time
}

// issue makes a token that stands for a binding.
func (t *Tokens) issue(binding string) (string, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	t.pending = slices.DeleteFunc(t.pending, func(p pendingToken) bool { return !now.Before(p.expires) })
	if over := len(t.pending) - mostTokens + 1; over > 0 {
		t.pending = t.pending[over:]
	}
	p := pendingToken{token: rand.Text(), binding: binding, expires: now.Add(confirmWithin)}
	t.pending = append(t.pending, p)
	return p.token, p.expires
}

// take uses a token up, and says whether it stands for the binding.
func (t *Tokens) take(token, binding string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.pending, func(p pendingToken) bool { return p.token == token })
	if i < 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "the confirmation is not known, was used, or has expired; call again without confirm for a new plan")
	}
	p := t.pending[i]
	t.pending = slices.Delete(t.pending, i, i+1)
	switch {
	case !t.Now().Before(p.expires):
		return ohfp.Errorf(ohfp.ErrInvalid, "the confirmation has expired; call again without confirm for a new plan")
	case p.binding != binding:
		return ohfp.Errorf(ohfp.ErrConflict, "the confirmation was for other arguments, another caller, or a plan that is no longer the same; call again without confirm for a new plan")
	}
	return nil
}

// confirmed makes a tool that answers with a plan first, and does it once the plan is confirmed: by a person whom the
// client asks, where it can, else by the token of the plan. A plan of nothing needs no confirmation.
func confirmed[In, Out any](
	t tool, plan func(ctx context.Context, c *call, in In) (Plan, error), run func(ctx context.Context, c *call, in In) (Out, error),
) tool {
	t.Description += " It answers first with a plan and a token: show the plan to the user, and call again with the same arguments " +
		"and the token as confirm once the user agrees."
	t.in = schemaOf[In]
	t.out = func() (*jsonschema.Schema, error) {
		done, err := schemaOf[Out]()
		if err != nil {
			return nil, err
		}
		proposal, err := schemaOf[Proposal]()
		return &jsonschema.Schema{Type: "object", AnyOf: []*jsonschema.Schema{done, proposal}}, err
	}
	t.add = func(s *mcp.Server, def *mcp.Tool, v visit) {
		mcp.AddTool(s, def, func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
			c := &call{visit: v, tool: def.Name, request: req}
			ask, err := guarded(c, func() (*mcp.CallToolResult, error) {
				if !c.Config.MCP.Confirm {
					return nil, nil
				}
				planned, err := plan(ctx, c, in)
				if err != nil || planned.empty() {
					return nil, err
				}
				return c.confirm(planned)
			})
			if err != nil {
				return c.failed(ctx, err), nil, nil
			}
			if ask != nil {
				return ask, nil, nil
			}
			out, err := guarded(c, func() (Out, error) { return run(ctx, c, in) })
			if err != nil {
				return c.failed(ctx, err), nil, nil
			}
			return c.result(out)
		})
	}
	return t
}

// confirm returns nil when the plan is confirmed, else the answer that asks for it.
func (c *call) confirm(plan Plan) (*mcp.CallToolResult, error) {
	binding, token, err := c.binding(plan)
	if err != nil {
		return nil, err
	}
	if token != "" {
		return nil, c.Tokens.take(token, binding)
	}
	if answer, ok := c.request.Params.InputResponses[question]; ok {
		if err := c.Tokens.take(c.request.Params.RequestState, binding); err != nil {
			return nil, err
		}
		said, ok := answer.(*mcp.ElicitResult)
		if !ok || said.Action != "accept" || said.Content[question] != true {
			return nil, ohfp.Errorf(ohfp.ErrDenied, "the user did not agree to %s; nothing was done", plan.Summary)
		}
		return nil, nil
	}
	token, expires := c.Tokens.issue(binding)
	if c.elicits() {
		return &mcp.CallToolResult{RequestState: token, InputRequests: mcp.InputRequestMap{question: &mcp.ElicitParams{
			Message: c.tool + " would " + plan.Summary + ". Go ahead?",
			RequestedSchema: &jsonschema.Schema{
				Type: "object", Required: []string{question},
				Properties: map[string]*jsonschema.Schema{question: {Type: "boolean", Title: "Go ahead", Description: plan.Summary}},
			},
		}}}, nil
	}
	res, out, err := c.result(Proposal{
		Plan: plan, Confirm: token, ExpiresAt: expires.UTC().Format(time.RFC3339),
		Message: fmt.Sprintf("Nothing was done yet. This would %s. Call %s again with the same arguments and confirm set to this token once the user agrees.", plan.Summary, c.tool),
	})
	if err == nil {
		res.StructuredContent = out
	}
	return res, err
}

// elicits says whether the client can ask its user.
func (c *call) elicits() bool {
	params := c.request.Session.InitializeParams()
	return params != nil && params.Capabilities != nil && params.Capabilities.Elicitation != nil
}

// binding is what a token stands for: the tool, its exact arguments, the caller and the plan. It also returns the token
// among the arguments.
func (c *call) binding(plan Plan) (binding, token string, err error) {
	arguments := map[string]any{}
	if raw := c.request.Params.Arguments; len(raw) > 0 {
		if err := json.Unmarshal(raw, &arguments); err != nil {
			return "", "", fmt.Errorf("read the arguments of %s: %w", c.tool, err)
		}
	}
	token, _ = arguments["confirm"].(string)
	delete(arguments, "confirm")
	slices.Sort(plan.Machines)
	slices.Sort(plan.Others)
	plan.Summary, plan.Unknown = "", nil // times in words differ by the moment
	whole, err := json.Marshal([]any{c.tool, arguments, c.Caller, plan})
	if err != nil {
		return "", "", errors.Join(errors.New("bind a confirmation"), err)
	}
	sum := sha256.Sum256(whole)
	return hex.EncodeToString(sum[:]), token, nil
}

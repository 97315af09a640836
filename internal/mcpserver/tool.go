package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// tool is one operation as assistants see it. The table in internal/access says by Name who may use it and what it does.
type tool struct {
	Name        string
	Title       string
	Description string
	Idempotent  bool // the same call again changes nothing more
	Offline     bool // asks no cloud

	in, out func() (*jsonschema.Schema, error)
	add     func(s *mcp.Server, t *mcp.Tool, v visit)
}

// call is one use of a tool.
type call struct {
	visit

	tool    string
	request *mcp.CallToolRequest
	notes   []string
}

// define makes a tool of a function from what it is asked to what it answers.
func define[In, Out any](t tool, run func(ctx context.Context, c *call, in In) (Out, error)) tool {
	t.in, t.out = schemaOf[In], schemaOf[Out]
	t.add = func(s *mcp.Server, def *mcp.Tool, v visit) {
		mcp.AddTool(s, def, func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
			c := &call{visit: v, tool: def.Name, request: req}
			ctx, answering := v.Telemetry.Begin(telemetry.WithCall(ctx, ""), "mcp", def.Name, "") // a session has many calls
			out, err := guarded(c, func() (Out, error) { return run(ctx, c, in) })
			answering.End(err)
			if err != nil {
				return c.failed(ctx, err), nil, nil
			}
			return c.result(out)
		})
	}
	return t
}

// guarded turns a panic into an error, so that one call cannot end the server.
func guarded[Out any](c *call, do func() (Out, error)) (out Out, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.Log.Error("a tool failed", "tool", c.tool, "cause", cause, "stack", string(debug.Stack()))
			err = errors.New("a defect of this program")
		}
	}()
	return do()
}

// result is an answer as structured content, as the same in text for clients that know no other, and notes beside it.
func (c *call) result(out any) (*mcp.CallToolResult, any, error) {
	text, err := json.Marshal(out)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the answer of %s: %w", c.tool, err)
	}
	res := &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}
	for _, note := range c.notes {
		res.Content = append(res.Content, &mcp.TextContent{Text: "Note: " + note})
	}
	return res, json.RawMessage(text), nil
}

// note tells something beside the answer: to the assistant with it, and to a client that wants to log.
func (c *call) note(ctx context.Context, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.notes = append(c.notes, text)
	c.log(ctx, "warning", text)
}

// sync asks the cloud how things stand, within the budget of one call. When the cloud cannot be asked, the records are
// still good for an answer, and a note says so; only a refused identity is an error.
func (c *call) sync(ctx context.Context, in command.SyncRequests) error {
	within, cancel := c.budget(ctx)
	defer cancel()
	err := c.Commands.SyncRequests(within, in)
	if errors.Is(err, ohfp.ErrDenied) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		c.note(ctx, "the cloud could not be asked, this is what was known last: %v", err)
	}
	return nil
}

// budget is what one call may spend on the cloud.
func (c *call) budget(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.Config.Requests.CallBudget)
}

// tools is every tool there is, by noun.
func tools() []tool {
	return slices.Concat(
		templateTools(), editTools(), requestTools(), machineTools(), switchTools(), providerTools(), infrastructureTools(), orphanTools(), settingTools(), eventTools(),
	)
}

// definition is a tool as the protocol describes it.
func (t tool) definition() (*mcp.Tool, access.Rule, error) {
	rule, ok := access.OfTool(t.Name)
	if !ok {
		return nil, rule, fmt.Errorf("tool %s has no rule in internal/access", t.Name)
	}
	in, err := t.in()
	if err != nil {
		return nil, rule, fmt.Errorf("tool %s: input: %w", t.Name, err)
	}
	out, err := t.out()
	if err != nil {
		return nil, rule, fmt.Errorf("tool %s: output: %w", t.Name, err)
	}
	destroys, open := rule.Effect == access.Destroys, !t.Offline
	return &mcp.Tool{
		Name: t.Name, Title: t.Title, Description: t.Description, InputSchema: in, OutputSchema: out,
		Annotations: &mcp.ToolAnnotations{
			Title: t.Title, ReadOnlyHint: rule.Effect == access.Reads, DestructiveHint: &destroys,
			IdempotentHint: t.Idempotent || rule.Effect == access.Reads, OpenWorldHint: &open,
		},
	}, rule, nil
}

// menu is every tool as the protocol describes it. It is made once: deriving its schemas takes longer than most calls, and
// they take a megabyte, which all sessions share.
type menu struct {
	once   sync.Once
	dishes []dish
	cache  *mcp.SchemaCache
	err    error
}

// dish is a tool on the menu.
type dish struct {
	tool

	def  *mcp.Tool
	rule access.Rule
}

// made is the menu.
func (m *menu) made() ([]dish, *mcp.SchemaCache, error) {
	m.once.Do(func() {
		m.cache = mcp.NewSchemaCache()
		for _, t := range tools() {
			def, rule, err := t.definition()
			if err != nil {
				m.err = err
				return
			}
			m.dishes = append(m.dishes, dish{t, def, rule})
		}
	})
	return m.dishes, m.cache, m.err
}

// schemaOf derives the schema of a Go type from its json and jsonschema tags.
func schemaOf[T any]() (*jsonschema.Schema, error) {
	two := 2
	schema, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		// Host Factory's pair of a type and a value.
		reflect.TypeFor[ohfp.Attribute](): {Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: &two, MaxItems: &two},
	}})
	if err != nil {
		return nil, fmt.Errorf("derive a schema: %w", err)
	}
	return schema, nil
}

// Info is a tool as those see it who ask about tools.
type Info struct {
	Name         string           `json:"name"`
	Title        string           `json:"title"`
	Kind         string           `json:"type"` // query, or command when it changes something
	Role         access.Role      `json:"role"` // the least that may use it
	Effect       access.Effect    `json:"effect"`
	Operation    access.Operation `json:"operation"`
	Description  string           `json:"description"`
	InputSchema  any              `json:"inputSchema,omitempty"`
	OutputSchema any              `json:"outputSchema,omitempty"`
}

// The kinds of tools.
const (
	KindQuery   = "query"
	KindCommand = "command"
)

// Tools describes every tool, by name.
func Tools() ([]Info, error) {
	var list []Info
	for _, t := range tools() {
		def, rule, err := t.definition()
		if err != nil {
			return nil, err
		}
		kind := KindCommand
		if rule.Effect == access.Reads {
			kind = KindQuery
		}
		list = append(list, Info{
			Name: t.Name, Title: t.Title, Kind: kind, Role: rule.Role, Effect: rule.Effect, Operation: rule.Operation,
			Description: t.Description, InputSchema: def.InputSchema, OutputSchema: def.OutputSchema,
		})
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

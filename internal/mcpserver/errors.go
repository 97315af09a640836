package mcpserver

import (
	"context"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// Failure is why a tool did not do what it was asked.
type Failure struct {
	Code    string `json:"code"` // see docs/errors.md
	Message string `json:"message"`
	Retry   bool   `json:"retry"` // whether the same call may succeed later without anybody changing anything
	Advice  string `json:"advice,omitempty"`
}

// inMeta is where a refusal has its failure: clients check structured content against the schema of answers.
const inMeta = "ohfp/error"

// NewFailure is the one place that turns errors into what assistants are told. An error without a kind is a defect, whose
// text may say what is nobody's business: it is logged and not told.
func NewFailure(err error) Failure {
	var refusal *access.Refusal
	f := Failure{Message: telemetry.Scrub(err.Error()), Retry: ohfp.Retryable(err)}
	switch kind := ohfp.KindOf(err); {
	case errors.As(err, &refusal):
		f.Code, f.Advice = "denied", "Do not try again; tell the user which role it takes."
	case errors.Is(err, context.DeadlineExceeded) && kind == nil:
		f.Code, f.Message, f.Retry = "timeout", "the time allowed for one call ran out", true
		f.Advice = "Look at the current state before trying again; the outcome is not known."
	case kind == ohfp.ErrInvalid:
		f.Code, f.Advice = "invalid", "Correct the arguments; the tool's input schema says what they are."
	case kind == ohfp.ErrNotFound:
		f.Code, f.Advice = "not_found", "Look at what exists with list_templates, list_requests, list_machines or list_providers."
	case kind == ohfp.ErrConflict:
		f.Code, f.Advice = "conflict", "Look at the current state with get_request_status or list_machines first."
	case kind == ohfp.ErrLimit:
		f.Code, f.Advice = "limit", "Ask for fewer machines, return some, or tell the user that an operator can raise the limit."
	case kind == ohfp.ErrCapacity:
		f.Code, f.Advice = "capacity", "Try later, or with another template."
	case kind == ohfp.ErrThrottled:
		f.Code, f.Advice = "throttled", "Try again in a minute; nothing was done."
	case kind == ohfp.ErrDenied:
		f.Code, f.Advice = "denied", "Do not try again; the user or an operator must change what is allowed."
	case kind == ohfp.ErrTimeout:
		f.Code, f.Advice = "timeout", "Look at the current state before trying again; the outcome is not known."
	case kind == ohfp.ErrUnavailable:
		f.Code, f.Advice = "unavailable", "Try again later; check_provider_health tells whether the cloud can be reached."
	default:
		f.Code, f.Message, f.Advice = "internal", "internal error", "Tell the user; the log of the server says more."
	}
	return f
}

// failed is an answer that says why there is none.
func (c *call) failed(ctx context.Context, err error) *mcp.CallToolResult {
	if ohfp.KindOf(err) == nil && ctx.Err() == nil {
		c.Log.ErrorContext(ctx, "a tool failed", "tool", c.tool, "error", err)
	}
	return failed(err)
}

func failed(err error) *mcp.CallToolResult {
	f := NewFailure(err)
	text := f.Message + " (" + f.Code + ")"
	if f.Advice != "" {
		text += "\n" + f.Advice
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}, Meta: mcp.Meta{inMeta: f}}
}

// explained gives a refusal of the library, which checks arguments against schemas, the same form as ours.
func explained(res *mcp.CallToolResult) *mcp.CallToolResult {
	if _, ours := res.Meta[inMeta]; !res.IsError || ours {
		return res
	}
	var text []string
	for _, content := range res.Content {
		if part, ok := content.(*mcp.TextContent); ok {
			text = append(text, part.Text)
		}
	}
	return failed(ohfp.Errorf(ohfp.ErrInvalid, "%s", strings.Join(text, "; ")))
}

package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/version"
)

const instructions = `ohfp asks a cloud for machines, follows each request and gives the machines back.
A template says what kind of machines (list_templates); request_machines asks for some; get_request_status follows the request until it has ended;
return_machines gives machines back, which ends them. Machines cost money until they are returned.
Tools that end or remove something answer with a plan first, and do it when they are called again with its token: show the plan to the user before that.`

// Server is a server for one caller. Tools that the caller may not use are not listed, and refused.
func (f *Face) Server(caller access.Caller) (*mcp.Server, error) {
	return f.server(visit{Face: f, Caller: caller, From: audit.Local}, nil)
}

// serverFor is a server for one session over HTTP.
func (f *Face) serverFor(caller access.Caller, from string, own *sessions) (s *mcp.Server, err error) {
	s, err = f.server(visit{Face: f, Caller: caller, From: from}, func() string { return own.begin(caller, s) })
	return s, err
}

func (f *Face) server(v visit, sessionID func() string) (*mcp.Server, error) {
	dishes, schemas, err := f.menu.made()
	if err != nil {
		return nil, err
	}
	w := &watcher{visit: v, uris: map[string]int{}}
	s := mcp.NewServer(&mcp.Implementation{Name: "ohfp", Title: "Open Host Factory", Version: version.Current().Version}, &mcp.ServerOptions{
		Instructions: instructions, Logger: f.Log, GetSessionID: sessionID, CompletionHandler: v.complete, SchemaCache: schemas,
		SubscribeHandler: w.subscribe, UnsubscribeHandler: w.unsubscribe,
	})
	w.server = s
	v.addResources(s)
	v.addPrompts(s)
	refused := map[string]error{}
	for _, d := range dishes {
		if err := v.may(d.rule.Operation); err != nil {
			refused[d.Name] = err
			continue
		}
		d.add(s, d.def, v)
	}
	s.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			return v.receive(ctx, method, req, next, refused)
		}
	})
	return s, nil
}

// receive refuses tools that exist and that the caller may not use, and gives all refusals one form.
func (v visit) receive(ctx context.Context, method string, req mcp.Request, next mcp.MethodHandler, refused map[string]error) (mcp.Result, error) {
	call, ok := req.(*mcp.CallToolRequest)
	if !ok {
		return next(ctx, method, req)
	}
	record := v.begin(call.Params)
	if err, ok := refused[call.Params.Name]; ok {
		record.Refuse(ctx, err.Error())
		v.Log.WarnContext(ctx, "a tool was refused", "tool", call.Params.Name, "caller", v.Caller.Name, "role", v.Caller.Role)
		return failed(err), nil
	}
	res, err := next(ctx, method, req)
	answer, ok := res.(*mcp.CallToolResult)
	if !ok || err != nil {
		record.Fail(ctx, "the call is not one that the tool takes")
		return res, err
	}
	answer = explained(answer)
	finish(ctx, record, answer)
	return answer, nil
}

// begin notes the use of a tool for the audit log.
func (v visit) begin(params *mcp.CallToolParamsRaw) *audit.Record {
	rule, ok := access.OfTool(params.Name)
	if !ok {
		return nil
	}
	record := v.Audit.Begin(v.Caller, v.From, rule.Operation)
	record.About(audit.Subjects(params.Arguments)...)
	var asked struct {
		DryRun bool `json:"dry_run"`
	}
	if json.Unmarshal(params.Arguments, &asked) == nil && asked.DryRun {
		record.DryRun()
	}
	return record
}

// finish records how the use of a tool ended. One that answers with a plan has not done anything yet.
func finish(ctx context.Context, record *audit.Record, answer *mcp.CallToolResult) {
	if record == nil {
		return
	}
	if answer.IsError {
		record.Fail(ctx, failureIn(answer.Meta).Error())
		return
	}
	if content, err := json.Marshal(answer.StructuredContent); err == nil {
		record.About(audit.Subjects(content)...)
		if _, waits := proposalIn(content); waits {
			record.DryRun()
		}
	}
	record.End(ctx, nil)
}

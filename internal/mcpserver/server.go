package mcpserver

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/version"
)

const instructions = `ohfp asks a cloud for machines, follows each request and gives the machines back.
A template says what kind of machines (list_templates); request_machines asks for some; get_request_status follows the request until it has ended;
return_machines gives machines back, which ends them. Machines cost money until they are returned.
Tools that end or remove something answer with a plan first, and do it when they are called again with its token: show the plan to the user before that.`

// Server is a server for one caller. Tools that the caller may not use are not listed, and refused.
func (f *Face) Server(caller access.Caller) (*mcp.Server, error) {
	v := visit{Face: f, Caller: caller}
	w := &watcher{visit: v, uris: map[string]int{}}
	s := mcp.NewServer(&mcp.Implementation{Name: "ohfp", Title: "Open Host Factory", Version: version.Current().Version}, &mcp.ServerOptions{
		Instructions: instructions, Logger: f.Log, CompletionHandler: v.complete,
		SubscribeHandler: w.subscribe, UnsubscribeHandler: w.unsubscribe,
	})
	w.server = s
	v.addResources(s)
	v.addPrompts(s)
	refused := map[string]error{}
	for _, t := range tools() {
		def, rule, err := t.definition()
		if err != nil {
			return nil, err
		}
		if err := v.may(rule.Operation); err != nil {
			refused[t.Name] = err
			continue
		}
		t.add(s, def, v)
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
	if err, ok := refused[call.Params.Name]; ok {
		v.Log.WarnContext(ctx, "a tool was refused", "tool", call.Params.Name, "caller", v.Caller.Name, "role", v.Caller.Role)
		return failed(err), nil
	}
	res, err := next(ctx, method, req)
	if answer, ok := res.(*mcp.CallToolResult); ok && err == nil {
		return explained(answer), nil
	}
	return res, err
}

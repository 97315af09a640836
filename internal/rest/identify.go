package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// callerOf is who makes a call.
func callerOf(ctx context.Context) access.Caller { return gate.CallerOf(ctx) }

// open are the paths that answer anybody, for those who watch over processes.
func open(path string) bool {
	path = strings.TrimRight(path, "/")
	return path == "/health" || path == "/livez" || path == "/readyz"
}

// turnAway answers for the gate.
func turnAway(w http.ResponseWriter, _ *http.Request, refusal gate.Refusal) {
	p := newProblem(refusal.Status, refusal.Code, refusal.Detail)
	p.Retry = refusal.Status == http.StatusTooManyRequests || refusal.Status == http.StatusServiceUnavailable
	p.write(w)
}

// recordKey is where the context of a call has its record in the audit log.
type recordKey struct{}

// authorise lets a call through whose caller may make it, and records it.
func (s *Server) authorise(ctx huma.Context, next func(huma.Context)) {
	operationKnown(ctx)
	op, _ := ctx.Operation().Metadata[operationKey].(access.Operation)
	if op == "" {
		next(ctx)
		return
	}
	caller := callerOf(ctx.Context())
	record := s.Audit.Begin(caller, gate.FromOf(ctx.Context()), op)
	record.About(ctx.Param("id"), ctx.Param("name"))
	if err := caller.May(op); err != nil {
		record.End(ctx.Context(), err)
		refuse(ctx, s.problemOf(ctx.Context(), err))
		return
	}
	defer func() { // unless it has ended
		if lost(ctx.Context()) {
			record.End(context.WithoutCancel(ctx.Context()), nil)
		}
		record.Fail(context.WithoutCancel(ctx.Context()), "internal error")
	}()
	next(huma.WithValue(ctx, recordKey{}, record))
	if status := ctx.Status(); status >= http.StatusBadRequest && !lost(ctx.Context()) {
		record.Fail(ctx.Context(), http.StatusText(status))
	}
	record.End(ctx.Context(), nil)
}

// dryRun notes for the audit log whether a call only asks what would be done.
func dryRun(ctx context.Context, dry bool) {
	if record, _ := ctx.Value(recordKey{}).(*audit.Record); dry {
		record.DryRun()
	}
}

// recorded notes for the audit log what an answer is about, or why there is none.
func recorded(ctx huma.Context, _ string, v any) (any, error) {
	record, _ := ctx.Context().Value(recordKey{}).(*audit.Record)
	if record == nil {
		return v, nil
	}
	if p, ok := v.(*Problem); ok {
		record.Fail(ctx.Context(), p.Code+": "+p.Detail)
		return v, nil
	}
	if document, err := json.Marshal(v); err == nil {
		record.About(audit.Subjects(document)...)
	}
	return v, nil
}

// refuse answers in the place of an operation.
func refuse(ctx huma.Context, p *Problem) {
	ctx.SetHeader("Content-Type", problemJSON)
	ctx.SetStatus(p.Status)
	_ = marshal(ctx.BodyWriter(), p) // the caller may have gone
}

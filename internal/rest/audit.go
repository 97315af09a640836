package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
)

type auditInput struct {
	Paging
	Since     time.Time     `query:"since" doc:"Only what came after this time, such as 2026-01-31T08:00:00Z"`
	Caller    string        `query:"caller" maxLength:"200" doc:"Only of this caller"`
	Operation operationName `query:"operation" doc:"Only this operation, such as requests.create"`
	Face      string        `query:"face" enum:"hostfactory,cli,rest,mcp" doc:"Only through this face"`
	Outcome   string        `query:"outcome" enum:"done,refused,failed" doc:"Only what ended so"`
	Subject   string        `query:"subject" maxLength:"200" doc:"Only what was about the request, machine, template or name of this id"`
}

// operationName is an operation of the table, or what those do whom nobody recognises.
type operationName string

// Schema implements [huma.SchemaProvider].
func (operationName) Schema(huma.Registry) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeString, Enum: []any{string(audit.Authenticate)}}
	for _, rule := range access.Rules() {
		schema.Enum = append(schema.Enum, string(rule.Operation))
	}
	return schema
}

type auditAnswer struct {
	Body struct {
		Entries    []audit.Entry `json:"entries" nullable:"false"`
		Unreadable int           `json:"unreadable,omitempty" doc:"Lines of the log that cannot be read"`
	}
}

func addAudit(on *surface) {
	s := on.server
	add(on, route{
		Operation: "audit.list", Method: http.MethodGet, Path: "/api/v1/audit", ID: "listAudit", Tag: "system",
		Summary: "Who did what, the newest first",
		Text: "Of the machine where the program that answers runs, through whichever face. Operations that change nothing are there with " +
			"the setting audit.reads only.",
	}, s.listAudit)
}

func (s *Server) listAudit(_ context.Context, in *auditInput) (*auditAnswer, error) {
	if s.Audit == nil {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "there is no audit log; set audit.enabled")
	}
	entries, unreadable, err := audit.List(s.Audit.Path, audit.Filter{
		Since: in.Since, Caller: in.Caller, Operation: access.Operation(in.Operation), Face: in.Face, Outcome: audit.Outcome(in.Outcome),
		Subject: in.Subject, Limit: in.Limit + in.Offset,
	})
	out := &auditAnswer{}
	out.Body.Entries, out.Body.Unreadable = append([]audit.Entry{}, entries[min(in.Offset, len(entries)):]...), unreadable
	return out, err
}

package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/store"
)

type requestsInput struct {
	Paging
	Cursor     string   `query:"cursor" doc:"The field next of the page before"`
	Status     []string `query:"status" enum:"pending,in_progress,stopping,complete,partial,failed,timeout,cancelled" doc:"Only requests in these statuses, separated by commas"`
	TemplateID string   `query:"templateId" doc:"Only requests for machines of this template"`
	Type       string   `query:"type" enum:"acquire,return" doc:"Only requests for machines, or only returns"`
	Abandoned  bool     `query:"abandoned" doc:"Only requests that nobody follows"`
	Verbose    bool     `query:"verbose" doc:"With machines"`
	Sync       bool     `query:"sync" doc:"Look at the cloud before answering"`
}

type requestsAnswer struct{ Body api.RequestList }

type requestInput struct {
	ID      string `path:"id" minLength:"1" maxLength:"100" doc:"The request or return"`
	Sync    bool   `query:"sync" default:"true" doc:"Look at the cloud before answering"`
	Verbose bool   `query:"verbose" default:"true" doc:"With machines"`
}

type requestAnswer struct{ Body api.RequestView }

type timelineInput struct {
	ID   string `path:"id" minLength:"1" maxLength:"100"`
	Each bool   `query:"each" doc:"A step for each machine"`
}

type timelineAnswer struct{ Body query.Timeline }

func addRequests(on *surface) {
	s := on.server
	add(on, route{
		Operation: "requests.list", Method: http.MethodGet, Path: "/api/v1/requests", ID: "listRequests", Tag: "requests",
		Summary: "Requests and returns, newest first", Holds: recordsHold,
	}, s.listRequests)
	add(on, route{
		Operation: "requests.list", Method: http.MethodGet, Path: "/api/v1/requests/count", ID: "countRequests", Tag: "requests",
		Summary: "How many requests and returns there are, by status",
	},
		func(ctx context.Context, _ *struct{}) (*countAnswer, error) {
			requests, err := s.Queries.Requests(ctx, query.RequestFilter{})
			out := &countAnswer{Body: api.Count{Count: len(requests), ByStatus: map[string]int{}}}
			for _, r := range requests {
				out.Body.ByStatus[string(r.Status)]++
			}
			return out, err
		})
	add(on, route{
		Operation: "requests.show", Method: http.MethodGet, Path: "/api/v1/requests/{id}", ID: "getRequest", Tag: "requests",
		Summary: "One request or return with its machines", Holds: recordsHold,
	}, s.showRequest)
	add(on, route{
		Operation: "requests.status", Method: http.MethodGet, Path: "/api/v1/requests/{id}/status", ID: "getRequestStatus",
		Tag: "requests", Summary: "How a request or return stands", Holds: recordsHold,
	}, s.showRequest)
	add(on, route{
		Operation: "requests.timeline", Method: http.MethodGet, Path: "/api/v1/requests/{id}/timeline", ID: "getRequestTimeline",
		Tag: "requests", Summary: "What happened to a request or return, step by step",
	},
		func(ctx context.Context, in *timelineInput) (*timelineAnswer, error) {
			timeline, err := s.Queries.RequestTimeline(ctx, ohfp.RequestID(in.ID), in.Each)
			return &timelineAnswer{Body: timeline}, err
		})
}

func (s *Server) listRequests(ctx context.Context, in *requestsInput) (*requestsAnswer, error) {
	filter := query.RequestFilter{
		Template: ohfp.TemplateID(in.TemplateID), Type: ohfp.RequestType(in.Type), After: in.Cursor, Offset: in.Offset,
		Limit: in.Limit, Machines: true,
	}
	for _, status := range in.Status {
		filter.Statuses = append(filter.Statuses, ohfp.Status(status))
	}
	problem := ""
	if in.Sync {
		problem = s.sync(ctx, command.SyncRequests{Others: true})
	}
	list, goesOn := s.Queries.Requests, true
	if in.Abandoned {
		if in.Type == string(ohfp.TypeReturn) || in.Cursor != "" {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "abandoned lists requests for machines by limit and offset; leave out type=return and cursor")
		}
		list, goesOn = s.Queries.Abandoned, false
	}
	requests, err := list(ctx, filter)
	if err != nil {
		return nil, err
	}
	show := view.NewRequests
	if in.Verbose {
		show = view.NewFullRequests
	}
	out := &requestsAnswer{Body: api.RequestList{Requests: show(requests, s.Now()), Message: problem}}
	if n := len(requests); goesOn && n > 0 && n == in.Limit {
		out.Body.Next = store.RequestCursor(requests[n-1])
	}
	return out, nil
}

func (s *Server) showRequest(ctx context.Context, in *requestInput) (*requestAnswer, error) {
	id, problem := ohfp.RequestID(in.ID), ""
	if in.Sync {
		problem = s.sync(ctx, command.SyncRequests{IDs: []ohfp.RequestID{id}, Others: true})
	}
	found, _, err := s.Queries.RequestStatus(ctx, []ohfp.RequestID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "request %s does not exist; see /api/v1/requests", id)
	}
	show := view.NewRequest
	if in.Verbose {
		show = view.NewFullRequest
	}
	return &requestAnswer{Body: api.RequestView{Request: show(found[0], s.Now()), Problem: problem}}, nil
}

// sync looks at the cloud. The records are good for an answer also when that fails, with the reason why it may be old.
func (s *Server) sync(ctx context.Context, in command.SyncRequests) (problem string) {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	if err := s.Commands.SyncRequests(within, in); err != nil {
		return "the cloud could not be asked, this is what was known last: " + sentence(err)
	}
	return ""
}

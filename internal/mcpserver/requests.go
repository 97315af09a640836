package mcpserver

import (
	"context"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type requestMachinesIn struct {
	Template ohfp.TemplateID `json:"template_id" jsonschema:"template to request machines from, see list_templates"`
	Count    *int            `json:"count,omitempty" jsonschema:"how many machines, or units for templates that count units; absent: 1"`
	Machines *int            `json:"machine_count,omitempty" jsonschema:"another name for count"`
	Wait     int             `json:"wait_seconds,omitempty" jsonschema:"wait up to this long, 600 at most, for the request to end; absent: answer as soon as the cloud has accepted it"`
}

type requestIn struct {
	Request ohfp.RequestID `json:"request_id" jsonschema:"id of a request (req-…) or return (ret-…)"`
}

type requestStatusIn struct {
	Request  ohfp.RequestID   `json:"request_id,omitempty" jsonschema:"id of a request (req-…) or return (ret-…)"`
	Requests []ohfp.RequestID `json:"request_ids,omitempty" jsonschema:"several of them"`
	All      bool             `json:"all,omitempty" jsonschema:"all that are under way, instead of ids"`
	Wait     int              `json:"wait_seconds,omitempty" jsonschema:"wait up to this long, 600 at most, for one request to end"`
}

type listRequestsIn struct {
	Statuses  []ohfp.Status   `json:"status,omitempty" jsonschema:"only requests in one of these: pending, in_progress, stopping, complete, partial, failed, timeout, cancelled"`
	Template  ohfp.TemplateID `json:"template_id,omitempty" jsonschema:"only requests for machines of this template"`
	Abandoned bool            `json:"abandoned,omitempty" jsonschema:"only requests that hold machines and that nobody follows"`
	Limit     int             `json:"limit,omitempty" jsonschema:"at most this many; 0 or absent: all"`
	Offset    int             `json:"offset,omitempty" jsonschema:"leave out this many at the beginning"`
}

type listReturnsIn struct {
	Statuses []ohfp.Status `json:"status,omitempty" jsonschema:"only returns in one of these: pending, in_progress, complete, failed"`
	Limit    int           `json:"limit,omitempty" jsonschema:"at most this many; 0 or absent: all"`
	Offset   int           `json:"offset,omitempty" jsonschema:"leave out this many at the beginning"`
}

type requestTimelineIn struct {
	Request ohfp.RequestID `json:"request_id" jsonschema:"id of a request (req-…) or return (ret-…)"`
	Each    bool           `json:"each,omitempty" jsonschema:"a step for each machine, instead of one for the same that happened to several"`
}

func requestTools() []tool {
	return []tool{
		define(tool{
			Name: "request_machines", Title: "Request machines",
			Description: "Request machines from a template. Answers with the request and its id as soon as the cloud has accepted or " +
				"refused it; get_request_status tells when the machines are ready. Machines cost money until they are returned with " +
				"return_machines. Each call is a new request: after an error whose outcome is not known, look at list_requests first. " +
				"The operator's limits hold.",
		}, requestMachines),
		define(tool{
			Name: "get_request_status", Title: "Ask how requests stand",
			Description: "Ask the cloud how requests and returns stand, take each as far as it goes now, and show them with their machines. " +
				"A request has ended when its status is complete, partial, failed, timeout or cancelled; its message says why it failed.",
		}, requestStatus),
		define(tool{
			Name: "get_request", Title: "Show a request",
			Description: "Show one request or return with its machines, after asking the cloud.",
		}, getRequest),
		define(tool{
			Name: "list_requests", Title: "List requests", Offline: true,
			Description: "List requests and returns, newest first, as they were last recorded. It asks no cloud: get_request_status does.",
		}, listRequests),
		define(tool{
			Name: "list_return_requests", Title: "List returns", Offline: true,
			Description: "List the returns, by which machines are given back, newest first, as they were last recorded. Machines that the " +
				"cloud takes back by itself are in list_reclaimed_machines.",
		}, listReturns),
		define(tool{
			Name: "get_request_timeline", Title: "Tell what happened to a request", Offline: true,
			Description: "Tell what happened to a request or return step by step: who asked, what the cloud was asked and answered, with " +
				"the cloud's own error codes. The first thing to look at when a request failed. It asks no cloud.",
		}, requestTimeline),
		confirmed(tool{
			Name: "cancel_request", Title: "Cancel a request", Idempotent: true,
			Description: "Stop a request that is under way; machines that it has already are ended. A request that has ended cannot be " +
				"cancelled: return its machines instead.",
		}, planCancel, cancelRequest),
		confirmed(tool{
			Name: "return_machines", Title: "Return machines", Idempotent: true,
			Description: "Give machines back: by id, by host name, or all of a request. They are terminated and everything on them is lost.",
		}, planReturn, returnMachines),
	}
}

func requestMachines(ctx context.Context, c *call, in requestMachinesIn) (view.Request, error) {
	count := 1
	switch {
	case in.Count != nil && in.Machines != nil && *in.Count != *in.Machines:
		return view.Request{}, ohfp.Errorf(ohfp.ErrInvalid, "count is %d and machine_count is %d; give one of them", *in.Count, *in.Machines)
	case in.Count != nil:
		count = *in.Count
	case in.Machines != nil:
		count = *in.Machines
	}
	if count < 1 {
		return view.Request{}, ohfp.Errorf(ohfp.ErrInvalid, "count %d makes no sense; use 1 or more", count)
	}
	if err := checkWait(in.Wait); err != nil {
		return view.Request{}, err
	}
	within, cancel := c.budget(ctx)
	defer cancel()
	r, err := c.Commands.RequestMachines(within, command.RequestMachines{Template: in.Template, Count: count, Origin: c.Caller.Origin()})
	if err != nil {
		return view.Request{}, err
	}
	r, err = c.follow(ctx, r, in.Wait)
	if err != nil {
		return view.Request{}, err
	}
	if ctx.Err() == nil { // nobody waits for the answer to a call that was cancelled, so nobody learns the id
		if err := c.Commands.Answered(ctx, r.ID); err != nil {
			c.Log.WarnContext(ctx, "an answer is not recorded; asking for the status makes up for it", "request", r.ID, "error", err)
		}
	}
	return view.NewFullRequest(r, c.Now()), nil
}

func requestStatus(ctx context.Context, c *call, in requestStatusIn) (view.Requests, error) {
	ids := in.Requests
	if in.Request != "" {
		ids = append([]ohfp.RequestID{in.Request}, ids...)
	}
	if err := checkWait(in.Wait); err != nil {
		return view.Requests{}, err
	}
	switch {
	case in.All && len(ids) > 0:
		return view.Requests{}, ohfp.Errorf(ohfp.ErrInvalid, "give either request ids or all, not both")
	case in.All:
		open, err := c.Queries.Requests(ctx, query.RequestFilter{Unsettled: true})
		if err != nil {
			return view.Requests{}, err
		}
		for _, r := range open {
			ids = append(ids, r.ID)
		}
	case len(ids) == 0:
		return view.Requests{}, ohfp.Errorf(ohfp.ErrInvalid, "which request? give request_id, request_ids or all; see list_requests")
	}
	if in.Wait > 0 && len(ids) != 1 {
		return view.Requests{}, ohfp.Errorf(ohfp.ErrInvalid, "wait_seconds waits for one request, not for %d; leave it out or give one id", len(ids))
	}
	ids = distinct(ids)
	found, unknown, err := c.statusOf(ctx, ids)
	if err != nil {
		return view.Requests{}, err
	}
	if len(unknown) > 0 && len(found) == 0 {
		return view.Requests{}, noSuchRequest(unknown[0])
	}
	for _, id := range unknown {
		c.note(ctx, "%v", noSuchRequest(id))
	}
	if in.Wait > 0 && len(found) == 1 {
		if found[0], err = c.follow(ctx, found[0], in.Wait); err != nil {
			return view.Requests{}, err
		}
	}
	return view.NewFullRequests(found, c.Now()), nil
}

func distinct[T comparable](list []T) []T {
	var once []T
	for _, item := range list {
		if !slices.Contains(once, item) {
			once = append(once, item)
		}
	}
	return once
}

// statusOf asks the cloud, then reads the records.
func (c *call) statusOf(ctx context.Context, ids []ohfp.RequestID) ([]ohfp.Request, []ohfp.RequestID, error) {
	if err := c.sync(ctx, command.SyncRequests{IDs: ids, Others: true}); err != nil {
		return nil, nil, err
	}
	return c.Queries.RequestStatus(ctx, ids)
}

func noSuchRequest(id ohfp.RequestID) error {
	return ohfp.Errorf(ohfp.ErrNotFound, "request %s does not exist; see list_requests", id)
}

func getRequest(ctx context.Context, c *call, in requestIn) (view.Request, error) {
	found, _, err := c.statusOf(ctx, []ohfp.RequestID{in.Request})
	if err != nil {
		return view.Request{}, err
	}
	if len(found) == 0 {
		return view.Request{}, noSuchRequest(in.Request)
	}
	return view.NewFullRequest(found[0], c.Now()), nil
}

func listRequests(ctx context.Context, c *call, in listRequestsIn) (view.Requests, error) {
	if err := checkStatuses(in.Statuses); err != nil {
		return view.Requests{}, err
	}
	if err := checkPage(in.Limit, in.Offset); err != nil {
		return view.Requests{}, err
	}
	list := c.Queries.Requests
	if in.Abandoned {
		list = c.Queries.Abandoned
	}
	// With their machines, to count what is ready.
	requests, err := list(ctx, query.RequestFilter{
		Statuses: in.Statuses, Template: in.Template, Machines: true, Limit: in.Limit, Offset: in.Offset,
	})
	if err != nil {
		return view.Requests{}, err
	}
	return view.NewRequests(requests, c.Now()), nil
}

func listReturns(ctx context.Context, c *call, in listReturnsIn) (view.Requests, error) {
	if err := checkStatuses(in.Statuses); err != nil {
		return view.Requests{}, err
	}
	if err := checkPage(in.Limit, in.Offset); err != nil {
		return view.Requests{}, err
	}
	requests, err := c.Queries.Requests(ctx, query.RequestFilter{
		Type: ohfp.TypeReturn, Statuses: in.Statuses, Machines: true, Limit: in.Limit, Offset: in.Offset,
	})
	if err != nil {
		return view.Requests{}, err
	}
	return view.NewRequests(requests, c.Now()), nil
}

func checkStatuses(statuses []ohfp.Status) error {
	for _, status := range statuses {
		if !slices.Contains(ohfp.Statuses(), status) {
			var known []string
			for _, one := range ohfp.Statuses() {
				known = append(known, string(one))
			}
			return ohfp.Errorf(ohfp.ErrInvalid, "status %q does not exist; use one of %s", status, strings.Join(known, ", "))
		}
	}
	return nil
}

func requestTimeline(ctx context.Context, c *call, in requestTimelineIn) (query.Timeline, error) {
	return c.Queries.RequestTimeline(ctx, in.Request, in.Each)
}

package hostfactory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// Commands is the write side as far as Host Factory reaches it.
type Commands interface {
	RequestMachines(ctx context.Context, in command.RequestMachines) (ohfp.Request, error)
	ReturnMachines(ctx context.Context, in command.ReturnMachines) (ohfp.Request, error)
	SyncRequests(ctx context.Context, in command.SyncRequests) error
	Answered(ctx context.Context, id ohfp.RequestID) error
	Reported(ctx context.Context, told []ohfp.Request, reader ohfp.Origin) error
	HostsNamed(ctx context.Context, known []command.Named)
	DoChores(ctx context.Context) error
}

// Queries is the read side as far as Host Factory reaches it.
type Queries interface {
	TemplateList(ctx context.Context) ([]query.TemplateView, []string, error)
	RequestStatus(ctx context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error)
	Reclaimed(ctx context.Context, known []query.Named) ([]query.Reclaimed, error)
}

// Face answers the five calls. Commands and Queries are required.
type Face struct {
	Commands Commands
	Queries  Queries
	Partial  Partial       // empty: PartialWithError
	Caller   access.Caller // who runs the script
	Audit    *audit.Log    // of who did what; nil: none
	// Telemetry counts and traces calls; nil: nobody does.
	Telemetry *telemetry.Instruments
}

// Reply is what one call prints and how it ends.
type Reply struct {
	Body   []byte // for standard output: one JSON object and a newline
	Exit   int    // 0, or 1 when Body holds nothing but a message
	Stderr string // for standard error: one line per finding without its last newline; empty when all is well
	// AfterWrite is called once Body has been written out, nil when there is nothing to do then. That it was not called
	// is how a request is known whose id nobody has learned.
	AfterWrite func(ctx context.Context) error
}

// unknownAction is counted for calls of any other name: what callers write must not become series.
const unknownAction = "none"

// Answer carries out one call. Whatever the input, the reply is well formed.
func (f *Face) Answer(ctx context.Context, action Action, input []byte) Reply {
	var record *audit.Record
	counted := unknownAction
	if rule, ok := access.OfScript(string(action)); ok {
		record, counted = f.Audit.Begin(f.Caller, audit.Local, rule.Operation), string(action)
	}
	ctx, call := f.Telemetry.Begin(ctx, "hostfactory", counted, "")
	reply, err := f.answer(ctx, action, input)
	call.End(err)
	record.About(audit.Subjects(reply.Body)...)
	record.End(context.WithoutCancel(ctx), err)
	if err != nil {
		return Refuse(err)
	}
	return reply
}

// Refuse is the reply that says why there is none.
func Refuse(err error) Reply {
	message := because(err.Error(), "internal error")
	body, encodeErr := answer(messageAnswer{Message: message})
	if encodeErr != nil {
		body = []byte(`{"message":"internal error"}` + "\n")
	}
	return Reply{Body: body, Exit: 1, Stderr: message}
}

func (f *Face) answer(ctx context.Context, action Action, input []byte) (Reply, error) {
	if rule, ok := access.OfScript(string(action)); ok {
		if err := f.Caller.May(rule.Operation); err != nil {
			return Reply{}, err
		}
	}
	switch action {
	case GetAvailableTemplates:
		return f.templates(ctx, input)
	case RequestMachines:
		return f.request(ctx, input)
	case RequestReturnMachines:
		return f.giveBack(ctx, input)
	case GetRequestStatus:
		return f.status(ctx, input)
	case GetReturnRequests:
		return f.returnRequests(ctx, input)
	default:
		return Reply{}, ohfp.Errorf(ohfp.ErrInvalid, "host factory makes no call %q; use one of the five scripts", action)
	}
}

func (f *Face) templates(ctx context.Context, input []byte) (Reply, error) {
	wanted, err := DecodeTemplates(input)
	if err != nil {
		return Reply{}, err
	}
	views, problems, err := f.Queries.TemplateList(ctx)
	if err != nil {
		return Reply{}, err
	}
	body, err := EncodeTemplates(views, wanted)
	for i := range problems {
		problems[i] = sentence(problems[i])
	}
	return Reply{Body: body, Stderr: strings.Join(problems, "\n")}, err
}

func (f *Face) request(ctx context.Context, input []byte) (Reply, error) {
	template, count, err := DecodeRequest(input)
	if err != nil {
		return Reply{}, err
	}
	r, err := f.Commands.RequestMachines(ctx, command.RequestMachines{Template: template, Count: count, Origin: f.Caller.Origin()})
	if err != nil {
		return Reply{}, err
	}
	body, err := EncodeRequested(r)
	return Reply{Body: body, AfterWrite: func(ctx context.Context) error { return f.Commands.Answered(ctx, r.ID) }}, err
}

func (f *Face) giveBack(ctx context.Context, input []byte) (Reply, error) {
	machines, nameless, err := DecodeReturn(input)
	if err != nil {
		return Reply{}, err
	}
	r, err := f.Commands.ReturnMachines(ctx, command.ReturnMachines{Machines: machines, Origin: f.Caller.Origin()})
	if err != nil {
		return Reply{}, err
	}
	body, err := EncodeReturned(r, nameless)
	return Reply{Body: body}, err
}

func (f *Face) status(ctx context.Context, input []byte) (Reply, error) {
	ids, err := DecodeStatus(input)
	if err != nil {
		return Reply{}, err
	}
	problem := f.Commands.SyncRequests(ctx, command.SyncRequests{IDs: ids, Others: true})
	ctx, cancel := reading(ctx)
	defer cancel()
	found, _, err := f.Queries.RequestStatus(ctx, ids)
	if err != nil {
		return Reply{}, err
	}
	// Wrong permissions must not hide how other requests have ended: the denied call may be of a request that nobody asks
	// about, and stay denied for days.
	ended := slices.ContainsFunc(found, func(r ohfp.Request) bool { return r.Status.Terminal() })
	if errors.Is(problem, ohfp.ErrDenied) && !ended {
		return Reply{}, problem
	}
	body, err := EncodeStatus(StatusReport{IDs: ids, Found: found, Partial: f.Partial, Problem: problem})
	told := func(ctx context.Context) error { return f.Commands.Reported(ctx, found, f.Caller.Origin()) }
	return Reply{Body: body, Stderr: finding(problem), AfterWrite: told}, err
}

func (f *Face) returnRequests(ctx context.Context, input []byte) (Reply, error) {
	known, err := DecodeReturnRequests(input)
	if err != nil {
		return Reply{}, err
	}
	if f.Caller.May("requests.return") == nil { // what a list lacks may be ended for it
		f.Commands.HostsNamed(ctx, hostsOf(known))
	}
	problem := f.Commands.SyncRequests(ctx, command.SyncRequests{Others: true, Live: true})
	_ = f.Commands.DoChores(ctx) // what fails is logged there and says nothing about these machines
	ctx, cancel := reading(ctx)
	defer cancel()
	reclaimed, err := f.Queries.Reclaimed(ctx, known)
	if err != nil {
		return Reply{}, err
	}
	body, err := EncodeReturnRequests(reclaimed, problem)
	return Reply{Body: body, Stderr: finding(problem)}, err
}

func hostsOf(known []query.Named) []command.Named {
	hosts := make([]command.Named, len(known))
	for i, n := range known {
		hosts[i] = command.Named(n)
	}
	return hosts
}

// readWithin bounds the reading of the records for an answer.
const readWithin = 10 * time.Second

// reading is for the records: they are read also when the cloud has used up the time of the call.
func reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), readWithin)
}

func finding(problem error) string {
	if problem == nil {
		return ""
	}
	return sentence(notAsked(problem))
}

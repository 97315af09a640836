package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

// createBody asks for machines. The count has the names that other systems give it, too; exactly one is to be given.
type createBody struct {
	TemplateID   string `json:"templateId" minLength:"1" maxLength:"64" doc:"What kind of machines"`
	Count        *int   `json:"count,omitempty" minimum:"1" maximum:"10000" doc:"How many machines, or units where the template counts units"`
	MachineCount *int   `json:"machineCount,omitempty" minimum:"1" maximum:"10000" doc:"The same as count"`
	MaxNumber    *int   `json:"maxNumber,omitempty" minimum:"1" maximum:"10000" doc:"The same as count"`
	Provider     string `json:"provider,omitempty" maxLength:"64" doc:"The provider instance to ask; placement chooses unless given"`
	// Clients of the reference system send it always, and empty.
	AdditionalData map[string]any `json:"additionalData,omitempty" maxProperties:"0" doc:"Must be empty: nothing is known that could be in it"`
}

func (b createBody) command(ctx context.Context) (command.RequestMachines, error) {
	in := command.RequestMachines{Template: ohfp.TemplateID(b.TemplateID), Provider: b.Provider, Origin: callerOf(ctx).Origin()}
	given := 0
	for _, count := range []*int{b.Count, b.MachineCount, b.MaxNumber} {
		if count != nil {
			given++
			in.Count = *count
		}
	}
	if given != 1 {
		return in, ohfp.Errorf(ohfp.ErrInvalid, "body has %d of count, machineCount and maxNumber, which mean the same; write one", given)
	}
	return in, nil
}

type createInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"The same key and body within a day make one request, whatever becomes of the answer"`
	Body createBody
}

type createdAnswer struct {
	Location string `header:"Location" doc:"The request"`
	Body     view.Request
}

type planInput struct{ Body createBody }

type planAnswer struct{ Body api.RequestPlan }

type cancelInput struct {
	ID     string `path:"id" minLength:"1" maxLength:"100" doc:"The request"`
	Reason string `query:"reason" maxLength:"500" doc:"Why, for people"`
	DryRun bool   `query:"dryRun" doc:"Only say which machines would end"`
}

type drainBody struct {
	MachineIDs []string `json:"machineIds,omitempty" maxItems:"10000" nullable:"false" doc:"These machines"`
	TemplateID string   `json:"templateId,omitempty" maxLength:"64" doc:"Machines of this template"`
	Zone       string   `json:"zone,omitempty" maxLength:"64" doc:"Machines in this zone"`
	OlderThan  int      `json:"olderThan,omitempty" minimum:"0" maximum:"315360000" doc:"Machines launched longer ago than this, in seconds"`
	Grace      *int     `json:"grace,omitempty" minimum:"0" maximum:"604800" doc:"Seconds from a machine's turn until it is due; 600 unless given"`
	Parallel   int      `json:"parallel,omitempty" minimum:"0" maximum:"10000" doc:"How many may be on their way at once; 0: all"`
	Force      bool     `json:"force,omitempty" doc:"Give back what its user still has when its grace is over"`
	Cancel     bool     `json:"cancel,omitempty" doc:"Withdraw earlier orders about these machines instead"`
	DryRun     bool     `json:"dryRun,omitempty" doc:"Only say which machines those are"`
}

type drainInput struct{ Body drainBody }

type drainAnswer struct{ Body api.Drained }

type switchInput struct {
	Body struct {
		MachineIDs []string `json:"machineIds" minItems:"1" maxItems:"10000" nullable:"false" doc:"The machines"`
		DryRun     bool     `json:"dryRun,omitempty" doc:"Only say which of them would be, and which would be refused by what is on record"`
	}
}

type switchAnswer struct{ Body api.Switched }

// drainGrace is what users have to finish their work unless the order says otherwise.
const drainGrace = 10 * time.Minute

func addWrites(on *surface) {
	s := on.server
	for _, r := range []route{
		{Path: "/api/v1/requests", ID: "createRequest", Tag: "requests"},
		{Path: "/api/v1/machines/request", ID: "requestMachines", Tag: "machines"},
	} {
		r.Operation, r.Method, r.Status, r.Write = "requests.create", http.MethodPost, http.StatusAccepted, true
		r.Summary = "Ask for machines"
		r.Text = "Answers once the cloud has accepted or refused, or after a moment with the id under which the request can be followed."
		r.After = s.answered
		add(on, r, s.createRequest)
	}
	add(on, route{
		Operation: "requests.create", Method: http.MethodPost, Path: "/api/v1/requests/plan", ID: "planRequest", Tag: "requests",
		Summary: "What a request would do", Text: "Nothing is stored, and nothing changes in the cloud.",
	},
		func(ctx context.Context, in *planInput) (*planAnswer, error) {
			dryRun(ctx, true)
			what, err := in.Body.command(ctx)
			if err != nil {
				return nil, err
			}
			plan, err := s.Commands.PlanRequest(ctx, what)
			if err != nil {
				return nil, err
			}
			return &planAnswer{Body: view.NewRequestPlan(plan)}, nil
		})
	add(on, route{
		Operation: "requests.cancel", Method: http.MethodDelete, Path: "/api/v1/requests/{id}", ID: "cancelRequest", Tag: "requests",
		Summary: "Stop a request that is under way and release what it has", Write: true,
	},
		func(ctx context.Context, in *cancelInput) (*requestAnswer, error) {
			dryRun(ctx, in.DryRun)
			r, err := s.Commands.CancelRequest(ctx, command.CancelRequest{
				ID: ohfp.RequestID(in.ID), Reason: in.Reason, DryRun: in.DryRun, Origin: callerOf(ctx).Origin(),
			})
			return &requestAnswer{Body: api.RequestView{Request: view.NewFullRequest(r, s.Now()), DryRun: in.DryRun}}, err
		})
	add(on, route{
		Operation: "machines.stop", Method: http.MethodPost, Path: "/api/v1/machines/stop", ID: "stopMachines", Tag: "machines",
		Summary: "Stop machines, which keep their disks and addresses", Write: true,
	}, s.switchMachines(false))
	add(on, route{
		Operation: "machines.start", Method: http.MethodPost, Path: "/api/v1/machines/start", ID: "startMachines", Tag: "machines",
		Summary: "Start machines that are stopped", Write: true,
	}, s.switchMachines(true))
	add(on, route{
		Operation: "machines.drain", Method: http.MethodPost, Path: "/api/v1/machines/drain", ID: "drainMachines", Tag: "machines",
		Summary: "Ask the users of machines to give them back", Text: "What is given narrows the choice together.", Write: true,
	}, s.drainMachines)
}

// switchMachines stops or starts machines.
func (s *Server) switchMachines(on bool) func(context.Context, *switchInput) (*switchAnswer, error) {
	return func(ctx context.Context, in *switchInput) (*switchAnswer, error) {
		dryRun(ctx, in.Body.DryRun)
		what := command.SwitchMachines{On: on, DryRun: in.Body.DryRun, Origin: callerOf(ctx).Origin()}
		for _, id := range in.Body.MachineIDs {
			what.IDs = append(what.IDs, ohfp.MachineID(id))
		}
		done, err := s.Commands.SwitchMachines(ctx, what)
		return &switchAnswer{Body: api.Switched{
			DryRun: what.DryRun, Machines: view.NewMachines(done.Machines).Machines, Refused: done.Refused,
		}}, err
	}
}

func (s *Server) createRequest(ctx context.Context, in *createInput) (*createdAnswer, error) {
	what, err := in.Body.command(ctx)
	if err != nil {
		return nil, err
	}
	if what.ID, err = s.once(ctx, in.Key, ohfp.TypeAcquire, in.Body); err != nil {
		return nil, err
	}
	r, err := s.Commands.RequestMachines(ctx, what)
	if err != nil {
		return nil, err
	}
	remember(ctx, r.ID)
	return &createdAnswer{Location: "/api/v1/requests/" + string(r.ID), Body: view.NewFullRequest(r, s.Now())}, nil
}

func (s *Server) drainMachines(ctx context.Context, in *drainInput) (*drainAnswer, error) {
	b := in.Body
	dryRun(ctx, b.DryRun)
	what := command.DrainMachines{
		Template: ohfp.TemplateID(b.TemplateID), Zone: b.Zone, OlderThan: time.Duration(b.OlderThan) * time.Second, Grace: drainGrace,
		Parallel: b.Parallel, Force: b.Force, Cancel: b.Cancel, DryRun: b.DryRun, Origin: callerOf(ctx).Origin(),
	}
	if b.Grace != nil {
		what.Grace = time.Duration(*b.Grace) * time.Second
	}
	for _, id := range b.MachineIDs {
		what.IDs = append(what.IDs, ohfp.MachineID(id))
	}
	if b.Cancel && (b.Grace != nil || b.Parallel != 0 || b.Force) {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "grace, parallel and force belong to an order; leave them out with cancel")
	}
	done, err := s.Commands.DrainMachines(ctx, what)
	return &drainAnswer{Body: api.Drained{
		DryRun: b.DryRun, Machines: view.NewMachines(done.Machines).Machines, Unknown: done.Unknown,
	}}, err
}

// toldKey is where the context of a call has the request whose id its answer tells.
type toldKey struct{}

// remember notes the request whose id the answer tells.
func remember(ctx context.Context, id ohfp.RequestID) {
	if told, ok := ctx.Value(toldKey{}).(*ohfp.RequestID); ok {
		*told = id
	}
}

// answered records that an answer with the id of a request has left us. Without that, and without anybody asking for it, a
// request is released in the end.
func (s *Server) answered(ctx huma.Context, next func(huma.Context)) {
	var told ohfp.RequestID
	next(huma.WithValue(ctx, toldKey{}, &told))
	if told == "" || lost(ctx.Context()) {
		return
	}
	if err := s.Commands.Answered(context.WithoutCancel(ctx.Context()), told); err != nil {
		s.Log.Warn("it is not recorded that a caller knows a request", "request", told, "error", err)
	}
}

package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type reclaimedInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"10000" doc:"At most so many"`
}

type reclaimedAnswer struct{ Body api.ReclaimedList }

type returnBody struct {
	MachineIDs []string `json:"machineIds,omitempty" maxItems:"10000" nullable:"false" doc:"Machines to give back"`
	Names      []string `json:"names,omitempty" maxItems:"10000" nullable:"false" doc:"Machines to give back, by their host names"`
	RequestID  string   `json:"requestId,omitempty" maxLength:"100" doc:"Instead: all machines of this request"`
	All        bool     `json:"allMachines,omitempty" doc:"Instead: every machine that somebody has, but those of requests under way. Needs force"`
	Force      bool     `json:"force,omitempty" doc:"That allMachines is meant. Machines that have been given back before are no error, with it or without"`
}

type returnInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"The same key and body within a day make one return, whatever becomes of the answer"`
	Body returnBody
}

type planReturnInput struct{ Body returnBody }

type plannedEndAnswer struct{ Body api.PlannedEnd }

func addReturns(on *surface) {
	s := on.server
	add(on, route{
		Operation: "machines.reclaimed", Method: http.MethodGet, Path: "/api/v1/requests/return", ID: "listReclaimed", Tag: "machines",
		Summary: "Machines that the cloud or an operator takes back from their users",
	},
		func(ctx context.Context, in *reclaimedInput) (*reclaimedAnswer, error) {
			found, err := s.Queries.Reclaimed(ctx, nil)
			return &reclaimedAnswer{Body: view.NewReclaimed(found[:min(in.Limit, len(found))])}, err
		})
	add(on, route{
		Operation: "requests.return", Method: http.MethodPost, Path: "/api/v1/machines/return", ID: "returnMachines", Tag: "machines",
		Summary: "Give machines back", Text: "They are terminated; everything on them is lost. Machines that are not known here are listed under unknown.",
		Write: true, After: s.answered,
	}, s.returnMachines)
	add(on, route{
		Operation: "requests.return", Method: http.MethodPost, Path: "/api/v1/machines/return/plan", ID: "planReturn", Tag: "machines",
		Summary: "Which machines a return would end", Text: "Nothing is stored, and nothing changes in the cloud.",
	}, s.planReturn)
}

// toReturn is what a body names.
func (s *Server) toReturn(ctx context.Context, body returnBody) (command.ReturnMachines, error) {
	what := command.ReturnMachines{Request: ohfp.RequestID(body.RequestID), Origin: callerOf(ctx).Origin()}
	for _, id := range body.MachineIDs {
		what.Machines = append(what.Machines, command.Named{ID: ohfp.MachineID(id)})
	}
	for _, name := range body.Names {
		what.Machines = append(what.Machines, command.Named{Name: name})
	}
	named := what.Request != "" || len(what.Machines) > 0
	switch {
	case body.All && named:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "body names machines and has allMachines; give one of them")
	case body.All && !body.Force:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "body has allMachines, which ends every machine that somebody has; if that is meant, give force too")
	case !body.All && !named:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "body names no machines; give machineIds, names or a requestId")
	case what.Request != "" && len(what.Machines) > 0:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "body names a request and machines; give one of them")
	}
	if body.All {
		machines, _, err := s.Queries.InHand(ctx)
		if err != nil {
			return what, err
		}
		for _, m := range machines {
			what.Machines = append(what.Machines, command.Named{ID: m.ID})
		}
	}
	return what, nil
}

func (s *Server) returnMachines(ctx context.Context, in *returnInput) (*createdAnswer, error) {
	what, err := s.toReturn(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if what.ID, err = s.once(ctx, in.Key, ohfp.TypeReturn, in.Body); err != nil {
		return nil, err
	}
	r, err := s.Commands.ReturnMachines(ctx, what)
	if err != nil {
		return nil, err
	}
	remember(ctx, r.ID)
	return &createdAnswer{Location: "/api/v1/requests/" + string(r.ID), Body: view.NewFullRequest(r, s.Now())}, nil
}

// planReturn says what a return would end.
func (s *Server) planReturn(ctx context.Context, in *planReturnInput) (*plannedEndAnswer, error) {
	dryRun(ctx, true)
	in.Body.Force = true // a plan ends nothing
	what, err := s.toReturn(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if what.Request != "" {
		found, _, err := s.Queries.RequestStatus(ctx, []ohfp.RequestID{what.Request})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "request %s does not exist; see /api/v1/requests", what.Request)
		}
	}
	named := make([]query.Named, 0, len(what.Machines))
	for _, m := range what.Machines {
		named = append(named, query.Named(m))
	}
	machines, err := s.Queries.Returnable(ctx, what.Request, named)
	return &plannedEndAnswer{Body: api.PlannedEnd{DryRun: true, Action: "return", Machines: view.NewMachines(machines).Machines}}, err
}

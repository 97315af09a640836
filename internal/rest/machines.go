package rest

import (
	"context"
	"net/http"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/store"
)

type machinesInput struct {
	Paging
	Cursor     string   `query:"cursor" doc:"The field next of the page before"`
	Status     []string `query:"status" enum:"pending,running,stopping,stopped,shutting-down,terminated,all" doc:"Only machines in these states, separated by commas; all that are not terminated unless given"`
	RequestID  string   `query:"requestId" doc:"Only machines of this request, or given back by this return"`
	TemplateID string   `query:"templateId" doc:"Only machines of this template"`
	Provider   string   `query:"providerName" maxLength:"64" doc:"Only machines of this provider instance"`
	Noticed    bool     `query:"noticed" doc:"Only machines that the cloud or an operator takes back"`
	Sync       bool     `query:"sync" doc:"Look at the cloud before answering"`
}

type machinesAnswer struct{ Body api.MachineList }

type machineInput struct {
	ID string `path:"id" minLength:"1" maxLength:"200" doc:"The machine"`
}

type machineAnswer struct{ Body view.Machine }

type usageInput struct {
	By string `query:"by" enum:"template,provider,caller" default:"template" doc:"What to add up by"`
}

type usageAnswer struct{ Body query.UsageReport }

func addMachines(on *surface) {
	s := on.server
	add(on, route{
		Operation: "machines.list", Method: http.MethodGet, Path: "/api/v1/machines", ID: "listMachines", Tag: "machines",
		Summary: "Machines in the order of their launch", Holds: recordsHold,
	}, s.listMachines)
	add(on, route{
		Operation: "machines.list", Method: http.MethodGet, Path: "/api/v1/machines/count", ID: "countMachines", Tag: "machines",
		Summary: "How many machines there are, by state", Text: "Those that are gone are counted as long as their records are kept.",
	},
		func(ctx context.Context, _ *struct{}) (*countAnswer, error) {
			machines, err := s.Queries.Machines(ctx, query.MachineFilter{})
			out := &countAnswer{Body: api.Count{Count: len(machines), ByStatus: map[string]int{}}}
			for _, m := range machines {
				out.Body.ByStatus[string(m.State)]++
			}
			return out, err
		})
	add(on, route{
		Operation: "machines.show", Method: http.MethodGet, Path: "/api/v1/machines/{id}", ID: "getMachine", Tag: "machines",
		Summary: "One machine", Holds: recordsHold,
	},
		func(ctx context.Context, in *machineInput) (*machineAnswer, error) {
			machines, err := s.Queries.Machines(ctx, query.MachineFilter{IDs: []ohfp.MachineID{ohfp.MachineID(in.ID)}})
			if err != nil {
				return nil, err
			}
			if len(machines) == 0 {
				return nil, ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist; see /api/v1/machines?status=all", in.ID)
			}
			// Two clouds may know the same id; the newest machine is the one that somebody asks about.
			return &machineAnswer{Body: view.NewMachine(machines[len(machines)-1])}, nil
		})
	add(on, route{
		Operation: "machines.timeline", Method: http.MethodGet, Path: "/api/v1/machines/{id}/timeline", ID: "getMachineTimeline",
		Tag: "machines", Summary: "What happened to a machine, step by step",
	},
		func(ctx context.Context, in *machineInput) (*timelineAnswer, error) {
			timeline, err := s.Queries.MachineTimeline(ctx, ohfp.MachineID(in.ID))
			return &timelineAnswer{Body: timeline}, err
		})
	add(on, route{
		Operation: "usage", Method: http.MethodGet, Path: "/api/v1/usage", ID: "getUsage", Tag: "machines",
		Summary: "What is running, for whom and at what cost",
	},
		func(ctx context.Context, in *usageInput) (*usageAnswer, error) {
			report, err := s.Queries.Usage(ctx, query.UsageBy(in.By))
			return &usageAnswer{Body: report}, err
		})
}

func (s *Server) listMachines(ctx context.Context, in *machinesInput) (*machinesAnswer, error) {
	filter := query.MachineFilter{
		Template: ohfp.TemplateID(in.TemplateID), Noticed: in.Noticed, After: in.Cursor, Limit: in.Limit, Offset: in.Offset,
	}
	if id := ohfp.RequestID(in.RequestID); id.Type() == ohfp.TypeReturn {
		filter.Return = id
	} else {
		filter.Request = id
	}
	switch {
	case slices.Contains(in.Status, "all"):
	case len(in.Status) > 0:
		for _, state := range in.Status {
			filter.States = append(filter.States, ohfp.MachineState(state))
		}
	default:
		filter.States = []ohfp.MachineState{
			ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
		}
	}
	problem := ""
	if in.Sync {
		problem = s.sync(ctx, command.SyncRequests{Others: true, Live: true})
	}
	machines, next, err := s.machinesOf(ctx, in.Provider, filter)
	if err != nil {
		return nil, err
	}
	return &machinesAnswer{Body: api.MachineList{Machines: view.NewMachines(machines), Next: next, Message: problem}}, nil
}

// machinesOf is a page of machines and where the next one begins. Stores know nothing of providers, so that those of one are
// picked out of all here.
func (s *Server) machinesOf(ctx context.Context, provider string, filter query.MachineFilter) (page []ohfp.Machine, next string, err error) {
	if provider == "" {
		page, err = s.Queries.Machines(ctx, filter)
		if n := len(page); n > 0 && n == filter.Limit {
			next = store.MachineCursor(page[n-1])
		}
		return page, next, err
	}
	part, skip := filter, filter.Offset
	part.Limit, part.Offset = max(filter.Limit, batchLimit), 0
	for {
		machines, err := s.Queries.Machines(ctx, part)
		if err != nil {
			return nil, "", err
		}
		for _, m := range machines {
			switch {
			case m.Provider != provider:
			case skip > 0:
				skip--
			default:
				if page = append(page, m); len(page) == filter.Limit {
					return page, store.MachineCursor(m), nil
				}
			}
		}
		if len(machines) < part.Limit {
			return page, "", nil
		}
		part.After = store.MachineCursor(machines[len(machines)-1])
	}
}

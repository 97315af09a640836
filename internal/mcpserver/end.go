package mcpserver

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type cancelIn struct {
	Confirmation

	Request ohfp.RequestID `json:"request_id" jsonschema:"id of the request to stop"`
}

func planCancel(ctx context.Context, c *call, in cancelIn) (Plan, error) {
	r, err := c.record(ctx, in.Request)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{
		Summary: fmt.Sprintf("cancel request %s (%s, template %s) and end what it has: %s", r.ID, r.Status, r.Template.ID, ohfp.Count(alive(r.Machines), "machine")),
		Subject: string(r.ID),
	}
	for _, m := range r.Machines {
		if m.Alive() {
			plan.Machines = append(plan.Machines, m.ID)
		}
	}
	return plan, nil
}

func alive(machines []ohfp.Machine) int {
	n := 0
	for _, m := range machines {
		if m.Alive() {
			n++
		}
	}
	return n
}

// record reads one request without asking the cloud.
func (c *call) record(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	found, _, err := c.Queries.RequestStatus(ctx, []ohfp.RequestID{id})
	if err != nil {
		return ohfp.Request{}, err
	}
	if len(found) == 0 {
		return ohfp.Request{}, noSuchRequest(id)
	}
	return found[0], nil
}

func cancelRequest(ctx context.Context, c *call, in cancelIn) (view.Request, error) {
	within, cancel := c.budget(ctx)
	defer cancel()
	r, err := c.Commands.CancelRequest(within, command.CancelRequest{ID: in.Request, Origin: c.Caller.Origin()})
	if err != nil {
		return view.Request{}, err
	}
	return view.NewFullRequest(r, c.Now()), nil
}

type returnIn struct {
	Confirmation

	Request  ohfp.RequestID   `json:"request_id,omitempty" jsonschema:"give back all machines of this request"`
	Machines []ohfp.MachineID `json:"machine_ids,omitempty" jsonschema:"give back these machines"`
	Names    []string         `json:"names,omitempty" jsonschema:"give back the machines with these host names"`
	All      bool             `json:"all,omitempty" jsonschema:"give back every machine that exists"`
	Wait     int              `json:"wait_seconds,omitempty" jsonschema:"wait up to this long, 600 at most, for the machines to be gone"`
}

// present are the states of machines that can still be given back.
func present() []ohfp.MachineState {
	return []ohfp.MachineState{ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped}
}

// command takes one way of naming machines: "these machines of that request" would be a third meaning.
func (in returnIn) command(ctx context.Context, c *call) (command.ReturnMachines, error) {
	what := command.ReturnMachines{Request: in.Request, Origin: c.Caller.Origin()}
	if err := checkWait(in.Wait); err != nil {
		return what, err
	}
	for _, id := range in.Machines {
		what.Machines = append(what.Machines, command.Named{ID: id})
	}
	for _, name := range in.Names {
		what.Machines = append(what.Machines, command.Named{Name: name})
	}
	ways := 0
	for _, given := range []bool{in.Request != "", len(what.Machines) > 0, in.All} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "which machines? give request_id, machine_ids, names or all; see list_machines")
	case ways > 1:
		return what, ohfp.Errorf(ohfp.ErrInvalid, "give either request_id, or machine_ids and names, or all")
	case in.All:
		machines, err := c.Queries.Machines(ctx, query.MachineFilter{States: present()})
		if err != nil {
			return what, err
		}
		for _, m := range machines {
			if m.Ending == "" {
				what.Machines = append(what.Machines, command.Named{ID: m.ID})
			}
		}
		if len(what.Machines) == 0 {
			return what, ohfp.Errorf(ohfp.ErrNotFound, "there are no machines to give back; see list_machines")
		}
	}
	return what, nil
}

func planReturn(ctx context.Context, c *call, in returnIn) (Plan, error) {
	what, err := in.command(ctx, c)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{}
	var machines []ohfp.Machine
	if what.Request != "" {
		r, err := c.record(ctx, what.Request)
		if err != nil {
			return Plan{}, err
		}
		machines, plan.Subject = r.Machines, string(r.ID)
	} else if machines, plan.Unknown, err = c.named(ctx, what.Machines); err != nil {
		return Plan{}, err
	}
	for _, m := range machines {
		if m.Alive() && m.Ending == "" {
			plan.Machines = append(plan.Machines, m.ID)
		}
	}
	plan.Summary = "give back and terminate " + ohfp.Count(len(plan.Machines), "machine") + "; everything there is lost"
	return plan, nil
}

// named finds the machines that are named, and says which it does not find. What is not on record may still be found by
// tag when it is given back.
func (c *call) named(ctx context.Context, names []command.Named) (machines []ohfp.Machine, unknown []string, err error) {
	filter, byName := query.MachineFilter{}, query.MachineFilter{States: present()}
	for _, n := range names {
		if n.ID != "" {
			filter.IDs = append(filter.IDs, n.ID)
		} else {
			byName.Names = append(byName.Names, n.Name)
		}
	}
	if len(filter.IDs) > 0 {
		if machines, err = c.Queries.Machines(ctx, filter); err != nil {
			return nil, nil, err
		}
	}
	if len(byName.Names) > 0 {
		more, err := c.Queries.Machines(ctx, byName)
		if err != nil {
			return nil, nil, err
		}
		machines = append(machines, more...)
	}
	known := map[string]bool{}
	for _, m := range machines {
		known[string(m.ID)], known[m.Name] = true, true
	}
	for _, n := range names {
		if name := string(n.ID) + n.Name; !known[name] {
			unknown = append(unknown, name)
		}
	}
	return machines, unknown, nil
}

func returnMachines(ctx context.Context, c *call, in returnIn) (view.Request, error) {
	what, err := in.command(ctx, c)
	if err != nil {
		return view.Request{}, err
	}
	within, cancel := c.budget(ctx)
	defer cancel()
	r, err := c.Commands.ReturnMachines(within, what)
	if err != nil {
		return view.Request{}, err
	}
	if r, err = c.follow(ctx, r, in.Wait); err != nil {
		return view.Request{}, err
	}
	for _, unknown := range r.Unknown {
		c.note(ctx, "%s", unknown.Message)
	}
	return view.NewFullRequest(r, c.Now()), nil
}

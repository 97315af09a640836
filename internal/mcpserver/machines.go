package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type listMachinesIn struct {
	States   []string        `json:"status,omitempty" jsonschema:"only machines in one of these: pending, running, stopping, stopped, shutting-down, terminated, all; absent: all that exist"`
	Request  ohfp.RequestID  `json:"request_id,omitempty" jsonschema:"only machines of this request, or given back by this return"`
	Template ohfp.TemplateID `json:"template_id,omitempty" jsonschema:"only machines of this template"`
	Noticed  bool            `json:"noticed,omitempty" jsonschema:"only machines that the cloud or an operator takes back"`
	Limit    int             `json:"limit,omitempty" jsonschema:"at most this many; 0 or absent: all"`
	Offset   int             `json:"offset,omitempty" jsonschema:"leave out this many at the beginning"`
}

type machineIn struct {
	Machine ohfp.MachineID `json:"machine_id" jsonschema:"id of the machine, see list_machines"`
}

type drainIn struct {
	Confirmation

	Machines  []ohfp.MachineID `json:"machine_ids,omitempty" jsonschema:"these machines"`
	Template  ohfp.TemplateID  `json:"template_id,omitempty" jsonschema:"machines of this template"`
	Zone      string           `json:"zone,omitempty" jsonschema:"machines in this zone"`
	OlderThan string           `json:"older_than,omitempty" jsonschema:"machines launched longer ago than this, for example 24h"`
	Grace     string           `json:"grace,omitempty" jsonschema:"from a machine's turn until it is due; absent: 10m"`
	Parallel  int              `json:"parallel,omitempty" jsonschema:"how many machines may be on their way at once; absent: all"`
	Force     bool             `json:"force,omitempty" jsonschema:"give back what its user still has when its grace is over"`
	Cancel    bool             `json:"cancel,omitempty" jsonschema:"withdraw earlier orders about these machines instead"`
	DryRun    bool             `json:"dry_run,omitempty" jsonschema:"change nothing, show which machines those are"`
}

type usageIn struct {
	By query.UsageBy `json:"by,omitempty" jsonschema:"what to add up by: template, provider or caller; absent: template"`
}

type nothingIn struct{}

func machineTools() []tool {
	return []tool{
		define(tool{
			Name: "list_machines", Title: "List machines",
			Description: "List the machines that exist, after asking the cloud how they are. Machines that are gone are listed only when " +
				"status names terminated or all.",
		}, listMachines),
		define(tool{
			Name: "get_machine_status", Title: "Show a machine",
			Description: "Show one machine, after asking the cloud how it is.",
		}, machineStatus),
		define(tool{
			Name: "get_machine_timeline", Title: "Tell what happened to a machine", Offline: true,
			Description: "Tell what happened to a machine step by step, from the request that brought it to its end. It asks no cloud.",
		}, machineTimeline),
		define(tool{
			Name: "list_reclaimed_machines", Title: "List machines that are taken back",
			Description: "List the machines that the cloud or an operator takes back from their users, with the seconds left: spot " +
				"interruptions, maintenance, drains, and what ended outside.",
		}, reclaimedMachines),
		define(tool{
			Name: "get_usage", Title: "Tell what is running and what it costs", Offline: true,
			Description: "Add up the machines that exist and those on their way, with vCPUs and estimated dollars an hour, by template, " +
				"provider or caller. It asks no cloud.",
		}, usage),
		confirmed(tool{
			Name: "drain_machines", Title: "Drain machines", Idempotent: true,
			Description: "Ask the users of machines to give them back within a grace, or with force see to it. What is given narrows the " +
				"choice together; one of machine_ids, template_id, zone and older_than at least.",
		}, planDrain, drainMachines),
	}
}

func machineStates() []ohfp.MachineState {
	return append(present(), ohfp.MachineShuttingDown, ohfp.MachineTerminated)
}

func (in listMachinesIn) filter() (query.MachineFilter, error) {
	filter := query.MachineFilter{Template: in.Template, Noticed: in.Noticed, Limit: in.Limit, Offset: in.Offset}
	if in.Request.Type() == ohfp.TypeReturn {
		filter.Return = in.Request
	} else {
		filter.Request = in.Request
	}
	if len(in.States) == 0 {
		filter.States = append(present(), ohfp.MachineShuttingDown)
	}
	for _, name := range in.States {
		if name != "all" && !slices.Contains(machineStates(), ohfp.MachineState(name)) {
			var known []string
			for _, state := range machineStates() {
				known = append(known, string(state))
			}
			return filter, ohfp.Errorf(ohfp.ErrInvalid, "status %q does not exist; use one of %s, all", name, strings.Join(known, ", "))
		}
		filter.States = append(filter.States, ohfp.MachineState(name))
	}
	if slices.Contains(in.States, "all") {
		filter.States = nil
	}
	return filter, checkPage(in.Limit, in.Offset)
}

func listMachines(ctx context.Context, c *call, in listMachinesIn) (view.Machines, error) {
	filter, err := in.filter()
	if err != nil {
		return view.Machines{}, err
	}
	if err := c.sync(ctx, command.SyncRequests{Others: true, Live: true}); err != nil {
		return view.Machines{}, err
	}
	machines, err := c.Queries.Machines(ctx, filter)
	if err != nil {
		return view.Machines{}, err
	}
	return view.NewMachines(machines), nil
}

func machineStatus(ctx context.Context, c *call, in machineIn) (view.Machine, error) {
	if err := c.sync(ctx, command.SyncRequests{Others: true, Live: true}); err != nil {
		return view.Machine{}, err
	}
	machines, err := c.Queries.Machines(ctx, query.MachineFilter{IDs: []ohfp.MachineID{in.Machine}})
	if err != nil {
		return view.Machine{}, err
	}
	if len(machines) == 0 {
		return view.Machine{}, ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist; see list_machines with status all", in.Machine)
	}
	// Two clouds may know the same id; the newest machine is the one that somebody asks about.
	return view.NewMachine(machines[len(machines)-1]), nil
}

func machineTimeline(ctx context.Context, c *call, in machineIn) (query.Timeline, error) {
	return c.Queries.MachineTimeline(ctx, in.Machine)
}

func reclaimedMachines(ctx context.Context, c *call, _ nothingIn) (view.ReclaimedList, error) {
	if err := c.sync(ctx, command.SyncRequests{Others: true, Live: true}); err != nil {
		return view.ReclaimedList{}, err
	}
	taken, err := c.Queries.Reclaimed(ctx, nil)
	if err != nil {
		return view.ReclaimedList{}, err
	}
	return view.NewReclaimed(taken), nil
}

func usage(ctx context.Context, c *call, in usageIn) (query.UsageReport, error) {
	if in.By == "" {
		in.By = query.UsageByTemplate
	}
	return c.Queries.Usage(ctx, in.By)
}

// drainGrace is what users have to finish their work unless the caller says otherwise, as on the command line.
const drainGrace = 10 * time.Minute

func (in drainIn) command(c *call) (what command.DrainMachines, err error) {
	what = command.DrainMachines{
		IDs: in.Machines, Template: in.Template, Zone: in.Zone, Grace: drainGrace,
		Parallel: in.Parallel, Force: in.Force, Cancel: in.Cancel, DryRun: in.DryRun, Origin: c.Caller.Origin(),
	}
	if what.OlderThan, err = duration("older_than", in.OlderThan, 0); err != nil {
		return what, err
	}
	what.Grace, err = duration("grace", in.Grace, drainGrace)
	if err == nil && in.Cancel && (in.Grace != "" || in.Parallel != 0 || in.Force) {
		err = ohfp.Errorf(ohfp.ErrInvalid, "grace, parallel and force belong to an order; leave them out with cancel")
	}
	return what, err
}

func duration(name, text string, absent time.Duration) (time.Duration, error) {
	if text == "" {
		return absent, nil
	}
	d, err := ohfp.ParseDuration(text)
	if err != nil {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s %q is no duration; write for example 90s, 30m or 24h", name, text)
	}
	return d, nil
}

func planDrain(ctx context.Context, c *call, in drainIn) (Plan, error) {
	what, err := in.command(c)
	if err != nil || in.DryRun {
		return Plan{}, err // a dry run shows what would be drained by itself
	}
	filter := query.MachineFilter{IDs: what.IDs, Template: what.Template, Noticed: what.Cancel, States: present()}
	machines, err := c.Queries.Machines(ctx, filter)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{}
	known := map[ohfp.MachineID]bool{}
	for _, m := range machines {
		known[m.ID] = true
		if (what.Zone == "" || m.Zone == what.Zone) && (what.OlderThan <= 0 || c.Now().Sub(m.LaunchedAt) > what.OlderThan) {
			plan.Machines = append(plan.Machines, m.ID)
		}
	}
	for _, id := range what.IDs {
		if !known[id] {
			plan.Unknown = append(plan.Unknown, string(id))
		}
	}
	switch n := len(plan.Machines); {
	case what.Cancel:
		plan.Summary = "withdraw the order to drain " + ohfp.Count(n, "machine")
	case what.Force:
		plan.Summary = fmt.Sprintf("drain %s, and terminate what their users still have after %s", ohfp.Count(n, "machine"), ohfp.FormatDuration(what.Grace))
	default:
		plan.Summary = fmt.Sprintf("ask for %s to be given back within %s", ohfp.Count(n, "machine"), ohfp.FormatDuration(what.Grace))
	}
	return plan, nil
}

func drainMachines(ctx context.Context, c *call, in drainIn) (view.Drained, error) {
	what, err := in.command(c)
	if err != nil {
		return view.Drained{}, err
	}
	within, cancel := c.budget(ctx)
	defer cancel()
	done, err := c.Commands.DrainMachines(within, what)
	if err != nil {
		return view.Drained{}, err
	}
	for _, id := range done.Unknown {
		c.note(ctx, "machine %s is not known here", id)
	}
	return view.Drained{DryRun: in.DryRun, Machines: view.NewMachines(done.Machines).Machines, Unknown: done.Unknown}, nil
}

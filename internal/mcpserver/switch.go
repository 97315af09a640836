package mcpserver

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

type startIn struct {
	Machines []ohfp.MachineID `json:"machine_ids" jsonschema:"ids of the machines, see list_machines"`
	DryRun   bool             `json:"dry_run,omitempty" jsonschema:"start none, show which would be"`
}

type stopIn struct {
	Confirmation

	Machines []ohfp.MachineID `json:"machine_ids" jsonschema:"ids of the machines, see list_machines"`
	DryRun   bool             `json:"dry_run,omitempty" jsonschema:"stop none, show which would be"`
}

func switchTools() []tool {
	return []tool{
		define(tool{
			Name: "start_machines", Title: "Start stopped machines", Idempotent: true,
			Description: "Start machines that were stopped with stop_machines.",
		}, func(ctx context.Context, c *call, in startIn) (view.Switched, error) {
			return switchMachines(ctx, c, command.SwitchMachines{IDs: in.Machines, On: true, DryRun: in.DryRun})
		}),
		confirmed(tool{
			Name: "stop_machines", Title: "Stop machines", Idempotent: true,
			Description: "Stop machines without ending them: they stay ours, and start_machines starts them again. What runs on them is interrupted.",
		}, planStop, func(ctx context.Context, c *call, in stopIn) (view.Switched, error) {
			return switchMachines(ctx, c, command.SwitchMachines{IDs: in.Machines, DryRun: in.DryRun})
		}),
	}
}

func planStop(ctx context.Context, c *call, in stopIn) (Plan, error) {
	if in.DryRun {
		return Plan{}, nil // shows what would be stopped by itself
	}
	names := make([]command.Named, len(in.Machines))
	for i, id := range in.Machines {
		names[i] = command.Named{ID: id}
	}
	machines, unknown, err := c.named(ctx, names)
	plan := Plan{Unknown: unknown}
	for _, m := range machines {
		plan.Machines = append(plan.Machines, m.ID)
	}
	plan.Summary = "stop " + ohfp.Count(len(plan.Machines), "machine") + "; what runs there is interrupted"
	return plan, err
}

func switchMachines(ctx context.Context, c *call, what command.SwitchMachines) (view.Switched, error) {
	within, cancel := c.budget(ctx)
	defer cancel()
	what.IDs, what.Origin = distinct(what.IDs), c.Caller.Origin()
	done, err := c.Commands.SwitchMachines(within, what)
	if err != nil && len(done.Machines) == 0 {
		return view.Switched{}, err
	}
	if err == nil && len(done.Machines) == 0 && len(done.Refused) > 0 {
		return view.Switched{}, ohfp.Errorf(ohfp.ErrConflict, "%s", done.Refused[0].Message)
	}
	if err != nil {
		c.note(ctx, "not all of it could be asked of the cloud: %v", err)
	}
	for _, refused := range done.Refused {
		c.note(ctx, "%s", refused.Message)
	}
	return view.Switched{DryRun: what.DryRun, Machines: view.NewMachines(done.Machines).Machines, Refused: done.Refused}, nil
}

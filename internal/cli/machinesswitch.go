package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// switching is what machines stop and machines start were asked.
type switching struct {
	On     bool
	IDs    []string
	All    bool
	DryRun bool
	Sure   consent
}

func (p *program) machinesStopCommand() *cobra.Command {
	return p.switchCommand(&cobra.Command{
		Use:   "stop {MACHINE_ID... | --all}",
		Short: "Stop machines that their users have; they keep their disks",
		Long: `Stops machines that their users have. A stopped machine keeps its id, its disks and its private address, still
counts and still costs its disks; ohfp machines start starts it again, and it can be given back as it is.

Spot machines, and machines of a fleet or group that would replace them, are not stopped: give them back instead.
Machines that are refused are reported and make the exit code 1.`,
		Example: `  ohfp machines stop i-0123456789abcdef0
  ohfp machines stop --all --dry-run`,
	}, false)
}

func (p *program) machinesStartCommand() *cobra.Command {
	return p.switchCommand(&cobra.Command{
		Use:   "start {MACHINE_ID... | --all}",
		Short: "Start machines that were stopped",
		Long:  "Starts machines that were stopped. Machines that are refused are reported and make the exit code 1.",
		Example: `  ohfp machines start i-0123456789abcdef0
  ohfp machines start --all --yes`,
	}, true)
}

func (p *program) switchCommand(cmd *cobra.Command, on bool) *cobra.Command {
	in := switching{On: on}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ids := machineIDs(append(slices.Clone(in.IDs), args...))
		switch {
		case in.All && len(ids) > 0:
			return usageErrorf("pass either --all or ids of machines, not both")
		case !in.All && len(ids) == 0:
			return usageErrorf("which machine? pass --machine-id; see ohfp machines list")
		}
		return p.with(cmd.Context(), func(s *session) error { return p.switchMachines(cmd.Context(), s, ids, in) })
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVarP(&in.IDs, "machine-id", "m", nil, "the machine (several: repeat or separate by commas)")
	flags.BoolVar(&in.All, "all", false, "all machines of which this makes sense")
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show which machines that would be")
	in.Sure.addFlags(cmd)
	return cmd
}

func (p *program) switchMachines(ctx context.Context, s *session, ids []ohfp.MachineID, in switching) error {
	verb, from := "stop", ohfp.MachineRunning
	if in.On {
		verb, from = "start", ohfp.MachineStopped
	}
	if in.All || in.DryRun {
		if err := p.look(ctx, s, command.SyncRequests{Others: true, Live: true}); err != nil {
			return err
		}
	}
	if in.All {
		machines, err := s.Queries.Machines(ctx, query.MachineFilter{States: []ohfp.MachineState{from}})
		if err != nil {
			return err
		}
		for _, m := range wanted(machines) {
			ids = append(ids, m.ID)
		}
		switch {
		case len(ids) == 0 && in.DryRun:
			return p.show(view.Switched{DryRun: true, Machines: []view.Machine{}}, touchedLayout(true))
		case len(ids) == 0:
			p.note("there is no machine to %s", verb)
			return nil
		case !in.DryRun && !in.Sure.given():
			if err := p.confirm(fmt.Sprintf("%s %s, all there is?", verb, ohfp.Count(len(ids), "machine"))); err != nil {
				return err
			}
		}
	}
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	done, problem := s.Commands.SwitchMachines(within, command.SwitchMachines{IDs: ids, On: in.On, DryRun: in.DryRun, Origin: s.origin()})
	if problem != nil && len(done.Machines) == 0 && len(done.Refused) == 0 {
		return problem
	}
	shown := view.Switched{DryRun: in.DryRun, Machines: view.NewMachines(done.Machines).Machines, Refused: done.Refused}
	if err := p.show(shown, touchedLayout(in.DryRun)); err != nil {
		return err
	}
	var problems []error
	for _, refused := range done.Refused {
		problems = append(problems, ohfp.Errorf(ohfp.ErrConflict, "%s", refused.Message))
	}
	if refused := p.saying(problems); problem == nil {
		return refused
	}
	return problem
}

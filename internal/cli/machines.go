package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) machinesCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "machines",
		Aliases: []string{"machine"},
		Short:   "The machines that requests brought",
		Long:    "Machines are what requests brought.",
		Example: "  ohfp machines list --format table",
		GroupID: groupMachines,
	})
	cmd.AddCommand(
		p.machinesListCommand(), p.machinesShowCommand(), p.machinesStatusCommand(), p.machinesRequestCommand(),
		p.machinesReturnCommand(), p.machinesStopCommand(), p.machinesStartCommand(),
		p.machinesTimelineCommand(), p.machinesDrainCommand(),
	)
	return cmd
}

// machinesList is what machines list was asked.
type machinesList struct {
	Statuses []string
	Request  string
	Template string
	Provider string
	Noticed  bool
	Times    string
}

func (p *program) machinesListCommand() *cobra.Command {
	var in machinesList
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List machines that exist",
		Long: `Lists the machines that exist, after asking the cloud how they are. Machines that are gone are listed only
with --status terminated or --status all.`,
		Example: `  ohfp machines list
  ohfp machines list --status running,pending --template-id EC2FleetInstant
  ohfp machines list --noticed --format table
  ohfp machines list --request-id REQUEST_ID --status all --format table
  ohfp machines list --filter zone=us-east-1a --filter 'name~10-0-1' --fields machineId,name`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := in.filter()
			if err != nil {
				return err
			}
			if in.Provider != "" {
				p.global.Where = append(p.global.Where, "provider="+in.Provider)
			}
			stamped, err := timestamps(in.Times)
			if err != nil {
				return err
			}
			filter.Limit, filter.Offset = p.page()
			return p.with(cmd.Context(), func(s *session) error {
				if err := p.look(cmd.Context(), s, command.SyncRequests{Others: true, Live: true}); err != nil {
					return err
				}
				machines, err := s.Queries.Machines(cmd.Context(), filter)
				if err != nil {
					return err
				}
				return p.show(stamped(view.NewMachines(machines)), machinesLayout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&in.Statuses, "status", nil, "only machines in this state, or all (several: repeat or separate by commas)")
	flags.StringVarP(&in.Request, "request-id", "r", "", "only machines of this request, or given back by this return")
	flags.StringVarP(&in.Template, "template-id", "t", "", "only machines of this template")
	flags.BoolVar(&in.Noticed, "noticed", false, "only machines that the cloud or an operator takes back")
	flags.StringVar(&in.Provider, "provider", "", "only machines of this provider")
	flags.StringVar(&in.Times, "timestamp-format", "auto", "how times are written: `FORMAT` is iso, unix (seconds), or auto, which is iso")
	complete(cmd, "timestamp-format", "auto", "iso", "unix")
	complete(cmd, "status", append(machineStates(), "all")...)
	return cmd
}

func (in machinesList) filter() (query.MachineFilter, error) {
	filter := query.MachineFilter{Template: ohfp.TemplateID(in.Template), Noticed: in.Noticed}
	if id := ohfp.RequestID(in.Request); id.Type() == ohfp.TypeReturn {
		filter.Return = id
	} else {
		filter.Request = id
	}
	for _, name := range in.Statuses {
		switch {
		case name == "all":
			filter.States = nil
			return filter, nil
		case slices.Contains(machineStates(), name):
			filter.States = append(filter.States, ohfp.MachineState(name))
		default:
			known := append(machineStates(), "all")
			return filter, usageErrorf("status %q does not exist%s; use one of %s", name, suggestion(name, known, ""), strings.Join(known, ", "))
		}
	}
	if len(in.Statuses) == 0 {
		filter.States = aliveStates()
	}
	return filter, nil
}

// aliveStates are those of machines that exist.
func aliveStates() []ohfp.MachineState {
	var states []ohfp.MachineState
	for _, name := range machineStates() {
		if state := ohfp.MachineState(name); state != ohfp.MachineTerminated {
			states = append(states, state)
		}
	}
	return states
}

func machineStates() []string {
	return []string{
		string(ohfp.MachinePending), string(ohfp.MachineRunning), string(ohfp.MachineStopping),
		string(ohfp.MachineStopped), string(ohfp.MachineShuttingDown), string(ohfp.MachineTerminated),
	}
}

func (p *program) machinesShowCommand() *cobra.Command {
	var flagged []string
	cmd := &cobra.Command{
		Use:   "show MACHINE_ID",
		Short: "Show one machine",
		Example: `  ohfp machines show i-0123456789abcdef0
  ohfp machines show --machine-id i-0123456789abcdef0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := machineIDs(append(flagged, args...))
			if len(ids) != 1 {
				return usageErrorf("%s takes one machine id, not %d; see %s --help", cmd.CommandPath(), len(ids), cmd.CommandPath())
			}
			return p.with(cmd.Context(), func(s *session) error {
				machines, unknown, err := p.machinesNow(cmd.Context(), s, ids)
				if err != nil {
					return err
				}
				if len(unknown) > 0 {
					return noSuchMachine(unknown[0])
				}
				layout := machinesLayout()
				layout.Records = ""
				// Two clouds may know the same id; the newest machine is the one that somebody asks about.
				return p.show(view.NewMachine(machines[len(machines)-1]), layout)
			})
		},
	}
	cmd.Flags().StringSliceVarP(&flagged, "machine-id", "m", nil, "machine to show")
	return cmd
}

func (p *program) machinesStatusCommand() *cobra.Command {
	var flagged []string
	all := false
	cmd := &cobra.Command{
		Use:   "status {MACHINE_ID... | --all}",
		Short: "Ask the cloud how machines are",
		Long:  "Asks the cloud how machines are and shows them. The exit code is 1 when one of them is not known here.",
		Example: `  ohfp machines status i-0123456789abcdef0 i-0123456789abcdef1 --format table
  ohfp machines status --all --fields machineId,status`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := machineIDs(append(flagged, args...))
			switch {
			case all && len(ids) > 0:
				return usageErrorf("pass either --all or ids of machines, not both")
			case !all && len(ids) == 0:
				return usageErrorf("which machine? pass --machine-id; see ohfp machines list")
			}
			return p.with(cmd.Context(), func(s *session) error {
				machines, unknown, err := p.machinesNow(cmd.Context(), s, ids)
				if err != nil {
					return err
				}
				if err := p.show(view.NewMachines(machines), machinesLayout()); err != nil {
					return err
				}
				var problems []error
				for _, id := range unknown {
					problems = append(problems, noSuchMachine(id))
				}
				return p.saying(problems)
			})
		},
	}
	cmd.Flags().StringSliceVarP(&flagged, "machine-id", "m", nil, "machine to look at (several: repeat or separate by commas)")
	cmd.Flags().BoolVar(&all, "all", false, "all machines that exist")
	return cmd
}

// machinesNow asks the cloud and reads the records of machines, of all that exist when none is named.
func (p *program) machinesNow(ctx context.Context, s *session, ids []ohfp.MachineID) (machines []ohfp.Machine, unknown []ohfp.MachineID, err error) {
	if err := p.look(ctx, s, command.SyncRequests{Others: true, Live: true}); err != nil {
		return nil, nil, err
	}
	filter := query.MachineFilter{IDs: ids}
	if len(ids) == 0 {
		filter.States = aliveStates()
	}
	if machines, err = s.Queries.Machines(ctx, filter); err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(machines, func(m ohfp.Machine) bool { return m.ID == id }) {
			unknown = append(unknown, id)
		}
	}
	return machines, unknown, nil
}

// machineIDs drops repetitions.
func machineIDs(words []string) []ohfp.MachineID {
	var ids []ohfp.MachineID
	for _, word := range words {
		if id := ohfp.MachineID(strings.TrimSpace(word)); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func noSuchMachine(id ohfp.MachineID) error {
	return ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist; see ohfp machines list --status all", id)
}

func machinesLayout() output.Layout {
	return output.Layout{Records: "machines", Empty: "No machines.", Columns: machineColumns()}
}

func machineColumns() []output.Column {
	return []output.Column{
		{Key: "machineId", Heading: "machine"},
		{Key: "status", State: true},
		{Key: "name"},
		{Key: "privateIpAddress", Heading: "address"},
		{Key: "instanceType", Heading: "type"},
		{Key: "zone"},
		{Key: "message"},
		{Key: "notice"},
		{Key: "dueAt", Heading: "due"},
		{Key: "publicIpAddress", Heading: "public address"},
		{Key: "priceType", Heading: "price"},
		{Key: "weight", Number: true},
		{Key: "requestId", Heading: "request"},
		{Key: "returnRequestId", Heading: "return"},
		{Key: "templateId", Heading: "template"},
		{Key: "launchedAt", Heading: "launched"},
		{Key: "terminatedAt", Heading: "terminated"},
	}
}

package cli

import (
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
		Long:    "Machines are what requests brought. They are asked for and given back with ohfp requests.",
		Example: "  ohfp machines list --format table",
		GroupID: groupMachines,
	})
	cmd.AddCommand(p.machinesListCommand(), p.machinesShowCommand(), p.machinesTimelineCommand())
	return cmd
}

// machinesList is what machines list was asked.
type machinesList struct {
	Statuses []string
	Request  string
	Template string
	Limit    int
	Offset   int
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
  ohfp machines list --request-id REQUEST_ID --status all --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := in.filter()
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				if err := p.look(cmd.Context(), s, command.SyncRequests{Others: true, Live: true}); err != nil {
					return err
				}
				machines, err := s.Queries.Machines(cmd.Context(), filter)
				if err != nil {
					return err
				}
				return p.show(view.NewMachines(machines), machinesLayout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&in.Statuses, "status", nil, "only machines in this state, or all (several: repeat or separate by commas)")
	flags.StringVar(&in.Request, "request-id", "", "only machines of this request, or given back by this return")
	flags.StringVar(&in.Template, "template-id", "", "only machines of this template")
	addPaging(cmd, &in.Limit, &in.Offset)
	complete(cmd, "status", append(machineStates(), "all")...)
	return cmd
}

func (in machinesList) filter() (query.MachineFilter, error) {
	filter := query.MachineFilter{Template: ohfp.TemplateID(in.Template), Limit: in.Limit, Offset: in.Offset}
	if id := ohfp.RequestID(in.Request); id.Type() == ohfp.TypeReturn {
		filter.Return = id
	} else {
		filter.Request = id
	}
	for _, name := range in.Statuses {
		switch {
		case name == "all":
			filter.States = nil
			return filter, checkPaging(in.Limit, in.Offset)
		case slices.Contains(machineStates(), name):
			filter.States = append(filter.States, ohfp.MachineState(name))
		default:
			return filter, usageErrorf("status %q does not exist; use one of %s, all", name, strings.Join(machineStates(), ", "))
		}
	}
	if len(in.Statuses) == 0 {
		for _, name := range machineStates() {
			if state := ohfp.MachineState(name); state != ohfp.MachineTerminated {
				filter.States = append(filter.States, state)
			}
		}
	}
	return filter, checkPaging(in.Limit, in.Offset)
}

func machineStates() []string {
	return []string{
		string(ohfp.MachinePending), string(ohfp.MachineRunning), string(ohfp.MachineStopping),
		string(ohfp.MachineStopped), string(ohfp.MachineShuttingDown), string(ohfp.MachineTerminated),
	}
}

func (p *program) machinesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show MACHINE_ID",
		Short:   "Show one machine",
		Example: "  ohfp machines show i-0123456789abcdef0",
		Args:    one("machine id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			filter := query.MachineFilter{IDs: []ohfp.MachineID{ohfp.MachineID(args[0])}}
			return p.with(cmd.Context(), func(s *session) error {
				if err := p.look(cmd.Context(), s, command.SyncRequests{Others: true, Live: true}); err != nil {
					return err
				}
				machines, err := s.Queries.Machines(cmd.Context(), filter)
				if err != nil {
					return err
				}
				if len(machines) == 0 {
					return ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist; see ohfp machines list --status all", args[0])
				}
				layout := machinesLayout()
				layout.Records = ""
				// Two clouds may know the same id; the newest machine is the one that somebody asks about.
				return p.show(view.NewMachine(machines[len(machines)-1]), layout)
			})
		},
	}
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

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

// drainGrace is what users have to finish their work unless the operator says otherwise.
const drainGrace = 10 * time.Minute

// drain is what machines drain was asked.
type drain struct {
	Template  string
	Zone      string
	OlderThan time.Duration
	Grace     time.Duration
	Parallel  int
	Force     bool
	Cancel    bool
	DryRun    bool
}

func (p *program) machinesDrainCommand() *cobra.Command {
	in := drain{Grace: drainGrace}
	cmd := &cobra.Command{
		Use:   "drain {MACHINE_ID... | --template-id TEMPLATE | --zone ZONE | --older-than AGE}",
		Short: "Ask the users of machines to give them back",
		Long: `Asks the users of machines to give them back, as the cloud does before it takes machines: Host Factory hears
of them when it asks what is taken back, with the time that is left, moves its work and gives them back. Nothing else
touches them, unless --force is given: then those still in use when their grace is over are given back for their
users, and terminated. The daemon sees to that, or without one the script that asks what is taken back.

What is given narrows the choice together. With --parallel N only N machines of an order are asked for at a time, the
next when one of them is gone; the grace of each begins with its turn. --cancel withdraws the order as far as it is
not followed yet.

It answers with the machines that it changed. Ids that are not known are reported and make the exit code 1.`,
		Example: `  ohfp machines drain i-0123456789abcdef0
  ohfp machines drain --template-id EC2FleetInstant --older-than 24h --parallel 5 --grace 30m
  ohfp machines drain --zone us-east-1a --dry-run
  ohfp machines drain --zone us-east-1a --force
  ohfp machines drain --zone us-east-1a --cancel`,
		RunE: func(cmd *cobra.Command, args []string) error {
			what, err := in.command(cmd, args)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				what.Origin = s.origin()
				return p.drain(cmd.Context(), s, what)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&in.Template, "template-id", "", "machines of this template")
	flags.StringVar(&in.Zone, "zone", "", "machines in this zone")
	flags.Var(seconds{&in.OlderThan}, "older-than", "machines launched longer ago than this, for example 24h")
	flags.Var(seconds{&in.Grace}, "grace", "from a machine's turn until it is due")
	flags.IntVar(&in.Parallel, "parallel", 0, "how many machines may be on their way at once (default: all)")
	flags.BoolVar(&in.Force, "force", false, "give back what its user still has when its grace is over")
	flags.BoolVar(&in.Cancel, "cancel", false, "withdraw earlier orders about these machines")
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show which machines those are")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "template" {
			name = "template-id"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

func (in drain) command(cmd *cobra.Command, args []string) (command.DrainMachines, error) {
	what := command.DrainMachines{
		Template: ohfp.TemplateID(in.Template), Zone: in.Zone, OlderThan: in.OlderThan,
		Grace: in.Grace, Parallel: in.Parallel, Force: in.Force, Cancel: in.Cancel, DryRun: in.DryRun,
	}
	for _, word := range args {
		what.IDs = append(what.IDs, ohfp.MachineID(word))
	}
	switch {
	case len(what.IDs) == 0 && in.Template == "" && in.Zone == "" && in.OlderThan == 0:
		return what, usageErrorf("which machines? pass ids, --template-id, --zone or --older-than; see ohfp machines list")
	case in.OlderThan < 0:
		return what, usageErrorf("--older-than %s makes no sense; use a positive duration such as 24h", ohfp.FormatDuration(in.OlderThan))
	case in.Grace < 0 || in.Grace > command.MaxDrainGrace:
		return what, usageErrorf("--grace %s makes no sense; use 0s to %s", ohfp.FormatDuration(in.Grace), ohfp.FormatDuration(command.MaxDrainGrace))
	case in.Parallel < 0:
		return what, usageErrorf("--parallel %d makes no sense; use 1 or more, or 0 for all", in.Parallel)
	}
	if in.Cancel {
		for _, name := range []string{"grace", "parallel", "force"} {
			if cmd.Flags().Changed(name) {
				return what, usageErrorf("--%s belongs to an order; leave it out with --cancel", name)
			}
		}
	}
	return what, nil
}

func (p *program) drain(ctx context.Context, s *session, what command.DrainMachines) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	done, err := s.Commands.DrainMachines(within, what)
	if err != nil {
		return err
	}
	shown := view.Drained{DryRun: what.DryRun, Machines: view.NewMachines(done.Machines).Machines, Unknown: done.Unknown}
	if err := p.show(shown, touchedLayout(what.DryRun)); err != nil {
		return err
	}
	var problems []error
	for _, id := range done.Unknown {
		state := "known here"
		if what.Cancel {
			state = "being drained"
		}
		problems = append(problems, ohfp.Errorf(ohfp.ErrNotFound, "machine %s is not %s", id, state))
	}
	return p.saying(problems)
}

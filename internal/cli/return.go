package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

// giveBack is what requests return was asked.
type giveBack struct {
	Request string
	Names   []string
	Wait    waiting
}

func (p *program) requestsReturnCommand() *cobra.Command {
	var in giveBack
	cmd := &cobra.Command{
		Use:   "return {--request-id REQUEST_ID | MACHINE_ID...}",
		Short: "Give machines back",
		Long: `Gives back all machines of a request, or the machines named. They are terminated; everything on them is lost.

It answers with the id of the return as soon as the cloud has accepted it, and with --wait once the machines are
gone. Machines that are not known here are reported, are not touched, and make the exit code 1.`,
		Example: `  ohfp requests return --request-id REQUEST_ID --wait
  ohfp requests return i-0123456789abcdef0 i-0123456789abcdef1
  ohfp requests return --name ip-10-0-0-4.ec2.internal`,
		RunE: func(cmd *cobra.Command, args []string) error {
			what, err := in.command(args)
			if err != nil {
				return err
			}
			if err := in.Wait.check(cmd); err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				what.Origin = s.origin()
				return p.giveBack(cmd.Context(), s, what, in.Wait)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&in.Request, "request-id", "", "give back all machines of this request")
	flags.StringSliceVar(&in.Names, "name", nil, "give back the machine with this host name (several: repeat or separate by commas)")
	in.Wait.addFlags(cmd)
	return cmd
}

// command takes a request or machines, not both: "these machines of that request" would be a third meaning.
func (in giveBack) command(args []string) (command.ReturnMachines, error) {
	what := command.ReturnMachines{Request: ohfp.RequestID(in.Request)}
	for _, word := range args {
		switch id := ohfp.RequestID(word); {
		case !id.WellFormed():
			what.Machines = append(what.Machines, command.Named{ID: ohfp.MachineID(word)})
		case what.Request != "":
			return what, usageErrorf("give back the machines of one request at a time, not of %s and %s", what.Request, id)
		default:
			what.Request = id
		}
	}
	for _, name := range in.Names {
		what.Machines = append(what.Machines, command.Named{Name: name})
	}
	switch {
	case what.Request == "" && len(what.Machines) == 0:
		return what, usageErrorf("which machines? pass --request-id, or ids of machines; see ohfp machines list")
	case what.Request != "" && len(what.Machines) > 0:
		return what, usageErrorf("pass either a request or machines to give back, not both")
	}
	return what, nil
}

func (p *program) giveBack(ctx context.Context, s *session, what command.ReturnMachines, wait waiting) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	r, err := s.Commands.ReturnMachines(within, what)
	if err != nil {
		return err
	}
	if wait.On && !r.Status.Terminal() {
		return p.follow(ctx, s, r, wait)
	}
	if err := p.show(view.NewFullRequest(r, time.Now()), requestLayout()); err != nil {
		return err
	}
	return p.judge(r)
}

// judge tells of machines that were named and not touched, and turns the end of a request into the exit code.
func (p *program) judge(r ohfp.Request) error {
	for _, unknown := range r.Unknown {
		p.complain(ohfp.Errorf(ohfp.ErrNotFound, "%s", unknown.Message))
	}
	if len(r.Unknown) > 0 {
		return exitError(exitFailure)
	}
	return verdict(r)
}

// verdict is the exit code of a request that has ended: anything but complete is a failure, and says so in its message.
func verdict(r ohfp.Request) error {
	if !r.Status.Terminal() || r.Status == ohfp.StatusComplete {
		return nil
	}
	if r.Message == "" {
		return ohfp.Errorf(ohfp.ErrConflict, "request %s ended as %s", r.ID, r.Status)
	}
	return ohfp.Errorf(ohfp.ErrConflict, "request %s ended as %s: %s", r.ID, r.Status, r.Message)
}

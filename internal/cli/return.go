package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// giveBack is what requests return was asked.
type giveBack struct {
	Request string
	IDs     []string
	Names   []string
	All     bool
	Input   payload
	DryRun  bool
	Sure    consent
	Wait    waiting
}

const aboutReturns = `Gives back all machines of a request, or the machines named. They are terminated; everything on them is lost.

It answers with the id of the return as soon as the cloud has accepted it, and with --wait once the machines are
gone. Machines that are not known here are reported, are not touched, and make the exit code 1.

With --all it gives back every machine that somebody has, after asking.`

func (p *program) requestsReturnCommand() *cobra.Command {
	return p.returnCommand(&cobra.Command{
		Use:   "return {--request-id REQUEST_ID | MACHINE_ID... | --all}",
		Short: "Give machines back",
		Long:  aboutReturns,
		Example: `  ohfp requests return --request-id REQUEST_ID --wait
  ohfp requests return i-0123456789abcdef0 i-0123456789abcdef1
  ohfp requests return --name ip-10-0-0-4.ec2.internal --dry-run`,
	})
}

func (p *program) machinesReturnCommand() *cobra.Command {
	return p.returnCommand(&cobra.Command{
		Use:     "return {MACHINE_ID... | --request-id REQUEST_ID | --all}",
		Aliases: []string{"terminate"},
		Short:   "Give machines back: the same as ohfp requests return",
		Long:    aboutReturns,
		Example: `  ohfp machines return i-0123456789abcdef0 i-0123456789abcdef1
  ohfp machines return --all --force
  ohfp machines return --data '{"machines": [{"name": "ip-10-0-0-4.ec2.internal"}]}'`,
	})
}

func (p *program) returnCommand(cmd *cobra.Command) *cobra.Command {
	var in giveBack
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what, err := in.command(p, args)
		if err != nil {
			return err
		}
		if err := in.Wait.check(cmd); err != nil {
			return err
		}
		return p.with(cmd.Context(), func(s *session) error {
			what.Origin = s.origin()
			if in.All {
				if what.Machines, err = p.inHand(cmd.Context(), s); err != nil {
					return err
				}
			}
			if in.DryRun {
				return p.planReturn(cmd.Context(), s, what)
			}
			if in.All && len(what.Machines) == 0 {
				p.note("nobody has a machine to give back")
				return nil
			}
			if in.All && !in.Sure.given() {
				if err := p.confirm(fmt.Sprintf("give back and end %s, all there is?", ohfp.Count(len(what.Machines), "machine"))); err != nil {
					return err
				}
			}
			return p.giveBack(cmd.Context(), s, what, in.Wait)
		})
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&in.Request, "request-id", "r", "", "give back all machines of this request")
	flags.StringSliceVarP(&in.IDs, "machine-id", "m", nil, "give back this machine (several: repeat or separate by commas)")
	flags.StringSliceVar(&in.Names, "name", nil, "give back the machine with this host name (several: repeat or separate by commas)")
	flags.BoolVar(&in.All, "all", false, "give back every machine that somebody has")
	in.Input.addFlags(cmd, `{"machines": [{"machineId": "…"}]}`)
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show what would be ended")
	in.Sure.addFlags(cmd)
	in.Wait.addFlags(cmd)
	return cmd
}

// command takes a request or machines, not both: "these machines of that request" would be a third meaning.
func (in giveBack) command(p *program, args []string) (command.ReturnMachines, error) {
	what := command.ReturnMachines{Request: ohfp.RequestID(in.Request)}
	for _, word := range append(slices.Clone(in.IDs), args...) {
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
	input, err := in.Input.read(p)
	if err != nil {
		return what, err
	}
	if input != nil {
		machines, nameless, err := hostfactory.DecodeReturn(input)
		if err != nil {
			return what, err
		}
		if nameless > 0 {
			p.note("passed over: %s in the input with neither a machineId nor a name", ohfp.Count(nameless, "entry"))
		}
		what.Machines = append(what.Machines, machines...)
	}
	named := what.Request != "" || len(what.Machines) > 0
	switch {
	case in.All && named:
		return what, usageErrorf("pass either --all or what to give back, not both")
	case !in.All && !named:
		return what, usageErrorf("which machines? pass --request-id, or ids of machines; see ohfp machines list")
	case what.Request != "" && len(what.Machines) > 0:
		return what, usageErrorf("pass either a request or machines to give back, not both")
	}
	return what, nil
}

// inHand are the machines that their users have.
func (p *program) inHand(ctx context.Context, s *session) ([]command.Named, error) {
	machines, underWay, err := s.Queries.InHand(ctx)
	if err != nil {
		return nil, err
	}
	var named []command.Named
	for _, m := range machines {
		named = append(named, command.Named{ID: m.ID})
	}
	if underWay > 0 {
		p.note("left alone: %s under way; see ohfp requests cancel --all", ohfp.Count(underWay, "request"))
	}
	return named, nil
}

// planReturn shows which machines would be ended.
func (p *program) planReturn(ctx context.Context, s *session, what command.ReturnMachines) error {
	if what.Request != "" {
		found, _, err := s.Queries.RequestStatus(ctx, []ohfp.RequestID{what.Request})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return noSuchRequest(what.Request)
		}
	}
	named := make([]query.Named, 0, len(what.Machines))
	for _, m := range what.Machines {
		named = append(named, query.Named(m))
	}
	machines, err := s.Queries.Returnable(ctx, what.Request, named)
	if err != nil {
		return err
	}
	return p.showPlan("return", machines)
}

func (p *program) giveBack(ctx context.Context, s *session, what command.ReturnMachines, wait waiting) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	r, err := s.Commands.ReturnMachines(within, what)
	if errors.Is(err, ohfp.ErrNotFound) && what.Request != "" {
		return noSuchRequest(what.Request)
	}
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
	var problems []error
	for _, unknown := range r.Unknown {
		problems = append(problems, ohfp.Errorf(ohfp.ErrNotFound, "%s", unknown.Message))
	}
	if err := p.saying(problems); err != nil {
		return err
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

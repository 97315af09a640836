package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/view"
)

// ask is what requests create was asked.
type ask struct {
	Template string
	Count    int
	Provider string
	Where    elsewhere
	Input    payload
	DryRun   bool
	Wait     waiting
}

func (p *program) requestsCreateCommand() *cobra.Command {
	return p.askCommand(&cobra.Command{
		Use:   "create {--template-id TEMPLATE_ID --count N | TEMPLATE_ID [N]}",
		Short: "Request machines",
		Long: `Requests machines and answers with the request's id as soon as the cloud has accepted or refused it.

With --wait it answers once the request has ended or --timeout is over, and shows progress on a terminal. The exit
code is 0 when all machines are ready and 1 when the request ended in any other way; a request that is still under
way when the timeout is over exits 1 too and goes on.

With --dry-run it only shows what the cloud would be asked first, and what the machines may cost.`,
		Example: `  ohfp requests create --template-id EC2FleetInstant --count 3
  ohfp requests create EC2FleetInstant 3 --dry-run
  ohfp requests create --template-id EC2FleetInstant --count 3 --wait --timeout 10m --format table
  ohfp requests create --data '{"template": {"templateId": "EC2FleetInstant", "machineCount": 3}}'`,
	})
}

func (p *program) machinesRequestCommand() *cobra.Command {
	return p.askCommand(&cobra.Command{
		Use:   "request {TEMPLATE_ID [N] | --template-id TEMPLATE_ID --count N}",
		Short: "Request machines: the same as ohfp requests create",
		Example: `  ohfp machines request EC2FleetInstant 3
  ohfp machines request EC2FleetInstant 3 --wait --timeout 300`,
	})
}

func (p *program) askCommand(cmd *cobra.Command) *cobra.Command {
	in := ask{Count: 1}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what, err := in.command(p, cmd, args)
		if err != nil {
			return err
		}
		if err := in.Wait.check(cmd); err != nil {
			return err
		}
		if what.Provider, err = in.Where.among(p, what.Provider); err != nil {
			return err
		}
		return p.with(cmd.Context(), func(s *session) error {
			what.Origin = s.origin()
			if in.DryRun {
				return p.planRequest(cmd.Context(), s, what)
			}
			return p.create(cmd.Context(), s, what, in.Wait)
		})
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&in.Template, "template-id", "t", "", "template to request machines from")
	flags.IntVarP(&in.Count, "count", "c", 1, "how many machines, or units for templates that count units")
	flags.StringVar(&in.Provider, "provider", "", "the configured provider to ask (default: placement chooses)")
	flags.StringVar(&in.Where.region, "region", "", "the provider that is configured for this `REGION`")
	flags.StringVar(&in.Where.profile, "profile", "", "the provider that is configured for this `PROFILE`")
	in.Input.addFlags(cmd, `{"template": {"templateId": "…", "machineCount": 3}}`)
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show what would be asked of the cloud, and what it may cost")
	in.Wait.addFlags(cmd)
	return cmd
}

// command puts together what flags, arguments and the input say, each thing once.
func (in ask) command(p *program, cmd *cobra.Command, args []string) (command.RequestMachines, error) {
	what := command.RequestMachines{Template: ohfp.TemplateID(in.Template), Count: in.Count, Provider: in.Provider}
	input, err := in.Input.read(p)
	if err != nil {
		return what, err
	}
	const both = "give the template and the count once: as arguments, with flags, or in the input"
	if input != nil {
		if len(args) > 0 || in.Template != "" || cmd.Flags().Changed("count") {
			return what, usageErrorf(both)
		}
		what.Template, what.Count, err = hostfactory.DecodeRequest(input)
		return what, err
	}
	if len(args) > 2 {
		return what, usageErrorf("%s takes a template and a count, not %s; see %s --help", cmd.CommandPath(), ohfp.Count(len(args), "argument"), cmd.CommandPath())
	}
	if len(args) > 0 {
		if in.Template != "" && (len(args) == 2 || cmd.Flags().Changed("count")) {
			return what, usageErrorf(both)
		}
		if in.Template == "" {
			what.Template, args = ohfp.TemplateID(args[0]), args[1:]
		}
	}
	if len(args) > 0 {
		if cmd.Flags().Changed("count") {
			return what, usageErrorf(both)
		}
		if what.Count, err = strconv.Atoi(args[0]); err != nil {
			return what, usageErrorf("count %q is no whole number; write how many machines", args[0])
		}
	}
	if what.Template == "" {
		return what, usageErrorf("which template? pass --template-id; see ohfp templates list")
	}
	if what.Count < 1 {
		return what, usageErrorf("--count %d makes no sense; use 1 or more", what.Count)
	}
	return what, nil
}

func (p *program) create(ctx context.Context, s *session, in command.RequestMachines, wait waiting) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	r, err := s.Commands.RequestMachines(within, in)
	if err != nil {
		return err
	}
	if wait.On && !r.Status.Terminal() {
		return p.follow(ctx, s, r, wait)
	}
	if err := p.show(view.NewFullRequest(r, time.Now()), requestLayout()); err != nil {
		return err
	}
	p.answered(ctx, s, r.ID)
	return verdict(r)
}

func (p *program) planRequest(ctx context.Context, s *session, in command.RequestMachines) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	plan, err := s.Commands.PlanRequest(within, in)
	if err != nil {
		return err
	}
	return p.show(view.NewRequestPlan(plan), planLayout())
}

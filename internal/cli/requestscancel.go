package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// giveUp is what requests cancel was asked.
type giveUp struct {
	ID     string
	All    bool
	Reason string
	DryRun bool
	Sure   consent
}

func (p *program) requestsCancelCommand() *cobra.Command {
	var in giveUp
	cmd := &cobra.Command{
		Use:   "cancel {REQUEST_ID | --all}",
		Short: "Stop a request that is under way and release what it has",
		Long: `Stops a request that is under way. Machines that it has already are ended. A request that has ended cannot be
cancelled: give its machines back with ohfp requests return.

With --all it stops every request for machines that is under way, after asking.`,
		Example: `  ohfp requests cancel REQUEST_ID --reason "wrong template"
  ohfp requests cancel --request-id REQUEST_ID --dry-run
  ohfp requests cancel --all --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := requestIDs(append(args, in.ID))
			switch {
			case in.All && len(ids) > 0:
				return usageErrorf("pass either --all or the id of a request, not both")
			case !in.All && len(ids) != 1:
				return usageErrorf("%s takes one request id, not %d; see %s --help", cmd.CommandPath(), len(ids), cmd.CommandPath())
			}
			return p.with(cmd.Context(), func(s *session) error { return p.cancel(cmd.Context(), s, ids, in) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&in.ID, "request-id", "r", "", "request to stop")
	flags.BoolVar(&in.All, "all", false, "every request for machines that is under way")
	flags.StringVar(&in.Reason, "reason", "", "why, for those who read the request's story")
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show what would be ended")
	in.Sure.addFlags(cmd)
	return cmd
}

func (p *program) cancel(ctx context.Context, s *session, ids []ohfp.RequestID, in giveUp) error {
	if in.All {
		var err error
		if ids, err = allRequests(ctx, s, query.RequestFilter{
			Type: ohfp.TypeAcquire, Statuses: []ohfp.Status{ohfp.StatusPending, ohfp.StatusInProgress},
		}); err != nil {
			return err
		}
	}
	if in.All && !in.DryRun && !in.Sure.given() && len(ids) > 0 {
		if err := p.confirm(fmt.Sprintf("stop %s and end the machines brought so far?", ohfp.Count(len(ids), "request"))); err != nil {
			return err
		}
	}
	var done []ohfp.Request
	var problems []error
	for _, id := range ids {
		within, cancel := context.WithTimeout(ctx, s.Budget)
		r, err := s.Commands.CancelRequest(within, command.CancelRequest{ID: id, Reason: in.Reason, DryRun: in.DryRun, Origin: s.origin()})
		cancel()
		if errors.Is(err, ohfp.ErrNotFound) {
			err = noSuchRequest(id)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		done = append(done, r)
	}
	switch {
	case !in.All && len(problems) > 0:
		return problems[0]
	case in.DryRun:
		var machines []ohfp.Machine
		for _, r := range done {
			machines = append(machines, r.Machines...)
		}
		return errors.Join(p.showPlan("cancel", machines), errors.Join(problems...))
	case !in.All:
		return p.show(view.NewFullRequest(done[0], time.Now()), requestLayout())
	}
	return errors.Join(p.show(view.NewFullRequests(done, time.Now()), requestsLayout()), errors.Join(problems...))
}

func (p *program) showPlan(action string, machines []ohfp.Machine) error {
	return p.show(view.PlannedEnd{DryRun: true, Action: action, Machines: view.NewMachines(machines).Machines}, touchedLayout(true))
}

// touchedLayout shows machines that something is done to, or would be.
func touchedLayout(dryRun bool) output.Layout {
	layout := machinesLayout()
	if dryRun {
		layout.Empty = "No machine would be touched."
	}
	return layout
}

// wanted leaves out machines that are gone or on their way out.
func wanted(machines []ohfp.Machine) []ohfp.Machine {
	var left []ohfp.Machine
	for _, m := range machines {
		if m.Wanted() {
			left = append(left, m)
		}
	}
	return left
}

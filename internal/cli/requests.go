package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) requestsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "requests",
		Aliases: []string{"request"},
		Short:   "Ask for machines, follow the request, give them back",
		Long: `A request asks for machines of a template; a return gives machines back. Both have an id, REQUEST_ID below,
under which they can be followed.`,
		Example: `  ohfp requests create --template-id EC2FleetInstant --count 3 --wait
  ohfp requests status --request-id REQUEST_ID
  ohfp requests return --request-id REQUEST_ID`,
		GroupID: groupMachines,
	})
	cmd.AddCommand(
		p.requestsCreateCommand(), p.requestsStatusCommand(), p.requestsListCommand(),
		p.requestsShowCommand(), p.requestsCancelCommand(), p.requestsReturnCommand(), p.requestsTimelineCommand(),
	)
	return cmd
}

func (p *program) requestsCreateCommand() *cobra.Command {
	var in command.RequestMachines
	var wait waiting
	cmd := &cobra.Command{
		Use:   "create --template-id TEMPLATE_ID --count N",
		Short: "Request machines",
		Long: `Requests machines and answers with the request's id as soon as the cloud has accepted or refused it.

With --wait it answers once the request has ended or --timeout is over, and shows progress on a terminal. The exit
code is 0 when all machines are ready and 1 when the request ended in any other way; a request that is still under
way when the timeout is over exits 1 too and goes on.`,
		Example: `  ohfp requests create --template-id EC2FleetInstant --count 3
  ohfp requests create --template-id EC2FleetInstant --count 3 --wait --timeout 10m --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.Template == "" {
				return usageErrorf("which template? pass --template-id; see ohfp templates list")
			}
			if in.Count < 1 {
				return usageErrorf("--count %d makes no sense; use 1 or more", in.Count)
			}
			if err := wait.check(cmd); err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				in.Origin = s.origin()
				return p.create(cmd.Context(), s, in, wait)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar((*string)(&in.Template), "template-id", "", "template to request machines from")
	flags.IntVar(&in.Count, "count", 1, "how many machines, or units for templates that count units")
	wait.addFlags(cmd)
	return cmd
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

func (p *program) requestsStatusCommand() *cobra.Command {
	var ids []string
	cmd := &cobra.Command{
		Use:   "status [REQUEST_ID...]",
		Short: "Ask the cloud how requests and returns stand",
		Long: `Asks the cloud how requests and returns stand, takes each as far as it goes now, and shows them with their
machines. The exit code is 1 when one of them does not exist.`,
		Example: `  ohfp requests status --request-id REQUEST_ID
  ohfp requests status REQUEST_ID RETURN_ID --format table`,
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted := requestIDs(append(ids, args...))
			if len(wanted) == 0 {
				return usageErrorf("which request? pass --request-id; see ohfp requests list")
			}
			return p.with(cmd.Context(), func(s *session) error {
				found, unknown, err := p.statusOf(cmd.Context(), s, wanted)
				if err != nil {
					return err
				}
				if err := p.show(view.NewFullRequests(found, time.Now()), requestsLayout()); err != nil {
					return err
				}
				for _, id := range unknown {
					p.complain(noSuchRequest(id))
				}
				if len(unknown) > 0 {
					return exitError(exitFailure)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&ids, "request-id", nil, "request or return to look at (several: repeat or separate by commas)")
	return cmd
}

// statusOf asks the cloud, then reads the records.
func (p *program) statusOf(ctx context.Context, s *session, ids []ohfp.RequestID) ([]ohfp.Request, []ohfp.RequestID, error) {
	if err := p.look(ctx, s, command.SyncRequests{IDs: ids, Others: true}); err != nil {
		return nil, nil, err
	}
	return s.Queries.RequestStatus(ctx, ids)
}

// requestIDs drops repetitions.
func requestIDs(words []string) []ohfp.RequestID {
	var ids []ohfp.RequestID
	for _, word := range words {
		if id := ohfp.RequestID(strings.TrimSpace(word)); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func noSuchRequest(id ohfp.RequestID) error {
	return ohfp.Errorf(ohfp.ErrNotFound, "request %s does not exist; see ohfp requests list", id)
}

func (p *program) requestsListCommand() *cobra.Command {
	var statuses []string
	var filter query.RequestFilter
	abandoned := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List requests and returns, newest first",
		Long: `Lists requests and returns, newest first, as they were last recorded. It asks no cloud: ohfp requests status
does.

With --abandoned it lists requests that are under way or hold machines, and whose status nobody has ever asked for
since requests.abandoned_after. They are only listed, unless requests.release_abandoned is set.`,
		Example: `  ohfp requests list --format table
  ohfp requests list --status pending,in_progress --template-id EC2FleetInstant
  ohfp requests list --limit 20 --offset 20
  ohfp requests list --abandoned --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range statuses {
				if !slices.Contains(ohfp.Statuses(), ohfp.Status(name)) {
					return usageErrorf("status %q does not exist; use one of %s", name, strings.Join(statusNames(), ", "))
				}
				filter.Statuses = append(filter.Statuses, ohfp.Status(name))
			}
			if err := checkPaging(filter.Limit, filter.Offset); err != nil {
				return err
			}
			filter.Machines = true // to count what is ready
			return p.with(cmd.Context(), func(s *session) error {
				list := s.Queries.Requests
				if abandoned {
					list = s.Queries.Abandoned
				}
				requests, err := list(cmd.Context(), filter)
				if err != nil {
					return err
				}
				return p.show(view.NewRequests(requests, time.Now()), requestsLayout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&statuses, "status", nil, "only requests in this status (several: repeat or separate by commas)")
	flags.StringVar((*string)(&filter.Template), "template-id", "", "only requests for machines of this template")
	flags.BoolVar(&abandoned, "abandoned", false, "only requests that nobody follows")
	addPaging(cmd, &filter.Limit, &filter.Offset)
	complete(cmd, "status", statusNames()...)
	return cmd
}

func statusNames() []string {
	var names []string
	for _, status := range ohfp.Statuses() {
		names = append(names, string(status))
	}
	return names
}

func (p *program) requestsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show REQUEST_ID",
		Short:   "Show one request or return, after asking the cloud",
		Example: "  ohfp requests show REQUEST_ID --format table",
		Args:    one("request id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				found, unknown, err := p.statusOf(cmd.Context(), s, requestIDs(args))
				if err != nil {
					return err
				}
				if len(unknown) > 0 || len(found) == 0 {
					return noSuchRequest(ohfp.RequestID(args[0]))
				}
				return p.show(view.NewFullRequest(found[0], time.Now()), requestLayout())
			})
		},
	}
}

func (p *program) requestsCancelCommand() *cobra.Command {
	var flagged string
	cmd := &cobra.Command{
		Use:   "cancel REQUEST_ID",
		Short: "Stop a request that is under way and release what it has",
		Long: `Stops a request that is under way. Machines that it has already are ended. A request that has ended cannot be
cancelled: give its machines back with ohfp requests return.`,
		Example: `  ohfp requests cancel REQUEST_ID
  ohfp requests cancel --request-id REQUEST_ID`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := requestIDs(append(args, flagged))
			if len(ids) != 1 {
				return usageErrorf("%s takes one request id, not %d; see %s --help", cmd.CommandPath(), len(ids), cmd.CommandPath())
			}
			return p.with(cmd.Context(), func(s *session) error {
				within, cancel := context.WithTimeout(cmd.Context(), s.Budget)
				defer cancel()
				r, err := s.Commands.CancelRequest(within, command.CancelRequest{ID: ids[0], Origin: s.origin()})
				if err != nil {
					return err
				}
				return p.show(view.NewFullRequest(r, time.Now()), requestLayout())
			})
		},
	}
	cmd.Flags().StringVar(&flagged, "request-id", "", "request to stop")
	return cmd
}

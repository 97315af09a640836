package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
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
		p.requestsCreateCommand(), p.requestsStatusCommand(), p.requestsListCommand(), p.requestsListReturnsCommand(),
		p.requestsShowCommand(), p.requestsWatchCommand(), p.requestsCancelCommand(), p.requestsReturnCommand(),
		p.requestsTimelineCommand(),
	)
	return cmd
}

func (p *program) requestsStatusCommand() *cobra.Command {
	var in asked
	cmd := &cobra.Command{
		Use:   "status [REQUEST_ID...]",
		Short: "Ask the cloud how requests and returns stand",
		Long: `Asks the cloud how requests and returns stand, takes each as far as it goes now, and shows them with their
machines. The exit code is 1 when one of them does not exist.`,
		Example: `  ohfp requests status --request-id REQUEST_ID
  ohfp requests status REQUEST_ID RETURN_ID --format table
  ohfp requests status --all
  ohfp requests status --data '{"requests": [{"requestId": "REQUEST_ID"}]}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := in.requests(p, args)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				if in.All {
					if wanted, err = allRequests(cmd.Context(), s, query.RequestFilter{}); err != nil {
						return err
					}
				}
				return p.showStatus(cmd.Context(), s, wanted)
			})
		},
	}
	in.addFlags(cmd, "request or return to look at", "all requests and returns")
	in.Input.addFlags(cmd, `{"requests": [{"requestId": "…"}]}`)
	return cmd
}

// asked are the requests that a command line names: with a flag, as arguments, in an input, or all.
type asked struct {
	IDs   []string
	All   bool
	Input payload
}

func (in *asked) addFlags(cmd *cobra.Command, what, all string) {
	cmd.Flags().StringSliceVarP(&in.IDs, "request-id", "r", nil, what+" (several: repeat or separate by commas)")
	cmd.Flags().BoolVar(&in.All, "all", false, all)
}

// requests are the ids, each once; none when all are meant.
func (in *asked) requests(p *program, args []string) ([]ohfp.RequestID, error) {
	wanted := requestIDs(append(slices.Clone(in.IDs), args...))
	input, err := in.Input.read(p)
	if err != nil {
		return nil, err
	}
	if input != nil {
		ids, err := hostfactory.DecodeStatus(input)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, ids...)
	}
	switch {
	case in.All && len(wanted) > 0:
		return nil, usageErrorf("pass either --all or ids of requests, not both")
	case !in.All && len(wanted) == 0:
		return nil, usageErrorf("which request? pass --request-id; see ohfp requests list")
	}
	return wanted, nil
}

// allRequests are the ids of the requests that a filter lets through, newest first.
func allRequests(ctx context.Context, s *session, filter query.RequestFilter) ([]ohfp.RequestID, error) {
	requests, err := s.Queries.Requests(ctx, filter)
	if err != nil {
		return nil, err
	}
	var ids []ohfp.RequestID
	for _, r := range requests {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func (p *program) showStatus(ctx context.Context, s *session, wanted []ohfp.RequestID) error {
	found, unknown, err := p.statusOf(ctx, s, wanted)
	if err != nil {
		return err
	}
	if err := p.show(view.NewFullRequests(found, time.Now()), requestsLayout()); err != nil {
		return err
	}
	var problems []error
	for _, id := range unknown {
		problems = append(problems, noSuchRequest(id))
	}
	return p.saying(problems)
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

// requestsList is what requests list was asked.
type requestsList struct {
	Statuses  []string
	Template  string
	Type      string
	Provider  string
	Abandoned bool
}

func (p *program) requestsListCommand() *cobra.Command {
	var in requestsList
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List requests and returns, newest first",
		Long: `Lists requests and returns, newest first, as they were last recorded. It asks no cloud: ohfp requests status
does.

With --abandoned it lists requests that are under way or hold machines, and whose status nobody has ever asked for
since requests.abandoned_after. They are only listed, unless requests.release_abandoned is set.`,
		Example: `  ohfp requests list --format table
  ohfp requests list --status pending,in_progress --template-id EC2FleetInstant
  ohfp requests list --filter status=complete --filter 'createdAt=~^2026-11' --limit 20 --offset 20
  ohfp requests list --abandoned --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.listRequests(cmd.Context(), in) },
	}
	flags := cmd.Flags()
	in.addStatus(cmd)
	flags.StringVarP(&in.Template, "template-id", "t", "", "only requests for machines of this template")
	flags.StringVar(&in.Type, "request-type", "", "only requests of this `TYPE`: acquire or return")
	flags.StringVar(&in.Provider, "provider", "", "only requests that went to this provider")
	flags.BoolVar(&in.Abandoned, "abandoned", false, "only requests that nobody follows")
	complete(cmd, "request-type", requestTypes()...)
	return cmd
}

func (p *program) requestsListReturnsCommand() *cobra.Command {
	in := requestsList{Type: string(ohfp.TypeReturn)}
	cmd := &cobra.Command{
		Use:     "list-returns",
		Short:   "List returns, newest first",
		Long:    "Lists returns, newest first, as they were last recorded: the same as ohfp requests list --request-type return.",
		Example: "  ohfp requests list-returns --status in_progress --format table",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.listRequests(cmd.Context(), in) },
	}
	in.addStatus(cmd)
	return cmd
}

func (in *requestsList) addStatus(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&in.Statuses, "status", nil, "only requests in this status (several: repeat or separate by commas)")
	complete(cmd, "status", statusNames()...)
}

func requestTypes() []string { return []string{string(ohfp.TypeAcquire), string(ohfp.TypeReturn)} }

func (p *program) listRequests(ctx context.Context, in requestsList) error {
	filter := query.RequestFilter{Template: ohfp.TemplateID(in.Template), Type: ohfp.RequestType(in.Type), Machines: true} // to count what is ready
	for _, name := range in.Statuses {
		if !slices.Contains(statusNames(), name) {
			return usageErrorf("status %q does not exist%s; use one of %s", name, suggestion(name, statusNames(), ""), strings.Join(statusNames(), ", "))
		}
		filter.Statuses = append(filter.Statuses, ohfp.Status(name))
	}
	if in.Type != "" && !slices.Contains(requestTypes(), in.Type) {
		return usageErrorf("request type %q does not exist%s; use acquire or return", in.Type, suggestion(in.Type, requestTypes(), ""))
	}
	if in.Provider != "" {
		p.global.Where = append(p.global.Where, "provider="+in.Provider)
	}
	filter.Limit, filter.Offset = p.page()
	return p.with(ctx, func(s *session) error {
		list := s.Queries.Requests
		if in.Abandoned {
			list = s.Queries.Abandoned
		}
		requests, err := list(ctx, filter)
		if err != nil {
			return err
		}
		return p.show(view.NewRequests(requests, time.Now()), requestsLayout())
	})
}

func statusNames() []string {
	var names []string
	for _, status := range ohfp.Statuses() {
		names = append(names, string(status))
	}
	return names
}

func (p *program) requestsShowCommand() *cobra.Command {
	var flagged string
	cmd := &cobra.Command{
		Use:   "show REQUEST_ID",
		Short: "Show one request or return, after asking the cloud",
		Example: `  ohfp requests show REQUEST_ID --format table
  ohfp requests show --request-id REQUEST_ID --fields status,machines.name`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := requestIDs(append(args, flagged))
			if len(ids) != 1 {
				return usageErrorf("%s takes one request id, not %d; see %s --help", cmd.CommandPath(), len(ids), cmd.CommandPath())
			}
			return p.with(cmd.Context(), func(s *session) error {
				found, _, err := p.statusOf(cmd.Context(), s, ids)
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return noSuchRequest(ids[0])
				}
				return p.show(view.NewFullRequest(found[0], time.Now()), requestLayout())
			})
		},
	}
	cmd.Flags().StringVarP(&flagged, "request-id", "r", "", "request or return to show")
	return cmd
}

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) orphansCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "orphans",
		Aliases: []string{"orphan"},
		Short:   "What runs and nobody answers for",
		Long: `Orphans run under this installation's tag, and nobody answers for them: no record knows them, or Host Factory asked
for them and does not name them any more. They are watched for a while (orphans.quarantine) before they may be ended.`,
		Example: `  ohfp orphans list --format table
  ohfp orphans collect --dry-run`,
		GroupID: groupMachines,
	})
	cmd.AddCommand(p.orphansListCommand(), p.orphansCollectCommand())
	return cmd
}

func (p *program) orphansListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Look for orphans and list them",
		Long: `Asks every cloud for all that carries this installation's tag, and lists what nobody answers for. Each complete look
counts: what was seen often and long enough is ripe, and may be collected. Nothing is ended.

The reason is one of
  no-record  no record knows the request that it bears, or it bears none
  late       its request has ended, and the record of it lacks it
  undead     its record says that it is gone
  unnamed    Host Factory asked for it and its list of hosts does not name it any more`,
		Example: "  ohfp orphans list --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				within, cancel := context.WithTimeout(cmd.Context(), s.Budget)
				defer cancel()
				survey, err := s.Commands.FindOrphans(within)
				if err != nil {
					return err
				}
				p.tellUnread(survey.Unread)
				list, err := s.Queries.Orphans(cmd.Context())
				if err != nil {
					return err
				}
				if list.Held != "" {
					p.note("%s", list.Held)
				}
				return p.show(list, orphansLayout())
			})
		},
	}
}

// tellUnread tells which providers could not be looked at.
func (p *program) tellUnread(unread map[string]error) {
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		p.note("provider %s could not be looked at, its orphans are as they were: %v", name, unread[name])
	}
}

func (p *program) orphansCollectCommand() *cobra.Command {
	var in command.CollectOrphans
	sure := false
	cmd := &cobra.Command{
		Use:   "collect [ID...]",
		Short: "End orphans",
		Long: `Looks once more and ends the orphans that are ripe: all, or those of these ids. They are terminated; everything on
them is lost. Each is recorded first, so that its end shows in ohfp requests and ohfp machines like any other. What one
lost request has launched ends together. Those that are not ripe wait.

More orphans than orphans.max_share allows are taken for a mistake, and none is ended without --force. The exit code is
1 when something could not be ended.`,
		Example: `  ohfp orphans collect --dry-run
  ohfp orphans collect --yes
  ohfp orphans collect i-0123456789abcdef0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.IDs = args
			return p.with(cmd.Context(), func(s *session) error { return p.collectOrphans(cmd.Context(), s, in, sure) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&in.DryRun, "dry-run", false, "only show what would be ended")
	flags.BoolVarP(&sure, "yes", "y", false, "do not ask")
	flags.BoolVar(&in.Force, "force", false, "also when there are so many that something may be wrong")
	return cmd
}

func (p *program) collectOrphans(ctx context.Context, s *session, in command.CollectOrphans, sure bool) error {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	in.Origin = s.origin()
	if !in.DryRun && !sure {
		plan := in
		plan.DryRun = true
		planned, err := s.Commands.CollectOrphans(within, plan)
		if err != nil {
			return err
		}
		if would := fated(planned, command.FateWould); would > 0 && planned.Held == "" {
			if err := p.confirm(fmt.Sprintf("end %s?", ohfp.Count(would, "orphan"))); err != nil {
				return err
			}
			cancel() // a person takes time
			within, cancel = context.WithTimeout(ctx, s.Budget)
			defer cancel()
		}
	}
	done, problem := s.Commands.CollectOrphans(within, in)
	if problem != nil && len(done.Orphans) == 0 {
		return problem
	}
	p.tellUnread(done.Unread)
	if err := p.show(view.NewCollection(done), collectionLayout()); err != nil {
		return err
	}
	if done.Held != "" {
		return ohfp.Errorf(ohfp.ErrLimit, "%s", done.Held)
	}
	return problem
}

func fated(c command.Collection, fate command.Fate) int {
	n := 0
	for _, o := range c.Orphans {
		if o.Fate == fate {
			n++
		}
	}
	return n
}

func orphansLayout() output.Layout {
	return output.Layout{Records: "orphans", Empty: "No orphans.", Columns: []output.Column{
		{Key: "id", Heading: "orphan"},
		{Key: "kind"},
		{Key: "reason"},
		{Key: "ripe"},
		{Key: "reads", Number: true},
		{Key: "waited", Number: true},
		{Key: "provider"},
		{Key: "requestId", Heading: "request"},
		{Key: "templateId", Heading: "template"},
		{Key: "instanceType", Heading: "type"},
		{Key: "launchedAt", Heading: "launched"},
		{Key: "firstSeen", Heading: "first seen"},
	}}
}

func collectionLayout() output.Layout {
	layout := orphansLayout()
	layout.Columns = append([]output.Column{layout.Columns[0], {Key: "fate"}, {Key: "by"}, {Key: "message"}}, layout.Columns[1:]...)
	return layout
}

package mcpserver

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type collectIn struct {
	Confirmation

	IDs    []string `json:"ids,omitempty" jsonschema:"only these orphans: machines, fleets or groups; absent: all that are ripe"`
	DryRun bool     `json:"dry_run,omitempty" jsonschema:"end nothing, show what would be ended"`
	Force  bool     `json:"force,omitempty" jsonschema:"also when there are so many that something may be wrong"`
}

type rebuildIn struct {
	DryRun bool `json:"dry_run,omitempty" jsonschema:"record nothing, show what would be recorded"`
}

func orphanTools() []tool {
	return []tool{
		define(tool{
			Name: "list_orphans", Title: "Look for orphans",
			Description: "Ask every cloud for all that carries this installation's tag, and list what no record answers for. Those that are " +
				"ripe were seen often and long enough to be ended by collect_orphans. Nothing is ended.",
		}, listOrphans),
		confirmed(tool{
			Name: "collect_orphans", Title: "End orphans", Idempotent: true,
			Description: "End orphans that are ripe. They are terminated; everything on them is lost.",
		}, planCollect, collectOrphans),
		define(tool{
			Name: "rebuild_records", Title: "Make lost records again", Idempotent: true,
			Description: "Record again all that carries this installation's tag and has no record, as after a lost database. Nothing is ended.",
		}, rebuildRecords),
	}
}

func listOrphans(ctx context.Context, c *call, _ nothingIn) (query.Orphans, error) {
	within, cancel := c.budget(ctx)
	defer cancel()
	survey, err := c.Commands.FindOrphans(within)
	if err != nil {
		return query.Orphans{}, err
	}
	c.noteUnread(ctx, survey.Unread)
	return c.Queries.Orphans(ctx)
}

func (c *call) noteUnread(ctx context.Context, unread map[string]error) {
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		c.note(ctx, "provider %s could not be looked at: %v", name, unread[name])
	}
}

func (c *call) collect(ctx context.Context, in collectIn) (command.Collection, error) {
	within, cancel := c.budget(ctx)
	defer cancel()
	return c.Commands.CollectOrphans(within, command.CollectOrphans{IDs: in.IDs, DryRun: in.DryRun, Force: in.Force, Origin: c.Caller.Origin()})
}

func planCollect(ctx context.Context, c *call, in collectIn) (Plan, error) {
	if in.DryRun {
		return Plan{}, nil // shows what would be ended by itself
	}
	in.DryRun = true
	would, err := c.collect(ctx, in)
	if err != nil {
		return Plan{}, err
	}
	if would.Held != "" {
		return Plan{}, ohfp.Errorf(ohfp.ErrLimit, "%s", would.Held)
	}
	plan := Plan{}
	for _, o := range would.Orphans {
		switch {
		case o.Fate != command.FateWould:
		case o.IsMachine():
			plan.Machines = append(plan.Machines, o.Machine)
		default:
			plan.Others = append(plan.Others, o.ID())
		}
	}
	plan.Summary = "end " + ohfp.Count(len(plan.Machines)+len(plan.Others), "orphan") + "; everything there is lost"
	return plan, nil
}

func collectOrphans(ctx context.Context, c *call, in collectIn) (view.Collection, error) {
	done, err := c.collect(ctx, in)
	if err != nil && len(done.Orphans) == 0 {
		return view.Collection{}, err
	}
	if err != nil {
		c.note(ctx, "not everything could be ended: %v", err)
	}
	c.noteUnread(ctx, done.Unread)
	return view.NewCollection(done), nil
}

func rebuildRecords(ctx context.Context, c *call, in rebuildIn) (command.Rebuild, error) {
	done, err := c.Commands.RebuildRecords(ctx, command.RebuildRecords(in))
	if err != nil {
		return command.Rebuild{}, err
	}
	c.noteUnread(ctx, done.Unread)
	return done, nil
}

package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/internal/view"
)

type collectInput struct {
	Body struct {
		IDs    []string `json:"ids,omitempty" maxItems:"10000" nullable:"false" doc:"Only these machines, fleets or groups"`
		DryRun bool     `json:"dryRun,omitempty" doc:"Only say what would end"`
		Force  bool     `json:"force,omitempty" doc:"Also when there are so many that something may be wrong"`
	}
}

type collectAnswer struct{ Body collection }

type collection struct {
	view.Collection

	Unread  []unread `json:"unread,omitempty" doc:"Providers that could not be looked at, whose orphans wait"`
	Problem string   `json:"problem,omitempty" doc:"What could not be done"`
}

type rebuildInput struct {
	Body struct {
		DryRun bool `json:"dryRun,omitempty" doc:"Only say what would be recorded"`
	}
}

type rebuildAnswer struct{ Body rebuildView }

type rebuildView struct {
	command.Rebuild

	Unread []unread `json:"unread,omitempty" doc:"Providers that could not be read whole, of which nothing was recorded"`
}

type refreshAnswer struct{ Body view.ProviderRefresh }

type cleanInput struct {
	Body struct {
		Provider  string `json:"provider,omitempty" maxLength:"64" doc:"Only of this provider instance"`
		UnusedFor *int   `json:"unusedFor,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds that nothing must have used it; the setting cleaning.unused_after unless given"`
		DryRun    bool   `json:"dryRun,omitempty" doc:"Remove nothing, say what would be removed"`
	}
}

type cleanAnswer struct{ Body view.Cleaning }

type compactInput struct {
	Body struct {
		OlderThan int  `json:"olderThan,omitempty" minimum:"1" maximum:"3153600000" doc:"Seconds since they ended; the setting storage.retention unless given"`
		DryRun    bool `json:"dryRun,omitempty" doc:"Only count what would be removed"`
	}
}

// In the document, types of all packages share one space of names.
type storageCompaction struct{ storage.Compaction }

type compactAnswer struct{ Body storageCompaction }

func addUpkeep(on *surface) {
	s := on.server
	add(on, route{
		Operation: "orphans.collect", Method: http.MethodPost, Path: "/api/v1/orphans/collect", ID: "collectOrphans", Tag: "orphans",
		Summary: "End orphans that are ripe", Text: "They are terminated; everything on them is lost.", Write: true,
	}, s.collectOrphans)
	add(on, route{
		Operation: "storage.rebuild", Method: http.MethodPost, Path: "/api/v1/storage/rebuild", ID: "rebuildRecords", Tag: "storage",
		Summary: "Make lost records again from the tags in the cloud", Write: true,
	},
		func(ctx context.Context, in *rebuildInput) (*rebuildAnswer, error) {
			dryRun(ctx, in.Body.DryRun)
			done, err := s.Commands.RebuildRecords(ctx, command.RebuildRecords{DryRun: in.Body.DryRun})
			if err != nil && len(done.Requests) == 0 {
				return nil, err
			}
			return &rebuildAnswer{Body: rebuildView{Rebuild: done, Unread: unreadOf(done.Unread)}}, nil
		})
	add(on, route{
		Operation: "storage.compact", Method: http.MethodPost, Path: "/api/v1/storage/compact", ID: "compactStorage", Tag: "storage",
		Summary: "Clear old records away", Write: true,
		Text: "Those of requests that have ended, of which nothing is there or left to do, with their machines and events. When there is too " +
			"much for one call, it answers 504, and the next call goes on.",
	}, s.compact)
	add(on, route{
		Operation: "providers.refresh", Method: http.MethodPost, Path: "/api/v1/providers/{name}/refresh", ID: "refreshProvider",
		Tag: "providers", Summary: "Forget what was learnt of the cloud, and ask again", Write: true,
	},
		func(ctx context.Context, in *ProviderInput) (*refreshAnswer, error) {
			types, err := s.Providers.Refresh(ctx, in.Name)
			out := &refreshAnswer{}
			out.Body.Name, out.Body.MachineTypes = in.Name, types
			return out, err
		})
	add(on, route{
		Operation: "infrastructure.clean", Method: http.MethodPost, Path: "/api/v1/infrastructure/clean", ID: "cleanInfrastructure",
		Tag: "infrastructure", Summary: "Remove launch templates that nothing uses", Write: true,
	}, s.clean)
}

func (s *Server) collectOrphans(ctx context.Context, in *collectInput) (*collectAnswer, error) {
	dryRun(ctx, in.Body.DryRun)
	done, err := s.Commands.CollectOrphans(ctx, command.CollectOrphans{
		IDs: in.Body.IDs, DryRun: in.Body.DryRun, Force: in.Body.Force, Origin: callerOf(ctx).Origin(),
	})
	if err != nil && len(done.Orphans) == 0 {
		return nil, err
	}
	out := &collectAnswer{Body: collection{Collection: view.NewCollection(done), Unread: unreadOf(done.Unread)}}
	if err != nil {
		out.Body.Problem = sentence(err)
	}
	return out, nil
}

// compact clears old records away, in short transactions, so that no call waits for it.
func (s *Server) compact(ctx context.Context, in *compactInput) (*compactAnswer, error) {
	dryRun(ctx, in.Body.DryRun)
	age := time.Duration(in.Body.OlderThan) * time.Second
	if age == 0 {
		age = s.Storage.Storage.Retention.Round(time.Second)
	}
	if age == 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "storage.retention keeps records for ever; give olderThan")
	}
	done, err := s.Storage.Compact(ctx, age, in.Body.DryRun)
	return &compactAnswer{Body: storageCompaction{done}}, err
}

func (s *Server) clean(ctx context.Context, in *cleanInput) (*cleanAnswer, error) {
	dryRun(ctx, in.Body.DryRun)
	what := command.Clean{Provider: in.Body.Provider, UnusedFor: s.UnusedFor, DryRun: in.Body.DryRun}
	switch {
	case what.Provider != "" && s.known(what.Provider) != nil:
		return nil, s.known(what.Provider)
	case in.Body.UnusedFor != nil:
		what.UnusedFor = time.Duration(*in.Body.UnusedFor) * time.Second
	case what.UnusedFor == 0:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "cleaning.unused_after is 0, which is never; give unusedFor")
	}
	removed, err := s.Commands.Clean(ctx, what)
	if err != nil && len(removed) == 0 {
		return nil, err
	}
	out := &cleanAnswer{}
	out.Body.DryRun, out.Body.Removed = in.Body.DryRun, removed
	if err != nil {
		out.Body.Problem = sentence(err)
	}
	return out, nil
}

package rest

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/openhostfactory/ohfp/internal/query"
)

type orphansInput struct {
	Sync bool `query:"sync" default:"true" doc:"Look at all that carries this installation's tag before answering; each complete look counts"`
}

type orphansAnswer struct{ Body orphanList }

type orphanList struct {
	query.Orphans

	Unread []unread `json:"unread,omitempty" doc:"Providers that could not be looked at, whose orphans are as they were"`
}

// unread is a provider that could not be looked at.
type unread struct {
	Provider string `json:"provider"`
	Message  string `json:"message"`
}

func unreadOf(problems map[string]error) []unread {
	var list []unread
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		list = append(list, unread{Provider: name, Message: sentence(problems[name])})
	}
	return list
}

func addOrphans(on *surface) {
	s := on.server
	add(on, route{
		Operation: "orphans.list", Method: http.MethodGet, Path: "/api/v1/orphans", ID: "listOrphans", Tag: "orphans",
		Summary: "What runs under this installation's tag and nobody answers for",
	},
		func(ctx context.Context, in *orphansInput) (*orphansAnswer, error) {
			out := &orphansAnswer{}
			if in.Sync {
				survey, err := s.Commands.FindOrphans(ctx)
				if err != nil {
					return nil, err
				}
				out.Body.Unread = unreadOf(survey.Unread)
			}
			list, err := s.Queries.Orphans(ctx)
			out.Body.Orphans = list
			return out, err
		})
}

package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/view"
)

type reclaimedInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"10000" doc:"At most so many"`
}

type reclaimedAnswer struct{ Body api.ReclaimedList }

func addReturns(on *surface) {
	s := on.server
	add(on, route{
		Operation: "machines.reclaimed", Method: http.MethodGet, Path: "/api/v1/requests/return", ID: "listReclaimed", Tag: "machines",
		Summary: "Machines that the cloud or an operator takes back from their users",
	},
		func(ctx context.Context, in *reclaimedInput) (*reclaimedAnswer, error) {
			found, err := s.Queries.Reclaimed(ctx, nil)
			return &reclaimedAnswer{Body: view.NewReclaimed(found[:min(in.Limit, len(found))])}, err
		})
}

package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/openhostfactory/ohfp"
)

type reclaimedAnswer struct{ Body reclaimedList }

type reclaimedList struct {
	Requests []reclaimed `json:"requests"`
}

type reclaimed struct {
	Machine ohfp.MachineID  `json:"machineId"`
	Name    string          `json:"machine" doc:"Its host name"`
	Grace   int             `json:"gracePeriod" doc:"Seconds left"`
	Kind    ohfp.NoticeKind `json:"notice"`
	Reason  string          `json:"message,omitempty"`
}

func addReturns(on *surface) {
	s := on.server
	add(on, route{
		Operation: "machines.reclaimed", Method: http.MethodGet, Path: "/api/v1/requests/return", ID: "listReclaimed", Tag: "machines",
		Summary: "Machines that the cloud or an operator takes back from their users",
	},
		func(ctx context.Context, _ *struct{}) (*reclaimedAnswer, error) {
			found, err := s.Queries.Reclaimed(ctx, nil)
			out := &reclaimedAnswer{Body: reclaimedList{Requests: []reclaimed{}}}
			for _, m := range found {
				out.Body.Requests = append(out.Body.Requests, reclaimed{
					Machine: m.Machine, Name: m.Name, Grace: int(m.Grace / time.Second), Kind: m.Kind, Reason: m.Reason,
				})
			}
			return out, err
		})
}

package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

type eventsInput struct {
	RequestID string `query:"requestId" doc:"Only events of this request"`
	MachineID string `query:"machineId" doc:"Only events of this machine"`
	After     int64  `query:"after" minimum:"0" doc:"Only events with a greater sequence"`
	Limit     int    `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"At most so many"`
}

type eventsAnswer struct {
	Body struct {
		Events []ohfp.Event `json:"events"`
	}
}

func addEvents(on *surface) {
	s := on.server
	add(on, route{
		Operation: "events.list", Method: http.MethodGet, Path: "/api/v1/events", ID: "listEvents", Tag: "events",
		Summary: "What happened, the first thing first", Text: "Pass the sequence of the last event as after to go on.",
	},
		func(ctx context.Context, in *eventsInput) (*eventsAnswer, error) {
			events, err := s.Queries.Events(ctx, query.EventFilter{
				Request: ohfp.RequestID(in.RequestID), Machine: ohfp.MachineID(in.MachineID), After: in.After, Limit: in.Limit,
			})
			out := &eventsAnswer{}
			if out.Body.Events = events; events == nil {
				out.Body.Events = []ohfp.Event{}
			}
			return out, err
		})
}

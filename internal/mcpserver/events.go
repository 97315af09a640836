package mcpserver

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

// Events are what happened, the first thing first.
type Events struct {
	Events []ohfp.Event `json:"events"`
}

// usualEvents is how many are told unless the caller says, as over REST.
const usualEvents = 100

type listEventsIn struct {
	Request ohfp.RequestID `json:"request_id,omitempty" jsonschema:"only events of this request or return"`
	Machine ohfp.MachineID `json:"machine_id,omitempty" jsonschema:"only events of this machine"`
	After   int64          `json:"after,omitempty" jsonschema:"only events with a greater sequence: that of the last event, to go on"`
	Limit   int            `json:"limit,omitempty" jsonschema:"at most this many; 0 or absent: 100"`
}

func eventTools() []tool {
	return []tool{define(tool{
		Name: "list_events", Title: "List what happened", Offline: true,
		Description: "List what happened to requests, machines and templates of everybody, the first thing first. get_request_timeline and " +
			"get_machine_timeline tell it of one. It asks no cloud.",
	}, listEvents)}
}

func listEvents(ctx context.Context, c *call, in listEventsIn) (Events, error) {
	if in.After < 0 {
		return Events{}, ohfp.Errorf(ohfp.ErrInvalid, "after %d makes no sense; use the sequence of an event", in.After)
	}
	if err := checkPage(in.Limit, 0); err != nil {
		return Events{}, err
	}
	if in.Limit == 0 {
		in.Limit = usualEvents
	}
	found, err := c.Queries.Events(ctx, query.EventFilter{Request: in.Request, Machine: in.Machine, After: in.After, Limit: in.Limit})
	if err != nil {
		return Events{}, err
	}
	return Events{Events: append([]ohfp.Event{}, found...)}, nil
}

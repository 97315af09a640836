package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Timeline is what happened to a request or a machine, the first thing first.
type Timeline struct {
	Request ohfp.RequestID `json:"requestId,omitempty"` // of a machine: the request that brought it
	Machine ohfp.MachineID `json:"machineId,omitempty"`
	Steps   []Step         `json:"timeline"`
}

// Step is one thing that happened, or the same thing that happened to several machines within a second.
type Step struct {
	At           string         `json:"at"`    // UTC
	After        string         `json:"after"` // since the first step
	Event        ohfp.EventKind `json:"event"`
	Machine      ohfp.MachineID `json:"machineId,omitempty"`
	Machines     int            `json:"machines,omitempty"` // to how many it happened, where it is several
	Actor        string         `json:"actor,omitempty"`
	Message      string         `json:"message,omitempty"`
	Code         string         `json:"code,omitempty"`           // the cloud's
	CloudRequest string         `json:"cloudRequestId,omitempty"` // for the cloud's support
}

// RequestTimeline tells the story of a request or return. What happened to many machines at once is one step, unless
// each is asked for.
func (q *Queries) RequestTimeline(ctx context.Context, id ohfp.RequestID, each bool) (Timeline, error) {
	r, err := q.Store.Request(ctx, id)
	if err != nil {
		return Timeline{}, fmt.Errorf("timeline of request %s: %w", id, err)
	}
	events, err := q.events(ctx, store.EventFilter{Request: id})
	if err != nil {
		return Timeline{}, err
	}
	if r.Type == ohfp.TypeReturn {
		// The events of machines are those of the requests that brought them.
		ended := map[ohfp.MachineID]bool{}
		var makers []ohfp.RequestID
		for _, m := range r.Machines {
			ended[m.ID] = true
			if !slices.Contains(makers, m.Request) {
				makers = append(makers, m.Request)
			}
		}
		for _, maker := range makers {
			more, err := q.events(ctx, store.EventFilter{Request: maker, After: firstSequence(events)})
			if err != nil {
				return Timeline{}, err
			}
			for _, e := range more {
				if ended[e.Machine] {
					events = append(events, e)
				}
			}
		}
		slices.SortFunc(events, func(a, b ohfp.Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	}
	return Timeline{Request: id, Steps: steps(events, !each)}, nil
}

// milliseconds are as exact as a story needs.
const milliseconds = "2006-01-02T15:04:05.000Z07:00"

// MachineTimeline tells the story of a machine, with what happened to its request as far as it concerns the machine.
func (q *Queries) MachineTimeline(ctx context.Context, id ohfp.MachineID) (Timeline, error) {
	machines, err := q.Store.Machines(ctx, store.MachineFilter{IDs: []ohfp.MachineID{id}})
	if err != nil {
		return Timeline{}, fmt.Errorf("timeline of machine %s: %w", id, err)
	}
	if len(machines) == 0 {
		return Timeline{}, ohfp.Errorf(ohfp.ErrNotFound, "machine %s does not exist; see ohfp machines list --status all", id)
	}
	m := machines[len(machines)-1] // two clouds may know the same id; the newest is the one that somebody asks about
	events, err := q.events(ctx, store.EventFilter{Request: m.Request})
	if err != nil {
		return Timeline{}, err
	}
	if m.Return != "" {
		back, err := q.events(ctx, store.EventFilter{Request: m.Return})
		if err != nil {
			return Timeline{}, err
		}
		events = append(events, back...)
		slices.SortFunc(events, func(a, b ohfp.Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	}
	return Timeline{Request: m.Request, Machine: id, Steps: steps(concerning(events, m), false)}, nil
}

func firstSequence(events []ohfp.Event) int64 {
	if len(events) == 0 {
		return 0
	}
	return events[0].Sequence
}

// concerning picks what concerns one machine: its own events, how it was asked for up to its launch, the first report
// after it was ready, the request to give it back, and the first report after it was gone.
func concerning(events []ohfp.Event, m ohfp.Machine) []ohfp.Event {
	var picked []ohfp.Event
	launched, ready, reported, gone, told := false, false, false, false, false
	for _, e := range events {
		switch {
		case e.Machine == m.ID:
			launched = launched || e.Kind == ohfp.MachineLaunched || e.Kind == ohfp.MachineAdopted
			ready = ready || e.Kind == ohfp.MachineDelivered
			gone = gone || e.Kind == ohfp.MachineGone
		case e.Machine != "":
			continue
		case e.Kind == ohfp.RequestReported && e.Request == m.Request:
			if !ready || reported {
				continue
			}
			reported = true
		case e.Kind == ohfp.RequestReported:
			if !gone || told {
				continue
			}
			told = true
		case e.Request == m.Return:
			if e.Kind != ohfp.RequestCreated && e.Kind != ohfp.EndRefused {
				continue
			}
		case e.Kind == ohfp.RequestCreated || e.Kind == ohfp.RequestDeadline || e.Kind == ohfp.EndRefused || e.Kind == ohfp.RequestAdopted:
		case launched: // what else the request does is no longer about this machine
			continue
		}
		picked = append(picked, e)
	}
	return picked
}

// steps are events as people read them. Together: the same that happened to several machines within a second is one.
func steps(events []ohfp.Event, together bool) []Step {
	list := []Step{}
	type key struct {
		kind    ohfp.EventKind
		at      int64
		actor   string
		code    string
		message string
	}
	at := map[key]int{}
	for _, e := range events {
		step := Step{
			At: e.At.UTC().Format(milliseconds), After: after(e.At.Sub(events[0].At)), Event: e.Kind, Machine: e.Machine,
			Actor: e.Actor, Message: e.Message, Code: e.Code, CloudRequest: e.CloudRequest,
		}
		if together && e.Machine != "" {
			k := key{kind: e.Kind, at: e.At.Unix(), actor: e.Actor, code: e.Code}
			if e.Kind == ohfp.MachineChanged || e.Kind == ohfp.MachineEnding {
				k.message = e.Message // to which state, or why; names and addresses are each machine's own
			}
			if i, seen := at[k]; seen {
				list[i].join(step)
				continue
			}
			at[k] = len(list)
		}
		list = append(list, step)
	}
	return list
}

func (s *Step) join(other Step) {
	s.Machines = max(s.Machines, 1) + 1
	s.Machine = ""
	if s.Message != other.Message {
		s.Message = ""
	}
}

// after is a time since the first step: milliseconds within the first minute, then seconds.
func after(d time.Duration) string {
	round := time.Millisecond
	if d >= time.Minute {
		round = time.Second
	}
	return "+" + ohfp.FormatDuration(d.Round(round))
}

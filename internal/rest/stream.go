package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// beat is how often a silent stream says that it lives: proxies end what is silent for a minute.
const beat = 15 * time.Second

type streamInput struct {
	ID       string  `path:"id" minLength:"1" maxLength:"100" doc:"The request or return"`
	Interval float64 `query:"interval" minimum:"0" maximum:"60" default:"0.5" doc:"Seconds that lie between two messages at least"`
	Timeout  float64 `query:"timeout" minimum:"1" maximum:"3600" default:"3600" doc:"Seconds after which the stream ends in any case"`
}

type changesInput struct {
	Last      string  `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]*$" doc:"The id of the last message that was read: only later ones are sent"`
	RequestID string  `query:"requestId" maxLength:"100" doc:"Only events of this request"`
	Timeout   float64 `query:"timeout" minimum:"1" maximum:"3600" default:"3600" doc:"Seconds after which the stream ends in any case"`
}

func addStreams(on *surface) {
	s := on.server
	addStream(on, route{
		Operation: "requests.status", Method: http.MethodGet, Path: "/api/v1/requests/{id}/stream", ID: "streamRequest",
		Tag: "requests", Summary: "Follow a request or return to its end",
		Text: "Each message is the request as GET shows it. After the one with which it has ended comes an empty object, and the stream ends.",
	},
		s.streamRequest)
	addStream(on, route{
		Operation: "events.stream", Method: http.MethodGet, Path: "/api/v1/events/stream", ID: "streamEvents",
		Tag: "events", Summary: "Follow what happens",
		Text: "Each message is an event, its id the sequence. With Last-Event-ID, which browsers send by themselves, nothing is missed.",
	},
		s.streamEvents)
}

// addStream registers a route that answers with server-sent events. Start looks at the input and returns what sends them.
func addStream[I any](on *surface, r route, start func(ctx context.Context, in *I) (func(ctx context.Context, to *stream), error)) {
	s := on.server
	op := on.operation(r)
	op.Middlewares = append(op.Middlewares, s.bounded)
	op.Responses["200"] = &huma.Response{
		Description: "Messages, as they come",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
	huma.Register(on.api, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		send, err := start(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(call huma.Context) {
			r, w := humago.Unwrap(call)
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("X-Accel-Buffering", "no") // nginx would hold messages back
			// Deadlines of connections go by the machine's own clock.
			to := &stream{writer: w, controller: http.NewResponseController(w), now: time.Now} //nolint:forbidigo // see above
			if r.Method == http.MethodHead {
				return
			}
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(s.feed.ended, cancel)()
			send(ctx, to)
		}}, nil
	})
}

// stream is where messages go.
type stream struct {
	writer     http.ResponseWriter
	controller *http.ResponseController
	now        func() time.Time
	text       bytes.Buffer
}

// message sends one; an id of 0 is none.
func (to *stream) message(id int64, data []byte) error {
	to.text.Reset()
	if id > 0 {
		to.text.WriteString("id: " + strconv.FormatInt(id, 10) + "\n")
	}
	to.text.WriteString("data: ")
	to.text.Write(data)
	to.text.WriteString("\n\n")
	return to.flush()
}

// hello is the first that is sent. Its id is known to the caller from then on, so that one who is cut off before the first
// message misses nothing either.
func (to *stream) hello(id int64) error {
	to.text.Reset()
	to.text.WriteString(": hello\nid: " + strconv.FormatInt(id, 10) + "\n\n")
	return to.flush()
}

func (to *stream) comment(text string) error {
	to.text.Reset()
	to.text.WriteString(": " + text + "\n\n")
	return to.flush()
}

func (to *stream) flush() error {
	if err := to.controller.SetWriteDeadline(to.now().Add(delivering)); err != nil {
		return err
	}
	if _, err := to.writer.Write(to.text.Bytes()); err != nil {
		return err
	}
	return to.controller.Flush()
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// streamRequest sends a request whenever it has changed, until it has ended.
func (s *Server) streamRequest(ctx context.Context, in *streamInput) (func(context.Context, *stream), error) {
	id := ohfp.RequestID(in.ID)
	if _, err := s.showRequest(ctx, &requestInput{ID: in.ID, Sync: true}); err != nil {
		return nil, err
	}
	return func(ctx context.Context, to *stream) {
		changes, newest, leave, err := s.feed.follow(ctx)
		if err != nil {
			s.Log.WarnContext(ctx, "a stream could not begin", "error", err)
			return
		}
		defer leave()
		if to.comment("hello") != nil { // what happens from here on is told
			return
		}
		ctx, cancel := context.WithTimeout(ctx, seconds(in.Timeout))
		defer cancel()
		beats := time.NewTicker(beat)
		defer beats.Stop()
		var sent []byte
		for {
			shown, over, err := s.shown(ctx, id)
			if err != nil {
				return
			}
			if !bytes.Equal(shown, sent) {
				if to.message(newest, shown) != nil {
					return
				}
				sent = shown
			}
			if over {
				_ = to.message(0, []byte("{}")) // the caller may have gone
				return
			}
			if !wait(ctx, seconds(in.Interval)) {
				return
			}
			if newest = s.concerns(ctx, to, changes, beats.C, id, newest); newest < 0 {
				return
			}
		}
	}, nil
}

// concerns waits for an event that may concern a request, and returns the newest sequence then; less than 0: it is over.
// What a return does shows in the events of the requests that brought its machines.
func (s *Server) concerns(
	ctx context.Context, to *stream, changes <-chan []ohfp.Event, beats <-chan time.Time, id ohfp.RequestID, newest int64,
) int64 {
	for {
		select {
		case <-ctx.Done():
			return -1
		case <-beats:
			if to.comment("alive") != nil {
				return -1
			}
		case events, ok := <-changes:
			if !ok {
				return -1
			}
			concerned := false
			for _, e := range events {
				newest = max(newest, e.Sequence)
				concerned = concerned || e.Request == id || id.Type() == ohfp.TypeReturn
			}
			if concerned && len(changes) == 0 {
				return newest
			}
			if concerned {
				for len(changes) > 0 { // one message for all that is there by now
					more, ok := <-changes
					if !ok {
						return -1
					}
					newest = max(newest, more[len(more)-1].Sequence)
				}
				return newest
			}
		}
	}
}

// shown is a request as a message, and whether it has ended.
func (s *Server) shown(ctx context.Context, id ohfp.RequestID) (data []byte, over bool, err error) {
	found, _, err := s.Queries.RequestStatus(ctx, []ohfp.RequestID{id})
	if err != nil || len(found) == 0 {
		return nil, true, err
	}
	data, err = json.Marshal(view.NewFullRequest(found[0], s.Now()))
	return data, found[0].Status.Terminal(), err
}

// streamEvents sends events as they happen, beginning after the last one that the caller has read.
func (s *Server) streamEvents(_ context.Context, in *changesInput) (func(context.Context, *stream), error) {
	last := int64(-1)
	if in.Last != "" {
		var err error
		if last, err = strconv.ParseInt(in.Last, 10, 64); err != nil {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "Last-Event-ID %s is not the id of a message", in.Last)
		}
	}
	return func(ctx context.Context, to *stream) {
		changes, newest, leave, err := s.feed.follow(ctx)
		if err != nil {
			s.Log.WarnContext(ctx, "a stream could not begin", "error", err)
			return
		}
		defer leave()
		if last < 0 {
			last = newest
		}
		if to.hello(last) != nil { // what happens from here on is told
			return
		}
		ctx, cancel := context.WithTimeout(ctx, seconds(in.Timeout))
		defer cancel()
		if last, err = s.catchUp(ctx, to, in.RequestID, last); err != nil {
			return
		}
		beats := time.NewTicker(beat)
		defer beats.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beats.C:
				err = to.comment("alive")
			case events, ok := <-changes:
				if !ok {
					return
				}
				last, err = to.events(events, in.RequestID, last)
			}
			if err != nil {
				return
			}
		}
	}, nil
}

// catchUp sends what happened while the caller was away.
func (s *Server) catchUp(ctx context.Context, to *stream, request string, last int64) (int64, error) {
	for {
		events, err := s.Queries.Events(ctx, query.EventFilter{After: last, Limit: batchLimit})
		if err != nil {
			return last, err
		}
		if last, err = to.events(events, request, last); err != nil || len(events) < batchLimit {
			return last, err
		}
	}
}

// events sends those that are newer than the last.
func (to *stream) events(events []ohfp.Event, request string, last int64) (int64, error) {
	for _, e := range events {
		if e.Sequence <= last {
			continue
		}
		last = e.Sequence
		if request != "" && string(e.Request) != request {
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			return last, err
		}
		if err := to.message(e.Sequence, data); err != nil {
			return last, err
		}
	}
	return last, nil
}

// wait waits, and says whether there is still time.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

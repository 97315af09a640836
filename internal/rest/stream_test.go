package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/gate"
	"github.com/openhostfactory/ohfp/internal/view"
)

// patience bounds every wait of these tests.
const patience = 60 * time.Second

// message is one of a stream.
type message struct{ ID, Data string }

// follow reads a stream. The channel is closed at its end.
func (w *world) follow(path string, headers ...string) <-chan message {
	w.tb.Helper()
	r, err := http.NewRequestWithContext(w.tb.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.http.Do(r) //nolint:bodyclose // closed where it is read
	if err != nil {
		w.tb.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		w.tb.Fatalf("%s: %s %s", path, response.Status, kind)
	}
	reader := bufio.NewReader(response.Body)
	if hello, err := reader.ReadString('\n'); err != nil || hello != ": hello\n" { // from here on nothing is missed
		w.tb.Fatal(hello, err)
	}
	messages := make(chan message, 1000)
	go func() {
		defer close(messages)
		defer response.Body.Close()
		var m message
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
			case "id":
				m.ID = value
			case "data":
				m.Data = value
				messages <- m
				m = message{}
			}
		}
	}()
	return messages
}

// next is the next message; false: the stream has ended.
func (w *world) next(from <-chan message) (message, bool) {
	w.tb.Helper()
	select {
	case m, ok := <-from:
		return m, ok
	case <-time.After(patience):
		w.tb.Fatal("nothing came")
		return message{}, false
	}
}

func TestRequestIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, ending := range []ohfp.Status{ohfp.StatusComplete, ohfp.StatusCancelled} {
		r, err := w.commands.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 2})
		if err != nil {
			t.Fatal(err)
		}
		stream := w.follow("/api/v1/requests/" + string(r.ID) + "/stream?interval=0")
		m, _ := w.next(stream)
		var shown view.Request
		if err := json.Unmarshal([]byte(m.Data), &shown); err != nil || shown.ID != r.ID || shown.Status.Terminal() {
			t.Fatalf("%v: %s", err, m.Data)
		}
		if ending == ohfp.StatusCancelled {
			_, err = w.commands.CancelRequest(t.Context(), command.CancelRequest{ID: r.ID})
		}
		w.clock.Advance(2 * time.Second)
		if err == nil {
			err = w.commands.SyncRequests(t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{r.ID}})
		}
		if err != nil {
			t.Fatal(err)
		}
		var before message
		for {
			m, ok := w.next(stream)
			if !ok {
				t.Fatal("the stream ended without its last message")
			}
			if m.Data == "{}" {
				break
			}
			before = m
		}
		if err := json.Unmarshal([]byte(before.Data), &shown); err != nil || shown.Status != ending {
			t.Errorf("the last is %s, %v; want %s", shown.Status, err, ending)
		}
		if _, ok := w.next(stream); ok {
			t.Error("the stream goes on after its end")
		}
		// What has ended is told at once.
		late := w.follow("/api/v1/requests/" + string(r.ID) + "/stream/")
		if m, _ := w.next(late); !strings.Contains(m.Data, string(ending)) {
			t.Error(m.Data)
		}
		if m, _ := w.next(late); m.Data != "{}" {
			t.Error(m.Data)
		}
	}
	w.want(http.StatusNotFound, w.call(http.MethodGet, "/api/v1/requests/req-1/stream", ""), nil)
}

// TestStreamsOfACallerAreBounded: also by a server that has replaced the one where they began, and until they end.
func TestStreamsOfACallerAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed, func(w *world) { w.server.MaxStreams = 2 })
	viewer, admin := w.tokenFor(access.Viewer), w.tokenFor(access.Admin)
	const path = "/api/v1/events/stream"
	first, end := context.WithCancel(t.Context())
	defer end()
	w.followed(first, viewer)
	w.followed(t.Context(), viewer)
	w.token = viewer
	a := w.call(http.MethodGet, path, "")
	w.want(http.StatusTooManyRequests, a, nil)
	if a.Header.Get("Retry-After") != "10" || !strings.Contains(a.Text, "api.max_streams_per_caller") || !strings.Contains(a.Text, `"retry":true`) {
		t.Errorf("%v: %s", a.Header, a.Text)
	}
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/requests", ""), nil) // it is about streams only
	w.followed(t.Context(), admin)                                             // and about one caller

	next := &Server{
		Commands: w.server.Commands, Queries: w.server.Queries, Providers: w.server.Providers, Settings: w.server.Settings, Templates: w.server.Templates,
		Storage: w.server.Storage, Gate: &gate.Gate{Face: "rest", Bearers: w.server.Gate.Bearers, Now: w.server.Now}, Memory: w.server.Memory,
		Parse: w.server.Parse, Judge: w.server.Judge, Health: w.server.Health, Budget: w.server.Budget, Look: w.server.Look, NewID: w.server.NewID,
		Now: w.server.Now, Log: w.server.Log, Watched: w.server.Watched, MaxStreams: 2,
	}
	if err := w.server.Replace(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	w.want(http.StatusTooManyRequests, w.call(http.MethodGet, path, ""), nil)
	end()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // the server has to hear of it
		if a := w.call(http.MethodHead, path, ""); a.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a stream that has ended still counts")
		}
	}
}

// followed is a stream of all events that stays open until ctx ends.
func (w *world) followed(ctx context.Context, token string) {
	w.tb.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/events/stream", nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := w.http.Do(r)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		w.tb.Fatal(response.Status)
	}
}

// TestNothingIsMissed: a stream goes on where another was cut off, with what happened in between.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delivered(1)
	stream := w.follow("/api/v1/events/stream")
	r := w.delivered(2)
	m, _ := w.next(stream)
	var first ohfp.Event
	if err := json.Unmarshal([]byte(m.Data), &first); err != nil || first.Request != r.ID || first.Kind != ohfp.RequestCreated {
		t.Fatalf("%+v, %v: what was before the stream is not for it", first, err)
	}
	last := m.ID
	w.delivered(1)
	again := w.follow("/api/v1/events/stream?requestId="+string(r.ID), "Last-Event-ID", last)
	told := map[ohfp.EventKind]int{}
	for told[ohfp.MachineDelivered] < 2 {
		m, ok := w.next(again)
		if !ok {
			t.Fatal("the stream has ended")
		}
		var e ohfp.Event
		if err := json.Unmarshal([]byte(m.Data), &e); err != nil || e.Request != r.ID {
			t.Fatalf("%+v, %v", e, err)
		}
		told[e.Kind]++
	}
	if told[ohfp.RequestCreated] != 0 || told[ohfp.MachineLaunched] != 2 {
		t.Errorf("told %v", told)
	}
	if end := w.follow("/api/v1/events/stream?timeout=1", "Last-Event-ID", "999999"); true {
		if m, ok := w.next(end); ok {
			t.Errorf("told %+v", m)
		}
	}
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/events/stream", "", "Last-Event-ID", "x"), nil)
}

package mcpserver

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
)

const (
	watchEvery = time.Second // how late a subscriber hears of a change at most
	watchMost  = 1000        // events that are read at once
	mostURIs   = 500         // resources that one session can subscribe to
	longestURI = 300         // bytes; the longest id has 200
)

// watcher tells the subscribers of a server what has changed, by the events in the store. It runs as long as there are
// subscribers.
type watcher struct {
	visit

	server *mcp.Server // set before the first session

	mu      sync.Mutex
	uris    map[string]int // how often each is subscribed to
	after   int64          // the sequence of the last event that was seen
	running bool
}

func (w *watcher) subscribe(ctx context.Context, req *mcp.SubscribeRequest) error {
	uri := req.Params.URI
	c := &call{visit: w.visit, tool: uri}
	if err := w.mayWatch(uri); err != nil {
		return c.refusal(ctx, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.uris[uri] == 0 && len(w.uris) >= mostURIs {
		return c.refusal(ctx, ohfp.Errorf(ohfp.ErrLimit, "a session can subscribe to %d resources, and this one has; unsubscribe some, or subscribe to all of a kind", mostURIs))
	}
	if !w.running {
		newest, err := w.Queries.NewestEvent(ctx)
		if err != nil {
			return c.refusal(ctx, err)
		}
		w.after, w.running = newest, true
		go w.run(context.WithoutCancel(ctx)) // it ends with the last session
	}
	w.uris[uri]++
	return nil
}

func (w *watcher) mayWatch(uri string) error {
	if len(uri) > longestURI {
		return ohfp.Errorf(ohfp.ErrInvalid, "resource is named by %d bytes, which no resource is; at most %d", len(uri), longestURI)
	}
	for _, k := range kinds() {
		id, ok := strings.CutPrefix(uri, k.uri())
		switch {
		case !ok:
		case !k.Changes:
			return ohfp.Errorf(ohfp.ErrInvalid, "no event tells when %s changes; read it again instead", uri)
		case id == "":
			return w.may(k.List)
		default:
			return w.may(k.Item)
		}
	}
	return ohfp.Errorf(ohfp.ErrNotFound, "resource %s does not exist; see the list of resources", uri)
}

func (w *watcher) unsubscribe(_ context.Context, req *mcp.UnsubscribeRequest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.uris[req.Params.URI]--; w.uris[req.Params.URI] <= 0 {
		delete(w.uris, req.Params.URI)
	}
	return nil
}

// run looks for events until nobody listens.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for range tick.C {
		if w.over() {
			return
		}
		events, err := w.Queries.EventsAfter(ctx, w.after, watchMost)
		if err != nil {
			w.Log.WarnContext(ctx, "events could not be read; subscribers hear of them later", "error", err)
			continue
		}
		if len(events) == 0 {
			continue
		}
		w.after = events[len(events)-1].Sequence
		for _, uri := range w.touched(events) {
			if err := w.server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: uri}); err != nil {
				w.Log.WarnContext(ctx, "a subscriber could not be told", "resource", uri, "error", err)
			}
		}
	}
}

// over says whether nobody listens any more, and lets the next subscriber begin anew.
func (w *watcher) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	sessions := 0
	for range w.server.Sessions() {
		sessions++
	}
	if sessions > 0 && len(w.uris) > 0 {
		return false
	}
	w.running = false
	return true
}

// touched are the resources among those subscribed to that events are about, each once.
func (w *watcher) touched(events []ohfp.Event) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	told := map[string]bool{}
	touch := func(uri string) {
		if w.uris[uri] > 0 && !told[uri] {
			told[uri] = true
			list = append(list, uri)
		}
	}
	for _, e := range events {
		if e.Request != "" {
			touch("requests://")
			touch("requests://" + string(e.Request))
		}
		if e.Machine != "" {
			touch("machines://")
			touch("machines://" + string(e.Machine))
		}
	}
	return list
}

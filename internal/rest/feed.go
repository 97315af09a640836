package rest

import (
	"context"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

const (
	batchLimit = 1000 // events that one look reads
	backlog    = 64   // looks that a slow reader may be behind before its stream ends
)

// feed looks for events on behalf of all streams together, as long as there is one: a thousand streams ask the store no
// more often than one.
type feed struct {
	server *Server
	ended  context.Context // of the server

	mu      sync.Mutex
	readers map[chan []ohfp.Event]bool
	last    int64 // sequence of the newest event that was seen
	running bool
}

func newFeed(ctx context.Context, s *Server) *feed {
	return &feed{server: s, ended: ctx, readers: map[chan []ohfp.Event]bool{}}
}

// follow adds a reader, who gets what happens after the sequence returned. The channel is closed when the reader is too
// slow, and when the server ends.
func (f *feed) follow(ctx context.Context) (<-chan []ohfp.Event, int64, func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		newest, err := f.newest(ctx, f.last)
		if err != nil {
			return nil, 0, nil, err
		}
		f.last, f.running = newest, true
		go f.run()
	}
	reader := make(chan []ohfp.Event, backlog)
	f.readers[reader] = true
	return reader, f.last, func() { f.leave(reader) }, nil
}

func (f *feed) leave(reader chan []ohfp.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers[reader] {
		delete(f.readers, reader)
		close(reader)
	}
}

// run looks until nobody reads any more.
func (f *feed) run() {
	tick := time.NewTicker(f.server.Look)
	defer tick.Stop()
	for {
		select {
		case <-f.ended.Done():
			f.stop(true)
			return
		case <-tick.C:
		}
		if f.stop(false) {
			return
		}
		f.look()
	}
}

// stop ends the looking when nobody reads any more, or of all.
func (f *feed) stop(all bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !all && len(f.readers) > 0 {
		return false
	}
	for reader := range f.readers {
		close(reader)
	}
	clear(f.readers)
	f.running = false
	return true
}

func (f *feed) look() {
	events, err := f.server.Queries.Events(f.ended, query.EventFilter{After: f.last, Limit: batchLimit})
	if err != nil {
		f.server.Log.WarnContext(f.ended, "events could not be read for streams", "error", err)
		return
	}
	if len(events) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = events[len(events)-1].Sequence
	for reader := range f.readers {
		select {
		case reader <- events:
		default: // it goes on where it was, with Last-Event-ID
			delete(f.readers, reader)
			close(reader)
		}
	}
}

// newest is the sequence of the newest event, found in steps that double and then halve: stores count their events slowly and
// find one after another quickly.
func (f *feed) newest(ctx context.Context, from int64) (int64, error) {
	after := func(n int64) (bool, error) {
		events, err := f.server.Queries.Events(ctx, query.EventFilter{After: n, Limit: 1})
		return len(events) > 0, err
	}
	low, high := from, from
	for step := int64(1); ; step *= 2 {
		more, err := after(high)
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		low, high = high+1, high+step
	}
	for low < high {
		middle := low + (high-low)/2
		more, err := after(middle)
		if err != nil {
			return 0, err
		}
		if more {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
)

// counted counts how often requests are looked up, and only looks at the cloud when the test does.
type counted struct {
	Queries

	looks *atomic.Int32
}

func (c counted) RequestStatus(ctx context.Context, ids []ohfp.RequestID) ([]ohfp.Request, []ohfp.RequestID, error) {
	c.looks.Add(1)
	return c.Queries.RequestStatus(ctx, ids)
}

// still are commands that look at no cloud when told to sync, as those of a daemon.
type still struct{ *command.Commands }

func (still) SyncRequests(context.Context, command.SyncRequests) error { return nil }

// TestTheSameAnswerAgain: an answer is given again while nothing changes, and for no longer; to whoever may have it.
func TestTheSameAnswerAgain(t *testing.T) {
	t.Parallel()
	var looks atomic.Int32
	var revision atomic.Int64
	w := newWorld(t, closed, func(w *world) {
		w.server.Commands = still{w.commands}
		w.server.Queries = counted{w.server.Queries, &looks}
		w.server.Revision = func(context.Context) (int64, bool, error) { return revision.Load(), revision.Load() > 0, nil }
	})
	w.token = w.tokenFor(access.Viewer)
	r := w.delivered(2)
	path := "/api/v1/requests/" + string(r.ID)
	get := func(path string, headers ...string) answer {
		a := w.call(http.MethodGet, path, "", headers...)
		w.want(http.StatusOK, a, nil)
		return a
	}
	expect := func(what string, want int32) {
		t.Helper()
		if n := looks.Swap(0); n != want {
			t.Errorf("%s: %d looks; want %d", what, n, want)
		}
	}
	get(path)
	get(path)
	expect("a store without revisions", 2)
	revision.Store(1)
	first, second, slash := get(path), get(path), get(path+"/")
	expect("nothing has changed", 1)
	if first.Text != second.Text || first.Text != slash.Text || second.Header.Get("Content-Type") != first.Header.Get("Content-Type") ||
		!strings.Contains(first.Text, string(r.ID)) {
		t.Errorf("%s\n%v\n%s\n%v", first.Text, first.Header, second.Text, second.Header)
	}
	if a := get(path+"?verbose=false", "Accept-Encoding", "gzip"); strings.Contains(a.Text, "machineId") {
		t.Error(a.Text)
	}
	expect("another question", 1)
	w.want(http.StatusUnauthorized, w.call(http.MethodGet, path, "", "Authorization", "Bearer wrong"), nil)
	if head := w.call(http.MethodHead, path, ""); head.StatusCode != http.StatusOK || head.Text != "" {
		t.Errorf("%s %s", head.Status, head.Text)
	}
	looks.Store(0)
	revision.Add(1)
	get(path)
	expect("the store has changed", 1)
	w.clock.Advance(recordsHold)
	get(path)
	expect("time has gone by", 1)
	w.want(http.StatusNotFound, w.call(http.MethodGet, "/api/v1/requests/req-1", ""), nil)
	w.want(http.StatusNotFound, w.call(http.MethodGet, "/api/v1/requests/req-1", ""), nil)
	expect("failures", 2)

	shown := get("/api/v1/templates/small")
	if again := get("/api/v1/templates/small"); again.Header.Get("ETag") != shown.Header.Get("ETag") || shown.Header.Get("ETag") == "" {
		t.Errorf("ETag %q, then %q", shown.Header.Get("ETag"), again.Header.Get("ETag"))
	}
	if a := w.call(http.MethodGet, "/api/v1/templates/small", "", "If-None-Match", shown.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Error(a.Status)
	}
}

// TestAnswersAreBounded: what is kept does not grow without end.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	a := newAnswers()
	for _, key := range strings.Split("a b c d e f g h i j k l", " ") {
		a.keep(key, given{At: time.Now(), Body: make([]byte, maxAnswer)})
		if a.size > maxAnswers || a.size != len(a.of)*sizeOf(key, given{Body: make([]byte, maxAnswer)}) {
			t.Fatalf("%d bytes are kept of %d answers", a.size, len(a.of))
		}
		a.keep(key, given{At: time.Now(), Body: make([]byte, maxAnswer)})
	}
	if _, ok := a.find("l"); !ok {
		t.Error("the last one is not kept")
	}
	// Addresses are their callers' and count too, also where the answer is next to nothing.
	const most = 64
	long := strings.Repeat("x", maxAnswers/most)
	for i := range 3 * most {
		a.keep(strconv.Itoa(i)+long, given{At: time.Now()})
		if n := len(a.of); n > most {
			t.Fatalf("%d answers to long addresses are kept", n)
		}
	}
}

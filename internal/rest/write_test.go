package rest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/store"
)

// TestBothStyles: names are taken in both styles, and what means the same is taken once.
func TestBothStyles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, bodies := range map[string][]string{
		"/api/v1/requests": {
			`{"templateId": "small", "maxNumber": 2}`, `{"template_id": "small", "max_number": 2}`, `{"template_id": "small", "count": 2}`,
		},
		"/api/v1/machines/request/": {`{"templateId": "small", "machineCount": 2}`, `{"template_id": "small", "machine_count": 2}`},
		"/api/v1/requests/plan":     {`{"template_id": "small", "count": 2}`},
	} {
		for _, body := range bodies {
			a := w.call(http.MethodPost, path, body)
			if path == "/api/v1/requests/plan" {
				w.want(http.StatusOK, a, nil)
				continue
			}
			var r view.Request
			w.want(http.StatusAccepted, a, &r)
			if r.Count != 2 || a.Header.Get("Location") != "/api/v1/requests/"+string(r.ID) {
				t.Errorf("%s: %s", body, a.Text)
			}
			stored, err := w.store.Request(t.Context(), r.ID)
			if err != nil || stored.AnsweredAt.IsZero() || stored.Origin != (ohfp.Origin{Face: "rest"}) {
				t.Errorf("stored %+v, %v", stored.Origin, err)
			}
		}
	}
	if all, err := w.store.Requests(t.Context(), store.RequestFilter{}); err != nil || len(all) != 5 {
		t.Errorf("%d requests, %v", len(all), err)
	}
	for body, want := range map[string]struct {
		status int
		text   string
	}{
		``:                        {400, "body"},
		`{`:                       {400, "body"},
		`[]`:                      {422, "body"},
		`{"templateId": "small"}`: {400, "0 of count"},
		`{"templateId": "small", "count": 1, "maxNumber": 1}`:                {400, "2 of count"},
		`{"templateId": "small", "template_id": "x", "count": 1}`:            {400, "both styles"},
		`{"templateId": "small", "count": 0}`:                                {422, "body.count"},
		`{"templateId": "small", "count": "1"}`:                              {422, "body.count"},
		`{"templateId": "small", "count": 1, "other_data": {}}`:              {422, "body.otherData"},
		`{"templateId": "large", "count": 1}`:                                {404, "template large does not exist"},
		`{"count": 1}`:                                                       {422, "templateId"},
		`{"templateId": "` + strings.Repeat("x", maxBody) + `", "count": 1}`: {413, ""},
	} {
		a := w.call(http.MethodPost, "/api/v1/requests", body)
		if len(body) > 100 {
			body = body[:100]
		}
		w.want(want.status, a, nil)
		if !strings.Contains(a.Text, want.text) {
			t.Errorf("%s: %s; want %s", body, a.Text, want.text)
		}
	}
}

func TestMachinesComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	w.token = w.tokenFor(access.Operator)
	var made view.Request
	w.want(http.StatusAccepted, w.call(http.MethodPost, "/api/v1/requests", `{"templateId": "small", "count": 3}`), &made)
	w.clock.Advance(2 * time.Second)
	var shown view.Request
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/requests/"+string(made.ID), ""), &shown)
	if shown.Status != ohfp.StatusComplete || len(shown.Machines) != 3 {
		t.Fatalf("%+v", shown)
	}
	first := string(shown.Machines[0].ID)
	a := w.call(http.MethodPost, "/api/v1/machines/drain", `{"machine_ids": ["`+first+`", "i-none"], "grace": 60}`)
	w.want(http.StatusOK, a, nil)
	if !strings.Contains(a.Text, `"notice":"drain"`) || !strings.Contains(a.Text, `"unknown":["i-none"]`) {
		t.Error(a.Text)
	}
	a = w.call(http.MethodGet, "/api/v1/requests/return", "")
	if !strings.Contains(a.Text, `"gracePeriod":60`) {
		t.Error(a.Text)
	}
	w.want(http.StatusConflict, w.call(http.MethodDelete, "/api/v1/requests/"+string(made.ID), ""), nil)
	var back view.Request
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return/", `{"machineIds": ["`+first+`", "i-none"]}`), &back)
	if back.Type != ohfp.TypeReturn || len(back.Unknown) != 1 {
		t.Errorf("%+v", back)
	}
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return", `{"requestId": "`+string(made.ID)+`"}`), nil)
	w.clock.Advance(2 * time.Second)
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/requests/"+string(back.ID)+"?verbose=false", ""), &back)
	if back.Status != ohfp.StatusPartial || *back.Gone != 1 { // one was not ours
		t.Errorf("%+v", back)
	}
	for _, body := range []string{`{}`, `{"requestId": "req-1", "names": ["h"]}`} {
		w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/machines/return", body), nil)
	}
	w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/machines/drain", `{}`), nil)
	w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/machines/drain", `{"zone": "z", "cancel": true, "force": true}`), nil)

	// Who did it is on record.
	events, err := w.store.Events(t.Context(), store.EventFilter{Request: made.ID})
	if err != nil || len(events) == 0 || events[0].Actor != "rest:a-operator" {
		t.Errorf("%+v, %v", events, err)
	}
	var cancelled view.Request
	w.want(http.StatusAccepted, w.call(http.MethodPost, "/api/v1/requests", `{"templateId": "small", "count": 1}`), &cancelled)
	w.want(http.StatusOK, w.call(http.MethodDelete, "/api/v1/requests/"+string(cancelled.ID), ""), &cancelled)
	if cancelled.Status != ohfp.StatusStopping && cancelled.Status != ohfp.StatusCancelled {
		t.Errorf("%+v", cancelled)
	}
}

// TestTheSameCallAgain: a key makes one request, also when the calls come at once, from two programs, or from one that was
// started again.
func TestTheSameCallAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newWorld(t, func(o *world) { // another program on the same store
		o.server.Commands, o.server.Queries, o.server.Memory = w.server.Commands, w.server.Queries, w.store
	})
	body := `{"templateId": "small", "count": 2}`
	ids := make([]ohfp.RequestID, 12)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			in := w
			if i%2 == 1 {
				in = other
			}
			a := in.call(http.MethodPost, "/api/v1/requests", body, "Idempotency-Key", "k")
			_, id, _ := strings.Cut(a.Header.Get("Location"), "/api/v1/requests/")
			if a.StatusCode != http.StatusAccepted {
				t.Errorf("%s: %s", a.Status, a.Text)
			}
			ids[i] = ohfp.RequestID(id)
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("request %s, and %s", id, ids[0])
		}
	}
	stored, err := w.store.Requests(t.Context(), store.RequestFilter{Machines: true})
	if err != nil || len(stored) != 1 || len(stored[0].Machines) != 2 {
		t.Fatalf("%d requests, %v", len(stored), err)
	}
	a := w.call(http.MethodPost, "/api/v1/requests", `{"templateId": "small", "count": 3}`, "Idempotency-Key", "k")
	w.want(http.StatusUnprocessableEntity, a, nil)
	if !strings.Contains(a.Text, "idempotency_key_reused") {
		t.Error(a.Text)
	}
	w.clock.Advance(2 * time.Second)
	if err := w.commands.SyncRequests(t.Context(), command.SyncRequests{IDs: ids[:1]}); err != nil {
		t.Fatal(err)
	}
	back := `{"requestId": "` + string(ids[0]) + `"}`
	var first, second view.Request
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return", back, "Idempotency-Key", "k"), &first)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return", back, "Idempotency-Key", "k"), &second)
	if first.ID != second.ID || first.Type != ohfp.TypeReturn {
		t.Errorf("returns %s and %s", first.ID, second.ID)
	}
}

func TestTemplatesAreChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"templateId": "mine", "maxNumber": 5, "spec": {"type": "small"}}`
	made := w.call(http.MethodPost, "/api/v1/templates", body)
	w.want(http.StatusCreated, made, nil)
	w.want(http.StatusConflict, w.call(http.MethodPost, "/api/v1/templates", body), nil)
	tag := made.Header.Get("ETag")
	if got := w.call(http.MethodGet, "/api/v1/templates/mine", "").Header.Get("ETag"); got != tag {
		t.Errorf("ETag %s, then %s", tag, got)
	}
	change := `{"maxNumber": 7, "spec": {"type": "small"}}`
	changed := w.call(http.MethodPut, "/api/v1/templates/mine", change, "If-Match", tag)
	w.want(http.StatusOK, changed, nil)
	if changed.Header.Get("ETag") == tag || !strings.Contains(changed.Text, `"maxNumber":7`) {
		t.Errorf("%s %s", changed.Header.Get("ETag"), changed.Text)
	}
	w.want(http.StatusPreconditionFailed, w.call(http.MethodPut, "/api/v1/templates/mine", change, "If-Match", tag), nil)
	w.want(http.StatusPreconditionFailed, w.call(http.MethodDelete, "/api/v1/templates/mine", "", "If-Match", tag), nil)
	w.want(http.StatusBadRequest, w.call(http.MethodPut, "/api/v1/templates/mine", body[:15]+`"x"}`), nil)
	w.want(http.StatusConflict, w.call(http.MethodDelete, "/api/v1/templates/small", ""), nil)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/templates/validate", `{"templateId": "!"}`), nil)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/templates/refresh/?force=true", ""), nil)
	if a := w.call(http.MethodDelete, "/api/v1/templates/mine", "", "If-Match", changed.Header.Get("ETag")); a.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", a.Status, a.Text)
	}
	w.want(http.StatusNotFound, w.call(http.MethodDelete, "/api/v1/templates/mine", ""), nil)
	if a := w.call(http.MethodPost, "/api/v1/templates/mine/forget", ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", a.Status, a.Text)
	}
}

func TestUpkeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for call, body := range map[string]string{
		"/api/v1/orphans/collect":         `{"dry_run": true}`,
		"/api/v1/storage/rebuild":         `{"dryRun": true}`,
		"/api/v1/storage/compact":         `{"dryRun": true, "older_than": 3600}`,
		"/api/v1/providers/cloud/refresh": ``,
		"/api/v1/infrastructure/clean":    `{"dryRun": true, "unused_for": 0}`,
	} {
		w.want(http.StatusOK, w.call(http.MethodPost, call, body), nil)
	}
	w.want(http.StatusNotFound, w.call(http.MethodPost, "/api/v1/infrastructure/clean", `{"provider": "moon"}`), nil)
	w.want(http.StatusNotFound, w.call(http.MethodPost, "/api/v1/providers/moon/refresh", ``), nil)
	w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/storage/compact", `{}`), nil) // records are kept for ever
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodPost, "/api/v1/storage/compact", `{"olderThan": 0}`), nil)
}

// TestOldRecordsAreCleared: by how long ago they ended, and in a dry run only as a number.
func TestOldRecordsAreCleared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.server.Storage.Storage.Retention = time.Hour })
	r := w.delivered(1)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return", `{"requestId": "`+string(r.ID)+`"}`), nil)
	w.clock.Advance(2 * time.Second)
	if err := w.commands.SyncRequests(t.Context(), command.SyncRequests{Others: true}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after    time.Duration
		body     string
		requests int
	}{
		{0, `{}`, 0}, {2 * time.Hour, `{"olderThan": 86400}`, 0}, {0, `{"dryRun": true}`, 2}, {0, `{}`, 2}, {0, `{}`, 0},
	} {
		w.clock.Advance(step.after)
		var done storage.Compaction
		w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/storage/compact", step.body), &done)
		if done.Requests != step.requests {
			t.Errorf("%s after %s: %+v, want %d requests", step.body, step.after, done, step.requests)
		}
	}
}

package rest

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
)

// TestWhatIsRecorded: each call that changes something is in the audit log, however it ended, and no other.
func TestWhatIsRecorded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit")
	w := newWorld(t, closed, func(w *world) {
		w.server.Audit = &audit.Log{Path: path, Now: time.Now}
	})
	operator, viewer := w.tokenFor(access.Operator), w.tokenFor(access.Viewer)
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	var created struct{ RequestID string }
	w.want(http.StatusAccepted, w.call(http.MethodPost, "/api/v1/requests", `{"templateId":"small","count":1}`, as(operator)...), &created)
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/requests", "", as(operator)...), nil)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/requests/plan", `{"templateId":"small","count":1}`, as(operator)...), nil)
	w.want(http.StatusForbidden, w.call(http.MethodDelete, "/api/v1/requests/"+created.RequestID, "", as(viewer)...), nil)
	w.want(http.StatusNotFound, w.call(http.MethodDelete, "/api/v1/requests/req-none", "", as(operator)...), nil)
	if a := w.call(http.MethodPost, "/api/v1/requests", `{"templateId":7}`, as(operator)...); a.StatusCode/100 != 4 {
		t.Errorf("a wrong body: %s", a.Status)
	}

	entries, unreadable, err := audit.List(path, audit.Filter{})
	if err != nil || unreadable > 0 {
		t.Fatalf("%d unreadable, %v", unreadable, err)
	}
	slices.Reverse(entries)
	want := []audit.Entry{
		{Caller: "a-operator", Operation: "requests.create", Outcome: audit.Done, Subjects: []string{created.RequestID, "small", "cloud"}},
		{Caller: "a-operator", Operation: "requests.create", Outcome: audit.Done, DryRun: true, Subjects: []string{"small", "cloud"}},
		{Caller: "a-viewer", Operation: "requests.cancel", Outcome: audit.Refused, Subjects: []string{created.RequestID}},
		{Caller: "a-operator", Operation: "requests.cancel", Outcome: audit.Failed, Subjects: []string{"req-none"}},
		{Caller: "a-operator", Operation: "requests.create", Outcome: audit.Failed},
	}
	if len(entries) != len(want) {
		t.Fatalf("%d entries: %+v", len(entries), entries)
	}
	for i, e := range entries {
		x := want[i]
		if e.Caller != x.Caller || e.Operation != x.Operation || e.Outcome != x.Outcome || e.DryRun != x.DryRun || e.Face != "rest" || e.By != access.ByToken ||
			e.From != "127.0.0.1" || (e.Outcome == audit.Done) != (e.Error == "") || !slices.Equal(e.Subjects, x.Subjects) {
			t.Errorf("%d: %+v, want %+v", i, e, x)
		}
	}
	admin := as(w.tokenFor(access.Admin))
	for query, count := range map[string]int{
		"": 5, "?limit=2&offset=4": 1, "?outcome=failed": 2, "?caller=a-viewer&operation=requests.cancel&face=rest": 1, "?subject=req-none": 1,
		"?since=2999-01-01T00:00:00Z": 0,
	} {
		var list struct{ Entries []audit.Entry }
		w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/audit"+query, "", admin...), &list)
		if len(list.Entries) != count {
			t.Errorf("%s: %d entries, want %d", query, len(list.Entries), count)
		}
	}
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/audit?since=", "", admin...), nil)
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/audit?operation=requests.paint", "", admin...), nil)
	if failed := entries[3].Error; !strings.HasPrefix(failed, "not_found: ") {
		t.Errorf("it failed because of %q", failed)
	}
}

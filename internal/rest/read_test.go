package rest

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

func TestWhatCallersLookAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.delivered(3)
	id, machine := string(r.ID), string(r.Machines[0].ID)
	for path, want := range map[string]string{
		"/health":            `"status":"healthy"`,
		"/livez":             `"live":true`,
		"/readyz/":           `"ready":true`,
		"/info":              `"authEnabled":false`,
		"/api/v1/templates":  `"templateId":"small"`,
		"/api/v1/templates/": `"ncpus":["Numeric","2"]`,
		"/api/v1/templates?provider_api=EC2Fleet":   `"templates":[]`,
		"/api/v1/templates?offset=1":                `"templates":[]`,
		"/api/v1/templates/small":                   `"source":"templates.json"`,
		"/api/v1/templates/count":                   `"count":1`,
		"/api/v1/requests":                          `"delivered":3`,
		"/api/v1/requests/?sync=true&verbose=true":  `"machineId":"` + machine,
		"/api/v1/requests?status=failed,timeout":    `"requests":[]`,
		"/api/v1/requests?template_id=small":        id,
		"/api/v1/requests?type=return":              `"requests":[]`,
		"/api/v1/requests?abandoned=true":           `"requests":[]`,
		"/api/v1/requests/count":                    `"byStatus":{"complete":1}`,
		"/api/v1/requests/" + id:                    `"machineId":"` + machine,
		"/api/v1/requests/" + id + "/":              `"status":"complete"`,
		"/api/v1/requests/" + id + "/status":        `"count":3`,
		"/api/v1/requests/" + id + "/timeline":      `"machine.delivered"`,
		"/api/v1/requests/return":                   `"requests":[]`,
		"/api/v1/machines":                          machine,
		"/api/v1/machines/?request_id=" + id:        machine,
		"/api/v1/machines?requestId=" + id:          machine,
		"/api/v1/machines?status=terminated":        `"machines":[]`,
		"/api/v1/machines?status=all&noticed=true":  `"machines":[]`,
		"/api/v1/machines/count":                    `"running":3`,
		"/api/v1/machines/" + machine:               `"status":"running"`,
		"/api/v1/machines/" + machine + "/timeline": `"machine.delivered"`,
		"/api/v1/usage?by=caller":                   `"name":"test"`,
		"/api/v1/orphans":                           `"orphans":[]`,
		"/api/v1/orphans?sync=false":                `"orphans":[]`,
		"/api/v1/providers":                         `"name":"cloud"`,
		"/api/v1/providers/cloud/health":            `"healthy":true`,
		"/api/v1/providers/cloud/iam-policy":        `"Version"`,
		"/api/v1/infrastructure":                    `"templateId":"small"`,
		"/api/v1/infrastructure/discover":           `"region":"here"`,
		"/api/v1/infrastructure/validate":           `"checked":1`,
		"/api/v1/events?limit=1":                    `"request.created"`,
		"/api/v1/events?requestId=" + id:            `"machine.launched"`,
	} {
		a := w.call(http.MethodGet, path, "")
		w.want(http.StatusOK, a, nil)
		if !strings.Contains(a.Text, want) {
			t.Errorf("GET %s: %s; want %s", path, a.Text, want)
		}
		if head := w.call(http.MethodHead, path, ""); head.StatusCode != http.StatusOK || head.Text != "" {
			t.Errorf("HEAD %s: %s", path, head.Status)
		}
	}
}

// TestProblems: what is wrong is told by a problem with a code, and never by a status of 500 or more.
func TestProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for call, want := range map[string]struct {
		status int
		text   string
	}{
		"GET /":                                        {http.StatusFound, ""},
		"GET /api":                                     {404, "there is nothing at /api; see /docs"},
		"POST /api/v1/templates/small":                 {405, "POST is not made of /api/v1/templates/small"},
		"TRACE /health":                                {405, "use GET"},
		"GET /api/v1/templates/large":                  {404, "template large does not exist"},
		"GET /api/v1/templates/a%20b":                  {422, "path.id"},
		"GET /api/v1/templates?lmit=1":                 {422, "query.lmit: unknown query parameter"},
		"GET /api/v1/templates?limit=0":                {422, "query.limit"},
		"GET /api/v1/templates?limit=x":                {422, "query.limit"},
		"GET /api/v1/requests/req-1":                   {404, "request req-1 does not exist"},
		"GET /api/v1/requests/req-1/timeline":          {404, "req-1"},
		"GET /api/v1/requests?cursor=x":                {400, "cursor"},
		"GET /api/v1/requests?status=done":             {422, "query.status"},
		"GET /api/v1/machines/i-1":                     {404, "machine i-1 does not exist"},
		"GET /api/v1/usage?by=moon":                    {422, "query.by"},
		"GET /api/v1/providers/moon/health":            {404, "provider moon does not exist"},
		"GET /api/v1/infrastructure?provider=x":        {404, "provider x does not exist"},
		"GET /api/v1/requests?abandoned=1&type=return": {400, "leave out type=return"},
	} {
		method, path, _ := strings.Cut(call, " ")
		a := w.call(method, path, "")
		w.want(want.status, a, nil)
		if !strings.Contains(a.Text, want.text) {
			t.Errorf("%s: %s; want %s", call, a.Text, want.text)
		}
	}
	if allow := w.call(http.MethodPatch, "/api/v1/machines", "").Header.Get("Allow"); !strings.Contains(allow, "GET") {
		t.Errorf("Allow %q", allow)
	}
}

func TestErrorsWithoutKindStayInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.server.Providers = leaky{clouds{}} })
	a := w.call(http.MethodGet, "/api/v1/infrastructure", "")
	w.want(http.StatusInternalServerError, a, nil)
	if strings.Contains(a.Text, "secret") || !strings.Contains(a.Text, `"internal error"`) {
		t.Error(a.Text)
	}
	// The cloud's refusal of this program is nobody's who calls.
	a = w.call(http.MethodGet, "/api/v1/infrastructure/discover", "")
	w.want(http.StatusBadGateway, a, nil)
	if !strings.Contains(a.Text, "cloud_denied") {
		t.Error(a.Text)
	}
	for _, kind := range ohfp.Kinds() {
		p := w.server.problemOf(t.Context(), fmt.Errorf("wrapped: %w", ohfp.Errorf(kind, "so it is")))
		if p.Code == "internal_error" || p.Detail != "wrapped: so it is" || p.Retry != ohfp.Retryable(kind) {
			t.Errorf("%v becomes %+v", kind, p)
		}
	}
}

// TestPages: pages joined by cursors show each thing once.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.clock.Advance(time.Second)
		if _, err := w.commands.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 2}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[ohfp.RequestID]bool{}
	cursor, pages := "", 0
	for {
		var page api.RequestList
		w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/requests?limit=2&cursor="+cursor, ""), &page)
		for _, r := range page.Requests.Requests {
			if seen[r.ID] {
				t.Errorf("request %s twice", r.ID)
			}
			seen[r.ID] = true
		}
		pages++
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 5 || pages != 3 {
		t.Errorf("%d requests on %d pages", len(seen), pages)
	}
	var machines api.MachineList
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/machines?limit=7", ""), &machines)
	var rest api.MachineList
	w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/machines?limit=7&cursor="+machines.Next, ""), &rest)
	if len(machines.Machines.Machines) != 7 || len(rest.Machines.Machines) != 3 || rest.Next != "" {
		t.Errorf("%d and %d machines, then %q", len(machines.Machines.Machines), len(rest.Machines.Machines), rest.Next)
	}
}

func TestETags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(http.MethodGet, "/api/v1/templates/small", "")
	tag := a.Header.Get("ETag")
	if again := w.call(http.MethodGet, "/api/v1/templates/small", "", "If-None-Match", tag); again.StatusCode != http.StatusNotModified || again.Text != "" {
		t.Errorf("%s %s", again.Status, again.Text)
	}
	if other := w.call(http.MethodGet, "/api/v1/templates/small", "", "If-None-Match", `"x"`); other.StatusCode != http.StatusOK || other.Text != a.Text {
		t.Error(other.Status)
	}
}

func TestLongAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.delivered(50)
	path := "/api/v1/requests/" + string(r.ID)
	plain := w.call(http.MethodGet, path, "", "Accept-Encoding", "identity")
	zipped := w.call(http.MethodGet, path, "", "Accept-Encoding", "gzip")
	if zipped.Header.Get("Content-Encoding") != "gzip" || len(zipped.Text) > len(plain.Text)/3 {
		t.Fatalf("%q, %d of %d bytes", zipped.Header.Get("Content-Encoding"), len(zipped.Text), len(plain.Text))
	}
	reader, err := gzip.NewReader(strings.NewReader(zipped.Text))
	if err != nil {
		t.Fatal(err)
	}
	var full view.Request
	if err := json.NewDecoder(reader).Decode(&full); err != nil || len(full.Machines) != 50 {
		t.Errorf("%d machines, %v", len(full.Machines), err)
	}
	if short := w.call(http.MethodGet, "/health", "", "Accept-Encoding", "gzip"); short.Header.Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
}

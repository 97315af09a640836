package rest

import (
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/doctest"
)

var update = flag.Bool("update", false, "write the files that this package is compared with")

// TestOpenAPI compares the document with the one that is committed: what changes here changes for every client.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	served := w.call(http.MethodGet, "/openapi.json", "")
	w.want(http.StatusOK, served, nil)
	doctest.Written{
		Path: "../../docs/reference/openapi.json", Again: "go test ./internal/rest -run TestOpenAPI -update",
	}.Check(t, served.Text, *update)
}

// TestDocsComeFromHere: the page and all that it names are served here, and nothing from elsewhere.
func TestDocsComeFromHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.call(http.MethodGet, "/docs", "")
	w.want(http.StatusOK, page, nil)
	named := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.Text, -1)
	if len(named) != 4 {
		t.Fatalf("the page names %v", named)
	}
	for _, name := range named {
		if !strings.HasPrefix(name[1], "/") {
			t.Errorf("%s is from elsewhere", name[1])
			continue
		}
		a := w.call(http.MethodGet, name[1], "", "Accept-Encoding", "gzip")
		w.want(http.StatusOK, a, nil)
		if len(a.Text) < 100 {
			t.Errorf("%s has %d bytes", name[1], len(a.Text))
		}
	}
	for _, path := range []string{"/redoc", "/docs/", "/"} {
		if a := w.call(http.MethodGet, path, ""); a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/docs" {
			t.Errorf("%s: %s to %s", path, a.Status, a.Header.Get("Location"))
		}
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Error(policy)
	}
}

// TestMethodsOfAPath: a path says exactly the methods that it has, and a path without a variable is not taken for a value.
func TestMethodsOfAPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for call, want := range map[string]string{
		"DELETE /api/v1/requests/count":     "GET, HEAD",
		"GET /api/v1/machines/return":       "POST",
		"OPTIONS /api/v1/requests/plan/":    "POST",
		"TRACE /api/v1/templates/small":     "DELETE, GET, HEAD, PUT",
		"PATCH /api/v1/templates":           "GET, HEAD, POST",
		"POST /health":                      "GET, HEAD",
		"POST /docs":                        "GET, HEAD",
		"PUT /api/v1/requests/req-1/stream": "GET, HEAD",
	} {
		method, path, _ := strings.Cut(call, " ")
		a := w.call(method, path, "")
		w.want(http.StatusMethodNotAllowed, a, nil)
		if allow := a.Header.Get("Allow"); allow != want {
			t.Errorf("%s: %s; want %s", call, allow, want)
		}
	}
}

// TestNullIsNothing: what may be left out of a body may be null, and the document says so.
func TestNullIsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(http.StatusAccepted, w.call(http.MethodPost, "/api/v1/requests",
		`{"templateId": "small", "count": 1, "machineCount": null, "provider": null, "additional_data": null}`), nil)
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodPost, "/api/v1/requests", `{"templateId": null, "count": 1}`), nil)
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]struct{ Type any } }
		}
	}
	w.want(http.StatusOK, w.call(http.MethodGet, "/openapi.json", ""), &document)
	body := document.Components.Schemas["CreateBody"].Properties
	if fmt.Sprintf("%v %v", body["provider"].Type, body["templateId"].Type) != "[string null] string" {
		t.Errorf("%+v", body)
	}
}

// TestEmptyIsNoValue: a switch or number without a value is refused, since nobody knows what was meant.
func TestEmptyIsNoValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, status := range map[string]int{
		"/api/v1/orphans?sync=":             422,
		"/api/v1/orphans?sync":              422,
		"/api/v1/requests/return?limit=":    422,
		"/api/v1/usage?by=":                 422,
		"/api/v1/requests?status=":          200,
		"/api/v1/requests?template_id=":     200,
		"/api/v1/requests?limit=2&sync=yes": 422,
	} {
		w.want(status, w.call(http.MethodGet, path, ""), nil)
	}
}

// TestWholeNumbers: 2.0 is an integer, and 2.5 is refused in words.
func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for count, status := range map[string]int{"2.0": 200, "0.2e1": 200, "2.5": 422, "1e300": 422} {
		a := w.call(http.MethodPost, "/api/v1/requests/plan", `{"template_id": "small", "count": `+count+`}`)
		w.want(status, a, nil)
		if strings.Contains(a.Text, "Go struct") || status == 200 && !strings.Contains(a.Text, `"count":2`) {
			t.Errorf("%s: %s", count, a.Text)
		}
	}
}

// TestOpenAPIOfClosed: where callers need a token, the document does not say that they may do without.
func TestOpenAPIOfClosed(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct{ Security []map[string][]string }
	}
	w := newWorld(t, closed)
	w.token = w.tokenFor(access.Viewer)
	w.want(http.StatusOK, w.call(http.MethodGet, "/openapi.json", ""), &document)
	if security := document.Paths["/api/v1/requests"]["get"].Security; len(security) != 2 || len(security[0]) != 1 || len(security[1]) != 1 {
		t.Errorf("%+v", security)
	}
}

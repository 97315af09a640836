package rest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// TestEveryOperationHasARoute fails when the table of internal/access has an operation that REST lacks without a reason,
// or a route that does not exist, and when a route has no rule.
func TestEveryOperationHasARoute(t *testing.T) {
	t.Parallel()
	routes := registered(t)
	for _, rule := range access.Rules() {
		switch {
		case rule.REST == "" && rule.CLI != "" && rule.Except == "":
			t.Errorf("%s has no route, and no reason for it", rule.Operation)
		case rule.REST != "" && !slices.ContainsFunc(routes, func(r route) bool {
			return r.Operation == rule.Operation && r.Method+" "+r.Path == rule.REST
		}):
			t.Errorf("%s has the route %s, which does not exist", rule.Operation, rule.REST)
		}
	}
	for _, r := range routes {
		if _, ok := access.RuleOf(r.Operation); !ok && !free(r.Path) {
			t.Errorf("%s %s has no rule in internal/access", r.Method, r.Path)
		}
	}
}

// free are the routes of no operation.
func free(path string) bool { return open(path) || path == "/info" }

func registered(t *testing.T) []route {
	t.Helper()
	s := &Server{Gate: &gate.Gate{}}
	on, err := s.described()
	if err != nil {
		t.Fatal(err)
	}
	return on.routes
}

// TestWhoMayWhat calls every route in every role. Whoever may not is told so before anything else is looked at.
func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	tokens := map[access.Role]string{}
	for _, role := range access.Roles() {
		tokens[role] = w.tokenFor(role)
	}
	for _, r := range registered(t) {
		path := strings.NewReplacer("{id}", "nothing", "{name}", "nothing").Replace(r.Path)
		if strings.HasSuffix(path, "/stream") {
			path += "?timeout=1"
		}
		if open(r.Path) {
			w.want(http.StatusOK, w.call(r.Method, path, ""), nil)
			continue
		}
		for _, headers := range [][]string{nil, {"Authorization", "Bearer ohfp_x"}, {"Authorization", "Basic eDp5"}, {"Authorization", "Digest x"}} {
			a := w.call(r.Method, path, "", headers...)
			w.want(http.StatusUnauthorized, a, nil)
			if len(a.Header.Values("WWW-Authenticate")) != 2 {
				t.Errorf("%s %s asks for %v", r.Method, r.Path, a.Header.Values("WWW-Authenticate"))
			}
		}
		rule, _ := access.RuleOf(r.Operation)
		for role, token := range tokens {
			a := w.call(r.Method, path, "", "Authorization", "Bearer "+token, "Accept", "application/json")
			may := r.Operation == "" || role.Covers(rule.Role)
			if denied := a.StatusCode == http.StatusForbidden || a.StatusCode == http.StatusUnauthorized; denied == may {
				t.Errorf("%s %s as %s: %s", r.Method, r.Path, role, a.Status)
			}
			if !may {
				w.want(http.StatusForbidden, a, nil)
			}
		}
	}
	for _, path := range []string{"/docs", "/redoc", "/openapi.json", "/docs/swagger-ui.css", "/", "/nothing", "/metrics"} {
		w.want(http.StatusUnauthorized, w.call(http.MethodGet, path, ""), nil)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("anybody", tokens[access.Viewer])
	response, err := w.http.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("a browser with a token: %v, %v", response, err)
	}
	_ = response.Body.Close()
}

// TestStrangePages: pages that a browser on this machine shows cannot call, whatever names they point here.
func TestStrangePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := strings.TrimPrefix(w.url, "http://")
	_, port, _ := strings.Cut(host, ":")
	for _, test := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Host", "localhost:" + port}, 200},
		{[]string{"Host", "LOCALHOST"}, 200},
		{[]string{"Host", "[::1]:" + port}, 200},
		{[]string{"Host", "evil.example:" + port}, 403},
		{[]string{"Host", "127.0.0.1.evil.example"}, 403},
		{[]string{"Host", "10.0.0.1"}, 403},
		{[]string{"Origin", "http://" + host}, 200},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
	} {
		w.want(test.status, w.call(http.MethodGet, "/api/v1/templates", "", test.headers...), nil)
	}
	a := w.call(http.MethodGet, "/api/v1/templates", "")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other origins are let in")
	}
}

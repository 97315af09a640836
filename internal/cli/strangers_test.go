package cli_test

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openhostfactory/ohfp/internal/access"
)

// outside puts an address of this machine that others reach, and a free port of it, into variables: outside HOST PORT. Where
// this machine has none, it is all of its addresses, which counts as reachable.
func outside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: outside HOST PORT")
	}
	host := "0.0.0.0"
	addresses, err := net.InterfaceAddrs()
	ts.Check(err)
	for _, address := range addresses {
		if at, ok := address.(*net.IPNet); ok && at.IP.To4() != nil && at.IP.IsGlobalUnicast() && !at.IP.IsLoopback() {
			host = at.IP.String()
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], host)
	ts.Setenv(args[1], port)
}

// strangers makes every call without a credential: strangers HOST PORT FILE. Then one with the token in the file.
func strangers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: strangers HOST PORT FILE")
	}
	token := strings.TrimSpace(ts.ReadFile(args[2]))
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	call := func(route, credential string) int {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{id}", "nothing", "{name}", "nothing").Replace(path)
		r, err := http.NewRequest(method, "http://"+net.JoinHostPort(args[0], args[1])+path, http.NoBody)
		ts.Check(err)
		if credential != "" {
			r.Header.Set("Authorization", "Bearer "+credential)
		}
		answer, err := client.Do(r)
		ts.Check(err)
		ts.Check(answer.Body.Close())
		return answer.StatusCode
	}
	for _, path := range []string{"/health", "/livez", "/readyz"} {
		if status := call("GET "+path, ""); status != http.StatusOK {
			ts.Fatalf("%s answers %d", path, status)
		}
	}
	if status := call("GET /info", token); status != http.StatusOK {
		ts.Fatalf("the first token gets %d", status)
	}
	routes := []string{
		"GET /", "GET /info", "GET /docs", "GET /docs/", "GET /redoc", "GET /openapi.json", "GET /favicon.ico", "GET /nothing", "GET /health/x",
		"GET /api/v1/templates/", "PATCH /api/v1/templates", "OPTIONS /api/v1/templates", "HEAD /api/v1/requests", "GET /api/v1/requests/x/stream",
	}
	for _, rule := range access.Rules() {
		if rule.REST != "" {
			routes = append(routes, rule.REST)
		}
	}
	for i, route := range routes {
		// Whoever is not recognised too often is not even looked at any more.
		if status := call(route, ""); status != http.StatusUnauthorized && (status != http.StatusTooManyRequests || i < 50) {
			ts.Fatalf("%s answers a stranger with %d", route, status)
		}
	}
}

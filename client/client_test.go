package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/client"
)

// script is a server that answers one call after another with what the test wrote, and keeps what it was asked.
type script struct {
	mu     sync.Mutex
	lines  []func(w http.ResponseWriter, r *http.Request)
	asked  []*http.Request
	client *client.Client
}

func newScript(t *testing.T, lines ...func(w http.ResponseWriter, r *http.Request)) *script {
	t.Helper()
	s := &script{lines: lines}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.client = &client.Client{URL: server.URL + "/", Token: "t0ken", HTTP: server.Client(), Pause: time.Millisecond}
	return s
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.asked)
	s.asked = append(s.asked, r)
	s.mu.Unlock()
	if n >= len(s.lines) {
		w.WriteHeader(http.StatusTeapot) // nobody expected this call
		return
	}
	s.lines[n](w, r)
}

// calls are those that came so far.
func (s *script) calls() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func answer(status int, body string, headers ...string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func problem(status int, code string, headers ...string) func(w http.ResponseWriter, r *http.Request) {
	return answer(status, fmt.Sprintf(`{"status": %d, "code": %q, "detail": "thing is wrong"}`, status, code), headers...)
}

// lost takes a call and says nothing.
func lost(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	get := func(c *client.Client) error {
		_, err := c.Request(t.Context(), "req-1")
		return err
	}
	post := func(c *client.Client) error {
		_, err := c.RequestMachines(t.Context(), client.Order{Template: "small", Count: 1})
		return err
	}
	drain := func(c *client.Client) error {
		_, err := c.DrainMachines(t.Context(), client.Drain{Zone: "a"})
		return err
	}
	for name, test := range map[string]struct {
		call  func(*client.Client) error
		lines []func(http.ResponseWriter, *http.Request)
		kind  error // of the failure in the end; nil: none
		calls int
	}{
		"throttled": {drain, []func(http.ResponseWriter, *http.Request){
			problem(429, "too_many_requests", "Retry-After", "0"), answer(200, `{}`),
		}, nil, 2},
		"away": {get, []func(http.ResponseWriter, *http.Request){
			problem(503, "unavailable"), answer(503, "<html>no backend</html>"), lost, answer(200, `{}`),
		}, nil, 4},
		"away for long":                 {get, []func(http.ResponseWriter, *http.Request){lost, lost, lost, lost}, ohfp.ErrUnavailable, 4},
		"an order with a key":           {post, []func(http.ResponseWriter, *http.Request){lost, problem(503, "unavailable"), answer(202, `{}`)}, nil, 3},
		"an order of what there is not": {post, []func(http.ResponseWriter, *http.Request){problem(503, "no_capacity")}, ohfp.ErrCapacity, 1},
		"what has no key":               {drain, []func(http.ResponseWriter, *http.Request){lost}, ohfp.ErrUnavailable, 1},
		"what has no key, either":       {drain, []func(http.ResponseWriter, *http.Request){problem(503, "unavailable")}, ohfp.ErrUnavailable, 1},
		"what is wrong":                 {get, []func(http.ResponseWriter, *http.Request){problem(404, "not_found")}, ohfp.ErrNotFound, 1},
		"what cannot be read":           {get, []func(http.ResponseWriter, *http.Request){answer(200, `{`)}, ohfp.ErrUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, test.lines...)
			err := test.call(s.client)
			if test.kind == nil && err != nil || !errors.Is(err, test.kind) {
				t.Errorf("%v; want %v", err, test.kind)
			}
			if len(s.calls()) != test.calls {
				t.Errorf("%d calls; want %d", len(s.calls()), test.calls)
			}
			for _, r := range s.calls() {
				if key := s.calls()[0].Header.Get("Idempotency-Key"); r.Header.Get("Idempotency-Key") != key || r.Header.Get("Authorization") != "Bearer t0ken" {
					t.Errorf("sent %v", r.Header)
				}
			}
		})
	}
}

// TestServersTimeIsKept: the pause before the next try is the one that the server names.
func TestServersTimeIsKept(t *testing.T) {
	t.Parallel()
	s := newScript(t, problem(429, "too_many_requests", "Retry-After", "3600"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.client.Reclaimed(ctx)
	if !errors.Is(err, ohfp.ErrThrottled) || len(s.calls()) != 1 {
		t.Errorf("%v after %d calls; want a refusal because of the rate after one", err, len(s.calls()))
	}
}

func TestFailuresOfOthers(t *testing.T) {
	t.Parallel()
	s := newScript(t, answer(502, "<html>\nbad gateway"), problem(403, "denied"))
	s.client.Tries = 1
	var told *client.Error
	err := s.client.Do(t.Context(), http.MethodGet, "/info", nil, nil)
	if !errors.As(err, &told) || told.Status != 502 || told.Detail != "502 Bad Gateway: <html>" {
		t.Errorf("%v: %+v", err, told)
	}
	if err = s.client.Do(t.Context(), http.MethodGet, "/info", nil, nil); !errors.Is(err, ohfp.ErrDenied) || err.Error() != "thing is wrong" {
		t.Error(err)
	}
	if _, err := (&client.Client{URL: "::"}).Info(t.Context()); !errors.Is(err, ohfp.ErrInvalid) {
		t.Error(err)
	}
}

func TestUnwellIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newScript(t, answer(503, `{"status": "unhealthy", "ready": true}`), answer(200, `{"status": "healthy"}`), answer(404, ""))
	for _, want := range []string{"unhealthy", "healthy", ""} {
		health, err := s.client.Health(t.Context())
		if health.Status != want || (err != nil) != (want == "") {
			t.Errorf("%+v, %v; want %s", health, err, want)
		}
	}
}

// TestStreamsAreTakenUp: a stream goes on where it was cut off, and tells nothing twice.
func TestStreamsAreTakenUp(t *testing.T) {
	t.Parallel()
	s := newScript(t,
		answer(200, ": hello\nid: 7\n\n"), // cut off before anything happened
		answer(503, ""),
		answer(200, "id: 8\ndata: {\"sequence\": 8}\n\nid: 9\ndata: {\"seq"),
		lost,
		answer(200, "id:9\r\ndata:{\r\ndata:\"sequence\": 9}\r\n\r\n"),
	)
	var told []int64
	for e, err := range s.client.Events(t.Context(), -1) {
		if err != nil {
			t.Fatal(err)
		}
		if told = append(told, e.Sequence); e.Sequence == 9 {
			break
		}
	}
	var from []string
	for _, r := range s.calls() {
		from = append(from, r.Header.Get("Last-Event-ID"))
	}
	if fmt.Sprint(told) != "[8 9]" || fmt.Sprintf("%q", from) != `["" "7" "7" "8" "8"]` {
		t.Errorf("told %v, from %q", told, from)
	}
}

func TestRequestsAreFollowed(t *testing.T) {
	t.Parallel()
	s := newScript(t,
		answer(200, "data: {\"status\": \"pending\"}\n\n"),
		answer(200, "data: {\"status\": \"pending\"}\n\ndata: {\"status\": \"partial\"}\n\ndata: {}\n\n"),
	)
	var told []ohfp.Status
	for r, err := range s.client.FollowRequest(t.Context(), "req-1") {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, r.Status)
	}
	if fmt.Sprint(told) != "[pending partial]" {
		t.Error(told)
	}
	for kind, line := range map[error]func(http.ResponseWriter, *http.Request){
		ohfp.ErrNotFound: problem(404, "not_found"), ohfp.ErrUnavailable: answer(200, "data: nonsense\n\n"),
	} {
		s := newScript(t, line)
		if _, err := s.client.WaitForRequest(t.Context(), "req-1"); !errors.Is(err, kind) || len(s.calls()) != 1 {
			t.Errorf("%v after %d calls; want %v", err, len(s.calls()), kind)
		}
	}
	s = newScript(t, lost, lost, lost, lost)
	if _, err := s.client.WaitForRequest(t.Context(), "req-1"); !errors.Is(err, ohfp.ErrUnavailable) || len(s.calls()) != 4 {
		t.Errorf("%v after %d calls", err, len(s.calls()))
	}
}

func TestPagesAreJoined(t *testing.T) {
	t.Parallel()
	s := newScript(t,
		answer(200, `{"machines": [{"machineId": "a"}, {"machineId": "b"}], "next": "n"}`), answer(200, `{"machines": [{"machineId": "c"}]}`),
	)
	var all []api.Machine
	for m, err := range s.client.EachMachine(t.Context(), client.MachineFilter{
		Limit: 2, States: []ohfp.MachineState{ohfp.MachineRunning, ohfp.MachineStopped}, Provider: "here",
	}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	want := "limit=2&providerName=here&status=running%2Cstopped"
	if len(all) != 3 || s.calls()[0].URL.RawQuery != want || s.calls()[1].URL.RawQuery != "cursor=n&"+want {
		t.Errorf("%v, %s, %s", all, s.calls()[0].URL, s.calls()[1].URL)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	if len(path) > 100 {
		t.Skip("the path is longer than sockets take: " + path)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(answer(200, `{"service": "ohfp"}`))}}
	server.Start()
	defer server.Close()
	info, err := (&client.Client{URL: "http://localhost", HTTP: client.Unix(path)}).Info(t.Context())
	if err != nil || !strings.Contains(info.Service, "ohfp") {
		t.Errorf("%+v, %v", info, err)
	}
}

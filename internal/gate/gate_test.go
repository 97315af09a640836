package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// names are bearers whose tokens are their names.
type names struct{ broken error }

func (n names) Recognise(_ context.Context, token string) (access.Caller, error) {
	if n.broken != nil {
		return access.Caller{}, n.broken
	}
	if token == "ann" || token == "bob" {
		return access.Caller{Name: token, By: access.ByToken, Role: access.Viewer}, nil
	}
	return access.Caller{}, ohfp.Errorf(ohfp.ErrDenied, "no such token")
}

// told is what the face behind the gate is told.
type told struct{ Name, Face, From string }

func behind(w http.ResponseWriter, r *http.Request) {
	caller := gate.CallerOf(r.Context())
	_ = json.NewEncoder(w).Encode(told{caller.Name, caller.Face, gate.FromOf(r.Context())})
}

func refuse(w http.ResponseWriter, _ *http.Request, refusal gate.Refusal) {
	http.Error(w, refusal.Code+": "+refusal.Detail, refusal.Status)
}

func newGate() *gate.Gate {
	return &gate.Gate{Face: "rest", Bearers: names{}, Refuse: refuse, Now: time.Now}
}

// call makes a call from an address. Headers are name, value, name, value.
func call(g *gate.Gate, from, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8000"+path, nil)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(behind)).ServeHTTP(w, r)
	return w
}

const (
	stranger = "192.0.2.1:4000"
	bearer   = "Authorization"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	proxies, err := gate.ParseProxies([]string{"10.0.0.0/8", "::ffff:192.168.0.1", "fd00::1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		peer, forwarded, want string
	}{
		{stranger, "", "192.0.2.1"},
		{stranger, "1.2.3.4", "192.0.2.1"}, // anybody can write that
		{"10.1.1.1:99", "1.2.3.4", "1.2.3.4"},
		{"10.1.1.1:99", "6.6.6.6, 1.2.3.4", "1.2.3.4"}, // what the caller sent itself is to the left
		{"10.1.1.1:99", "1.2.3.4, 10.9.9.9, 192.168.0.1", "1.2.3.4"},
		{"10.1.1.1:99", "nonsense, 10.9.9.9", "10.9.9.9"},
		{"10.1.1.1:99", "", "10.1.1.1"},
		{"[::ffff:10.1.1.1]:99", "1.2.3.4:5678", "1.2.3.4"},
		{"[fd00::1]:99", "2001:db8::7", "2001:db8::7"},
		{"@", "1.2.3.4", audit.Local},
	} {
		g := newGate()
		g.Proxies = proxies
		headers := []string{bearer, "Bearer ann"}
		if test.forwarded != "" {
			headers = append(headers, "X-Forwarded-For", test.forwarded)
		}
		var got told
		if err := json.NewDecoder(call(g, test.peer, http.MethodGet, "/", headers...).Body).Decode(&got); err != nil || got != (told{"ann", "rest", test.want}) {
			t.Errorf("%s for %s: %+v, %v; want %s", test.peer, test.forwarded, got, err, test.want)
		}
	}
	for _, wrong := range []string{"", "10.0.0.0/99", "proxy.example"} {
		if _, err := gate.ParseProxies([]string{wrong}); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.Audit = &audit.Log{Path: filepath.Join(t.TempDir(), "audit"), Now: time.Now}
	g.Public = func(path string) bool { return path == "/health" }
	basic := httptest.NewRequest(http.MethodGet, "/", nil)
	basic.SetBasicAuth("anybody", "bob")
	for _, test := range []struct {
		path, header string
		want         int
	}{
		{"/health", "", 200},
		{"/", "", 401},
		{"/", "Bearer ann", 200},
		{"/", "bearer  ann ", 200},
		{"/", basic.Header.Get(bearer), 200},
		{"/", "Bearer eve", 401},
		{"/", "Digest ann", 401},
		{"/", "ann", 401},
	} {
		headers := []string{}
		if test.header != "" {
			headers = append(headers, bearer, test.header)
		}
		res := call(g, stranger, http.MethodGet, test.path, headers...)
		if res.Code != test.want || (test.want == 401) != (len(res.Header().Values("WWW-Authenticate")) == 2) {
			t.Errorf("%s with %q: %d, %v", test.path, test.header, res.Code, res.Header())
		}
	}
	entries, _, err := audit.List(g.Audit.Path, audit.Filter{Operation: audit.Authenticate})
	if err != nil || len(entries) != 4 || entries[0].Outcome != audit.Refused || entries[0].From != "192.0.2.1" {
		t.Errorf("%+v, %v", entries, err)
	}
	g.Open, g.Local = true, access.Caller{Name: "here", Role: access.Admin}
	var got told
	if err := json.NewDecoder(call(g, "127.0.0.1:1", http.MethodGet, "/").Body).Decode(&got); err != nil || got.Name != "here" {
		t.Errorf("%+v, %v", got, err)
	}
	if res := call(g, "127.0.0.1:1", http.MethodGet, "/", bearer, "Bearer eve"); res.Code != 401 {
		t.Errorf("a wrong token where none is needed: %d", res.Code)
	}
	for broken, want := range map[error]string{
		errors.New("the secret is 42"):                             "try again",
		ohfp.Errorf(ohfp.ErrUnavailable, "issuer does not answer"): "issuer does not answer",
	} {
		g.Bearers = names{broken}
		res := call(g, stranger, http.MethodGet, "/", bearer, "Bearer ann")
		text, err := io.ReadAll(res.Body)
		if err != nil || res.Code != 503 || strings.Contains(string(text), "42") || !strings.Contains(string(text), want) {
			t.Errorf("%d: %s, %v", res.Code, text, err)
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	g := newGate()
	origins, err := gate.ParseOrigins([]string{"https://board.example"})
	if err != nil {
		t.Fatal(err)
	}
	g.Origins = origins
	for _, origin := range []string{"https://evil.example", "https://board.example.evil", "http://board.example", "null"} {
		res := call(g, stranger, http.MethodPost, "/", bearer, "Bearer ann", "Origin", origin)
		if res.Code != 403 || res.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", origin, res.Code)
		}
		res = call(g, stranger, http.MethodOptions, "/", "Origin", origin, "Access-Control-Request-Method", "POST")
		if res.Code == 204 || res.Header().Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s may ask: %d", origin, res.Code)
		}
	}
	res := call(g, stranger, http.MethodOptions, "/", "Origin", "https://board.example", "Access-Control-Request-Method", "POST")
	if res.Code != 204 || !strings.Contains(res.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("a question before: %d, %v", res.Code, res.Header())
	}
	res = call(g, stranger, http.MethodPost, "/", "Origin", "https://board.example", bearer, "Bearer ann")
	if res.Code != 200 || res.Header().Get("Access-Control-Allow-Origin") != "https://board.example" || res.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%d, %v", res.Code, res.Header())
	}
	if res := call(g, stranger, http.MethodPost, "/", "Origin", "https://board.example"); res.Code != 401 {
		t.Errorf("without a token: %d", res.Code)
	}
	for _, wrong := range []string{"*", "board.example", "https://board.example/", "https://board.example/x", "ftp://board.example", "https://"} {
		if _, err := gate.ParseOrigins([]string{wrong}); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// TestNamesThatPointHere: where no token is needed, the host must be one that nobody else can make mean this machine.
func TestNamesThatPointHere(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.Open = true
	for host, want := range map[string]int{
		"127.0.0.1:8000": 200, "localhost": 200, "LOCALHOST:1": 200, "[::1]:8000": 200, "[::1]": 200, "127.8.8.8": 200,
		"evil.example:8000": 403, "localhost.evil.example": 403, "10.0.0.1": 403, "": 403, "0.0.0.0": 403,
	} {
		if res := call(g, "127.0.0.1:1", http.MethodGet, "/", "Host", host); res.Code != want {
			t.Errorf("%q: %d", host, res.Code)
		}
	}
	g.Socket = true
	if res := call(g, "@", http.MethodGet, "/", "Host", "anything"); res.Code != 200 {
		t.Errorf("through a socket: %d", res.Code)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := newGate()
	g.Now = func() time.Time { return now }
	g.Limit, g.Misses = gate.Limit{PerSecond: 10, Burst: 20}, gate.Limit{PerSecond: 1, Burst: 3}
	through := func(from, token string) (n int) {
		for range 30 {
			res := call(g, from, http.MethodGet, "/", bearer, "Bearer "+token)
			if res.Code == 200 {
				n++
			} else if res.Code == 429 && res.Header().Get("Retry-After") != "1" {
				t.Errorf("%v", res.Header())
			}
		}
		return n
	}
	if n := through(stranger, "ann"); n != 20 {
		t.Errorf("%d calls of ann at once", n)
	}
	if n := through(stranger, "bob"); n != 20 {
		t.Errorf("%d calls of bob, whom ann holds up", n)
	}
	now = now.Add(time.Second)
	if n := through("192.0.2.2:1", "ann"); n != 10 {
		t.Errorf("%d calls of ann a second later", n)
	}
	// Whoever guesses is slowed down, with the right token too, and others are not.
	for i := range 5 {
		want := 401
		if i > 2 {
			want = 429
		}
		if res := call(g, stranger, http.MethodGet, "/", bearer, "Bearer eve"); res.Code != want {
			t.Errorf("guess %d: %d", i, res.Code)
		}
	}
	now = now.Add(500 * time.Millisecond)
	if res := call(g, stranger, http.MethodGet, "/", bearer, "Bearer bob"); res.Code != 429 {
		t.Errorf("after guesses: %d", res.Code)
	}
	if res := call(g, "192.0.2.2:1", http.MethodGet, "/", bearer, "Bearer bob"); res.Code != 200 {
		t.Errorf("another address: %d", res.Code)
	}
	now = now.Add(time.Second)
	if res := call(g, stranger, http.MethodGet, "/", bearer, "Bearer bob"); res.Code != 200 {
		t.Errorf("a moment later: %d", res.Code)
	}
	// Whoever has a network of IPv6 has addresses without end.
	guesses := 0
	for i := range 9 {
		if res := call(g, fmt.Sprintf("[2001:db8::%x]:1", i), http.MethodGet, "/", bearer, "Bearer eve"); res.Code == 401 {
			guesses++
		}
	}
	if guesses != 3 {
		t.Errorf("%d guesses at once from one network", guesses)
	}
	if res := call(g, "[2001:db8:0:1::1]:1", http.MethodGet, "/", bearer, "Bearer bob"); res.Code != 200 {
		t.Errorf("another network: %d", res.Code)
	}
}

package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
)

func TestABusyPlaceIsAnError(t *testing.T) {
	t.Parallel()
	first, err := Listen(t.Context(), config.API{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	at, ok := first.Addr().(*net.TCPAddr)
	if !ok || !Loopback(first) {
		t.Fatal(first.Addr())
	}
	_, err = Listen(t.Context(), config.API{Host: "127.0.0.1", Port: at.Port})
	if !errors.Is(err, ohfp.ErrConflict) || !strings.Contains(err.Error(), "choose another with --port") {
		t.Error(err)
	}
	for address, want := range map[string]bool{"10.0.0.1": false, "127.9.9.9": true, "::1": true, "0.0.0.0": false, "::": false} {
		if got := Loopback(placed{&net.TCPAddr{IP: net.ParseIP(address)}}); got != want {
			t.Errorf("%s is loopback: %v", address, got)
		}
	}
}

func get(t *testing.T, client *http.Client, url string, into any) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// placed is a listener somewhere.
type placed struct{ at net.Addr }

func (placed) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (placed) Close() error              { return nil }
func (p placed) Addr() net.Addr          { return p.at }

// TestASocketIsItsUsersOwn: nobody else may open it, a left one is replaced, and the server ends with its context.
func TestASocketIsItsUsersOwn(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "r") //nolint:usetesting // its path would be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "s")
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), config.API{SocketPath: path}); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("a socket that answers: %v", err)
	}
	if unix, ok := left.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false)
	}
	_ = left.Close()
	listener, err := Listen(t.Context(), config.API{SocketPath: path})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	w := newWorld(t, func(w *world) { w.server.Gate.Local.Name = "somebody" })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, listener, patience) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	var info api.Info
	if err := get(t, client, "http://anything/info", &info); err != nil || info.Caller != me.Username {
		t.Errorf("the caller is %q, %v; the system knows better", info.Caller, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://anything/api/v1/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", response, err)
	}
	stop()
	if _, err := io.ReadAll(response.Body); err != nil { // the stream ends in peace
		t.Error(err)
	}
	_ = response.Body.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the server does not end")
	}
}

// lossy is a connection whose caller does not read.
type lossy struct {
	*httptest.ResponseRecorder

	deadlines []time.Time
}

func (l *lossy) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func (l *lossy) SetWriteDeadline(at time.Time) error {
	l.deadlines = append(l.deadlines, at)
	return nil
}

// TestAnswersThatAreNotTaken: they are no error of this program, what was asked for is done, and a request whose id nobody has
// read does not count as answered.
func TestAnswersThatAreNotTaken(t *testing.T) {
	t.Parallel()
	var lines lockedBuffer
	path := filepath.Join(t.TempDir(), "audit")
	w := newWorld(t, func(w *world) {
		w.server.Log = slog.New(slog.NewTextHandler(&lines, nil))
		w.server.Audit = &audit.Log{Path: path, Now: time.Now}
	})
	handler, err := w.server.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, hangsUp := range []bool{false, true} {
		ctx, hangUp := context.WithCancel(t.Context())
		if hangsUp {
			hangUp()
		}
		call := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/requests", strings.NewReader(`{"templateId": "small", "count": 1}`))
		call.Header.Set("Content-Type", "application/json")
		call.Host = "localhost"
		handler.ServeHTTP(&lossy{ResponseRecorder: httptest.NewRecorder()}, call)
		hangUp()
	}
	made, err := w.store.Requests(t.Context(), store.RequestFilter{})
	if err != nil || len(made) != 2 || !made[0].AnsweredAt.IsZero() || !made[1].AnsweredAt.IsZero() {
		t.Errorf("%+v, %v", made, err)
	}
	entries, _, err := audit.List(path, audit.Filter{Outcome: audit.Done})
	if err != nil || len(entries) != 2 {
		t.Errorf("%d are recorded as done, %v", len(entries), err)
	}
	if log := lines.String(); strings.Contains(log, "internal error") || strings.Count(log, "did not take the whole answer") != 2 {
		t.Errorf("log:\n%s", log)
	}
}

// TestDeadlineOfAnAnswer: it is that of the server that answers, also when that has replaced the one which listens.
func TestDeadlineOfAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	longer := newWorld(t, func(w *world) { w.server.Budget = time.Hour })
	handler, err := w.server.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, budget := range []time.Duration{20 * time.Second, time.Hour} {
		to, began := &lossy{ResponseRecorder: httptest.NewRecorder()}, time.Now()
		handler.ServeHTTP(to, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", nil))
		if len(to.deadlines) != 1 || to.deadlines[0].Before(began.Add(budget+slack+delivering)) || to.deadlines[0].After(time.Now().Add(budget+slack+delivering)) {
			t.Errorf("of a call that may take %s until %v, begun at %s", budget, to.deadlines, began)
		}
		if err := w.server.Replace(t.Context(), longer.server); err != nil {
			t.Fatal(err)
		}
	}
}

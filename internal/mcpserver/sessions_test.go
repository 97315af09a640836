package mcpserver

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

const (
	hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	ping  = `{"jsonrpc":"2.0","id":2,"method":"ping"}`
)

// served serves assistants until the test ends, and returns how they call: with a session or, to begin one, without.
func served(tb testing.TB) func(session, body string) (status int, id string) {
	tb.Helper()
	f := &Face{Now: time.Now, Log: slog.New(slog.DiscardHandler), Tokens: &Tokens{Now: time.Now}}
	g := &gate.Gate{Face: "mcp", Open: true, Local: access.Caller{Name: "ann", Role: access.Admin}, Now: time.Now}
	ctx, stop := context.WithCancel(context.Background())
	listener, err := Listen(ctx, "127.0.0.1", 0)
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.ServeHTTP(ctx, listener, g) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return func(session, body string) (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String()+"/mcp", strings.NewReader(body))
		if err != nil {
			tb.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if session != "" {
			r.Header.Set("Mcp-Session-Id", session)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			tb.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			tb.Error(err)
		}
		return answer.StatusCode, answer.Header.Get("Mcp-Session-Id")
	}
}

// TestSessionsAreBounded: of sessions that nobody ends, the one that was used longest ago gives way.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	call := served(t)
	ids := make([]string, mostOfOne)
	for i := range ids {
		status, id := call("", hello)
		if status != http.StatusOK || id == "" {
			t.Fatalf("session %d: %d %q", i, status, id)
		}
		ids[i] = id
	}
	if status, _ := call(ids[0], ping); status != http.StatusOK {
		t.Errorf("the first session: %d", status)
	}
	if status, _ := call("", hello); status != http.StatusOK {
		t.Errorf("one more: %d", status)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		status, _ := call(ids[1], ping)
		if status == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the session that was used longest ago goes on: %d", status)
		}
	}
	for _, i := range []int{0, 2, mostOfOne - 1} {
		if status, _ := call(ids[i], ping); status != http.StatusOK {
			t.Errorf("session %d: %d", i, status)
		}
	}
}

// BenchmarkHTTP is a call in a session, without what a tool does.
func BenchmarkHTTP(b *testing.B) {
	call := served(b)
	_, id := call("", hello)
	b.ReportAllocs()
	for b.Loop() {
		if status, _ := call(id, ping); status != http.StatusOK {
			b.Fatal(status)
		}
	}
}

// BenchmarkSession is the beginning of a session.
func BenchmarkSession(b *testing.B) {
	call := served(b)
	b.ReportAllocs()
	for b.Loop() {
		if status, _ := call("", hello); status != http.StatusOK {
			b.Fatal(status)
		}
	}
}

package cli

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/mcpserver"
)

// abroad is a listener that others than this machine reach, as far as it tells.
type abroad struct{ net.Listener }

// Addr implements net.Listener.
func (abroad) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 3000} }

// TestAssistantsFromElsewhere: off this machine nothing answers without a token, and the first start makes one.
func TestAssistantsFromElsewhere(t *testing.T) {
	w := newIsland(t)
	var errw strings.Builder
	p := &program{in: strings.NewReader(""), errw: &errw, lookupEnv: os.LookupEnv, open: open, providers: app.Registry()}
	err := p.assistants(t.Context(), false, func(a *app.App, f *mcpserver.Face, _ access.Caller) error {
		listener, err := mcpserver.Listen(t.Context(), "127.0.0.1", 0)
		if err != nil {
			return err
		}
		g, err := p.gate(t.Context(), a, "mcp", abroad{listener})
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- f.ServeHTTP(ctx, listener, g) }()
		token, err := os.ReadFile(filepath.Join(w.dir, "work", "first-admin.token"))
		if err != nil {
			t.Error(err)
		}
		for _, test := range []struct {
			method, path, authorization, body string
			status                            int
		}{
			{http.MethodPost, "/mcp", "", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, http.StatusUnauthorized},
			{http.MethodPost, "/", "", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, http.StatusUnauthorized},
			{http.MethodPost, "/mcp", "", `nonsense`, http.StatusUnauthorized},
			{http.MethodGet, "/mcp", "", "", http.StatusUnauthorized},
			{http.MethodDelete, "/mcp", "", "", http.StatusUnauthorized},
			{http.MethodGet, "/nothing", "", "", http.StatusUnauthorized},
			{http.MethodPost, "/mcp", "Bearer ohfp_wrong", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, http.StatusUnauthorized},
			{
				http.MethodPost, "/mcp", "Bearer " + strings.TrimSpace(string(token)),
				`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, http.StatusOK,
			},
		} {
			r, err := http.NewRequestWithContext(ctx, test.method, "http://"+listener.Addr().String()+test.path, strings.NewReader(test.body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if _ = answer.Body.Close(); answer.StatusCode != test.status {
				t.Errorf("%s %s with %q: %s, want %d", test.method, test.path, test.authorization, answer.Status, test.status)
			}
		}
		stop()
		return <-ended
	})
	if err != nil {
		t.Fatalf("%v: %s", err, errw.String())
	}
}

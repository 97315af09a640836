package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

const (
	idleSession  = 30 * time.Minute // sessions without a call for so long are ended
	readHeader   = 10 * time.Second
	stopWithin   = 2 * time.Second // calls under way when the server is told to stop
	mostSessions = 64              // connections over TCP at once
	endpoint     = "/mcp"
)

// The transports over a network.
const (
	TransportHTTP = "http" // the protocol's own
	TransportTCP  = "tcp"  // a message on each line
)

// Listen opens a port.
func Listen(ctx context.Context, host string, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("serve assistants: %w; choose another place with --host and --port", err)
	}
	return listener, nil
}

// ServeHTTP serves callers whom the gate lets through by streamable HTTP, until ctx ends.
func (f *Face) ServeHTTP(ctx context.Context, listener net.Listener, g *gate.Gate) error {
	front, err := f.Server(access.Caller{Face: g.Face}) // for what is asked of any server: which versions it speaks
	if err != nil {                                     // what is wrong with it is wrong for everybody
		return errors.Join(err, listener.Close())
	}
	own := newSessions(f.Now)
	streams := mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		beginning, ok := r.Context().Value(beginningKey{}).(*beginning)
		switch {
		case !ok: // its session has a server already
			return front
		case beginning.server != nil: // asked for twice
			return beginning.server
		}
		caller := gate.CallerOf(r.Context())
		s, err := f.serverFor(caller, gate.FromOf(r.Context()), own) // one for each session, whose subscriptions are its own
		if err != nil {
			f.Log.ErrorContext(ctx, "a session could not be begun", "error", err)
			return nil
		}
		beginning.server = s
		return s
	}, &mcp.StreamableHTTPOptions{
		Logger: f.Log, SessionTimeout: idleSession, MaxRequestBodyBytes: maxMessage,
		DisableLocalhostProtection: true, // the gate has it, and knows when a proxy calls in the name of others
	})
	routes := http.NewServeMux()
	routes.Handle(endpoint, own.only(streams))
	routes.Handle("/{$}", own.only(streams))
	g.Refuse = refuse
	server := &http.Server{
		Handler: g.Wrap(routes), ReadHeaderTimeout: readHeader, TLSConfig: g.TLS, ErrorLog: slog.NewLogLogger(f.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if server.Shutdown(within) != nil {
			_ = server.Close() // streams that clients keep open
		}
	})
	defer stop()
	serve := server.Serve
	if g.TLS != nil {
		serve = func(listener net.Listener) error { return server.ServeTLS(listener, "", "") }
	}
	if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve assistants: %w", err)
	}
	return nil
}

// refuse answers for the gate, in the form of the protocol's own errors.
func refuse(w http.ResponseWriter, _ *http.Request, refusal gate.Refusal) {
	body, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": jsonrpc.CodeInvalidRequest, "message": refusal.Detail},
	})
	if err != nil {
		body = []byte(`{}`) // text always encodes
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	_, _ = w.Write(body) // the caller may have gone
}

// ServeTCP serves every caller who connects to the listener and writes a message on each line, until ctx ends. Nobody is asked
// who they are: the listener is to be one that only this machine reaches.
func (f *Face) ServeTCP(ctx context.Context, listener net.Listener, caller access.Caller) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	free := make(chan struct{}, mostSessions)
	for {
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve assistants: %w", err)
		}
		select {
		case free <- struct{}{}:
		default:
			f.Log.WarnContext(ctx, "a connection was refused: there are too many", "most", mostSessions)
			_ = connection.Close()
			continue
		}
		sessions.Go(func() {
			defer func() { <-free }()
			hangUp := context.AfterFunc(ctx, func() { _ = connection.Close() })
			defer hangUp()
			if err := f.serveLines(ctx, connection, connection, caller, true); err != nil && ctx.Err() == nil {
				f.Log.InfoContext(ctx, "a session ended", "error", err)
			}
			_ = connection.Close()
		})
	}
}

package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
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

// Listen opens a port of this machine alone. Callers over the network are not asked who they are, so no other will do.
func Listen(ctx context.Context, host string, port int) (net.Listener, error) {
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "assistants are served on this machine only, not on %s: callers over the network are not asked who they are; use localhost, and let others in through a tunnel such as ssh -L", host)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("serve assistants: %w; choose another port with --port", err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(ohfp.Errorf(ohfp.ErrInvalid, "%s means %s, which is not this machine alone; use 127.0.0.1", host, listener.Addr()), listener.Close())
	}
	return listener, nil
}

// ServeHTTP serves every caller who reaches the listener by streamable HTTP, until ctx ends.
func (f *Face) ServeHTTP(ctx context.Context, listener net.Listener, caller access.Caller) error {
	if _, err := f.Server(caller); err != nil { // what is wrong with it is wrong for everybody
		return errors.Join(err, listener.Close())
	}
	streams := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server {
		s, err := f.Server(caller) // one for each session, whose subscriptions are its own
		if err != nil {
			f.Log.ErrorContext(ctx, "a session could not be begun", "error", err)
			return nil
		}
		return s
	}, &mcp.StreamableHTTPOptions{Logger: f.Log, SessionTimeout: idleSession, MaxRequestBodyBytes: maxMessage})
	routes := http.NewServeMux()
	routes.Handle(endpoint, streams)
	routes.Handle("/{$}", streams)
	server := &http.Server{Handler: local(routes), ReadHeaderTimeout: readHeader, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if server.Shutdown(within) != nil {
			_ = server.Close() // streams that clients keep open
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve assistants: %w", err)
	}
	return nil
}

// local refuses what pages in a browser send, also when they have made their own name mean this machine.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !loopback(host) {
			http.Error(w, "host "+host+" is not this machine; use localhost", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if from, err := url.Parse(origin); err != nil || !loopback(from.Hostname()) {
				http.Error(w, "pages of other sites may not call this server", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || host == "[::1]" || ip != nil && ip.IsLoopback()
}

// ServeTCP serves every caller who connects to the listener and writes a message on each line, until ctx ends.
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

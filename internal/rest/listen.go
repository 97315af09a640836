package rest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/gate"
)

const (
	receiving  = 10 * time.Second // what a caller has to send the head of its call
	reading    = 30 * time.Second // and all of it
	idle       = 2 * time.Minute  // how long a connection is kept for the next call
	maxHeader  = 64 << 10         // bytes
	delivering = time.Minute      // what a caller has to take its answer, beyond the making of it
)

// Listen takes the place where calls come in.
func Listen(ctx context.Context, cfg config.API) (net.Listener, error) {
	if cfg.SocketPath != "" {
		return listenUnix(ctx, cfg.SocketPath)
	}
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, ohfp.Errorf(ohfp.ErrConflict,
			"address %s is in use by another program; choose another with --port or api.port, or do without REST by api.enabled=false", address)
	case err != nil:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "address %s cannot be listened on: %w; set api.host and api.port", address, err)
	}
	return listener, nil
}

// listenUnix makes a socket that only this user may open. One that a program left behind is replaced, one that answers is not.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	var dialer net.Dialer
	if connection, err := dialer.DialContext(ctx, "unix", path); err == nil {
		_ = connection.Close() // it was only to see whether somebody answers
		return nil, ohfp.Errorf(ohfp.ErrConflict, "socket %s is in use by another program; choose another with --socket-path", path)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "%s is no socket and is not replaced; choose another with --socket-path", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, ohfp.Errorf(ohfp.ErrUnavailable, "socket %s is left over and cannot be removed: %w", path, err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "socket %s cannot be made: %w; choose another with --socket-path", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("keep others from socket %s: %w", path, err), listener.Close())
	}
	return listener, nil
}

// Loopback says whether only this machine reaches a listener.
func Loopback(listener net.Listener) bool {
	switch at := listener.Addr().(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return at.IP.IsLoopback()
	default:
		return false
	}
}

// within bounds how long a caller may take over an answer. The listener's own bound is that of the server that it began with,
// which may have been replaced by one whose calls take longer. Streams set theirs with each message.
func (s *Server) within(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Deadlines of connections go by the machine's own clock. A connection that has none is one of a test.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.Budget + slack + delivering)) //nolint:forbidigo // see above
		next.ServeHTTP(w, r)
	})
}

// Serve answers calls until ctx ends; then those under way have until patience is over. Streams end at once.
func (s *Server) Serve(ctx context.Context, listener net.Listener, patience time.Duration) error {
	_, s.Gate.Socket = listener.Addr().(*net.UnixAddr)
	handler, err := s.Handler(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: handler, ConnContext: gate.Connected, ReadHeaderTimeout: receiving, ReadTimeout: reading, WriteTimeout: s.Budget + slack + delivering,
		IdleTimeout: idle, MaxHeaderBytes: maxHeader, TLSConfig: s.Gate.TLS, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig == nil {
			ended <- server.Serve(listener)
			return
		}
		ended <- server.ServeTLS(listener, "", "")
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("answer over HTTP: %w", err)
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(within); err != nil {
		s.Log.Warn("not every call over HTTP has ended in time", "within", patience)
		return server.Close()
	}
	return nil
}

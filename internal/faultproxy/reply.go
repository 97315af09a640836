package faultproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
)

// reply is an upstream's answer, held whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (a *reply) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	// Whoever went away does not need the answer.
	_, _ = w.Write(a.body) //nolint:gosec // an upstream's answer, handed on as it is
}

func (p *Proxy) forward(ctx context.Context, r *http.Request, body []byte) (*reply, error) {
	out := r.Clone(ctx)
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.upstream.Scheme, p.upstream.Host
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	response, err := p.transport.RoundTrip(out)
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("faultproxy: reading the upstream's answer: %w", err)
	}
	// Lengths and connections are each side's own.
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Connection"} {
		response.Header.Del(name)
	}
	return &reply{response.StatusCode, response.Header, answer}, nil
}

// disconnect ends the connection without an answer, or after what was written of one.
func disconnect(w http.ResponseWriter, reset bool) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

package faultproxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// handled makes calls of a handler in the same process.
type handled struct{ http.Handler }

// RoundTrip answers as a server would: a handler that gives up breaks the connection, within an answer or before it.
func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &written{header: http.Header{}}
	broken := h.serve(w, r)
	_ = r.Body.Close()
	switch {
	case broken && !w.flushed:
		return nil, io.EOF
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	}
	var body io.Reader = &w.body
	if broken {
		body = io.MultiReader(body, failing{io.ErrUnexpectedEOF})
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}, nil
}

func (h handled) serve(w *written, r *http.Request) (broken bool) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case error:
			if !errors.Is(cause, http.ErrAbortHandler) {
				panic(cause)
			}
			broken = true
		default:
			panic(cause)
		}
	}()
	h.ServeHTTP(w, r)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return false
}

// written is an answer on its way, held whole.
type written struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	flushed bool
}

func (w *written) Header() http.Header { return w.header }

func (w *written) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *written) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush lets the reader have what was written so far.
func (w *written) Flush() { w.flushed = true }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

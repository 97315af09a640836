// Package client calls the REST interface that ohfp serve offers, with the types of package api: it asks for machines,
// follows requests to their end and gives machines back, and goes on by itself after throttling and lost connections.
// It refuses to make a call again that might be carried out twice.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

// Client calls one server. Its methods may be called at the same time.
type Client struct {
	URL   string        // for example http://127.0.0.1:8000
	Token string        // made by ohfp auth token create; empty: none is sent
	HTTP  *http.Client  // nil: [http.DefaultClient]
	Tries int           // how often a call is made at most; 0: 4
	Pause time.Duration // between the first try and the second, doubled from then on, unless the server names a time; 0: 250 ms
}

const (
	tries      = 4
	firstPause = 250 * time.Millisecond
	longPause  = 30 * time.Second // the longest between two tries that nobody asked for
	maxProblem = 1 << 20          // bytes that are read of an answer that tells of a failure
)

// Unix makes an HTTP client whose calls all go to a Unix socket. The URL is then http://localhost.
func Unix(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", path)
	}}}
}

// Health tells how the server is. One that is not well is no error as long as it answers.
func (c *Client) Health(ctx context.Context) (api.Health, error) {
	var health api.Health
	response, err := c.send(ctx, call{Method: http.MethodGet, Path: "/health"})
	if err != nil {
		return health, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
		return health, failure(response)
	}
	return health, decode(response, &health)
}

// Info tells what serves, and as whom it takes the caller.
func (c *Client) Info(ctx context.Context) (api.Info, error) {
	var info api.Info
	return info, c.Do(ctx, http.MethodGet, "/info", nil, &info)
}

// Do makes any call of the interface: for routes that have no method here. The body and the answer are JSON; nil is none.
// A call that may change something is made once only.
func (c *Client) Do(ctx context.Context, method, path string, body, answer any) error {
	_, err := c.do(ctx, call{Method: method, Path: path, Body: body}, answer)
	return err
}

// call is what is asked.
type call struct {
	Method string
	Path   string
	Query  url.Values
	Header map[string]string
	Body   any
}

// safe says whether a call may be made again when nobody knows what became of it.
func (a call) safe() bool {
	return a.Method == http.MethodGet || a.Method == http.MethodHead || a.Header[keyHeader] != ""
}

const keyHeader = "Idempotency-Key"

// do makes a call, again where that is safe and may help, and reads its answer.
func (c *Client) do(ctx context.Context, a call, answer any) (http.Header, error) {
	pause := c.pause()
	for try := 1; ; try++ {
		header, wait, err := c.once(ctx, a, answer)
		if err == nil || try >= c.tries() || ctx.Err() != nil || wait == never {
			return header, err
		}
		if wait == unsaid {
			wait, pause = pause, min(2*pause, longPause)
		}
		if !sleep(ctx, wait) {
			return header, err
		}
	}
}

// What once says of the next try when the server has named no time.
const (
	never  time.Duration = -1
	unsaid time.Duration = -2
)

// once makes a call once, and says after what time it may be made again.
func (c *Client) once(ctx context.Context, a call, answer any) (http.Header, time.Duration, error) {
	response, err := c.send(ctx, a)
	switch {
	case err != nil && a.safe():
		return nil, unsaid, err
	case err != nil:
		return nil, never, err
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusMultipleChoices {
		return response.Header, never, decode(response, answer)
	}
	problem := failure(response)
	wait := never
	if problem.again(a) {
		wait = unsaid
		if n, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && n >= 0 {
			wait = time.Duration(n) * time.Second
		}
	}
	return response.Header, wait, problem
}

// send makes a call and returns whatever is answered.
func (c *Client) send(ctx context.Context, a call) (*http.Response, error) {
	var body io.Reader
	if a.Body != nil {
		content, err := json.Marshal(a.Body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", a.Method, a.Path, err)
		}
		body = bytes.NewReader(content)
	}
	at := strings.TrimRight(c.URL, "/") + a.Path
	if len(a.Query) > 0 {
		at += "?" + a.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, at, body)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "address %s cannot be called: %w", at, err)
	}
	for name, value := range a.Header {
		r.Header.Set(name, value)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.http().Do(r)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "the server was not reached, or its answer was lost: %w", err)
	}
	return response, nil
}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return http.DefaultClient
}

func (c *Client) tries() int {
	if c.Tries > 0 {
		return c.Tries
	}
	return tries
}

func (c *Client) pause() time.Duration {
	if c.Pause > 0 {
		return c.Pause
	}
	return firstPause
}

func decode(response *http.Response, answer any) error {
	if answer == nil || response.StatusCode == http.StatusNoContent {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxProblem)) // so that the connection serves the next call
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "the answer of the server cannot be read: %w", err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxProblem))
	return nil
}

// sleep waits, and says whether there is still time.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

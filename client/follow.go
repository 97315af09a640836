package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

// maxLine bounds a line of a stream, in bytes. A request with ten thousand machines takes 5 MB.
const maxLine = 64 << 20

// FollowRequest yields a request or return whenever it has changed, until it has ended, however that was. A stream that is
// cut off is taken up again. It ends with the first error that trying again does not mend.
func (c *Client) FollowRequest(ctx context.Context, id ohfp.RequestID) iter.Seq2[api.Request, error] {
	return func(yield func(api.Request, error) bool) {
		var before []byte
		follow(ctx, c, requestPath(id)+"/stream", "", yield, func(data []byte) (old, end bool) {
			if string(data) == "{}" {
				return false, true
			}
			old = bytes.Equal(data, before) // a stream begins with how things stand
			before = bytes.Clone(data)
			return old, false
		})
	}
}

// WaitForRequest follows a request or return to its end.
func (c *Client) WaitForRequest(ctx context.Context, id ohfp.RequestID) (api.Request, error) {
	var last api.Request
	for r, err := range c.FollowRequest(ctx, id) {
		if err != nil {
			return last, err
		}
		last = r
	}
	return last, nil
}

// Events yields what happens, as it happens, after the event with the sequence last; less than 0: from now on. A stream that
// is cut off is taken up again where it was, so that nothing is missed and nothing told twice. It ends with ctx, or with the
// first error that trying again does not mend.
func (c *Client) Events(ctx context.Context, last int64) iter.Seq2[ohfp.Event, error] {
	return func(yield func(ohfp.Event, error) bool) {
		from := ""
		if last >= 0 {
			from = strconv.FormatInt(last, 10)
		}
		follow(ctx, c, "/api/v1/events/stream", from, yield, func([]byte) (old, end bool) { return false, false })
	}
}

// follow yields what the messages of a stream hold, but those that judge says are old, to the one that is the end.
func follow[T any](ctx context.Context, c *Client, path, last string, yield func(T, error) bool, judge func(data []byte) (old, end bool)) {
	var broken error
	err := c.stream(ctx, path, last, func(data []byte) (goOn bool) {
		old, end := judge(data)
		if old || end {
			return old
		}
		var content T
		if err := json.Unmarshal(data, &content); err != nil {
			broken = ohfp.Errorf(ohfp.ErrUnavailable, "a message of the stream cannot be read: %w", err)
			return false
		}
		return yield(content, nil)
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		var none T
		yield(none, err)
	}
}

// errStop is how the reading of a stream ends when nobody wants more.
var errStop = errors.New("stop")

// stream hands on messages, of one connection after another, until told to stop. Tries count anew with each connection that
// was made.
func (c *Client) stream(ctx context.Context, path, last string, take func(data []byte) (goOn bool)) error {
	pause := c.pause()
	for try := 1; ; try++ {
		connected, err := c.connection(ctx, path, &last, take)
		switch {
		case errors.Is(err, errStop):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if connected {
			try, pause = 1, c.pause()
		}
		var told *Error
		if errors.As(err, &told) && !told.again(call{Method: http.MethodGet}) || !connected && try >= c.tries() {
			return err
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
		pause = min(2*pause, longPause)
	}
}

// connection reads one stream to its end, and keeps the id of the last message.
func (c *Client) connection(ctx context.Context, path string, last *string, take func(data []byte) bool) (connected bool, err error) {
	header := map[string]string{"Accept": "text/event-stream, application/problem+json"}
	if *last != "" {
		header["Last-Event-ID"] = *last
	}
	response, err := c.send(ctx, call{Method: http.MethodGet, Path: path, Header: header})
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, failure(response)
	}
	return true, messages(response.Body, last, take)
}

// messages reads a stream.
func messages(from io.Reader, last *string, take func(data []byte) bool) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	var data []byte
	seen := false
	id := *last
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			*last = id
			if seen && !take(data) {
				return errStop
			}
			data, seen = data[:0], false
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			id = strings.Clone(string(value))
		case "data":
			if seen {
				data = append(data, '\n')
			}
			data, seen = append(data, value...), true
		}
	}
	if err := lines.Err(); err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "the stream was cut off: %w", err)
	}
	return ohfp.Errorf(ohfp.ErrUnavailable, "the stream was cut off")
}

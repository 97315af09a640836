package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/access"
)

// maxMessage bounds one message. Nothing that clients ask for comes near it.
const maxMessage = 4 << 20

// ServeLines serves one caller who writes a message on each line of in and reads answers from out, until in or ctx ends.
// Nothing else is written to out.
func (f *Face) ServeLines(ctx context.Context, in io.Reader, out io.Writer, caller access.Caller) error {
	return f.serveLines(ctx, in, out, caller, false)
}

// serveLines ends a strict session at the first line that is not JSON: it may be a page in a browser that talks HTTP to
// a port of this machine, and means no good.
func (f *Face) serveLines(ctx context.Context, in io.Reader, out io.Writer, caller access.Caller, strict bool) error {
	s, err := f.Server(caller)
	if err != nil {
		return err
	}
	l := &lines{in: bufio.NewReader(in), out: out, patience: f.Config.Requests.CallBudget, strict: strict, waiting: map[string]bool{}, cancelled: map[string]bool{}, settled: make(chan struct{}, 1)}
	passed, pass := io.Pipe()
	session, err := s.Connect(ctx, &mcp.IOTransport{Reader: passed, Writer: l, MaxLineLength: -1}, nil)
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = pass.CloseWithError(io.EOF) })
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := l.copy(pass)
		l.settle(ctx) // whoever closes its side after the last question still gets the answers
		_ = pass.CloseWithError(io.EOF)
		ended <- err
	}()
	waited := make(chan error, 1)
	go func() { waited <- session.Wait() }()
	select {
	case <-ctx.Done(): // a read that blocks cannot be interrupted; the process ends, or the connection is closed
		_ = session.Close()
		return nil
	case err := <-ended:
		_ = session.Close()
		return err
	case err := <-waited:
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("serve a session: %w", err)
		}
		return nil
	}
}

// lines stands between a stream and the library, which ends a session at the first line that it cannot read. It answers
// such lines itself, and passes on only what the library takes.
type lines struct {
	in *bufio.Reader

	strict   bool          // a line that is not JSON ends the session
	patience time.Duration // with requests that are not answered when the input ends

	mu        sync.Mutex // of what follows, and so that answers are whole
	out       io.Writer
	waiting   map[string]bool // ids of requests that are not answered
	cancelled map[string]bool // ids of requests whose answers nobody waits for any more
	greeted   string          // the key of the request that begins the session
	version   string          // of the protocol, as the session was begun; empty before that
	settled   chan struct{}   // gets a value when none waits any more
}

// copy passes messages on until the input ends.
func (l *lines) copy(to io.Writer) error {
	for {
		line, tooLong, err := l.line()
		switch line = bytes.TrimSpace(line); {
		case tooLong:
			if err := l.refuse(nil, jsonrpc.CodeInvalidRequest, fmt.Sprintf("the message is larger than %d MiB; send less", maxMessage>>20)); err != nil {
				return err
			}
		case len(line) > 0:
			if err := l.pass(line, to); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
	}
}

// line reads up to the next end of a line. Of one that is too long, it reads all and keeps nothing.
func (l *lines) line() (line []byte, tooLong bool, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
			if len(line) > maxMessage {
				line, tooLong = nil, true
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// lastBatches is the last version of the protocol that has batches.
const lastBatches = "2025-03-26"

// pass gives the library the message on a line. Of a batch it gives it each message by itself, and each is answered by
// itself.
func (l *lines) pass(line []byte, to io.Writer) error {
	if !json.Valid(line) {
		if l.strict {
			return errors.New("a line is not JSON; this is a port for assistants that write a message on each line")
		}
		return l.refuse(nil, jsonrpc.CodeParseError, "the line is not JSON; write one message on each line")
	}
	messages := []json.RawMessage{line}
	if line[0] == '[' {
		l.mu.Lock()
		version := l.version
		l.mu.Unlock()
		if version == "" || version > lastBatches { // versions are dates
			return l.refuse(nil, jsonrpc.CodeInvalidRequest, "only sessions of protocol "+lastBatches+" or older have batches; write one message on each line")
		}
		if err := json.Unmarshal(line, &messages); err != nil || len(messages) == 0 {
			return l.refuse(nil, jsonrpc.CodeInvalidRequest, "the batch holds no message")
		}
	}
	for _, message := range messages {
		decoded, err := jsonrpc.DecodeMessage(message)
		if err != nil {
			if err := l.refuse(idOf(message), jsonrpc.CodeInvalidRequest, "the line is no message of JSON-RPC 2.0: "+err.Error()); err != nil {
				return err
			}
			continue
		}
		if refused, err := l.expect(decoded); err != nil || refused {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := to.Write(append(message, '\n')); err != nil {
			return nil //nolint:nilerr // the session has ended
		}
	}
	return nil
}

// expect remembers that a request is to be answered, and refuses a second one with its id until then.
func (l *lines) expect(message jsonrpc.Message) (refused bool, err error) {
	request, ok := message.(*jsonrpc.Request)
	if !ok || request.Method == "subscriptions/listen" { // it is answered when its session ends
		return false, nil
	}
	if !request.ID.IsValid() {
		l.forget(request)
		return false, nil
	}
	key := keyOf(request.ID)
	l.mu.Lock()
	if request.Method == "initialize" {
		l.greeted = key
	}
	twice := l.waiting[key]
	l.waiting[key] = true
	l.mu.Unlock()
	if !twice {
		return false, nil
	}
	id, err := json.Marshal(request.ID.Raw())
	if err != nil {
		return true, fmt.Errorf("encode an id: %w", err)
	}
	return true, l.refuse(id, jsonrpc.CodeInvalidRequest, "a request with this id is not answered yet; give each its own id")
}

// forget no longer waits for the answer to a request that a notification cancels: it gets none.
func (l *lines) forget(notification *jsonrpc.Request) {
	var cancelled struct {
		ID any `json:"requestId"`
	}
	if notification.Method != "notifications/cancelled" || json.Unmarshal(notification.Params, &cancelled) != nil {
		return
	}
	if id, err := jsonrpc.MakeID(cancelled.ID); err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if key := keyOf(id); l.waiting[key] { // else it is answered already
			l.cancelled[key] = true
			l.answered(id)
		}
	}
}

// begun remembers the version of the protocol that a session was begun with; under mu.
func (l *lines) begun(response *jsonrpc.Response) {
	if l.greeted == "" || keyOf(response.ID) != l.greeted || response.Error != nil {
		return
	}
	var agreed struct {
		Version string `json:"protocolVersion"`
	}
	if json.Unmarshal(response.Result, &agreed) == nil {
		l.version = agreed.Version
	}
}

// answered no longer waits for the answer to a request; under mu.
func (l *lines) answered(id jsonrpc.ID) {
	delete(l.waiting, keyOf(id))
	if len(l.waiting) == 0 {
		select {
		case l.settled <- struct{}{}:
		default:
		}
	}
}

func keyOf(id jsonrpc.ID) string { return fmt.Sprintf("%T %v", id.Raw(), id.Raw()) }

// settle waits until every request is answered, as long as a call may take. What waits longer, as for its client's user
// or for machines, is given up.
func (l *lines) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	for {
		l.mu.Lock()
		open := len(l.waiting)
		l.mu.Unlock()
		if open == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-l.settled:
		}
	}
}

// idOf is the id of something that is no message, null unless it has one that a message may have.
func idOf(message []byte) json.RawMessage {
	var named struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(message, &named) != nil || len(named.ID) == 0 || !bytes.ContainsAny(named.ID[:1], `"-0123456789`) {
		return nil
	}
	return named.ID
}

// refuse answers a line that the library must not see.
func (l *lines) refuse(id json.RawMessage, code int64, text string) error {
	if id == nil {
		id = json.RawMessage("null")
	}
	message, err := json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   jsonrpc.Error   `json:"error"`
	}{"2.0", id, jsonrpc.Error{Code: code, Message: text}})
	if err != nil {
		return fmt.Errorf("encode a refusal: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.out.Write(append(message, '\n')); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}

// Write writes an answer or a message of the library, which comes whole. What an answer tells is noted under the lock that
// it is written under: its reader may send the next line before this returns.
func (l *lines) Write(message []byte) (int, error) {
	decoded, malformed := jsonrpc.DecodeMessage(bytes.TrimSpace(message))
	response, ok := decoded.(*jsonrpc.Response)
	answers := ok && malformed == nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if answers && l.cancelled[keyOf(response.ID)] {
		delete(l.cancelled, keyOf(response.ID))
		return len(message), nil
	}
	n, err := l.out.Write(message)
	if err != nil {
		return n, fmt.Errorf("write an answer: %w", err)
	}
	if answers {
		l.begun(response)
		l.answered(response.ID)
	}
	return n, nil
}

// Close leaves the stream to whoever opened it.
func (l *lines) Close() error { return nil }

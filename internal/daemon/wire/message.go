// Package wire is how a script's call reaches the daemon: one call per connection of a Unix socket, as lines of JSON that
// say how many bytes follow them.
//
//	daemon  {"version":1,"patience":60}                   it lives, and answers within 60 seconds
//	caller  {"version":1,"action":"requestMachines",…,"input":78} and 78 bytes
//	daemon  {"version":1,"exit":0,"errors":0,"body":91} and 91 bytes
//	caller  written                                        the answer is out
//
// Instead of its greeting or its answer the daemon may say {"version":1,"declined":"why"}: it has done nothing, and the
// caller works alone.
// It refuses to know what a call means, and imports the standard library only, since it is part of a program that
// starts for every call.
package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Version is of the protocol. Another version is declined by the daemon and left by the caller.
const Version = 1

const (
	// maxLine bounds a line of JSON. The longest holds three paths, of 4,096 bytes at most on Linux, escaped.
	maxLine = 128 << 10
	// MaxInput bounds the input of a call. Host Factory's largest list, 10,000 hosts with name and id, is about 1 MiB.
	MaxInput = 64 << 20
	// maxAnswer bounds what a caller takes: the status of 100,000 machines is about 40 MiB.
	maxAnswer = 1 << 30
)

// CallVariable is the environment variable that hands the id of a call to the program that goes on with it.
const CallVariable = "OHFP_CALL_ID"

// Status is the action that asks for the state of the daemon itself.
const Status = "status"

// Reload is the action that has the daemon read its configuration again.
const Reload = "reload"

// Greeting is what the daemon says first.
type Greeting struct {
	Version  int    `json:"version"`
	Patience int    `json:"patience,omitempty"` // seconds after which an answer is no longer to be expected
	Declined string `json:"declined,omitempty"` // why the daemon takes no call
}

// Request is a call.
type Request struct {
	Version  int    `json:"version"`
	Action   string `json:"action"`
	Instance string `json:"instance,omitempty"` // with Conf and File: the configuration that the caller would work with
	Conf     string `json:"conf,omitempty"`     // the configuration directory
	File     string `json:"file,omitempty"`     // the configuration file that the user names
	Caller   string `json:"caller,omitempty"`   // who calls, for the record
	Call     string `json:"call,omitempty"`     // the id of the call, for logs and traces
	Input    int    `json:"input"`              // bytes that follow
}

// Reply is the answer to a call.
type Reply struct {
	Version  int    `json:"version"`
	Declined string `json:"declined,omitempty"` // why nothing was done
	Exit     int    `json:"exit"`
	Errors   int    `json:"errors"` // bytes for standard error that follow
	Body     int    `json:"body"`   // bytes for standard output that follow these
}

// written is what the caller says once the answer is out.
const written = "written\n"

// NewReader is a reader for the other functions of this package.
func NewReader(from io.Reader) *bufio.Reader { return bufio.NewReaderSize(from, maxLine) }

// WriteGreeting says that the daemon takes a call.
func WriteGreeting(to io.Writer, g Greeting) error {
	g.Version = Version
	return writeLine(to, g)
}

// ReadGreeting reads what the daemon says first.
func ReadGreeting(from *bufio.Reader) (Greeting, error) {
	var g Greeting
	if err := readLine(from, &g); err != nil {
		return g, fmt.Errorf("greeting: %w", err)
	}
	if g.Version != Version {
		return g, fmt.Errorf("greeting: the daemon speaks version %d, not %d", g.Version, Version)
	}
	return g, nil
}

// WriteRequest sends a call with its input.
func WriteRequest(to io.Writer, r Request, input []byte) error {
	r.Version, r.Input = Version, len(input)
	return writeLine(to, r, input)
}

// ReadRequest reads a call with its input.
func ReadRequest(from *bufio.Reader) (Request, []byte, error) {
	var r Request
	if err := readLine(from, &r); err != nil {
		return r, nil, fmt.Errorf("call: %w", err)
	}
	switch {
	case r.Version != Version:
		return r, nil, fmt.Errorf("call: the caller speaks version %d, not %d", r.Version, Version)
	case r.Action == "":
		return r, nil, errors.New("call: it names no action")
	case r.Input < 0 || r.Input > MaxInput:
		return r, nil, fmt.Errorf("call: %d bytes of input; 0 to %d are taken", r.Input, MaxInput)
	}
	input, err := readBytes(from, r.Input)
	if err != nil {
		return r, nil, fmt.Errorf("call: read %d bytes of input: %w", r.Input, err)
	}
	return r, input, nil
}

// WriteReply sends an answer.
func WriteReply(to io.Writer, r Reply, errs, body []byte) error {
	r.Version, r.Errors, r.Body = Version, len(errs), len(body)
	return writeLine(to, r, errs, body)
}

// ReadReply reads an answer.
func ReadReply(from *bufio.Reader) (r Reply, errs, body []byte, err error) {
	if err := readLine(from, &r); err != nil {
		return r, nil, nil, fmt.Errorf("answer: %w", err)
	}
	switch {
	case r.Declined != "":
		return r, nil, nil, nil
	case r.Version != Version:
		return r, nil, nil, fmt.Errorf("answer: the daemon speaks version %d, not %d", r.Version, Version)
	case r.Exit < 0 || r.Exit > 1:
		return r, nil, nil, fmt.Errorf("answer: exit code %d; 0 and 1 are known", r.Exit)
	case r.Errors < 0 || r.Body < 0 || r.Errors > maxAnswer || r.Body > maxAnswer:
		return r, nil, nil, fmt.Errorf("answer: %d and %d bytes; 0 to %d are taken", r.Errors, r.Body, maxAnswer)
	}
	if errs, err = readBytes(from, r.Errors); err == nil {
		body, err = readBytes(from, r.Body)
	}
	if err != nil {
		return r, nil, nil, fmt.Errorf("answer: read %d and %d bytes: %w", r.Errors, r.Body, err)
	}
	return r, errs, body, nil
}

// WriteWritten says that the answer is out.
func WriteWritten(to io.Writer) error {
	_, err := io.WriteString(to, written)
	return err
}

// ReadWritten waits for the caller to say that the answer is out.
func ReadWritten(from *bufio.Reader) error {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("the caller has not said that its answer is written: %w", err)
	}
	if string(line) != written {
		return fmt.Errorf("the caller said %q, not that its answer is written", line)
	}
	return nil
}

// writeLine writes everything in one call, so that the other side mostly reads it in one.
func writeLine(to io.Writer, line any, data ...[]byte) error {
	encoded, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if len(encoded) >= maxLine {
		return fmt.Errorf("a line of %d bytes is too long; %d are taken", len(encoded), maxLine)
	}
	_, err = to.Write(append(append(encoded, '\n'), bytes.Join(data, nil)...))
	return err
}

func readLine(from *bufio.Reader, into any) error {
	line, err := from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("a line is longer than %d bytes", maxLine)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("a line is not as expected: %w", err)
	}
	return nil
}

// readBytes reads as it comes: a length that is only claimed costs no memory.
func readBytes(from io.Reader, n int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, int64(n)))
	if err == nil && len(data) < n {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

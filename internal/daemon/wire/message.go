// Package wire is how a script's call reaches the daemon: one call per connection of a Unix socket, as lines of fields that
// say how many bytes follow them.
//
//	daemon  ohfp/2 patience=60                            it lives, and answers within 60 seconds
//	caller  ohfp/2 action=requestMachines … input=78      and 78 bytes
//	daemon  ohfp/2 exit=0 errors=0 body=91                and 91 bytes
//	caller  written                                       the answer is out
//
// A line begins with the version of the protocol. Its fields stand in any order, each once, and an empty one is left out; a
// field that is not known is passed over. In a value each space, each percent sign and each control character is written
// %XX, by its hexadecimal number, so that any path fits in and a line can be read in a trace.
//
// Instead of its greeting or its answer the daemon may say ohfp/2 declined=why: it has done nothing, and the caller works
// alone. Version 1, which was JSON, is nothing that a line may begin with: a caller of another version leaves after the greeting,
// before it has sent anything.
//
// It refuses to know what a call means. It imports nothing that is dear to start, such as fmt, reflect or, on Unix, net, since it is
// part of a program that starts for every call.
package wire

import (
	"bufio"
	"errors"
	"io"
	"strconv"
)

// Version is of the protocol. Another version is declined by the daemon and left by the caller.
const Version = 2

const (
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
	Patience int    // seconds after which an answer is no longer to be expected
	Declined string // why the daemon takes no call
}

// Request is a call.
type Request struct {
	Action   string
	Instance string // with Conf and File: the configuration that the caller would work with
	Conf     string // the configuration directory
	File     string // the configuration file that the user names
	Caller   string // who calls, for the record
	Call     string // the id of the call, for logs and traces
	Input    int    // bytes that follow
}

// Reply is the answer to a call.
type Reply struct {
	Declined string // why nothing was done
	Exit     int
	Errors   int // bytes for standard error that follow
	Body     int // bytes for standard output that follow these
}

// written is what the caller says once the answer is out.
const written = "written\n"

// NewReader is a reader for the other functions of this package.
func NewReader(from io.Reader) *bufio.Reader { return bufio.NewReaderSize(from, buffered) }

// WriteGreeting says that the daemon takes a call.
func WriteGreeting(to io.Writer, g Greeting) error {
	p, err := newLine().number("patience", g.Patience).text("declined", g.Declined).with(nil, nil)
	if err != nil {
		return err
	}
	return p.write(to)
}

// ReadGreeting reads what the daemon says first.
func ReadGreeting(from *bufio.Reader) (Greeting, error) {
	f, err := readFields(from)
	if err != nil {
		return Greeting{}, failed("greeting", err)
	}
	if f.version != Version {
		return Greeting{}, failed("greeting", speaks("daemon", f.version))
	}
	g := Greeting{Patience: f.number("patience"), Declined: f.text("declined")}
	return g, failed("greeting", f.err)
}

// packet is a call as it is sent.
func (r Request) packet(input []byte) (packet, error) {
	return newLine().text("action", r.Action).text("instance", r.Instance).text("conf", r.Conf).text("file", r.File).
		text("caller", r.Caller).text("call", r.Call).number("input", len(input)).with(nil, input)
}

// WriteRequest sends a call with its input.
func WriteRequest(to io.Writer, r Request, input []byte) error {
	p, err := r.packet(input)
	if err != nil {
		return err
	}
	return p.write(to)
}

// ReadRequest reads a call with its input.
func ReadRequest(from *bufio.Reader) (Request, []byte, error) {
	f, err := readFields(from)
	if err != nil {
		return Request{}, nil, failed("call", err)
	}
	r := Request{
		Action: f.text("action"), Instance: f.text("instance"), Conf: f.text("conf"), File: f.text("file"),
		Caller: f.text("caller"), Call: f.text("call"), Input: f.number("input"),
	}
	switch {
	case f.version != Version:
		return r, nil, failed("call", speaks("caller", f.version))
	case f.err != nil:
		return r, nil, failed("call", f.err)
	case r.Action == "":
		return r, nil, errors.New("call: it names no action")
	case r.Input < 0 || r.Input > MaxInput:
		return r, nil, errors.New("call: " + strconv.Itoa(r.Input) + " bytes of input; 0 to " + strconv.Itoa(MaxInput) + " are taken")
	}
	input, err := readBytes(from, r.Input)
	if err != nil {
		return r, nil, failed("call: read "+strconv.Itoa(r.Input)+" bytes of input", err)
	}
	return r, input, nil
}

// WriteReply sends an answer.
func WriteReply(to io.Writer, r Reply, errs, body []byte) error {
	p, err := newLine().text("declined", r.Declined).number("exit", r.Exit).
		number("errors", len(errs)).number("body", len(body)).with(errs, body)
	if err != nil {
		return err
	}
	return p.write(to)
}

// ReadReply reads an answer.
func ReadReply(from *bufio.Reader) (r Reply, errs, body []byte, err error) {
	f, err := readFields(from)
	if err != nil {
		return r, nil, nil, failed("answer", err)
	}
	r = Reply{Declined: f.text("declined"), Exit: f.number("exit"), Errors: f.number("errors"), Body: f.number("body")}
	switch {
	case r.Declined != "":
		return r, nil, nil, nil
	case f.version != Version:
		return r, nil, nil, failed("answer", speaks("daemon", f.version))
	case f.err != nil:
		return r, nil, nil, failed("answer", f.err)
	case r.Exit < 0 || r.Exit > 1:
		return r, nil, nil, errors.New("answer: exit code " + strconv.Itoa(r.Exit) + "; 0 and 1 are known")
	case r.Errors < 0 || r.Body < 0 || r.Errors > maxAnswer || r.Body > maxAnswer:
		return r, nil, nil, errors.New("answer: " + r.sizes() + "; 0 to " + strconv.Itoa(maxAnswer) + " are taken")
	}
	if errs, err = readBytes(from, r.Errors); err == nil {
		body, err = readBytes(from, r.Body)
	}
	if err != nil {
		return r, nil, nil, failed("answer: read "+r.sizes(), err)
	}
	return r, errs, body, nil
}

func (r Reply) sizes() string {
	return strconv.Itoa(r.Errors) + " and " + strconv.Itoa(r.Body) + " bytes"
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
		return failed("the caller has not said that its answer is written", err)
	}
	if string(line) != written {
		return errors.New("the caller said " + excerpt(string(line)) + ", not that its answer is written")
	}
	return nil
}

func speaks(who string, version int) error {
	return errors.New("the " + who + " speaks version " + strconv.Itoa(version) + ", not " + strconv.Itoa(Version))
}

// failure is an error and what was done then, which package fmt would wrap at the price of its start.
type failure struct {
	what  string
	cause error
}

// failed says what was done when an error came, if one did.
func failed(what string, cause error) error {
	if cause == nil {
		return nil
	}
	return failure{what: what, cause: cause}
}

func (f failure) Error() string { return f.what + ": " + f.cause.Error() }

func (f failure) Unwrap() error { return f.cause }

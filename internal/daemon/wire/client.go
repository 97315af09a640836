package wire

import (
	"errors"
	"time"
)

// ErrLost means that the call was sent in full and no answer came. Whether the daemon has carried it out is not known. With any
// other error the daemon has done nothing.
var ErrLost = errors.New("the daemon took the call and did not answer")

const (
	// moment is what a daemon has to accept a call. One that hangs must not hold up the scripts.
	moment = 250 * time.Millisecond
	// sending is what it has to take the input in.
	sending = 5 * time.Second
)

// Client calls the daemon behind a socket.
type Client struct {
	Socket string
	Now    func() time.Time
}

// Answer is what the daemon has answered.
type Answer struct {
	Exit   int
	Stderr []byte
	Body   []byte

	connection *connection
}

// Call hands a call over and waits for its answer, which the caller must close.
func (c Client) Call(r Request, input []byte) (*Answer, error) {
	connection, err := c.dial()
	if err != nil {
		return nil, failed("reach the daemon", err)
	}
	answer, err := call(connection, r, input)
	if err != nil {
		_ = connection.Close() // the first error says more
		return nil, err
	}
	return answer, nil
}

func call(connection *connection, r Request, input []byte) (*Answer, error) {
	request, err := r.packet(input) // while the daemon gets to its greeting
	if err != nil {
		return nil, failed("send the call", err)
	}
	from := NewReader(connection)
	if err := connection.within(moment); err != nil {
		return nil, err
	}
	greeting, err := ReadGreeting(from)
	if err != nil {
		return nil, err
	}
	if greeting.Declined != "" {
		return nil, errors.New("the daemon takes no call: " + greeting.Declined)
	}
	if err := connection.within(sending); err != nil {
		return nil, err
	}
	if err := request.write(connection); err != nil {
		// Not all of it was taken in, so that the daemon cannot have it.
		return nil, failed("send the call", err)
	}
	if err := connection.within(time.Duration(greeting.Patience) * time.Second); err != nil {
		return nil, lost{err}
	}
	reply, errs, body, err := ReadReply(from)
	switch {
	case err != nil:
		return nil, lost{err}
	case reply.Declined != "":
		return nil, errors.New("the daemon declined the call: " + reply.Declined)
	}
	return &Answer{Exit: reply.Exit, Stderr: errs, Body: body, connection: connection}, nil
}

// Written tells the daemon that the answer has been passed on.
func (a *Answer) Written() error { return WriteWritten(a.connection) }

// Close ends the call. An answer that was not written by then never will be.
func (a *Answer) Close() error { return a.connection.Close() }

// lost is ErrLost with its cause.
type lost struct{ cause error }

func (l lost) Error() string { return ErrLost.Error() + ": " + l.cause.Error() }

func (l lost) Unwrap() []error { return []error{ErrLost, l.cause} }

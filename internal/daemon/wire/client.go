package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
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

	connection net.Conn
}

// Call hands a call over and waits for its answer, which the caller must close.
func (c Client) Call(ctx context.Context, r Request, input []byte) (*Answer, error) {
	dialer := net.Dialer{Timeout: moment}
	connection, err := dialer.DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return nil, fmt.Errorf("reach the daemon: %w", err)
	}
	answer, err := c.call(connection, r, input)
	if err != nil {
		_ = connection.Close() // the first error says more
		return nil, err
	}
	return answer, nil
}

func (c Client) call(connection net.Conn, r Request, input []byte) (*Answer, error) {
	within := func(d time.Duration) error { return connection.SetDeadline(c.Now().Add(d)) }
	from := bufio.NewReaderSize(connection, maxLine)
	if err := within(moment); err != nil {
		return nil, err
	}
	greeting, err := ReadGreeting(from)
	if err != nil {
		return nil, err
	}
	if greeting.Declined != "" {
		return nil, fmt.Errorf("the daemon takes no call: %s", greeting.Declined)
	}
	if err := within(sending); err != nil {
		return nil, err
	}
	if err := WriteRequest(connection, r, input); err != nil {
		// Not all of it was taken in, so that the daemon cannot have it.
		return nil, fmt.Errorf("send the call: %w", err)
	}
	if err := within(time.Duration(greeting.Patience) * time.Second); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	}
	reply, errs, body, err := ReadReply(from)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	case reply.Declined != "":
		return nil, fmt.Errorf("the daemon declined the call: %s", reply.Declined)
	}
	return &Answer{Exit: reply.Exit, Stderr: errs, Body: body, connection: connection}, nil
}

// Written tells the daemon that the answer has been passed on.
func (a *Answer) Written() error { return WriteWritten(a.connection) }

// Close ends the call. An answer that was not written by then never will be.
func (a *Answer) Close() error { return a.connection.Close() }

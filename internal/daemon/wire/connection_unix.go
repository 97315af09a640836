//go:build unix

package wire

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// connection is a socket that blocks, as a program wants it that does one thing after the other: package net would make its
// start a third longer.
type connection struct {
	descriptor int
	socket     string
	now        func() time.Time
	until      time.Time // when patience ends
}

// dial connects, within a moment: a daemon that hangs lets callers wait in line.
func (c Client) dial() (*connection, error) {
	// No program that is started meanwhile may have the socket.
	syscall.ForkLock.RLock()
	descriptor, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(descriptor)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, failed("dial unix "+c.Socket+": socket", err)
	}
	made := &connection{descriptor: descriptor, socket: c.Socket, now: c.Now, until: c.Now().Add(moment)}
	for {
		if err = made.wait(syscall.SO_SNDTIMEO); err != nil {
			break
		}
		if err = syscall.Connect(descriptor, &syscall.SockaddrUnix{Name: c.Socket}); !again(err) {
			err = failed("connect", err)
			break
		}
	}
	if err != nil {
		_ = made.Close() // the first error says more
		return nil, failed("dial unix "+c.Socket, err)
	}
	return made, nil
}

// within bounds everything that is read and written until it is called again.
func (c *connection) within(d time.Duration) error {
	c.until = c.now().Add(d)
	return nil
}

// wait has the system bound one operation, by SO_RCVTIMEO or SO_SNDTIMEO, to what is left of the time.
func (c *connection) wait(option int) error {
	left := c.until.Sub(c.now())
	if left <= 0 { // the system would take it for no bound at all
		return os.ErrDeadlineExceeded
	}
	limit := syscall.NsecToTimeval(int64(left))
	return syscall.SetsockoptTimeval(c.descriptor, syscall.SOL_SOCKET, option, &limit)
}

// again tells errors that end an operation early: a signal, which the runtime sends itself to as it likes, or the time, which
// the next one finds to be up.
func again(err error) bool { return errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.EAGAIN) }

// Read reads what there is, once there is something.
func (c *connection) Read(into []byte) (int, error) {
	for {
		if err := c.wait(syscall.SO_RCVTIMEO); err != nil {
			return 0, failed("read unix "+c.socket, err)
		}
		n, err := syscall.Read(c.descriptor, into)
		switch {
		case again(err):
		case err != nil:
			return 0, failed("read unix "+c.socket, err)
		case n == 0 && len(into) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes all of the data.
func (c *connection) Write(data []byte) (int, error) {
	sent := 0
	for sent < len(data) {
		if err := c.wait(syscall.SO_SNDTIMEO); err != nil {
			return sent, failed("write unix "+c.socket, err)
		}
		n, err := syscall.Write(c.descriptor, data[sent:])
		switch {
		case err == nil:
			sent += n
		case !again(err):
			return sent, failed("write unix "+c.socket, err)
		}
	}
	return sent, nil
}

// Close closes the socket.
func (c *connection) Close() error {
	return failed("close unix "+c.socket, syscall.Close(c.descriptor))
}

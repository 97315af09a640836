//go:build !unix

package wire

import (
	"net"
	"time"
)

// connection is a socket of package net, whose system calls differ too much from those of Unix to be worth a second form.
type connection struct {
	net.Conn
	now func() time.Time
}

// dial connects, within a moment.
func (c Client) dial() (*connection, error) {
	made, err := net.DialTimeout("unix", c.Socket, moment)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: made, now: c.Now}, nil
}

// within bounds everything that is read and written until it is called again.
func (c *connection) within(d time.Duration) error { return c.SetDeadline(c.now().Add(d)) }

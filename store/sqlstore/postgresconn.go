package sqlstore

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// lastWords is a connection that lets its reader find what the server said before it hung up. PostgreSQL tells why it ends
// a session and closes at once. Whoever writes next learns of a broken pipe only, while the reason still waits to be read;
// therefore such a write passes for done, and the reading that follows each write brings the reason, or the end.
type lastWords struct{ net.Conn }

func (c lastWords) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(p), nil // closed from there, so that reading does not wait
	}
	return n, err
}

// hearing makes the connections of dial such.
func hearing(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return lastWords{conn}, nil
	}
}

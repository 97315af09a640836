//go:build !linux && !darwin

package peer

import (
	"errors"
	"net"
)

// Of cannot tell on this system.
func Of(*net.UnixConn) (Peer, error) { return Peer{}, errors.ErrUnsupported }

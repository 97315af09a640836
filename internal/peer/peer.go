// Package peer tells who is at the other end of a Unix socket, as the system knows it and not as the caller says.
// It refuses to decide what that user may do.
package peer

import (
	"os/user"
	"strconv"
)

// Peer is who is at the other end of a connection.
type Peer struct {
	UID    uint32
	Groups []uint32 // of the process: its own one first
}

// Name is the user's name, or number where the system has no name for it.
func (p Peer) Name() string {
	id := strconv.FormatUint(uint64(p.UID), 10)
	if known, err := user.LookupId(id); err == nil && known.Username != "" {
		return known.Username
	}
	return "user " + id
}

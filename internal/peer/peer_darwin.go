package peer

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Of asks the system who made the connection.
func Of(connection *net.UnixConn) (p Peer, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return p, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var credentials *unix.Xucred
		if credentials, failed = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); failed != nil {
			return
		}
		count := min(max(int(credentials.Ngroups), 0), len(credentials.Groups))
		p.UID, p.Groups = credentials.Uid, credentials.Groups[:count]
	})
	if err = errors.Join(err, failed); err != nil {
		return p, fmt.Errorf("ask who calls: %w", err)
	}
	return p, nil
}

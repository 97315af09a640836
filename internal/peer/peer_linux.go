package peer

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxGroups is how many groups a process may have, NGROUPS_MAX of Linux.
const maxGroups = 65536

// Of asks the system who made the connection.
func Of(connection *net.UnixConn) (p Peer, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return p, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var credentials *unix.Ucred
		if credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); failed != nil {
			return
		}
		p.UID, p.Groups = credentials.Uid, []uint32{credentials.Gid}
		var more []uint32
		more, failed = peerGroups(fd)
		p.Groups = append(p.Groups, more...)
	})
	if err = errors.Join(err, failed); err != nil {
		return p, fmt.Errorf("ask who calls: %w", err)
	}
	return p, nil
}

// peerGroups are the supplementary groups of the peer (SO_PEERGROUPS, Linux 4.13), which x/sys does not read.
func peerGroups(fd uintptr) ([]uint32, error) {
	groups := make([]uint32, 64)
	for {
		size := uint32(len(groups) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // the system call wants pointers
		switch {
		case errno == syscall.ERANGE && len(groups) < maxGroups:
			groups = make([]uint32, maxGroups)
		case errno == syscall.ENOPROTOOPT: // an older system
			return nil, nil
		case errno != 0:
			return nil, errno
		default:
			return groups[:size/4], nil
		}
	}
}

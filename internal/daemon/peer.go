package daemon

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/openhostfactory/ohfp"
)

// peer is who is at the other end of a connection, as the system tells.
type peer struct {
	UID    uint32
	Groups []uint32 // of the process: its own one first
}

// admitted says why the peer may not call, if it may not.
func (p peer) admitted(groups []uint32) error {
	if p.UID == 0 || p.UID == uint32(os.Geteuid()) {
		return nil
	}
	for _, group := range p.Groups {
		if slices.Contains(groups, group) {
			return nil
		}
	}
	return fmt.Errorf("user %d may not call the daemon; run the scripts as its user, or list one of the user's groups in daemon.groups", p.UID)
}

// name is who calls, for the record: what the caller says, unless it is somebody else.
func (p peer) name(says string) string {
	if p.UID == uint32(os.Geteuid()) {
		return says
	}
	return says + " (user " + strconv.Itoa(int(p.UID)) + ")"
}

// groupIDs finds the groups that an operator names.
func groupIDs(names []string) ([]uint32, error) {
	var ids []uint32
	for _, name := range names {
		text := name
		if found, err := user.LookupGroup(name); err == nil {
			text = found.Gid
		}
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "daemon.groups: there is no group %q; write a group's name or number", name)
		}
		ids = append(ids, uint32(id))
	}
	return ids, nil
}

package daemon

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/peer"
)

// admitted says why a peer may not call, if it may not.
func admitted(p peer.Peer, groups []uint32) error {
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

// nameOf is who calls, for the record: what the caller says, unless it is somebody else.
func nameOf(p peer.Peer, says string) string {
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

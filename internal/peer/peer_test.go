//go:build linux || darwin

package peer_test

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/openhostfactory/ohfp/internal/peer"
)

func TestPeerIsThisProcess(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "p") //nolint:usetesting // its path would be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialed, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: listener.Addr().String(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	got, err := peer.Of(accepted)
	if err != nil {
		t.Fatal(err)
	}
	if got.UID != uint32(os.Geteuid()) || len(got.Groups) == 0 || got.Groups[0] != uint32(os.Getegid()) {
		t.Errorf("%+v", got)
	}
	if me, err := user.Current(); err == nil && got.Name() != me.Username {
		t.Errorf("%s, not %s", got.Name(), me.Username)
	}
	if nobody := (peer.Peer{UID: 4_000_000_000}).Name(); nobody != "user 4000000000" {
		t.Error(nobody)
	}
}

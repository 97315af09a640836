package localdisk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNetworkFileSystem(t *testing.T) {
	t.Parallel()
	if kind, err := NetworkFileSystem(t.TempDir()); err != nil || kind != "" {
		t.Errorf("a scratch directory is on %q, %v; want a local file system", kind, err)
	}
	if _, err := NetworkFileSystem(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	for magic, want := range map[uint32]string{
		0x6969: "NFS", 0xff534d42: "SMB", 0xfe534d42: "SMB", 0x517b: "SMB", 0x65735546: "FUSE", 0x01021997: "9p", 0x00c36400: "CephFS",
		0x5346414f: "AFS", 0x6b414653: "AFS", 0x73757245: "Coda", 0x19830326: "BeeGFS", 0x01161970: "GFS2", 0x47504653: "GPFS",
		0x0bd00bd0: "Lustre", 0x564c: "NCP", 0x7461636f: "OCFS2", 0xaad7aaea: "PanFS", 0x20030528: "OrangeFS",
		0xef53: "", 0x58465342: "", 0x9123683e: "", 0x01021994: "", 0x794c7630: "", 0x2fc12fc1: "", // ext4, XFS, Btrfs, tmpfs, overlay, ZFS
	} {
		if got := named(magic); got != want {
			t.Errorf("%#x is %q, want %q", magic, got, want)
		}
	}
}

package localdisk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Magic numbers of statfs(2) that package unix does not have, from the sources of these file systems.
const (
	magicBeeGFS = 0x19830326
	magicGFS2   = 0x01161970
	magicGPFS   = 0x47504653
	magicLustre = 0x0bd00bd0
	magicPanFS  = 0xaad7aaea
	magicPVFS2  = 0x20030528
)

// NetworkFileSystem names the network file system that path is on; it is empty for a local one.
func NetworkFileSystem(path string) (string, error) {
	var stat unix.Statfs_t
	for {
		err := unix.Statfs(path, &stat)
		if err == nil {
			return named(uint32(stat.Type)), nil
		}
		if err != unix.EINTR {
			return "", fmt.Errorf("statfs %s: %w", path, err)
		}
	}
}

func named(magic uint32) string {
	switch magic {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.SMB_SUPER_MAGIC:
		return "SMB"
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE" // sshfs, GlusterFS, s3fs and folders shared with virtual machines look the same
	case unix.V9FS_MAGIC:
		return "9p"
	case unix.CEPH_SUPER_MAGIC:
		return "CephFS"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	case unix.CODA_SUPER_MAGIC:
		return "Coda"
	case magicBeeGFS:
		return "BeeGFS"
	case magicGFS2:
		return "GFS2"
	case magicGPFS:
		return "GPFS"
	case magicLustre:
		return "Lustre"
	case unix.NCP_SUPER_MAGIC:
		return "NCP"
	case unix.OCFS2_SUPER_MAGIC:
		return "OCFS2"
	case magicPanFS:
		return "PanFS"
	case magicPVFS2:
		return "OrangeFS"
	default:
		return ""
	}
}

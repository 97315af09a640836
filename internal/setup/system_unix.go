//go:build linux || darwin

package setup

import (
	"io/fs"
	"syscall"
)

// serves is whether a daemon can run on this system.
const serves = true

// Free is what the file system of a directory has left for those who are not root.
func Free(dir string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// openToAll is whether everybody may make and replace files of others in a directory.
func openToAll(dir fs.FileInfo) bool {
	const worldWritable = 0o002
	return dir.Mode().Perm()&worldWritable != 0 && dir.Mode()&fs.ModeSticky == 0
}

//go:build linux || darwin

package setup

import "syscall"

// Free is what the file system of a directory has left for those who are not root.
func Free(dir string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

//go:build !linux && !darwin

package setup

import "io/fs"

// serves is whether a daemon can run on this system.
const serves = false

// Free is not known on this system.
func Free(string) (bytes uint64, known bool) { return 0, false }

// openToAll is not known on this system: its rights are not in the file's mode.
func openToAll(fs.FileInfo) bool { return false }

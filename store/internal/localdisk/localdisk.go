// Package localdisk tells local disks from network file systems, for stores that are files.
// It refuses to guess how well a network file system keeps locks: none is good enough for a store.
package localdisk

import (
	"os"
	"path/filepath"

	"github.com/openhostfactory/ohfp"
)

// Nearest is the directory itself or the first above it that exists: a new one lands on the same file system.
func Nearest(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// Check refuses a store at path when existing, the part of it that exists, is on a network file system by what
// fileSystem says, which is [NetworkFileSystem] outside tests.
func Check(path, existing string, fileSystem func(path string) (string, error)) error {
	kind, err := fileSystem(existing)
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s is on a file system that does not say what it is: %w", path, err)
	}
	if kind != "" {
		return ohfp.Errorf(ohfp.ErrInvalid,
			"store %s is on a network file system (%s), where the locks and shared memory of a store do not hold; use a directory on a local disk", path, kind)
	}
	return nil
}

//go:build !unix

package config

import (
	"io/fs"
	"os"
)

// keepOwner leaves the owner to the system, which derives it from the directory.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncDirectory has nothing to do where directories cannot be synced.
func syncDirectory(string) error { return nil }

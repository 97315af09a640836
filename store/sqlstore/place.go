package sqlstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

// Modes of what is made here. SQLite gives its log and its shared memory the mode of the file.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// place makes sure that there is a file at path, on a file system that the store can work on, and returns its absolute
// name. An empty file is a store that nothing was written to yet.
func place(path string, fileSystem func(path string) (string, error)) (string, error) {
	if path == "" {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "store has no path; name a file in a local directory")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be found: %w", path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", ohfp.Errorf(ohfp.ErrInvalid, "store %s is a directory; name a file in it", path)
	case err == nil:
		return path, localdisk.Check(path, path, fileSystem)
	case !errors.Is(err, fs.ErrNotExist):
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be opened; give this user its directory: %w", path, err)
	}
	// Looked at before anything is made, so that a refused place stays as it was.
	if err := localdisk.Check(path, localdisk.Nearest(filepath.Dir(path)), fileSystem); err != nil {
		return "", err
	}
	if err := makeFile(path); err != nil {
		return "", ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be made; choose a directory that this user may write to: %w", path, err)
	}
	return path, localdisk.Check(path, path, fileSystem)
}

func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	return f.Close()
}

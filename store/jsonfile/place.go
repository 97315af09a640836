package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

// Modes of what is made here.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// What is in the directory of a store. Names are with slashes on every system.
const (
	headFile     = "store.json"
	lockFile     = "lock"
	templateFile = "templates.json"
	stagedDir    = "staged"
	openDir      = "requests/open" // not settled
	heldDir      = "requests/held" // settled, with machines that are not gone
	doneDir      = "requests/done" // the rest
	eventDir     = "events"
	lookupDir    = "lookup"
	memoryDir    = "memory"
	backupDir    = "backups" // made and read by others, and no part of the store
)

// place says where the store is and whether it exists.
func place(path string, fileSystem func(path string) (string, error)) (root string, exists bool, err error) {
	if path == "" {
		return "", false, ohfp.Errorf(ohfp.ErrInvalid, "store has no path; name a local directory")
	}
	root, err = filepath.Abs(path)
	if err != nil {
		return "", false, ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be found: %w", path, err)
	}
	info, err := os.Stat(root)
	switch {
	case err == nil && !info.IsDir():
		return "", false, ohfp.Errorf(ohfp.ErrInvalid, "store %s is a file; name a directory", root)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", false, ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be opened; give this user its directory: %w", root, err)
	}
	// Looked at before anything is made, so that a refused place stays as it was.
	if err := localdisk.Check(root, localdisk.Nearest(root), fileSystem); err != nil {
		return "", false, err
	}
	switch _, err := os.Stat(filepath.Join(root, headFile)); {
	case err == nil:
		return root, true, nil
	case errors.Is(err, fs.ErrNotExist):
		return root, false, nil
	default:
		return "", false, ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be opened; give this user its directory: %w", root, err)
	}
}

// found makes the store unless somebody else was faster.
func (s *Store) found(ctx context.Context) error {
	root := s.disk.root
	if err := makeDir(root); err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be made; choose a directory that this user may write to: %w", root, err)
	}
	release, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if _, err := s.disk.head(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range []string{stagedDir, "requests", openDir, heldDir, doneDir, eventDir, lookupDir, memoryDir} {
		if err := os.Mkdir(s.disk.path(dir), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if dir == stagedDir || dir == "requests" {
			continue
		}
		// Without its head the store is not known to be whole, and an empty one in its place would hide what is there.
		files, err := s.disk.list(dir)
		if err != nil {
			return err
		}
		if len(files) > 0 {
			return ohfp.Errorf(ohfp.ErrUnavailable,
				"store %s is damaged: it has files in %s but no %s; restore it from a backup or move it away", root, dir, headFile)
		}
	}
	if err := s.disk.sync("requests"); err != nil {
		return err
	}
	h := head{Format: format}
	if err := s.disk.stageHead(h); err != nil {
		return err
	}
	if err := s.disk.sync(stagedDir); err != nil {
		return err
	}
	return s.disk.putHead(h)
}

// makeDir makes a directory with those above it, so that a power cut does not take it away again.
func makeDir(dir string) error {
	existing := localdisk.Nearest(dir)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	for dir != existing {
		dir = filepath.Dir(dir)
		if err := syncDir(dir, (*os.File).Sync); err != nil {
			return err
		}
	}
	return nil
}

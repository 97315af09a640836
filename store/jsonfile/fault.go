package jsonfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/openhostfactory/ohfp"
)

// damaged is the error about a file that is not what was written here.
func (d disk) damaged(name string, err error) error {
	advice := "restore it from a backup, or move it away to go on without it"
	if name == headFile {
		advice = "restore the store from a backup"
	}
	return ohfp.Errorf(ohfp.ErrUnavailable, "store %s: file %s is damaged; %s: %w", d.root, d.path(name), advice, err)
}

// fault gives an error of the system its kind and says what to do. Errors that have a kind pass.
func (s *Store) fault(err error) error {
	root := s.disk.root
	switch {
	case err == nil || ohfp.KindOf(err) != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return ohfp.Errorf(ohfp.ErrTimeout, "store %s did not answer in time: %w", root, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("store %s: %w", root, err)
	case fullDisk(err):
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot grow; free some space on its disk: %w", root, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ohfp.Errorf(ohfp.ErrUnavailable,
			"store %s cannot be read or written; give this user the directory and all in it, on a file system that is not read-only: %w", root, err)
	case errors.Is(err, fs.ErrNotExist):
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s lacks a file or directory; restore it from a backup: %w", root, err)
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be read or written; check its disk: %w", root, err)
	}
	return fmt.Errorf("store %s: %w", root, err)
}

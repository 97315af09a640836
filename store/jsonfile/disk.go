package jsonfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// disk is the directory of a store. Names are relative to it, with slashes.
type disk struct {
	root string
	surroundings
}

func (d disk) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d disk) read(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

// readUntil reads a file until enough says so or it ends, and says whether that is all of it.
func (d disk) readUntil(name string, enough func([]byte) bool) (data []byte, all bool, err error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	data = make([]byte, 0, 4<<10) // most requests fit
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, true, nil
		case err != nil:
			return nil, false, err
		case enough(data):
			return data, false, nil
		case len(data) == cap(data):
			data = append(make([]byte, 0, 4*cap(data)), data...)
		}
	}
}

// list names the files of a directory.
func (d disk) list(dir string) ([]string, error) {
	f, err := os.Open(d.path(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	files := names[:0]
	for _, name := range names {
		// An editor or a person may have left something else.
		if !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, suffix) || strings.HasSuffix(name, linesSuffix)) {
			files = append(files, name)
		}
	}
	return files, nil
}

// create writes a file and syncs it. Its name is not safe before its directory is synced.
func (d disk) create(name string, data []byte) error {
	return d.change("create", name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// appendLines adds to a file and syncs it.
func (d disk) appendLines(name string, data []byte) error {
	return d.change("append", name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// extend writes at a place in a file, which then ends there, and syncs it.
func (d disk) extend(name string, at int64, data []byte) error {
	return d.change("extend", name, os.O_WRONLY|os.O_CREATE, func(f *os.File) error {
		if err := f.Truncate(at); err != nil {
			return err
		}
		_, err := f.WriteAt(data, at)
		return err
	})
}

func (d disk) change(what, name string, flag int, write func(*os.File) error) error {
	if err := d.step(what, name); err != nil {
		return err
	}
	f, err := os.OpenFile(d.path(name), flag, fileMode)
	if err != nil {
		return err
	}
	defer f.Close() // after a sync it has nothing to tell
	if err := write(f); err != nil {
		return err
	}
	if err := d.step("sync", name); err != nil {
		return err
	}
	return d.flush(f)
}

func (d disk) rename(from, to string) error {
	if err := d.step("rename", to); err != nil {
		return err
	}
	return rename(d.path(from), d.path(to))
}

// remove removes a file that may be gone already.
func (d disk) remove(name string) error {
	if err := d.step("remove", name); err != nil {
		return err
	}
	if err := os.Remove(d.path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sync makes the names in a directory safe.
func (d disk) sync(dir string) error {
	if err := d.step("sync", dir); err != nil {
		return err
	}
	return syncDir(d.path(dir), d.flush)
}

// together does n things at once and returns the first error. Syncs that wait together cost the disk little more than one.
func together(n int, do func(i int) error) error {
	if n == 1 {
		return do(0)
	}
	const hands = 16
	var wait sync.WaitGroup
	errs := make([]error, min(n, hands))
	for hand := range errs {
		wait.Go(func() {
			for i := hand; i < n && errs[hand] == nil; i += hands {
				errs[hand] = do(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

package telemetry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// File is a log file that any number of processes write and rotate at once. Each Write is one line, and reaches the file
// whole. It never fails: what the file cannot take goes to Fallback.
type File struct {
	Path     string
	MaxBytes int64     // size at which the file is put aside, give or take a line of each process; 0: never
	Keep     int       // old files kept, as Path.1 (the youngest), Path.2 and so on
	Fallback io.Writer // nil: what the file cannot take is lost

	mu     sync.Mutex
	file   *os.File
	lock   *os.File // held shared while writing and alone while rotating; nil: no locks here
	ready  bool     // the directory and the lock file have been seen to
	warned bool
	closed bool
}

// Write appends a line. It always reports success, since a log that cannot be written must not stop the work.
func (f *File) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return len(line), nil
	}
	if err := f.write(line); err != nil {
		f.fallBack(line, err)
	} else {
		f.warned = false
	}
	return len(line), nil
}

// Close closes the file. Later lines are dropped.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	err := f.closeFile()
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
		f.lock = nil
	}
	return err
}

func (f *File) fallBack(line []byte, cause error) {
	if f.Fallback == nil {
		return
	}
	if !f.warned {
		f.warned = true
		fmt.Fprintf(f.Fallback, "level=WARN msg=\"the log file cannot be written; its lines follow here\" file=%q error=%q\n", f.Path, cause)
	}
	// There is nobody left to tell when this fails too.
	_, _ = f.Fallback.Write(line)
}

// write appends under the shared lock: as long as anybody holds it, nobody renames the file away.
func (f *File) write(line []byte) error {
	f.prepare()
	f.share()
	defer f.unlock()
	size, err := f.follow()
	if err != nil {
		return err
	}
	if f.MaxBytes > 0 && size > 0 && size+int64(len(line)) > f.MaxBytes {
		f.unlock()
		f.rotate(int64(len(line)))
		f.share()
		if _, err = f.follow(); err != nil {
			return err
		}
	}
	_, err = f.file.Write(line)
	return err
}

// follow makes sure that the open file is the one that has the name now, and returns its size.
func (f *File) follow() (int64, error) {
	if f.file != nil {
		named, err := os.Stat(f.Path)
		if err == nil {
			own, ownErr := f.file.Stat()
			if ownErr == nil && os.SameFile(own, named) {
				return named.Size(), nil
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		// Somebody has put it aside.
		if err := f.closeFile(); err != nil {
			return 0, err
		}
	}
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640) //nolint:gosec // the operators' group reads logs
	if err != nil {
		return 0, err
	}
	f.file = file
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// rotate puts the file aside unless somebody else did so first. When it cannot, the file grows on: a log that is too long
// is better than none.
func (f *File) rotate(room int64) {
	if f.lock != nil {
		_ = lockFile(f.lock, true)
		defer f.unlock()
	}
	named, err := os.Stat(f.Path)
	if err != nil || named.Size()+room <= f.MaxBytes {
		return
	}
	// Windows does not rename open files.
	if f.closeFile() != nil {
		return
	}
	if f.Keep == 0 {
		_ = os.Remove(f.Path)
		return
	}
	for n := f.Keep - 1; n >= 1; n-- {
		_ = os.Rename(f.old(n), f.old(n+1)) // most of the time there is none yet
	}
	_ = os.Rename(f.Path, f.old(1))
}

func (f *File) old(n int) string { return f.Path + "." + strconv.Itoa(n) }

func (f *File) closeFile() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// prepare makes the directory and opens the lock file. What fails here shows when the log file itself is opened, and when
// that goes well it did not matter.
func (f *File) prepare() {
	if f.ready {
		return
	}
	f.ready = true
	dir := filepath.Dir(f.Path)
	_ = os.MkdirAll(dir, 0o750)
	if f.MaxBytes == 0 {
		return
	}
	if lock, err := os.OpenFile(filepath.Join(dir, "."+filepath.Base(f.Path)+".lock"), os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		f.lock = lock
	}
}

// share takes the shared lock. Where there are no locks, as on some network file systems, lines still arrive whole; only a
// rotation may then take one with it.
func (f *File) share() {
	if f.lock != nil {
		_ = lockFile(f.lock, false)
	}
}

func (f *File) unlock() {
	if f.lock != nil {
		_ = unlockFile(f.lock)
	}
}

package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/openhostfactory/ohfp"
)

// File appends a line of JSON for each event. It opens the file anew for each batch, so that others may put it aside at
// any time, and syncs it to disk. After a crash the events of one batch may be there twice, the first time cut short.
type File struct {
	Path     string
	MaxBytes int64 // size at which the file is put aside; 0: never
	Keep     int   // files kept that were put aside, as Path.1 (the youngest), Path.2 and so on
}

var _ Sink = File{}

// Deliver appends the events.
func (s File) Deliver(_ context.Context, batch []ohfp.Event) (err error) {
	var text []byte
	for _, e := range batch {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event %d: %w", e.Sequence, err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o750); err != nil {
		return fmt.Errorf("make the directory of the file: %w", err)
	}
	if err := s.rotate(int64(len(text))); err != nil {
		return err
	}
	file, err := os.OpenFile(s.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640) //nolint:gosec // the operators' group reads it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' { // a process died while it wrote; what it wrote follows again
			text = append([]byte{'\n'}, text...)
		}
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// rotate puts the file aside when it would grow too large.
func (s File) rotate(room int64) error {
	if s.MaxBytes <= 0 {
		return nil
	}
	info, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Size() == 0 || info.Size()+room <= s.MaxBytes:
		return nil
	case s.Keep == 0:
		return os.Remove(s.Path)
	}
	for n := s.Keep - 1; n >= 1; n-- {
		if err := os.Rename(s.old(n), s.old(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(s.Path, s.old(1))
}

func (s File) old(n int) string { return s.Path + "." + strconv.Itoa(n) }

package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/openhostfactory/ohfp"
)

// What the first line of an archive says.
const (
	archiveFormat  = "ohfp-records"
	archiveVersion = 1
)

// Header is the first line of an archive. The lines after it are records, and the digest is of all of them.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	MadeAt  time.Time `json:"madeAt"`
	MadeOf  string    `json:"madeOf"` // the strategy and place of the store
	Summary
}

// Archive writes records into a file that only its owner may read. It appears whole or not at all, and is synced to disk; a file
// of that name is replaced. Of the header, only MadeAt and MadeOf are taken.
func Archive(ctx context.Context, path string, records Records, h Header) (Header, error) {
	header, err := archive(ctx, path, records, h)
	if err != nil && ohfp.KindOf(err) == nil && ctx.Err() == nil {
		err = ohfp.Errorf(ohfp.ErrUnavailable, "backup %s cannot be written: %w", path, err)
	}
	return header, err
}

func archive(ctx context.Context, path string, records Records, h Header) (Header, error) {
	body, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return Header{}, err
	}
	defer discard(body)
	out := bufio.NewWriterSize(body, 1<<20)
	t := newTally()
	err = records(ctx, func(r Record) error {
		line, err := t.add(r)
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return Header{}, err
	}
	h.Format, h.Version, h.MadeAt, h.Summary = archiveFormat, archiveVersion, h.MadeAt.UTC(), t.done()
	first, err := json.Marshal(h)
	if err != nil {
		return Header{}, fmt.Errorf("encode header: %w", err)
	}
	whole, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return Header{}, err
	}
	defer discard(whole)
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return Header{}, err
	}
	if _, err := io.Copy(whole, io.MultiReader(bytes.NewReader(append(first, '\n')), body)); err != nil {
		return Header{}, err
	}
	if err := whole.Sync(); err != nil {
		return Header{}, err
	}
	if err := os.Rename(whole.Name(), path); err != nil {
		return Header{}, err
	}
	return h, syncDir(filepath.Dir(path))
}

// discard closes and removes a file; one that was renamed is not there any more.
func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenArchive reads all of an archive and refuses one that is damaged, or that a newer program has written. Its records can then
// be read again and again.
func OpenArchive(path string) (Header, Records, error) {
	var h Header
	err := reading(path, func(in *bufio.Reader) error {
		var err error
		if h, err = readHeader(path, in); err != nil {
			return err
		}
		t := newTally()
		if err := lines(path, in, func(line []byte, r Record) error {
			t.count(r)
			_, _ = t.sum.Write(line) // never fails
			return nil
		}); err != nil {
			return err
		}
		if got := t.done(); got != h.Summary {
			return damaged(path, fmt.Errorf("its header tells of %s, %s and %s with %s, it has %d, %d and %d with %s",
				ohfp.Count(h.Requests, "request"), ohfp.Count(h.Machines, "machine"), ohfp.Count(h.Events, "event"), h.Digest, got.Requests, got.Machines, got.Events, got.Digest))
		}
		return nil
	})
	if err != nil {
		return Header{}, nil, err
	}
	return h, func(ctx context.Context, each func(Record) error) error {
		return reading(path, func(in *bufio.Reader) error {
			if _, err := readHeader(path, in); err != nil {
				return err
			}
			return lines(path, in, func(_ []byte, r Record) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return each(r)
			})
		})
	}, nil
}

func reading(path string, do func(in *bufio.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "backup cannot be read: %w", err)
	}
	defer f.Close()
	return do(bufio.NewReaderSize(f, 1<<20))
}

func readHeader(path string, in *bufio.Reader) (Header, error) {
	var h Header
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	switch {
	case err != nil || h.Format != archiveFormat:
		return h, ohfp.Errorf(ohfp.ErrInvalid, "%s is no backup: its first line does not say so; make one with ohfp storage backup", path)
	case h.Version > archiveVersion:
		return h, ohfp.Errorf(ohfp.ErrConflict, "backup %s was made by a newer ohfp (version %d, this one knows %d); upgrade ohfp", path, h.Version, archiveVersion)
	case h.Version < 1:
		return h, damaged(path, fmt.Errorf("its version is %d", h.Version))
	}
	return h, nil
}

// lines decodes each line. A record that this program does not know all fields of would lose something.
func lines(path string, in *bufio.Reader, each func(line []byte, r Record) error) error {
	for number := 2; ; number++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				return damaged(path, fmt.Errorf("line %d is cut off", number))
			}
			return nil
		}
		if err != nil {
			return ohfp.Errorf(ohfp.ErrUnavailable, "backup %s cannot be read: %w", path, err)
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var r Record
		if err := d.Decode(&r); err != nil {
			return damaged(path, fmt.Errorf("line %d: %w", number, err))
		}
		if err := each(line, r); err != nil {
			return err
		}
	}
}

func damaged(path string, err error) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "backup %s is damaged: %w; take another", path, err)
}

package jsonfile

import (
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"sync"
)

// headBegin is how many bytes at the beginning of store.json hold the sequence of writes, as this program lays it out.
const headBegin = 128

// sequenceIn finds it.
var sequenceIn = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // nothing changes it
	return regexp.MustCompile(`^\{\s*"format":\s*\d+,\s*"sequence":\s*(\d+)\s*[,}]`)
})

// Revision is a number that differs from an earlier one when anything was written in between, by whichever process: that of the
// last write, at the beginning of the file with whose replacement a write happens. ok is false when somebody has laid
// that file out otherwise.
func (s *Store) Revision(context.Context) (n int64, ok bool, err error) {
	f, err := os.Open(s.disk.path(headFile))
	if err != nil {
		return 0, false, s.fault(err)
	}
	defer f.Close()
	var begin [headBegin]byte
	size, err := io.ReadFull(f, begin[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, false, s.fault(err)
	}
	found := sequenceIn().FindSubmatch(begin[:size])
	if found == nil {
		return 0, false, nil
	}
	n, err = strconv.ParseInt(string(found[1]), 10, 64)
	return n, err == nil, nil // a number that is none is another layout
}

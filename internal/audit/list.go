package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
)

// Filter chooses entries. What is empty chooses all.
type Filter struct {
	Since     time.Time
	Caller    string
	Operation access.Operation
	Face      string
	Outcome   Outcome
	Subject   string
	Limit     int // of the newest; 0: all
}

func (f Filter) takes(e Entry) bool {
	return !e.At.Before(f.Since) && (f.Caller == "" || e.Caller == f.Caller) && (f.Operation == "" || e.Operation == f.Operation) &&
		(f.Face == "" || e.Face == f.Face) && (f.Outcome == "" || e.Outcome == f.Outcome) &&
		(f.Subject == "" || slices.Contains(e.Subjects, f.Subject))
}

// List reads the entries of a file, the newest first, and how many lines it could not read: one that was being written when
// the machine lost its power is cut off.
func List(path string, f Filter) (entries []Entry, unreadable int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, ohfp.Errorf(ohfp.ErrInvalid, "audit log cannot be read: %w; ask whoever runs the daemon", err)
	}
	defer file.Close()
	in := bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var e Entry
			switch {
			case json.Unmarshal(line, &e) != nil:
				unreadable++
			case f.takes(e):
				entries = append(entries, e)
			}
			if keep := 2 * f.Limit; f.Limit > 0 && len(entries) > keep {
				entries = slices.Clone(entries[len(entries)-f.Limit:])
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, ohfp.Errorf(ohfp.ErrUnavailable, "audit log cannot be read: %w", err)
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	slices.Reverse(entries)
	if f.Limit > 0 && len(entries) > f.Limit {
		entries = entries[:f.Limit]
	}
	return entries, unreadable, nil
}

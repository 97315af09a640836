package jsonfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// linesSuffix ends the names of files with one JSON value a line, to which lines are only added.
const linesSuffix = ".jsonl"

// eventFileBytes is the size at which a new file of events is begun.
const eventFileBytes = 4 << 20

func eventFile(first int64) string { return fmt.Sprintf("%s/%012d%s", eventDir, first, linesSuffix) }

// stageEvents numbers the events and returns what writes them behind those that are stored; nil without events.
func (tx *transaction) stageEvents() (func() error, error) {
	if len(tx.events) == 0 {
		return nil, nil //nolint:nilnil // nothing to do
	}
	l := &tx.next.Events
	if l.First == 0 || l.Size >= eventFileBytes {
		l.First, l.Size = l.Last+1, 0
	}
	var data []byte
	for _, e := range tx.events {
		l.Last++
		e = store.CopyEvent(e)
		e.Sequence = l.Last
		line, err := encode(e)
		if err != nil {
			return nil, err
		}
		data = append(append(data, line...), '\n')
	}
	name, at := eventFile(l.First), l.Size
	l.Size += int64(len(data))
	return func() error { return tx.extend(name, at, data) }, nil
}

// Events implements [store.Reader]. Stored events never change and new ones are only added, so what was read holds unless a
// compaction has written files anew meanwhile.
func (s *Store) Events(ctx context.Context, filter store.EventFilter) ([]ohfp.Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, s.fault(err)
		}
		v, err := s.disk.view()
		if err != nil {
			return nil, s.fault(err)
		}
		found, err := v.events(ctx, v.head.Events, filter)
		now, headErr := s.disk.head()
		if headErr != nil || now.Events.Rewritten == v.head.Events.Rewritten {
			return found, s.fault(err)
		}
	}
}

func (v *view) events(ctx context.Context, stored log, filter store.EventFilter) ([]ohfp.Event, error) {
	wanted, err := eventParts(filter)
	if err != nil {
		return nil, err
	}
	firsts, err := v.eventFiles(stored)
	if err != nil {
		return nil, err
	}
	var found []ohfp.Event
	for i, first := range firsts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i+1 < len(firsts) && firsts[i+1] <= filter.After+1 {
			continue
		}
		name := eventFile(first)
		data, err := v.eventData(first, stored)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(data) {
			if slices.ContainsFunc(wanted, func(part []byte) bool { return !bytes.Contains(line, part) }) {
				continue
			}
			e, err := decode[ohfp.Event](bytes.TrimSpace(line))
			if err != nil {
				return nil, v.damaged(name, err)
			}
			if e.Sequence <= filter.After || filter.Request != "" && e.Request != filter.Request ||
				filter.Machine != "" && e.Machine != filter.Machine {
				continue
			}
			if found = append(found, e); len(found) == filter.Limit {
				return found, nil
			}
		}
	}
	return found, nil
}

// eventData reads a file of stored events.
func (v *view) eventData(first int64, stored log) ([]byte, error) {
	name := eventFile(first)
	data, err := v.file(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, v.damaged(name, err)
	}
	if err != nil || first != stored.First {
		return data, err
	}
	if int64(len(data)) < stored.Size {
		return nil, v.damaged(name, fmt.Errorf("it has %d bytes, want %d", len(data), stored.Size))
	}
	return data[:stored.Size], nil
}

// eventParts are what a line must contain to be looked at. Decoding takes far longer than searching.
func eventParts(filter store.EventFilter) ([][]byte, error) {
	var parts [][]byte
	for _, id := range []string{string(filter.Request), string(filter.Machine)} {
		if id == "" {
			continue
		}
		part, err := encode(id)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// eventFiles lists the files of stored events by the sequence of their first.
func (v *view) eventFiles(stored log) ([]int64, error) {
	if stored.Last == 0 {
		return nil, nil
	}
	names, err := v.files(eventDir)
	if err != nil {
		return nil, err
	}
	firsts := []int64{stored.First}
	for _, name := range names {
		first, err := strconv.ParseInt(strings.TrimSuffix(path.Base(name), linesSuffix), 10, 64)
		if err == nil && first < stored.First {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

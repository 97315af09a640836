package jsonfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Inspect implements [store.Reader].
func (s *Store) Inspect(ctx context.Context) (found store.Inspection, err error) {
	err = s.look(ctx, func(v *view) error {
		found, err = v.inspect(ctx)
		return err
	})
	return found, err
}

func (v *view) inspect(ctx context.Context) (store.Inspection, error) {
	found := store.Inspection{Strategy: "json", Place: v.root, Schema: v.head.Format, Sequence: v.head.Events.Last}
	for _, dir := range []string{openDir, heldDir, doneDir} {
		err := v.each(ctx, []string{dir}, true, func(r *record) error {
			if r.request != nil {
				found.Requests++
				if dir == openDir {
					found.Unsettled++
				}
			}
			found.Machines += len(r.lines)
			if dir != doneDir {
				if err := v.decodeMachines(ctx, r); err != nil {
					return err
				}
				for _, m := range r.machines {
					if !m.Gone() {
						found.Live++
					}
				}
			}
			delete(v.records, r.id) // there may be more than fit
			return nil
		})
		if err != nil {
			return found, err
		}
	}
	templates, err := v.templates()
	if err != nil {
		return found, err
	}
	found.Templates = len(templates)
	firsts, err := v.eventFiles(v.head.Events)
	if err != nil {
		return found, err
	}
	for _, first := range firsts {
		data, err := v.eventData(first, v.head.Events)
		if err != nil {
			return found, err
		}
		found.Events += bytes.Count(data, []byte("\n"))
	}
	found.Bytes, err = v.size()
	return found, err
}

// size is what the files of the store have in them.
func (d disk) size() (bytes int64, err error) {
	err = filepath.WalkDir(d.root, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == backupDir {
			return fs.SkipDir
		}
		if err == nil && entry.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				bytes += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // put in its place just now
		}
		return err
	})
	return bytes, err
}

// Check implements [store.Reader]. What looks damaged while others write is looked at again, and only in the end with the
// store held.
func (s *Store) Check(ctx context.Context) error {
	for range retries {
		v, err := s.disk.view()
		if err != nil {
			return s.fault(err)
		}
		err = v.check(ctx)
		if err == nil || ctx.Err() != nil {
			return s.fault(err)
		}
		if now, headErr := s.disk.head(); headErr == nil && now.Sequence == v.head.Sequence {
			return s.fault(err)
		}
	}
	release, err := s.lock(ctx)
	if err != nil {
		return s.fault(err)
	}
	defer release()
	v, err := s.disk.view()
	if err != nil {
		return s.fault(err)
	}
	return s.fault(v.check(ctx))
}

// check reads every file, and compares what the head, the directories and the lookup files say with what is in the requests.
func (v *view) check(ctx context.Context) error {
	counted := head{}
	findable := map[string]map[ohfp.RequestID]bool{}
	if err := v.readLookups(ctx, findable); err != nil {
		return err
	}
	homes := map[ohfp.RequestID]string{}
	for _, dir := range []string{openDir, heldDir, doneDir} {
		err := v.each(ctx, []string{dir}, true, func(r *record) error {
			defer delete(v.records, r.id) // there may be more than fit
			if err := v.decodeMachines(ctx, r); err != nil {
				return err
			}
			counted.Live += live(dir)
			if r.request != nil {
				units, cost := r.counts()
				counted.count(r.request.Template.ID, r.request.Provider, units)
				counted.charge(r.request.Provider, cost)
			}
			if other, twice := homes[r.id]; twice {
				return v.damaged(r.file, fmt.Errorf("request %s is also in %s", r.id, other))
			}
			homes[r.id] = r.file
			return v.checkRecord(r, findable)
		})
		if err != nil {
			return err
		}
	}
	if counted.Live != v.head.Live || !reflect.DeepEqual(counted.used(), v.head.used()) {
		return v.damaged(headFile, fmt.Errorf("it counts %s and %v, but there are %d and %v",
			ohfp.Count(v.head.Live, "request"), v.head.used(), counted.Live, counted.used()))
	}
	return v.checkOthers(ctx)
}

func (v *view) checkRecord(r *record, findable map[string]map[ohfp.RequestID]bool) error {
	there := false
	for _, m := range r.machines {
		there = there || !m.Gone()
		for _, key := range []string{string(m.ID), m.Name} {
			if key != "" && !findable[key][r.id] {
				return v.damaged(lookupFile(key), fmt.Errorf("it does not say that %s is in request %s", key, r.id))
			}
		}
	}
	ended := r.request == nil || r.request.Status.Terminal()
	switch {
	case r.file != r.dir+"/"+fileName(string(r.id)):
		return v.damaged(r.file, fmt.Errorf("it is of request %s", r.id))
	case !ended && r.dir != openDir, r.dir == heldDir && !there, r.dir == doneDir && there:
		return v.damaged(r.file, fmt.Errorf("it is in the wrong directory: ended %t, with machines that are there %t", ended, there))
	}
	return nil
}

func (v *view) readLookups(ctx context.Context, findable map[string]map[ohfp.RequestID]bool) error {
	names, err := v.files(lookupDir)
	if err != nil {
		return err
	}
	for _, base := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := v.file(lookupDir + "/" + base)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(data) {
			pair, err := decode[[2]string](bytes.TrimSpace(line))
			if err != nil {
				continue // its writer was killed, and the machine not stored
			}
			if findable[pair[0]] == nil {
				findable[pair[0]] = map[ohfp.RequestID]bool{}
			}
			findable[pair[0]][ohfp.RequestID(pair[1])] = true
		}
	}
	return nil
}

// checkOthers reads what belongs to no request.
func (v *view) checkOthers(ctx context.Context) error {
	if _, err := v.templates(); err != nil {
		return err
	}
	if _, err := v.leases(); err != nil {
		return err
	}
	if err := v.memories(ctx, func(string, memory) {}); err != nil {
		return err
	}
	firsts, err := v.eventFiles(v.head.Events)
	if err != nil {
		return err
	}
	last := int64(0)
	for _, first := range firsts {
		data, err := v.eventData(first, v.head.Events)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(data) {
			e, err := decode[ohfp.Event](bytes.TrimSpace(line))
			if err != nil {
				return v.damaged(eventFile(first), err)
			}
			if e.Sequence <= last || e.Sequence < first || e.Sequence > v.head.Events.Last {
				return v.damaged(eventFile(first), fmt.Errorf("event %d follows event %d", e.Sequence, last))
			}
			last = e.Sequence
		}
	}
	return nil
}

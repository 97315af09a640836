package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// transaction collects what one write does, with the store to itself. Nothing of it is on disk before commit.
type transaction struct {
	*view
	next    head
	changed bool // the head itself differs
	placed  []placed
	removed []string
	events  []ohfp.Event
	found   []finding
}

type placed struct {
	name string
	data []byte
}

// write runs change with the store to itself and commits what it did, unless it returns an error.
func (s *Store) write(ctx context.Context, change func(tx *transaction) error) error {
	release, err := s.lock(ctx)
	if err != nil {
		return s.fault(err)
	}
	defer release()
	// Somebody may have upgraded the store since it was opened here: the head says.
	v, err := s.disk.view()
	if err != nil {
		return s.fault(err)
	}
	if err := v.finish(); err != nil {
		return s.fault(err)
	}
	if err := s.fenced(v); err != nil {
		return s.fault(err)
	}
	tx := &transaction{view: v, next: v.head}
	if err := change(tx); err != nil {
		return s.fault(err)
	}
	if err := ctx.Err(); err != nil {
		return s.fault(err)
	}
	return s.fault(tx.commit())
}

// finish does what is left of the last write, and clears away what one put aside that never happened.
func (v *view) finish() error {
	staged, err := v.list(stagedDir)
	if err != nil {
		return err
	}
	if len(staged) > 0 {
		for i, name := range v.head.Placed {
			file := v.head.staged(i)
			at := slices.Index(staged, path.Base(file))
			if at < 0 {
				continue
			}
			if err := v.rename(file, name); err != nil {
				return err
			}
			staged = slices.Delete(staged, at, at+1)
		}
		for _, name := range staged {
			if err := v.remove(path.Join(stagedDir, name)); err != nil {
				return err
			}
		}
	}
	for _, name := range v.head.Removed {
		if err := v.remove(name); err != nil {
			return err
		}
	}
	clear(v.moved)
	return nil
}

// place puts a file in the place of what was there.
func (tx *transaction) place(name string, data []byte) {
	tx.placed = append(tx.placed, placed{name, data})
}

func (tx *transaction) remove(name string) { tx.removed = append(tx.removed, name) }

// commit makes all of it happen, or nothing.
func (tx *transaction) commit() error {
	if len(tx.placed)+len(tx.removed)+len(tx.events) == 0 && !tx.changed {
		return nil
	}
	h := &tx.next
	h.Sequence++
	h.Placed, h.Removed = nil, tx.removed
	for _, p := range tx.placed {
		h.Placed = append(h.Placed, p.name)
	}
	if err := tx.stage(); err != nil {
		tx.discard()
		return err
	}
	if err := tx.putHead(*h); err != nil {
		if now, headErr := tx.disk.head(); headErr != nil || now.Sequence != h.Sequence {
			tx.discard()
		}
		return err
	}
	// It has happened. What fails from here on is left to whoever writes next; readers find the files where they are.
	for i, p := range tx.placed {
		if err := tx.rename(h.staged(i), p.name); err != nil {
			return nil //nolint:nilerr // see above
		}
	}
	for _, name := range tx.removed {
		if err := tx.disk.remove(name); err != nil {
			return nil //nolint:nilerr // see above
		}
	}
	return nil
}

// stage puts everything aside, so that it stays whatever happens to the machine.
func (tx *transaction) stage() error {
	writes := make([]func() error, 0, len(tx.placed)+4)
	for i, p := range tx.placed {
		writes = append(writes, func() error { return tx.create(tx.next.staged(i), p.data) })
	}
	dirs := []string{stagedDir}
	events, err := tx.stageEvents()
	if err != nil {
		return err
	}
	if events != nil {
		writes, dirs = append(writes, events), append(dirs, eventDir)
	}
	lookups, err := tx.stageFindings()
	if err != nil {
		return err
	}
	if len(lookups) > 0 {
		writes, dirs = append(writes, lookups...), append(dirs, lookupDir)
	}
	writes = append(writes, func() error { return tx.stageHead(tx.next) })
	// What the write before this one moved is remembered by the head that is about to go.
	for _, name := range append(slices.Clone(tx.head.Placed), tx.head.Removed...) {
		dirs = append(dirs, path.Dir(name))
	}
	if err := together(len(writes), func(i int) error { return writes[i]() }); err != nil {
		return err
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	return together(len(dirs), func(i int) error { return tx.sync(dirs[i]) })
}

// discard removes what was put aside in vain. What cannot be removed, whoever writes next removes.
func (tx *transaction) discard() {
	for i := range tx.placed {
		_ = tx.disk.remove(tx.next.staged(i))
	}
	_ = tx.disk.remove(tx.next.stagedSelf())
}

// record returns a request with the machines in its file, decoded, or nil.
func (tx *transaction) record(ctx context.Context, id ohfp.RequestID) (*record, error) {
	r, err := tx.whole(id)
	if r == nil || err != nil {
		return nil, err
	}
	return r, tx.decodeMachines(ctx, r)
}

// decodeMachines decodes the machines of a record, and names the file when that fails.
func (d disk) decodeMachines(ctx context.Context, r *record) error {
	err := r.decodeMachines(ctx)
	if err != nil && ctx.Err() == nil {
		return d.damaged(r.file, err)
	}
	return err
}

// known takes over records that were read before the store was held, if they are still the same.
func (tx *transaction) known(records []*record) error {
	for _, r := range records {
		if !r.all {
			continue
		}
		data, _, err := tx.readUntil(r.file, func(data []byte) bool { return headEnd(data) > 0 })
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		now, err := decodeRecord(data, headEnd(data) < 0)
		if err != nil {
			return tx.damaged(r.file, err)
		}
		if now.version == r.version && now.id == r.id {
			tx.records[r.id] = r
		}
	}
	return nil
}

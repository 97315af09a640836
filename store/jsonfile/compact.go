package jsonfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// What one transaction of a compaction removes at most, so that it takes some ten milliseconds. A request is removed as a
// whole, whatever it has.
const (
	compactRequests = 100
	compactMachines = 1000
)

// Compact implements [store.Store]. Files of events and lookup files are written anew without what belongs to requests that
// are not there, also when the compaction that removed those was interrupted.
func (s *Store) Compact(ctx context.Context, before time.Time) (done store.Compacted, err error) {
	var old []ohfp.RequestID
	err = s.look(ctx, func(v *view) error {
		old = old[:0]
		return v.each(ctx, []string{doneDir}, false, func(r *record) error {
			if r.request != nil && !r.request.CompletedAt.IsZero() && r.request.CompletedAt.Before(before) {
				old = append(old, r.id)
			}
			delete(v.records, r.id) // there may be more than fit
			return nil
		})
	})
	for err == nil && len(old) > 0 {
		var seen int
		seen, err = s.removeRequests(ctx, old[:min(len(old), compactRequests)], before, &done)
		old = old[seen:]
	}
	if err == nil {
		err = s.rewriteEvents(ctx, &done)
	}
	if err == nil {
		err = s.rewriteLookups(ctx)
	}
	if err == nil {
		err = s.sweep(ctx, before, &done)
	}
	return done, err
}

// removeRequests removes those of the requests that may go, and says how many of them it has looked at.
func (s *Store) removeRequests(ctx context.Context, ids []ohfp.RequestID, before time.Time, done *store.Compacted) (seen int, err error) {
	var now store.Compacted
	err = s.write(ctx, func(tx *transaction) error {
		c := compaction{transaction: tx}
		c.keep = store.Retention{Before: before, Return: func(id ohfp.RequestID) (ohfp.Request, bool, error) { return c.request(ctx, id) }}
		err := tx.each(ctx, []string{openDir}, false, func(r *record) error {
			if r.request != nil {
				c.keep.Follow(*r.request)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if seen++; now.Machines > compactMachines {
				return nil
			}
			if err := c.removeRequest(ctx, id, &now); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		done.Requests += now.Requests
		done.Machines += now.Machines
	}
	return seen, err
}

// compaction is a transaction that removes requests.
type compaction struct {
	*transaction
	keep store.Retention
}

// request is a request with its machines, if it exists.
func (c compaction) request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, bool, error) {
	r, err := c.record(ctx, id)
	if err != nil || r == nil || r.request == nil {
		return ohfp.Request{}, false, err
	}
	full, err := c.current(ctx, r)
	return full, true, err
}

func (c compaction) removeRequest(ctx context.Context, id ohfp.RequestID, now *store.Compacted) error {
	full, ok, err := c.request(ctx, id)
	if err != nil || !ok {
		return err
	}
	if gone, err := c.keep.Removes(full); err != nil || !gone {
		return err
	}
	r := c.records[id]
	now.Requests++
	now.Machines += len(r.machines)
	c.remove(r.file)
	for _, launched := range r.from {
		if err := c.removeOrphans(ctx, launched, id, now); err != nil {
			return err
		}
	}
	return nil
}

// removeOrphans removes the machines of a return that is removed whose own request is not in the store: they were found in
// the cloud when they were given back.
func (c compaction) removeOrphans(ctx context.Context, launched, back ohfp.RequestID, now *store.Compacted) error {
	r, err := c.record(ctx, launched)
	if err != nil || r == nil || r.request != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(r.machines), func(m ohfp.Machine) bool { return m.Return == back })
	if len(kept) == len(r.machines) {
		return nil
	}
	now.Machines += len(r.machines) - len(kept)
	if len(kept) == 0 {
		r.machines, r.lines = nil, nil
		c.remove(r.file)
		return nil
	}
	r.version++
	r.machines, r.lines, r.index = kept, make([][]byte, len(kept)), nil
	data, err := r.encode()
	if err != nil {
		return err
	}
	c.place(r.file, data)
	return nil
}

// requestFiles are the names of the files of requests.
func (v *view) requestFiles() (map[string]bool, error) {
	known := map[string]bool{}
	for _, dir := range []string{openDir, heldDir, doneDir} {
		names, err := v.files(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			known[name] = true
		}
	}
	return known, nil
}

// rewriteEvents takes the events of removed requests out of the files that have any.
func (s *Store) rewriteEvents(ctx context.Context, done *store.Compacted) error {
	v, err := s.disk.view()
	if err != nil {
		return s.fault(err)
	}
	firsts, err := v.eventFiles(v.head.Events)
	if err != nil {
		return s.fault(err)
	}
	for _, first := range firsts {
		removed := 0
		err := s.write(ctx, func(tx *transaction) error {
			data, err := tx.eventData(first, tx.head.Events)
			if err != nil {
				return err
			}
			known, err := tx.requestFiles()
			if err != nil {
				return err
			}
			var kept []byte
			for line := range bytes.Lines(data) {
				e, err := decode[struct {
					Request ohfp.RequestID `json:"requestId"`
				}](bytes.TrimSpace(line))
				if err != nil {
					return tx.damaged(eventFile(first), err)
				}
				if e.Request == "" || known[fileName(string(e.Request))] {
					kept = append(kept, line...)
				} else {
					removed++
				}
			}
			if removed == 0 {
				return nil
			}
			tx.next.Events.Rewritten++
			current := first == tx.head.Events.First
			if current {
				tx.next.Events.Size = int64(len(kept))
			}
			if len(kept) == 0 && !current {
				tx.remove(eventFile(first))
				return nil
			}
			tx.place(eventFile(first), kept)
			return nil
		})
		if err != nil {
			return err
		}
		done.Events += removed
	}
	return nil
}

// rewriteLookups takes the lines that lead to removed requests out of the lookup files.
func (s *Store) rewriteLookups(ctx context.Context) error {
	names, err := s.disk.list(lookupDir)
	if err != nil {
		return s.fault(err)
	}
	for _, base := range names {
		name := lookupDir + "/" + base
		err := s.write(ctx, func(tx *transaction) error {
			data, err := tx.file(name)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			known, err := tx.requestFiles()
			if err != nil {
				return err
			}
			var kept []byte
			for line := range bytes.Lines(data) {
				pair, err := decode[[2]ohfp.RequestID](bytes.TrimSpace(line))
				if err == nil && known[fileName(string(pair[1]))] {
					kept = append(append(kept, '\n'), bytes.TrimSpace(line)...)
				}
			}
			if len(kept) < len(data) {
				tx.place(name, kept)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what has expired.
func (s *Store) sweep(ctx context.Context, before time.Time, done *store.Compacted) error {
	var memories, lapsed int
	err := s.write(ctx, func(tx *transaction) error {
		now := s.now()
		if err := tx.memories(ctx, func(name string, m memory) {
			if !now.Before(m.Expires) {
				tx.remove(name)
				memories++
			}
		}); err != nil {
			return err
		}
		list, err := tx.leases()
		if err != nil {
			return err
		}
		count := len(list.Leases)
		list.Leases = slices.DeleteFunc(list.Leases, func(l store.Lease) bool { return !l.Held(now) && l.Until.Before(before) })
		if lapsed = count - len(list.Leases); lapsed == 0 {
			return nil
		}
		data, err := encodeIndented(list)
		if err != nil {
			return err
		}
		tx.place(leaseFile, data)
		return nil
	})
	if err == nil {
		done.Memories, done.Leases = memories, lapsed
	}
	return err
}

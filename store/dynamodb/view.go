package dynamodb

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// errMoved says that the store has moved on so far that what a view shows can no longer be read: begin again.
var errMoved = errors.New("the store has moved on")

// view is the store as it was after one entry of the log, the newest when the view was made. What is read from items is
// corrected by that entry, which may not be applied to them yet. An item that a later entry has written moves the view
// on to that entry, with everything that was read before corrected by the entries in between.
type view struct {
	s      *Store
	made   time.Time
	tail   *entry // nil in an empty store
	heads  map[ohfp.RequestID]*head
	groups map[*head][][]ohfp.Machine
	fresh  map[ohfp.RequestID]*head     // by the entries that this view has read from the log
	kept   map[ohfp.TemplateID]template // likewise
	lists  map[string]*listing          // by partition
	stale  bool                         // a head that was read has changed since, by an entry that the view moved on to
}

func (v *view) number() int64 {
	if v.tail == nil {
		return 0
	}
	return v.tail.number
}

// root is what is true of the store as a whole.
func (v *view) root() root {
	if v.tail == nil {
		return root{}
	}
	return v.tail.root
}

// view looks at the store as it is now.
func (s *Store) view(ctx context.Context) (*view, error) {
	v := &view{
		s: s, made: s.now(), heads: map[ohfp.RequestID]*head{}, groups: map[*head][][]ohfp.Machine{}, fresh: map[ohfp.RequestID]*head{},
		kept: map[ohfp.TemplateID]template{}, lists: map[string]*listing{},
	}
	err := s.table.query(ctx, span{partition: logPartition, backwards: true, limit: 1}, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			e, err := entryOf(i)
			if err != nil {
				return false, err
			}
			if err := e.complete(ctx, &s.table); err != nil {
				return false, err
			}
			v.take(e)
		}
		return false, nil
	})
	return v, err
}

// take moves the view on to the entry after its own.
func (v *view) take(e *entry) {
	v.tail = e
	if newest := &v.s.newest; newest.Load() < e.number {
		newest.Store(e.number)
	}
	for _, h := range e.heads {
		if _, read := v.heads[h.id]; read {
			v.stale = true
		}
		v.heads[h.id], v.fresh[h.id] = h, h
		if h.removed {
			v.heads[h.id] = nil
		}
	}
	for _, t := range e.templates {
		v.kept[t.id] = t
	}
}

// later reads the entries after the view's own, in order, until each returns false.
func (v *view) later(ctx context.Context, each func(e *entry) (bool, error)) error {
	from := place(0, 0)
	if v.tail != nil {
		from = place(v.tail.last, v.tail.number+1)
	}
	next := v.number() + 1
	return v.s.table.query(ctx, span{partition: logPartition, from: from}, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			e, err := entryOf(i)
			if err != nil {
				return false, err
			}
			if e.number != next || i.flag("cleared") {
				return false, errMoved
			}
			next++
			if err := e.complete(ctx, &v.s.table); err != nil {
				return false, err
			}
			if more, err := each(e); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	})
}

// reach moves the view on to an entry that is known to exist.
func (v *view) reach(ctx context.Context, number int64) error {
	if number <= v.number() {
		return nil
	}
	err := v.later(ctx, func(e *entry) (bool, error) {
		v.take(e)
		return e.number < number, nil
	})
	if err == nil && v.number() < number {
		return errMoved
	}
	return err
}

// load reads heads that were not read yet.
func (v *view) load(ctx context.Context, ids ...ohfp.RequestID) error {
	var keys []key
	var wanted []ohfp.RequestID
	for _, id := range ids {
		if _, read := v.heads[id]; !read && id != "" {
			keys, wanted = append(keys, headKey(id)), append(wanted, id)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := v.s.table.getAll(ctx, keys)
	if err != nil {
		return err
	}
	newest := v.number()
	for _, i := range found {
		newest = max(newest, i.number("n"))
	}
	if err := v.reach(ctx, newest); err != nil {
		return err
	}
	for at, id := range wanted {
		if _, overtaken := v.heads[id]; overtaken {
			continue
		}
		v.heads[id] = nil
		if i, ok := found[keys[at]]; ok {
			v.heads[id] = headOf(i)
		}
	}
	return nil
}

// owned reads the machines of a head, in the groups that they are kept in.
func (v *view) owned(ctx context.Context, heads ...*head) error {
	var keys []key
	var wanted []*head
	for _, h := range heads {
		if _, read := v.groups[h]; read || h == nil {
			continue
		}
		wanted = append(wanted, h)
		v.groups[h] = nil
		for _, name := range h.chunks {
			keys = append(keys, chunkKey(h.id, name))
		}
	}
	chunks, err := v.s.table.getAll(ctx, keys)
	if err != nil {
		return err
	}
	type place struct {
		h     *head
		group int
	}
	var places []place
	var packed [][]byte
	for _, h := range wanted {
		v.groups[h] = make([][]ohfp.Machine, max(len(h.chunks), min(len(h.held), 1)))
		if len(h.held) > 0 {
			places, packed = append(places, place{h, 0}), append(packed, h.held)
		}
		for at, name := range h.chunks {
			chunk, ok := chunks[chunkKey(h.id, name)]
			if !ok {
				return errMoved
			}
			places, packed = append(places, place{h, at}), append(packed, chunk.bytes("held"))
		}
	}
	decoded := make([][]ohfp.Machine, len(packed))
	err = atOnce(ctx, len(packed), runtime.GOMAXPROCS(0), func(at int) (err error) {
		decoded[at], err = unpackMachines(packed[at])
		return err
	})
	for at, p := range places {
		v.groups[p.h][p.group] = decoded[at]
	}
	return err
}

// record reads a request without its machines. The head must be there.
func (v *view) record(ctx context.Context, h *head) (ohfp.Request, error) {
	packed := h.doc
	if len(h.docs) > 0 {
		keys := make([]key, len(h.docs))
		for at, name := range h.docs {
			keys[at] = chunkKey(h.id, name)
		}
		found, err := v.s.table.getAll(ctx, keys)
		if err != nil {
			return ohfp.Request{}, err
		}
		packed = nil
		for _, k := range keys {
			piece, ok := found[k]
			if !ok {
				return ohfp.Request{}, errMoved
			}
			packed = append(packed, piece.bytes("doc")...)
		}
	}
	r, err := unpack[ohfp.Request](packed)
	r.Version = h.version
	return r, err
}

// request reads a request with its machines.
func (v *view) request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	if err := v.load(ctx, id); err != nil {
		return ohfp.Request{}, err
	}
	h := v.heads[id]
	if h == nil || !h.there {
		return ohfp.Request{}, ohfp.Errorf(ohfp.ErrNotFound, "request %s is not in the store", id)
	}
	r, err := v.record(ctx, h)
	if err != nil {
		return ohfp.Request{}, err
	}
	err = v.addMachines(ctx, &r)
	return r, err
}

// addMachines gives a request its machines.
func (v *view) addMachines(ctx context.Context, r *ohfp.Request) error {
	h := v.heads[r.ID]
	if r.Type != ohfp.TypeReturn {
		if err := v.owned(ctx, h); err != nil {
			return err
		}
		r.Machines = slices.Concat(v.groups[h]...)
		store.SortMachines(r.Machines)
		return nil
	}
	all, err := v.machinesOf(ctx, h.from, func(m ohfp.Machine) bool { return m.Return == r.ID })
	if err != nil {
		return err
	}
	r.Machines = all
	if len(r.Also) > 0 {
		others, err := v.find(ctx, r.Also)
		if err != nil {
			return err
		}
		for _, m := range others {
			if m.Return != r.ID {
				r.Machines = append(r.Machines, m)
			}
		}
	}
	store.SortMachines(r.Machines)
	return nil
}

// machinesOf reads the machines that requests launched and that are wanted.
func (v *view) machinesOf(ctx context.Context, ids []ohfp.RequestID, wanted func(ohfp.Machine) bool) ([]ohfp.Machine, error) {
	if err := v.load(ctx, ids...); err != nil {
		return nil, err
	}
	heads := make([]*head, 0, len(ids))
	seen := make(map[ohfp.RequestID]bool, len(ids))
	for _, id := range ids {
		if h := v.heads[id]; h != nil && !seen[id] {
			seen[id] = true
			heads = append(heads, h)
		}
	}
	if err := v.owned(ctx, heads...); err != nil {
		return nil, err
	}
	var found []ohfp.Machine
	for _, h := range heads {
		for _, group := range v.groups[h] {
			for _, m := range group {
				if wanted(m) {
					found = append(found, m)
				}
			}
		}
	}
	return found, nil
}

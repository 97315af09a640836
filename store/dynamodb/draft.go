package dynamodb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// draft is a write that has been decided on one view of the store and is not in the log yet.
type draft struct {
	tx        string
	heads     []*head
	moved     []bool
	gone      []string
	templates []template
	events    []ohfp.Event
	strays    []ohfp.MachineID                         // see [told]
	used      []func(used store.Usage)                 // what it does to what counts
	check     func(used store.Usage) error             // of limits
	root      func(now *root) error                    // what else it does to the store as a whole
	again     func(ctx context.Context, v *view) error // that machines which were not known are still not known

	read   map[ohfp.RequestID]bool  // a commit that touches one of these makes the draft void
	about  map[ohfp.TemplateID]bool // likewise
	chunks []item                   // to be written before the commit
	hints  map[key]map[ohfp.RequestID]bool
	old    []key // chunks that may be removed
}

func (s *Store) newDraft(events []ohfp.Event) *draft {
	d := &draft{
		tx: newTx(s.now()), read: map[ohfp.RequestID]bool{}, about: map[ohfp.TemplateID]bool{},
		hints: map[key]map[ohfp.RequestID]bool{},
	}
	for _, e := range events {
		e = store.CopyEvent(e)
		e.Sequence = 0 // set when it is known
		d.events = append(d.events, e)
	}
	return d
}

// newTx names a commit: the time, so that what was left by those that never came can be told by its age, and chance.
func newTx(now time.Time) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%013d", now.UnixMilli()) + "-" + hex.EncodeToString(b[:])
}

// touches says whether a commit changed something that the draft was decided on.
func (d *draft) touches(e *entry) bool {
	return slices.ContainsFunc(e.heads, func(h *head) bool { return d.read[h.id] }) ||
		slices.ContainsFunc(e.templates, func(t template) bool { return d.about[t.id] })
}

// editor makes the heads of a draft.
type editor struct {
	v     *view
	d     *draft
	open  map[ohfp.RequestID]*edit
	order []ohfp.RequestID
}

// edit begins to change a head, which has been loaded with its machines.
func (e *editor) edit(id ohfp.RequestID) *edit {
	if known, ok := e.open[id]; ok {
		return known
	}
	made := &edit{before: e.v.heads[id]}
	if made.before != nil {
		made.head = *made.before
		made.from = slices.Clone(made.from)
		made.retired = slices.Clone(made.retired)
		for _, group := range e.v.groups[made.before] {
			made.groups = append(made.groups, slices.Clone(group))
		}
		made.changed = make([]bool, len(made.groups))
	} else {
		made.head = head{row: row{id: id, created: stamp(time.Time{})}}
	}
	e.open[id] = made
	e.order = append(e.order, id)
	e.d.read[id] = true
	return made
}

// draftOf decides what a change of a request writes.
func (s *Store) draftOf(ctx context.Context, v *view, c store.Change) (*draft, error) {
	d := s.newDraft(c.Events)
	d.read[c.Request.ID] = true
	d.strays = strays(c)
	unread := func(ctx context.Context, v *view) error { return over(ctx, v, &c) }
	if len(c.Unread) > 0 {
		if err := unread(ctx, v); err != nil {
			return nil, err
		}
		d.again = unread
	}
	touched := append([]ohfp.RequestID{c.Request.ID}, c.Others...)
	for _, m := range c.Machines {
		touched = append(touched, m.Request, m.Return)
	}
	slices.Sort(touched)
	touched = slices.Compact(touched)
	if err := v.load(ctx, touched...); err != nil {
		return nil, err
	}
	var heads []*head
	for _, id := range touched {
		if h := v.heads[id]; h != nil {
			heads = append(heads, h)
		}
	}
	if err := v.owned(ctx, heads...); err != nil {
		return nil, err
	}

	e := &editor{v: v, d: d, open: map[ohfp.RequestID]*edit{}}
	own := e.edit(c.Request.ID)
	own.there, own.version = true, c.Request.Version+1
	own.request = &c.Request
	for _, m := range c.Machines {
		m = store.CopyMachine(m)
		m.Version++
		d.hintAt(m, e)
		e.edit(m.Request).place(m)
		if m.Return != "" {
			if back := e.v.heads[m.Return]; back == nil || e.open[m.Return] != nil || !slices.Contains(back.from, m.Request) {
				if r := e.edit(m.Return); !slices.Contains(r.from, m.Request) {
					r.from = append(r.from, m.Request)
				}
			}
		}
	}
	for _, id := range c.Others {
		if h := v.heads[id]; h != nil && h.there {
			e.edit(id).version++
		}
	}
	return d, e.finish(ctx, s.now())
}

// over makes sure that machines of a change which did not come with its request are as the change has them.
func over(ctx context.Context, v *view, c *store.Change) error {
	ids := make([]ohfp.MachineID, len(c.Unread))
	for i, m := range c.Unread {
		ids[i] = m.ID
	}
	found, err := v.find(ctx, ids)
	if err != nil {
		return err
	}
	stored := make(map[string]ohfp.Machine, len(found))
	for _, m := range found {
		stored[placeKey(m)] = m
	}
	for _, m := range c.Unread {
		was, exists := stored[placeKey(m)]
		if err := c.Over(m, was, exists); err != nil {
			return err
		}
	}
	return nil
}

// hintAt notes what a machine is to be found by, if that is new.
func (d *draft) hintAt(m ohfp.Machine, e *editor) {
	o := e.edit(m.Request)
	at, known := o.find(m)
	add := func(k key) {
		if d.hints[k] == nil {
			d.hints[k] = map[ohfp.RequestID]bool{}
		}
		d.hints[k][m.Request] = true
	}
	if !known {
		add(machineKey(m.ID))
	}
	if m.Name != "" && (!known || o.groups[at.group][at.index].Name != m.Name) {
		add(nameKey(m.Name))
	}
}

// finish works out what follows from the changes for each head, and packs them.
func (e *editor) finish(ctx context.Context, now time.Time) error {
	d := e.d
	for _, id := range e.order {
		o := e.open[id]
		if !o.removed {
			o.sweep(d, now)
		}
		if err := o.pack(d); err != nil {
			return err
		}
		if o.there {
			if err := e.weigh(ctx, o); err != nil {
				return err
			}
		} else {
			o.empty(d)
		}
		if before := o.before; before != nil {
			d.used = append(d.used, func(used store.Usage) { discount(used, before) })
		}
		after := o.head
		d.used = append(d.used, func(used store.Usage) { count(used, &after) })
		gone := ""
		if o.before != nil && o.before.listKey() != o.listKey() {
			gone = o.before.listKey()
		}
		d.heads, d.gone = append(d.heads, &after), append(d.gone, gone)
		d.moved = append(d.moved, o.before == nil || o.before.row != o.row)
	}
	return nil
}

// empty leaves of a head what others need: machines, and where those of a return are.
func (e *edit) empty(d *draft) {
	e.retire(d, e.docs)
	e.version, e.units, e.cost, e.with, e.doc, e.docs = 0, 0, ohfp.Cost{}, "", nil, nil
	e.kind, e.status, e.template, e.settled = "", "", "", false
}

// weigh works out the row of a request and what it counts.
func (e *editor) weigh(ctx context.Context, o *edit) error {
	var r ohfp.Request
	if o.request != nil {
		r = *o.request
	} else {
		var err error
		if r, err = e.v.record(ctx, o.before); err != nil {
			return err
		}
	}
	r.Machines = slices.Concat(o.groups...)
	o.units, o.cost, o.with = store.Units(r), store.CostOf(r), r.Provider
	if r.Type == ohfp.TypeReturn {
		// What it only follows does not unsettle it.
		var err error
		if r.Machines, err = e.returned(ctx, r.ID, o.from); err != nil {
			return err
		}
	}
	o.kind, o.status, o.template, o.created = r.Type, r.Status, r.Template.ID, stamp(r.CreatedAt)
	o.settled = r.Settled()
	return nil
}

// returned are the machines of a return as they will be.
func (e *editor) returned(ctx context.Context, id ohfp.RequestID, from []ohfp.RequestID) ([]ohfp.Machine, error) {
	if err := e.v.load(ctx, from...); err != nil {
		return nil, err
	}
	var found []ohfp.Machine
	for _, origin := range from {
		e.d.read[origin] = true
		var groups [][]ohfp.Machine
		if o := e.open[origin]; o != nil {
			groups = o.groups
		} else if h := e.v.heads[origin]; h != nil {
			if err := e.v.owned(ctx, h); err != nil {
				return nil, err
			}
			groups = e.v.groups[h]
		}
		for _, group := range groups {
			for _, m := range group {
				if m.Return == id {
					found = append(found, m)
				}
			}
		}
	}
	return found, nil
}

var errVoid = errors.New("somebody else was faster")

package jsonfile

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// save writes a change: the request, the machines that differ, the events, and what follows for other requests.
func (tx *transaction) save(ctx context.Context, c store.Change) error {
	if err := tx.check(ctx, &c); err != nil {
		return err
	}
	w := &writing{transaction: tx, before: map[ohfp.RequestID]standing{}}
	own, err := w.open(ctx, c.Request.ID)
	if err != nil {
		return err
	}
	request := store.CopyRequest(c.Request)
	request.Machines = nil
	own.request = &request
	for _, m := range c.Machines {
		if err := w.machine(ctx, m); err != nil {
			return err
		}
	}
	for _, id := range c.Others {
		if _, err := w.existing(ctx, id); err != nil {
			return err
		}
	}
	for id := range w.before {
		r := w.records[id]
		r.version++
		if r.request != nil {
			r.request.Version = r.version
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.before)) {
		if err := w.put(ctx, w.records[id], c.Request); err != nil {
			return err
		}
	}
	tx.events = append(tx.events, c.Events...)
	return nil
}

// check makes sure that the machines of a change that did not come with its request are as the change has them.
func (tx *transaction) check(ctx context.Context, c *store.Change) error {
	missing := map[machineKey]ohfp.Machine{}
	for _, m := range c.Unread {
		r, err := tx.record(ctx, m.Request)
		if err != nil {
			return err
		}
		key := machineKey{m.Provider, m.ID}
		if r == nil || r.find(key) < 0 {
			missing[key] = m
			continue
		}
		if err := c.Over(m, r.machines[r.find(key)], true); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	keys := make([]string, 0, len(missing))
	for key := range missing {
		keys = append(keys, string(key.id))
	}
	ids, err := tx.lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := tx.record(ctx, id)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		for key, m := range missing {
			if i := r.find(key); i >= 0 {
				return c.Over(m, r.machines[i], true) // of another request, which is refused
			}
		}
	}
	for _, m := range missing {
		if err := c.Over(m, ohfp.Machine{}, false); err != nil {
			return err
		}
	}
	return nil
}

// writing is the part of a transaction that changes requests.
type writing struct {
	*transaction
	before map[ohfp.RequestID]standing // of the records that are written
}

// standing is what the head counts of a record.
type standing struct {
	file     string
	dir      string
	template ohfp.TemplateID
	provider string
	units    int
	cost     ohfp.Cost
}

// existing opens a record for writing, if it exists.
func (w *writing) existing(ctx context.Context, id ohfp.RequestID) (*record, error) {
	r, err := w.record(ctx, id)
	if r == nil || err != nil {
		return nil, err
	}
	if _, ok := w.before[id]; !ok {
		was := standing{file: r.file, dir: r.dir}
		if r.request != nil && r.dir != "" {
			was.template, was.provider = r.request.Template.ID, r.request.Provider
			was.units, was.cost = r.counts()
		}
		w.before[id] = was
	}
	return r, nil
}

// open opens a record for writing, a new one if it does not exist.
func (w *writing) open(ctx context.Context, id ohfp.RequestID) (*record, error) {
	r, err := w.existing(ctx, id)
	if r == nil && err == nil {
		r = &record{id: id, all: true, decoded: true}
		w.records[id] = r
		w.before[id] = standing{}
	}
	return r, err
}

// machine writes a machine into the record of the request that launched it.
func (w *writing) machine(ctx context.Context, m ohfp.Machine) error {
	m = store.CopyMachine(m)
	m.Version++
	r, err := w.open(ctx, m.Request)
	if err != nil {
		return err
	}
	i := r.find(machineKey{m.Provider, m.ID})
	if i < 0 {
		w.found = append(w.found, finding{string(m.ID), m.Request})
	}
	if m.Name != "" && (i < 0 || r.machines[i].Name != m.Name) {
		w.found = append(w.found, finding{m.Name, m.Request})
	}
	r.put(m)
	if m.Return == "" {
		return nil
	}
	back, err := w.open(ctx, m.Return)
	if err == nil && !slices.Contains(back.from, m.Request) {
		back.from = append(back.from, m.Request)
	}
	return err
}

// put encodes a record and keeps account of it.
func (w *writing) put(ctx context.Context, r *record, changed ohfp.Request) error {
	settled := false
	if r.request != nil && r.request.Status.Terminal() {
		full := *r.request
		if r.id == changed.ID {
			full.Machines = changed.Machines
		} else if err := w.complete(ctx, r, &full); err != nil {
			return err
		}
		settled = full.Settled()
	}
	dir := r.home(settled)
	file := dir + "/" + fileName(string(r.id))
	was := w.before[r.id]
	if was.file != "" && was.file != file {
		w.remove(was.file)
	}
	data, err := r.encode()
	if err != nil {
		return err
	}
	w.place(file, data)
	r.dir, r.file = dir, file

	w.next.Live += live(dir) - live(was.dir)
	w.next.count(was.template, was.provider, -was.units)
	w.next.charge(was.provider, ohfp.Cost{}.Minus(was.cost))
	if r.request != nil {
		units, cost := r.counts()
		w.next.count(r.request.Template.ID, r.request.Provider, units)
		w.next.charge(r.request.Provider, cost)
	}
	return nil
}

// complete gives a request its machines as they are in the transaction.
func (w *writing) complete(ctx context.Context, r *record, full *ohfp.Request) error {
	records, err := w.gather(ctx, r)
	if err != nil {
		return err
	}
	full.Machines, err = w.machinesOf(ctx, *full, records)
	return err
}

package jsonfile

import (
	"bytes"
	"context"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// machinesOf picks the machines of a request from the records that they are in.
func (d disk) machinesOf(ctx context.Context, r ohfp.Request, records []*record) ([]ohfp.Machine, error) {
	var also map[ohfp.MachineID]bool
	if len(r.Also) > 0 {
		also = make(map[ohfp.MachineID]bool, len(r.Also))
		for _, id := range r.Also {
			also[id] = true
		}
	}
	var found []ohfp.Machine
	for _, rec := range records {
		if err := d.decodeMachines(ctx, rec); err != nil {
			return nil, err
		}
		if r.Type != ohfp.TypeReturn {
			found = append(found, rec.machines...)
			continue
		}
		for _, m := range rec.machines {
			if m.Return == r.ID || also[m.ID] {
				found = append(found, m)
			}
		}
	}
	store.SortMachines(found)
	return found, nil
}

// Machines implements [store.Reader].
func (s *Store) Machines(ctx context.Context, filter store.MachineFilter) (found []ohfp.Machine, err error) {
	matches, err := filter.Matcher()
	if err != nil {
		return nil, err
	}
	err = s.look(ctx, func(v *view) error {
		found = found[:0]
		return v.machines(ctx, filter, func(r *record) error {
			r.only(filter)
			if err := v.decodeMachines(ctx, r); err != nil {
				return err
			}
			for _, m := range r.machines {
				if matches(m) {
					found = append(found, m)
				}
			}
			r.machines, r.lines = nil, nil // there may be more than fit
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	store.SortMachines(found)
	return store.Page(found, filter.Limit, filter.Offset), nil
}

// machines reads the records in which the machines of a filter may be.
func (v *view) machines(ctx context.Context, filter store.MachineFilter, do func(r *record) error) error {
	var ids []ohfp.RequestID
	var err error
	switch {
	case filter.Request != "":
		ids = []ohfp.RequestID{filter.Request}
	case len(filter.IDs) > 0:
		keys := make([]string, len(filter.IDs))
		for i, id := range filter.IDs {
			keys[i] = string(id)
		}
		ids, err = v.lookup(ctx, keys)
	case len(filter.Names) > 0 && !slices.Contains(filter.Names, ""):
		ids, err = v.lookup(ctx, filter.Names)
	case filter.Return != "":
		var r *record
		if r, err = v.find(filter.Return); r != nil {
			ids = slices.Clone(r.from)
		}
	default:
		dirs := []string{openDir, heldDir, doneDir}
		if filter.Noticed || len(filter.States) > 0 && !slices.Contains(filter.States, ohfp.MachineTerminated) {
			dirs = dirs[:2] // where the others are done, all machines are gone and were given back
		}
		return v.each(ctx, dirs, true, do)
	}
	if err != nil {
		return err
	}
	records, err := v.wholes(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// only drops the machines that a filter of few ids or names, or of notices, cannot mean, because decoding takes far
// longer than searching.
func (r *record) only(filter store.MachineFilter) {
	const few = 16
	var parts [][]byte
	switch {
	case filter.Noticed:
		parts = append(parts, []byte(`"notice":`))
	case len(filter.IDs) > 0 && len(filter.IDs) <= few:
		for _, id := range filter.IDs {
			parts = append(parts, quoted(string(id)))
		}
	case len(filter.IDs) == 0 && len(filter.Names) > 0 && len(filter.Names) <= few && !slices.Contains(filter.Names, ""):
		for _, name := range filter.Names {
			parts = append(parts, quoted(name))
		}
	default:
		return
	}
	r.lines = slices.DeleteFunc(r.lines, func(line []byte) bool {
		return !slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Contains(line, part) })
	})
}

func quoted(text string) []byte {
	data, _ := encode(text) // strings always encode
	return data
}

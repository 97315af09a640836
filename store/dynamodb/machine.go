package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Machines implements [store.Reader].
func (s *Store) Machines(ctx context.Context, filter store.MachineFilter) (found []ohfp.Machine, err error) {
	matches, err := filter.Matcher()
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, func(v *view) error {
		found = nil
		var all []ohfp.Machine
		var err error
		if len(filter.IDs) > 0 {
			if all, err = v.find(ctx, filter.IDs); err == nil {
				all = slices.DeleteFunc(all, func(m ohfp.Machine) bool { return !matches(m) })
			}
		} else {
			var owners []ohfp.RequestID
			if owners, err = v.owners(ctx, filter); err == nil {
				all, err = v.machinesOf(ctx, owners, matches)
			}
		}
		if err != nil {
			return err
		}
		store.SortMachines(all)
		found = store.Page(all, filter.Limit, filter.Offset)
		return nil
	})
	return found, err
}

// owners are the requests to look into for the machines of a filter.
func (v *view) owners(ctx context.Context, filter store.MachineFilter) ([]ohfp.RequestID, error) {
	switch {
	case filter.Request != "":
		return []ohfp.RequestID{filter.Request}, nil
	case filter.Return != "":
		if err := v.load(ctx, filter.Return); err != nil {
			return nil, err
		}
		if h := v.heads[filter.Return]; h != nil {
			return h.from, nil
		}
		return nil, nil
	case len(filter.Names) > 0 && !slices.Contains(filter.Names, ""):
		return v.named(ctx, filter.Names)
	}
	partition := allPartition
	if filter.Noticed || len(filter.States) > 0 && !slices.Contains(filter.States, ohfp.MachineTerminated) {
		partition = openPartition
	}
	rows, err := v.list(ctx, partition, "", 0, func(r row) bool {
		return r.states != "" && r.has(filter.States) && (r.noticed || !filter.Noticed)
	})
	return idsOf(rows), err
}

// named are the requests of which machines have, or have had, one of the names.
func (v *view) named(ctx context.Context, names []string) ([]ohfp.RequestID, error) {
	keys := make([]key, len(names))
	for at, name := range names {
		keys[at] = nameKey(name)
	}
	hints, err := v.s.table.getAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	owners := map[ohfp.RequestID]bool{}
	for _, i := range hints {
		for _, id := range ownersOf(i) {
			owners[id] = true
		}
	}
	return slices.Collect(maps.Keys(owners)), nil
}

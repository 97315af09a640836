package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// told are the events of one commit. They stay in the log, and are found by the requests that they are about: an event about
// a machine by the request that launched it. Strays are the machines of events that are about another request or none.
type told struct {
	Events []ohfp.Event     `json:"events"`
	Strays []ohfp.MachineID `json:"strays,omitempty"`
}

// strays finds the machines of a change's events that are not found by their requests.
func strays(c store.Change) []ohfp.MachineID {
	var origin map[ohfp.MachineID]ohfp.RequestID // made when it is needed
	var found []ohfp.MachineID
	for _, e := range c.Events {
		if e.Machine == "" {
			continue
		}
		if origin == nil {
			origin = make(map[ohfp.MachineID]ohfp.RequestID, len(c.Request.Machines))
			for _, m := range c.Request.Machines {
				origin[m.ID] = m.Request
			}
		}
		if of, known := origin[e.Machine]; !known || of != e.Request {
			found = append(found, e.Machine)
		}
	}
	return found
}

func toldOf(id ohfp.RequestID) string        { return "told#" + string(id) }
func toldOfMachine(id ohfp.MachineID) string { return "told-machine#" + string(id) }

// indexEvents makes the items by which an entry is found by the requests and stray machines that its events are about.
func (s *Store) indexEvents(ctx context.Context, e *entry) ([]item, error) {
	record, err := e.events(ctx, &s.table)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var items []item
	add := func(partition string) {
		if !seen[partition] {
			seen[partition] = true
			i := key{partition, e.key().sort}.item()
			i.setNumber("newest", e.last)
			items = append(items, i)
		}
	}
	for _, one := range record.Events {
		if one.Request != "" {
			add(toldOf(one.Request))
		}
	}
	for _, id := range record.Strays {
		add(toldOfMachine(id))
	}
	return items, nil
}

// Events implements [store.Reader].
func (s *Store) Events(ctx context.Context, filter store.EventFilter) (found []ohfp.Event, err error) {
	err = s.read(ctx, func(v *view) error {
		found = nil
		if v.tail == nil || v.tail.last <= filter.After {
			return nil
		}
		each := func(e *entry) (bool, error) {
			if e.last <= filter.After {
				return true, nil
			}
			record, err := e.events(ctx, &s.table)
			if err != nil {
				return false, err
			}
			for _, one := range record.Events {
				if one.Sequence > filter.After && (filter.Request == "" || one.Request == filter.Request) &&
					(filter.Machine == "" || one.Machine == filter.Machine) {
					found = append(found, one)
				}
			}
			return filter.Limit <= 0 || len(found) < filter.Limit, nil
		}
		if filter.Request == "" && filter.Machine == "" {
			err = v.entries(ctx, filter.After, each)
		} else {
			err = v.entriesAbout(ctx, filter, each)
		}
		if filter.Limit > 0 && len(found) > filter.Limit {
			found = found[:filter.Limit]
		}
		return err
	})
	return found, err
}

// entries reads the log of a view from the entry with the event after the given one.
func (v *view) entries(ctx context.Context, after int64, each func(*entry) (bool, error)) error {
	from := place(0, 0)
	if after > 0 {
		// The last entry with no more events than that before it.
		s := span{partition: logPartition, to: place(after+1, 0), backwards: true, limit: 1, only: onlyTold}
		if err := v.s.table.query(ctx, s, func(page []item, _ bool) (bool, error) {
			for _, i := range page {
				from = i.text(sortKey)
			}
			return false, nil
		}); err != nil {
			return err
		}
	}
	s := span{partition: logPartition, from: from, to: v.tail.key().sort, only: onlyTold}
	return v.s.table.query(ctx, s, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			e, err := entryOf(i)
			if err != nil {
				return false, err
			}
			if more, err := each(e); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	})
}

// entriesAbout reads those entries of the log of a view that a filter may find something in.
func (v *view) entriesAbout(ctx context.Context, filter store.EventFilter, each func(*entry) (bool, error)) error {
	partitions, err := v.toldAbout(ctx, filter)
	if err != nil {
		return err
	}
	places := map[string]bool{v.tail.key().sort: true} // which may not be applied yet
	for _, partition := range partitions {
		s := span{partition: partition, to: v.tail.key().sort}
		if err := v.s.table.query(ctx, s, func(page []item, _ bool) (bool, error) {
			for _, i := range page {
				if i.number("newest") > filter.After {
					places[i.text(sortKey)] = true
				}
			}
			return true, nil
		}); err != nil {
			return err
		}
	}
	return v.visit(ctx, slices.Sorted(maps.Keys(places)), each)
}

// toldAbout are the partitions in which entries about what a filter wants are found.
func (v *view) toldAbout(ctx context.Context, filter store.EventFilter) ([]string, error) {
	if filter.Request != "" {
		return []string{toldOf(filter.Request)}, nil
	}
	hint, err := v.s.table.get(ctx, machineKey(filter.Machine))
	if err != nil {
		return nil, err
	}
	partitions := []string{toldOfMachine(filter.Machine)}
	for _, id := range ownersOf(hint) {
		partitions = append(partitions, toldOf(id))
	}
	return partitions, nil
}

// visit reads entries of the log by their places.
func (v *view) visit(ctx context.Context, places []string, each func(*entry) (bool, error)) error {
	for portion := range slices.Chunk(places, getTogether) {
		keys := make([]key, len(portion))
		for at, place := range portion {
			keys[at] = key{logPartition, place}
		}
		found, err := v.s.table.getAll(ctx, keys)
		if err != nil {
			return err
		}
		for _, k := range keys {
			i, ok := found[k]
			if !ok {
				continue // compaction has removed it
			}
			e, err := entryOf(i)
			if err != nil {
				return err
			}
			if more, err := each(e); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Check implements [store.Reader].
func (s *Store) Check(ctx context.Context) error {
	return s.read(ctx, func(v *view) error {
		var damage findings
		for _, look := range []func(context.Context, *view, *findings) error{checkHeads, checkHints, checkLog} {
			if err := look(ctx, v, &damage); err != nil {
				return err
			}
		}
		if damage.count == 0 {
			return nil
		}
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s is damaged in %s; restore the table from a backup: %s",
			s.table.name, ohfp.Count(damage.count, "place"), strings.Join(damage.told, "; "))
	})
}

// findings are what is damaged.
type findings struct {
	count int
	told  []string
}

func (f *findings) add(format string, args ...any) {
	const tell = 10
	if f.count++; f.count <= tell {
		f.told = append(f.told, fmt.Sprintf(format, args...))
	}
}

// checkHeads reads all requests and machines, and works out again what is kept beside them.
func checkHeads(ctx context.Context, v *view, damage *findings) error {
	rows, err := v.everything(ctx)
	if err != nil {
		return err
	}
	open, err := v.list(ctx, openPartition, "", 0, func(row) bool { return true })
	if err != nil {
		return err
	}
	used := copyUsage(store.Usage{})
	owner := map[string]ohfp.RequestID{}
	for _, listed := range rows {
		h := v.heads[listed.id]
		if h == nil || h.row != listed {
			damage.add("request %s is not what the list of requests says", listed.id)
			continue
		}
		if h.open() && !slices.ContainsFunc(open, func(r row) bool { return r.id == h.id }) {
			damage.add("request %s is missing from the list of open requests", h.id)
		}
		if err := checkMachines(ctx, v, h, owner, damage); err != nil {
			return err
		}
		if !h.there {
			continue
		}
		if sound, err := checkRequest(ctx, v, h, damage); err != nil {
			return err
		} else if sound {
			count(used, h)
		}
	}
	if now := copyUsage(v.root().Used); !reflect.DeepEqual(now, mentioned(used)) {
		damage.add("what counts against limits is %v, and was noted as %v", used, now)
	}
	return nil
}

// checkMachines compares the machines of a request with what its head says of them. owner has the request of each machine
// that was seen before.
func checkMachines(ctx context.Context, v *view, h *head, owner map[string]ohfp.RequestID, damage *findings) error {
	if noticedIn(v.groups[h]) != h.noticed {
		damage.add("request %s is kept with %t for whether machines of it are taken back, which is not so", h.id, h.noticed)
	}
	if states := statesOf(v.groups[h]); states != h.states {
		damage.add("request %s has machines that are %q, not %q", h.id, states, h.states)
	}
	for _, m := range slices.Concat(v.groups[h]...) {
		if other, twice := owner[placeKey(m)]; twice || m.Request != h.id || m.Version < 1 {
			damage.add("machine %s of request %s is also of request %s", m.ID, h.id, other)
		}
		owner[placeKey(m)] = h.id
		if m.Return == "" || leadsTo(v.heads[m.Return], h.id) {
			continue
		}
		if err := v.load(ctx, m.Return); err != nil {
			return err
		}
		if !leadsTo(v.heads[m.Return], h.id) {
			damage.add("machine %s is not found by its return %s", m.ID, m.Return)
		}
	}
	return nil
}

// leadsTo says whether the head of a return names a request whose machines it gives back.
func leadsTo(back *head, request ohfp.RequestID) bool {
	return back != nil && slices.Contains(back.from, request)
}

// checkRequest compares the record of a request with its head. It says whether the record can be read.
func checkRequest(ctx context.Context, v *view, h *head, damage *findings) (bool, error) {
	r, err := v.request(ctx, h.id)
	switch {
	case errors.Is(err, errMoved), err != nil && ctx.Err() != nil:
		return false, err
	case err != nil:
		damage.add("request %s: %v", h.id, err)
		return false, nil
	case r.ID != h.id || r.Type != h.kind || r.Status != h.status || r.Settled() != h.settled || r.Version < 1:
		damage.add("request %s is kept beside what is not so", h.id)
	}
	return true, nil
}

// checkHints makes sure that each machine is found by its id and its name.
func checkHints(ctx context.Context, v *view, damage *findings) error {
	var keys []key
	var machines []ohfp.Machine
	for _, h := range v.heads {
		for _, m := range slices.Concat(v.groups[h]...) {
			machines = append(machines, m)
			keys = append(keys, machineKey(m.ID))
			if m.Name != "" {
				keys = append(keys, nameKey(m.Name))
			}
		}
	}
	hints, err := v.s.table.getAll(ctx, keys)
	if err != nil {
		return err
	}
	for _, m := range machines {
		if !slices.Contains(ownersOf(hints[machineKey(m.ID)]), m.Request) ||
			m.Name != "" && !slices.Contains(ownersOf(hints[nameKey(m.Name)]), m.Request) {
			damage.add("machine %s of request %s is not found by its id or name", m.ID, m.Request)
		}
	}
	return nil
}

// checkLog reads all events.
func checkLog(ctx context.Context, v *view, damage *findings) error {
	if v.tail == nil {
		return nil
	}
	last := int64(0)
	return v.entries(ctx, 0, func(e *entry) (bool, error) {
		record, err := e.events(ctx, &v.s.table)
		switch {
		case errors.Is(err, errMoved) || ctx.Err() != nil:
			return false, err
		case err != nil:
			damage.add("log entry %d: %v", e.number, err)
		case int64(len(record.Events)) != e.count || e.before < last:
			damage.add("log entry %d has %s, not %d, after event %d", e.number, ohfp.Count(len(record.Events), "event"), e.count, last)
		}
		for _, one := range record.Events {
			if one.Sequence <= last || one.Sequence <= e.before || one.Sequence > e.last {
				damage.add("log entry %d has event %d after event %d", e.number, one.Sequence, last)
			}
			last = one.Sequence
		}
		return true, nil
	})
}

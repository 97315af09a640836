package dynamodb

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/openhostfactory/ohfp"
)

// removal is what is to be removed with some requests.
type removal struct {
	draft    *draft
	requests int
	machines []ohfp.Machine
	chunks   []key
}

// removalOf drafts the removal of requests. A return and the requests whose machines it gave back name each other: what
// stays no longer names what leaves, and a head that nothing names any more goes as well.
func (s *Store) removalOf(ctx context.Context, v *view, leaving []ohfp.Request) (*removal, error) {
	c := &removal{draft: s.newDraft(nil), requests: len(leaving)}
	e := &editor{v: v, d: c.draft, open: map[ohfp.RequestID]*edit{}}
	var touched []ohfp.RequestID
	for _, r := range leaving {
		touched = append(touched, r.ID)
		touched = append(touched, v.heads[r.ID].from...)
		for _, m := range r.Machines {
			touched = append(touched, m.Return)
		}
	}
	if err := v.load(ctx, touched...); err != nil {
		return nil, err
	}
	for _, id := range touched {
		if err := v.owned(ctx, v.heads[id]); err != nil {
			return nil, err
		}
	}
	for _, r := range leaving {
		o := e.edit(r.ID)
		o.there = false
		// Machines that were found in the cloud when they were given back belong to a request without a record. They go with
		// their return. Those of a request that leaves now go when its own turn comes.
		for _, origin := range o.from {
			if h := v.heads[origin]; h != nil && !h.there {
				c.machines = append(c.machines, e.edit(origin).drop(func(m ohfp.Machine) bool { return m.Return == r.ID })...)
			}
		}
		if r.Type != ohfp.TypeReturn {
			gone := o.drop(func(ohfp.Machine) bool { return true })
			c.machines = append(c.machines, gone...)
			for _, m := range gone {
				if v.heads[m.Return] != nil {
					back := e.edit(m.Return)
					back.from = slices.DeleteFunc(back.from, func(id ohfp.RequestID) bool { return id == r.ID })
				}
			}
			continue
		}
		// The machines of requests that stay still name this return.
		o.from = slices.DeleteFunc(o.from, func(id ohfp.RequestID) bool { return v.heads[id] == nil || !v.heads[id].there })
	}
	for _, o := range e.open {
		if !o.there && len(o.from) == 0 && o.count() == 0 {
			o.removed = true
			for _, name := range slices.Concat(o.chunks, o.docs) {
				c.chunks = append(c.chunks, chunkKey(o.id, name))
			}
			for _, one := range o.retired {
				c.chunks = append(c.chunks, chunkKey(o.id, one[stampSize+1:]))
			}
		}
	}
	return c, e.finish(ctx, s.now())
}

// drop takes machines out of a head and returns them.
func (e *edit) drop(leaves func(ohfp.Machine) bool) []ohfp.Machine {
	var gone []ohfp.Machine
	e.at = nil
	for at, group := range e.groups {
		e.groups[at] = slices.DeleteFunc(group, func(m ohfp.Machine) bool {
			if !leaves(m) {
				return false
			}
			gone = append(gone, m)
			e.changed[at] = true
			return true
		})
	}
	return gone
}

// count is how many machines a head has.
func (e *edit) count() int {
	total := 0
	for _, group := range e.groups {
		total += len(group)
	}
	return total
}

const dropOwners = "DELETE owners :owners"

// clearAway removes the hints that led to requests and machines that are gone, and their chunks.
func (s *Store) clearAway(ctx context.Context, c *removal) error {
	return together(ctx, []func(context.Context) error{
		func(ctx context.Context) error { return s.table.removeAll(ctx, c.chunks) },
		func(ctx context.Context) error {
			seen := map[key]bool{}
			var ids []key
			for _, m := range c.machines {
				if k := machineKey(m.ID); !seen[k] {
					seen[k] = true
					ids = append(ids, k)
				}
			}
			return s.dropHints(ctx, ids, c.machines)
		},
	})
}

// dropHints takes requests off the hints of their machines. The hint of a name stays as an empty item, because the cloud
// gives names again and somebody may be adding to it right now.
func (s *Store) dropHints(ctx context.Context, ids []key, machines []ohfp.Machine) error {
	there, err := s.table.getAll(ctx, ids)
	if err != nil {
		return err
	}
	var only []key
	type pair struct {
		k     key
		owner ohfp.RequestID
	}
	shared := map[pair]bool{}
	for _, m := range machines {
		k := machineKey(m.ID)
		if owners := ownersOf(there[k]); len(owners) == 1 && owners[0] == m.Request {
			only = append(only, k)
		} else if len(owners) > 0 {
			shared[pair{k, m.Request}] = true
		}
		if m.Name != "" {
			shared[pair{nameKey(m.Name), m.Request}] = true
		}
	}
	slices.SortFunc(only, compareKeys)
	if err := s.table.removeAll(ctx, slices.Compact(only)); err != nil {
		return err
	}
	var writes []func(context.Context) error
	for p := range shared {
		writes = append(writes, func(ctx context.Context) error {
			set := &types.AttributeValueMemberSS{Value: []string{string(p.owner)}}
			_, err := s.table.update(ctx, p.k, dropOwners, always, item{":owners": set})
			return err
		})
	}
	return together(ctx, writes)
}

package dynamodb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// What one commit of a compaction removes at most, so that nobody waits for long.
const compactTogether = 50 // requests

// Compact implements [store.Store]. The events of a request go before it: a crash in between leaves a request without a
// history, and the next compaction finds it. What the request is found by goes after it, and takes only room if a crash
// leaves it.
func (s *Store) Compact(ctx context.Context, before time.Time) (done store.Compacted, err error) {
	if err := s.fenced(ctx); err != nil {
		return done, s.fault(err)
	}
	var old []ohfp.RequestID
	err = s.read(ctx, func(v *view) error {
		rows, err := v.list(ctx, allPartition, "", 0, func(r row) bool {
			return r.there && r.settled && r.status.Terminal() && r.created < stamp(before)
		})
		old = idsOf(rows)
		slices.Reverse(old)
		return err
	})
	for portion := range slices.Chunk(old, compactTogether) {
		if err == nil {
			err = s.compactSome(ctx, portion, before, &done)
		}
	}
	if err == nil {
		err = s.expire(ctx, before, &done)
	}
	if err == nil {
		err = s.compactLog(ctx, before)
	}
	return done, s.fault(err)
}

// compactSome removes those of the requests that may go.
func (s *Store) compactSome(ctx context.Context, ids []ohfp.RequestID, before time.Time, done *store.Compacted) error {
	var c *removal
	events := 0
	err := s.write(ctx, func(v *view) (*draft, error) {
		leaving, err := v.leaving(ctx, ids, before)
		if err != nil || len(leaving) == 0 {
			c = nil
			return nil, err
		}
		if c, err = s.removalOf(ctx, v, leaving); err != nil || v.stale {
			return nil, err
		}
		n, err := s.forgetEvents(ctx, v, leaving)
		events += n
		return c.draft, err
	})
	done.Events += events
	if err != nil || c == nil {
		return err
	}
	done.Requests += c.requests
	done.Machines += len(c.machines)
	return s.clearAway(ctx, c)
}

// leaving are those of the requests that a compaction removes, with their machines.
func (v *view) leaving(ctx context.Context, ids []ohfp.RequestID, before time.Time) ([]ohfp.Request, error) {
	keep := store.Retention{Before: before, Return: func(id ohfp.RequestID) (ohfp.Request, bool, error) {
		r, err := v.request(ctx, id)
		if errors.Is(err, ohfp.ErrNotFound) {
			return r, false, nil
		}
		return r, err == nil, err
	}}
	open, err := v.list(ctx, openPartition, "", 0, func(r row) bool { return r.there && !r.settled && r.kind == ohfp.TypeReturn })
	if err != nil {
		return nil, err
	}
	if err := v.load(ctx, append(idsOf(open), ids...)...); err != nil {
		return nil, err
	}
	for _, one := range open {
		if h := v.heads[one.id]; h != nil && h.there && !h.settled {
			r, err := v.record(ctx, h)
			if err != nil {
				return nil, err
			}
			keep.Follow(r)
		}
	}
	var leaving []ohfp.Request
	for _, id := range ids {
		r, err := v.request(ctx, id)
		if errors.Is(err, ohfp.ErrNotFound) {
			continue // another compaction was faster
		}
		if err != nil {
			return nil, err
		}
		gone, err := keep.Removes(r)
		if err != nil {
			return nil, err
		}
		if gone {
			leaving = append(leaving, r)
		}
	}
	return leaving, nil
}

// removal is the end of some requests.
type removal struct {
	draft    *draft
	requests int
	machines []ohfp.Machine // that go with them
	chunks   []key
}

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
		// Those that were found in the cloud when they were given back have no other request.
		for _, origin := range o.from {
			if h := v.heads[origin]; h != nil && !h.there { // of an origin that leaves now, its own turn does it
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
		// What others hold of it still names it.
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

// drop takes machines out of a head.
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

// forgetEvents removes the events of requests, and says how many.
func (s *Store) forgetEvents(ctx context.Context, v *view, leaving []ohfp.Request) (int, error) {
	gone := map[ohfp.RequestID]bool{}
	places := map[string]bool{}
	var index []key
	for _, r := range leaving {
		gone[r.ID] = true
		at := span{partition: toldOf(r.ID), to: v.tail.key().sort}
		if err := s.table.query(ctx, at, func(page []item, _ bool) (bool, error) {
			for _, i := range page {
				places[i.text(sortKey)] = true
				index = append(index, i.key())
			}
			return true, nil
		}); err != nil {
			return 0, err
		}
	}
	places[v.tail.key().sort] = true // which may not be applied yet
	total := 0
	for _, place := range slices.Sorted(maps.Keys(places)) {
		n, err := s.forgetIn(ctx, key{logPartition, place}, func(e ohfp.Event) bool { return gone[e.Request] })
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, s.table.removeAll(ctx, index)
}

// The ways in which compaction writes the events of an entry again.
const (
	toldAgain      = "SET told = :told, rev = :next, tally = :tally REMOVE toldparts"
	toldAgainParts = "SET toldparts = :parts, rev = :next, tally = :tally REMOVE told"
	toldNothing    = "SET rev = :next REMOVE told, toldparts, tally"
)

// forgetIn removes events from one entry of the log, and says how many.
func (s *Store) forgetIn(ctx context.Context, at key, gone func(ohfp.Event) bool) (int, error) {
	for try := 0; ; try++ {
		if err := pauseAfter(ctx, try); err != nil {
			return 0, err
		}
		i, err := s.table.get(ctx, at)
		if err != nil || i == nil {
			return 0, err
		}
		e, err := entryOf(i)
		if err != nil {
			return 0, err
		}
		record, err := e.events(ctx, &s.table)
		if errors.Is(err, errMoved) {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(record.Events), gone)
		n := len(record.Events) - len(left)
		if err != nil || n == 0 {
			return 0, err
		}
		next := *e
		next.rev, next.count, next.toldParts = newTx(s.now()), int64(len(left)), 0
		expression, values := toldNothing, item{":rev": text(e.rev), ":next": text(next.rev)}
		if len(left) > 0 {
			if next.told, err = pack(told{left, record.Strays}); err != nil {
				return 0, err
			}
			values[":tally"] = number(next.count)
			if expression = toldAgain; len(next.told) <= inEntry {
				values[":told"] = bytesOf(next.told)
			} else {
				parts := next.toldItems()
				if err := s.table.putAll(ctx, parts); err != nil {
					return 0, err
				}
				expression = toldAgainParts
				values[":parts"] = number(int64(len(parts)))
			}
		}
		if written, err := s.table.update(ctx, at, expression, isSame, values); err != nil {
			return 0, err
		} else if !written {
			// By another compaction, unless the answer to the first try was lost.
			if i, err = s.table.get(ctx, at); err != nil || i == nil {
				return 0, err
			}
			if i.text("rev") != next.rev {
				continue
			}
		}
		old := make([]key, e.toldParts)
		for n := range old {
			old[n] = e.toldPart(n)
		}
		return n, s.table.removeAll(ctx, old)
	}
}

func bytesOf(value []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: value} }

const dropOwners = "DELETE owners :owners"

// clearAway removes what requests and machines that are gone were found by, and their chunks.
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

// dropHints takes requests off what their machines were found by. A name stays as an empty item, because the cloud gives
// it again, and somebody may be adding to it right now.
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

// expire removes what has expired.
func (s *Store) expire(ctx context.Context, before time.Time, done *store.Compacted) error {
	lapsed := func(l store.Lease) bool { return !l.Held(s.now()) && l.Until.Before(before) }
	leases := 0
	err := s.changeRoot(ctx, func(now *root) (bool, error) {
		was := len(now.Leases)
		maps.DeleteFunc(now.Leases, func(_ string, l store.Lease) bool { return lapsed(l) })
		leases = was - len(now.Leases)
		return leases > 0, nil
	})
	if err != nil {
		return err
	}
	done.Leases += leases
	return s.memories(ctx, "", "pk, sk, expires, rev", func(i item) error {
		if s.now().UnixNano() < i.number("expires") {
			return nil
		}
		removed, err := s.table.remove(ctx, i.key(), isSame, item{":rev": i["rev"]})
		if removed {
			done.Memories++
		}
		return err
	})
}

// An entry of the log without events is of no more use when nobody can be left who would write at its place. The signature of a
// call lasts for a quarter of an hour, and a view is not written from after keptFor.
const keepPlaces = 24 * time.Hour

// compactLog removes entries of the log that say nothing any more.
func (s *Store) compactLog(ctx context.Context, before time.Time) error {
	limit := s.now().Add(-keepPlaces)
	if before.Before(limit) {
		limit = before
	}
	var swept string
	if err := s.read(ctx, func(v *view) error {
		swept = v.root().Swept
		return nil
	}); err != nil || swept == "" {
		return err
	}
	var empty []key
	at := span{partition: logPartition, to: swept, only: onlyTold}
	if err := s.table.query(ctx, at, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			e, err := entryOf(i)
			if err != nil {
				return false, err
			}
			if !e.at.Before(limit) {
				return false, nil
			}
			if e.count == 0 {
				empty = append(empty, e.key())
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	return s.table.removeAll(ctx, empty)
}

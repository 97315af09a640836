package dynamodb

import (
	"context"
)

func appliedKey() key { return key{"meta", "applied"} }

// finishLast makes sure that the newest entry of a view is applied, so that at any time at most one entry is not: the
// newest, by which every reader corrects what it reads.
func (s *Store) finishLast(ctx context.Context, v *view) error {
	last := v.number()
	if s.applied.Load() >= last {
		return nil
	}
	mark, err := s.table.get(ctx, appliedKey())
	if err != nil {
		return err
	}
	if mark.number("n") >= last {
		s.hasApplied(last)
		return nil
	}
	return s.apply(ctx, v.tail)
}

func (s *Store) hasApplied(last int64) {
	if s.applied.Load() < last {
		s.applied.Store(last)
	}
}

// apply writes what an entry changed to the items that it is read from. Several may apply an entry at once, also long
// after it was: no item goes back to an older entry.
func (s *Store) apply(ctx context.Context, e *entry) error {
	c := changes{table: &s.table, number: e.number}
	for at, h := range e.heads {
		c.head(h, e.moved[at], e.gone[at])
	}
	for _, t := range e.templates {
		c.put(templateKey(t.id), t.item())
	}
	told, err := s.indexEvents(ctx, e)
	if err != nil {
		return err
	}
	if len(told) > 0 {
		c.writes = append(c.writes, func(ctx context.Context) error { return s.table.putAll(ctx, told) })
	}
	if err := together(ctx, c.writes); err != nil {
		return err
	}
	mark := appliedKey().item()
	mark["n"] = number(e.number)
	if _, err := s.table.put(ctx, mark, isOlder, item{":n": number(e.number)}); err != nil {
		return err
	}
	s.hasApplied(e.number)
	return nil
}

// changes are the writes that apply an entry, in no order.
type changes struct {
	table  *table
	number int64 // of the entry
	writes []func(ctx context.Context) error
}

func (c *changes) put(k key, i item) {
	for name, value := range k.item() {
		i[name] = value
	}
	i["n"] = number(c.number)
	c.writes = append(c.writes, func(ctx context.Context) error {
		_, err := c.table.put(ctx, i, isOlder, item{":n": number(c.number)})
		return err
	})
}

func (c *changes) remove(k key) {
	c.writes = append(c.writes, func(ctx context.Context) error {
		_, err := c.table.remove(ctx, k, notNewer, item{":n": number(c.number)})
		return err
	})
}

// head adds the writes for a request: its own item, and where its row moved, the places of the row in the lists. The
// place that it has left keeps a mark, or is "".
func (c *changes) head(h *head, moved bool, left string) {
	listed, open := key{allPartition, h.listKey()}, key{openPartition, string(h.id)}
	if h.removed {
		c.remove(headKey(h.id))
		c.remove(listed)
		c.remove(open)
		return
	}
	c.put(headKey(h.id), h.item())
	if left != "" {
		mark := rowItem(h)
		mark.setFlag("left", true)
		c.put(key{allPartition, left}, mark)
	}
	if !moved {
		return
	}
	c.put(listed, rowItem(h))
	if h.open() {
		c.put(open, rowItem(h))
	} else {
		c.remove(open)
	}
}

func rowItem(h *head) item {
	i := item{}
	h.putInto(i)
	return i
}

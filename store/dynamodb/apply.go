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
	var writes []func(ctx context.Context) error
	put := func(k key, i item) {
		for name, value := range k.item() {
			i[name] = value
		}
		i["n"] = number(e.number)
		writes = append(writes, func(ctx context.Context) error {
			_, err := s.table.put(ctx, i, isOlder, item{":n": number(e.number)})
			return err
		})
	}
	remove := func(k key) {
		writes = append(writes, func(ctx context.Context) error {
			_, err := s.table.remove(ctx, k, notNewer, item{":n": number(e.number)})
			return err
		})
	}
	for at, h := range e.heads {
		if h.removed {
			remove(headKey(h.id))
			remove(key{allPartition, h.listKey()})
			remove(key{openPartition, string(h.id)})
			continue
		}
		put(headKey(h.id), h.item())
		if e.gone[at] != "" {
			mark := item{}
			h.putInto(mark)
			mark.setFlag("left", true)
			put(key{allPartition, e.gone[at]}, mark)
		}
		if !e.moved[at] {
			continue
		}
		i := item{}
		h.putInto(i)
		put(key{allPartition, h.listKey()}, i)
		open := key{openPartition, string(h.id)}
		if h.open() {
			i := item{}
			h.putInto(i)
			put(open, i)
			continue
		}
		remove(open)
	}
	for _, t := range e.templates {
		put(templateKey(t.id), t.item())
	}
	told, err := s.indexEvents(ctx, e)
	if err != nil {
		return err
	}
	if len(told) > 0 {
		writes = append(writes, func(ctx context.Context) error { return s.table.putAll(ctx, told) })
	}
	if err := together(ctx, writes); err != nil {
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

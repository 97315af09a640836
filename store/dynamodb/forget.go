package dynamodb

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
)

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
	places[v.tail.key().sort] = true // it may not be applied yet, and the index then lacks it
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
			// Another compaction wrote it, or we did and the answer was lost.
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

package dynamodb

import (
	"context"
	"slices"
	"strings"
)

// Partitions of rows. Both may hold rows that are out of date in the direction of saying too much: what has moved within
// the list of all leaves a mark there, and what a crash left in the list of open ones is open no longer by its head.
const (
	allPartition  = "list" // of every request, by time
	openPartition = "open" // of those that may have something left to do
)

// listing is what a view has read of a partition of rows.
type listing struct {
	rows  map[string]listed // by id
	reach string            // the last sort key read
	done  bool
}

type listed struct {
	row
	place  string
	number int64
	left   bool // it has moved from here
}

// rowsTogether is how many rows a page has, of about 200 bytes each.
const rowsTogether = 1000

// list reads rows, the newest first, until enough are found (0: all). Open ones are few, and in no order: all are read.
// Of the others, after is the place in the list to go on from, or "".
func (v *view) list(ctx context.Context, partition, after string, enough int, wanted func(row) bool) ([]row, error) {
	l := v.lists[partition+after]
	if l == nil {
		l = &listing{rows: map[string]listed{}, reach: after}
		v.lists[partition+after] = l
	}
	for {
		found := l.found(v, partition, after, wanted)
		if l.done || enough > 0 && len(found) >= enough && partition == allPartition {
			return found, nil
		}
		if err := v.more(ctx, l, partition); err != nil {
			return nil, err
		}
	}
}

// more reads a page.
func (v *view) more(ctx context.Context, l *listing, partition string) error {
	newest := v.number()
	s := span{partition: partition, backwards: true, limit: rowsTogether, after: l.reach}
	err := v.s.table.query(ctx, s, func(page []item, last bool) (bool, error) {
		l.done = last
		for _, i := range page {
			at := i.text(sortKey)
			one := listed{rowOf(i), at, i.number("n"), i.flag("left")}
			l.reach = at
			if known, ok := l.rows[string(one.id)]; !ok || known.number < one.number || known.number == one.number && known.left {
				l.rows[string(one.id)] = one
			}
			newest = max(newest, one.number)
		}
		return len(page) == 0, nil // a page may be empty without being the last
	})
	if err != nil {
		return err
	}
	return v.reach(ctx, newest)
}

func (l *listing) found(v *view, partition, after string, wanted func(row) bool) []row {
	var found []row
	add := func(r row) {
		if after != "" && r.listKey() >= after {
			return
		}
		inReach := l.done || partition == openPartition || l.reach != "" && r.listKey() >= l.reach // of the rest it is not known yet what comes before it
		if inReach && wanted(r) {
			found = append(found, r)
		}
	}
	for _, one := range l.rows {
		if _, changed := v.fresh[one.id]; !changed && !one.left {
			add(one.row)
		}
	}
	for _, h := range v.fresh {
		if !h.removed && (partition == allPartition || h.open()) {
			add(h.row)
		}
	}
	slices.SortFunc(found, func(a, b row) int { return strings.Compare(b.listKey(), a.listKey()) })
	return found
}

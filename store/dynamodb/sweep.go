package dynamodb

import "context"

// The log is read by those who correct what they see by its newest entries. Older ones keep only their events, and their
// place: were it free, a writer that has slept for long could still take it.
const (
	sweepEvery = 32  // commits
	keepWhole  = 256 // entries, for views that move on
)

// sweepLog clears old entries of what only concerned the moment, and notes in e how far it has come. What fails is done
// by one who comes later.
func (s *Store) sweepLog(ctx context.Context, e *entry) {
	at := span{partition: logPartition, after: e.root.Swept, only: "pk, sk, n, tx, parts", limit: 2 * sweepEvery}
	var sweep []*entry
	if err := s.table.query(ctx, at, func(page []item, _ bool) (bool, error) {
		for _, i := range page {
			old, err := entryOf(i)
			if err != nil || old.number > e.number-keepWhole {
				return false, err
			}
			sweep = append(sweep, old)
		}
		return false, nil
	}); err != nil || len(sweep) == 0 {
		return
	}
	err := portions(ctx, len(sweep), 1, func(ctx context.Context, from, _ int) error {
		old := sweep[from]
		keys := make([]key, old.parts)
		for n := range keys {
			keys[n] = statePart(old.tx, n)
		}
		if err := s.table.removeAll(ctx, keys); err != nil {
			return err
		}
		_, err := s.table.update(ctx, old.key(), clearState, isThere, item{":yes": flag(true)})
		return err
	})
	if err == nil {
		e.root.Swept = sweep[len(sweep)-1].key().sort
	}
}

const clearState = "SET cleared = :yes REMOVE heads, root, parts"

package memory

import (
	"context"

	"github.com/openhostfactory/ohfp/store"
)

// Inspect implements [store.Reader]. Nobody knows what the maps take.
func (s *Store) Inspect(ctx context.Context) (store.Inspection, error) {
	defer s.lock()()
	if err := ctx.Err(); err != nil {
		return store.Inspection{}, interrupted(err)
	}
	found := store.Inspection{
		Strategy: "memory", Place: "this process", Schema: 1,
		Requests: len(s.requests), Machines: len(s.machines), Templates: len(s.templates),
		Events: len(s.events), Sequence: s.sequence,
	}
	for _, m := range s.machines {
		if !m.Gone() {
			found.Live++
		}
	}
	for id := range s.requests {
		if r, err := s.load(id); err == nil && !r.Settled() {
			found.Unsettled++
		}
	}
	return found, nil
}

// Check implements [store.Reader]. There is nothing on a disk that could be damaged.
func (s *Store) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return interrupted(err)
	}
	return nil
}

package storage

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/reference"
)

// Imported is what was taken from the store of a Python system.
type Imported struct {
	DryRun   bool                `json:"dryRun,omitempty"`
	Requests int                 `json:"requests"`
	Returns  int                 `json:"returns"`
	Machines int                 `json:"machines"`
	Alive    int                 `json:"aliveMachines"` // those that are followed from now on
	Skipped  []reference.Skipped `json:"skipped"`       // what was not taken
}

// Import takes requests and machines from request_database.json. What the store has already stays as it is.
func (k Keeper) Import(ctx context.Context, path string, o reference.Options, dry bool) (done Imported, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return done, ohfp.Errorf(ohfp.ErrInvalid, "file cannot be read: %w", err)
	}
	o.Now = k.Now().UTC()
	found, err := reference.Read(data, o)
	if err != nil {
		return done, err
	}
	done.DryRun, done.Skipped = dry, append([]reference.Skipped{}, found.Skipped...)
	take := func(s store.Store, r ohfp.Request) error {
		if s != nil {
			err := s.CreateRequest(ctx, r, store.Limits{})
			if errors.Is(err, ohfp.ErrConflict) {
				done.Skipped = append(done.Skipped, reference.Skipped{Kind: "request", ID: string(r.ID), Why: err.Error()})
				return nil
			}
			if err != nil {
				return fmt.Errorf("store request %s: %w", r.ID, err)
			}
		}
		if r.Type == ohfp.TypeReturn {
			done.Returns++
			return nil
		}
		done.Requests++
		for _, m := range r.Machines {
			done.Machines++
			if m.Alive() {
				done.Alive++
			}
		}
		return nil
	}
	all := append(found.Returns, found.Acquires...)
	each := func(s store.Store) error {
		for _, r := range all {
			if err := take(s, r); err != nil {
				return err
			}
		}
		return nil
	}
	if dry {
		return done, each(nil)
	}
	return done, k.with(ctx, k.Storage, each)
}

package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// mark is a template that stands in a store while a copy into it is not done. Events go with it: their order is kept, and no
// request changes by them.
const mark ohfp.TemplateID = "ohfp-copy-under-way"

// loadedAtOnce is how many events are written together.
const loadedAtOnce = 100

// Load writes records into an empty store, and compares afterwards. A load that did not come to its end goes on when the same
// records are loaded again. A store that holds anything else is [ohfp.ErrConflict].
func Load(ctx context.Context, to store.Store, records Records) (Summary, error) {
	l := loader{to: to, tally: newTally()}
	if err := l.begin(ctx); err != nil {
		return Summary{}, err
	}
	if err := records(ctx, func(r Record) error { return l.record(ctx, r) }); err != nil {
		return Summary{}, fmt.Errorf("%w (the copy in %s is not complete; load it again, or remove it)", err, l.place)
	}
	if err := l.end(ctx); err != nil {
		return Summary{}, err
	}
	wanted := l.tally.done()
	got, err := Sum(ctx, Of(to))
	if err != nil {
		return Summary{}, fmt.Errorf("compare the copy: %w", err)
	}
	if got != wanted {
		return Summary{}, ohfp.Errorf(ohfp.ErrConflict,
			"the copy in %s is not the same as what was copied (requests, machines, templates and events: %d, %d, %d and %d of %d, %d, %d and %d); remove it and copy again with nothing else at work",
			l.place, got.Requests, got.Machines, got.Templates, got.Events, wanted.Requests, wanted.Machines, wanted.Templates, wanted.Events)
	}
	return got, nil
}

// CheckEmpty refuses with [ohfp.ErrConflict] a store that holds anything but a part of a copy.
func CheckEmpty(ctx context.Context, s store.Store) error {
	_, err := (&loader{to: s}).resumes(ctx)
	return err
}

// CheckWhole refuses with [ohfp.ErrConflict] a store that holds a part of a copy.
func CheckWhole(ctx context.Context, s store.Store) error {
	templates, err := s.Templates(ctx)
	if err != nil {
		return err
	}
	for _, t := range templates {
		if t.ID == mark {
			return ohfp.Errorf(ohfp.ErrConflict, "the store holds a part of a copy that did not come to its end; make the copy again, or remove the store")
		}
	}
	return nil
}

type loader struct {
	to        store.Store
	tally     *tally
	place     string
	resumed   bool
	stored    int // events that are in the store already
	events    []ohfp.Event
	positions []Position
}

// resumes says whether the store holds a part of a copy; else it must be empty.
func (l *loader) resumes(ctx context.Context) (bool, error) {
	found, err := l.to.Inspect(ctx)
	if err != nil {
		return false, err
	}
	l.place, l.stored = found.Place, found.Events
	templates, err := l.to.Templates(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range templates {
		if t.ID == mark {
			return true, nil
		}
	}
	if found.Requests+found.Machines+found.Templates+found.Events > 0 {
		return false, ohfp.Errorf(ohfp.ErrConflict,
			"store %s is not empty: it has %s, %s, %s and %s; choose an empty one",
			found.Place, ohfp.Count(found.Requests, "request"), ohfp.Count(found.Machines, "machine"), ohfp.Count(found.Templates, "template"), ohfp.Count(found.Events, "event"))
	}
	kept, err := l.to.RecallPrefix(ctx, provider.Lasting)
	if err == nil && len(kept) > 0 {
		err = ohfp.Errorf(ohfp.ErrConflict, "store %s is not empty: callers have tokens there; revoke them with ohfp auth token revoke, or choose another store", found.Place)
	}
	return false, err
}

func (l *loader) begin(ctx context.Context) (err error) {
	if l.resumed, err = l.resumes(ctx); err != nil || l.resumed {
		return err
	}
	return l.to.PutTemplate(ctx, marker())
}

func marker() ohfp.Template {
	return ohfp.Template{ID: mark, Description: "records are being copied into this store", Refused: "records are being copied into this store"}
}

func (l *loader) record(ctx context.Context, r Record) error {
	if _, err := l.tally.add(r); err != nil {
		return err
	}
	switch {
	case r.Installation != "":
		return l.installation(ctx, r.Installation)
	case r.Kept != nil:
		return l.to.Remember(ctx, r.Kept.Key, r.Kept.Value, provider.LastingTime)
	case r.Template != nil:
		t := *r.Template
		t.Version = 0
		return l.to.PutTemplate(ctx, t)
	case r.Request != nil:
		return l.request(ctx, r)
	case r.Event != nil:
		return l.event(ctx, *r.Event)
	case r.Position != nil:
		l.positions = append(l.positions, *r.Position)
	}
	return nil
}

func (l *loader) installation(ctx context.Context, id ohfp.InstallationID) error {
	stored, err := l.to.Installation(ctx, id)
	if err == nil && stored != id {
		err = ohfp.Errorf(ohfp.ErrConflict, "store %s belongs to installation %s, the records to %s; choose an empty store", l.place, stored, id)
	}
	return err
}

func (l *loader) request(ctx context.Context, r Record) error {
	request := store.CopyRequest(*r.Request)
	request.Machines = r.Machines
	err := l.to.CreateRequest(ctx, request, store.Limits{})
	if l.resumed && errors.Is(err, ohfp.ErrConflict) {
		return nil // written before; whether it is the same is compared in the end
	}
	return err
}

func (l *loader) event(ctx context.Context, e ohfp.Event) error {
	if l.stored > 0 {
		l.stored--
		return nil
	}
	if l.events = append(l.events, e); len(l.events) < loadedAtOnce {
		return nil
	}
	return l.flush(ctx)
}

func (l *loader) flush(ctx context.Context) error {
	if len(l.events) == 0 {
		return nil
	}
	err := l.to.PutTemplate(ctx, marker(), l.events...)
	l.events = l.events[:0]
	return err
}

func (l *loader) end(ctx context.Context) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	if err := l.advance(ctx); err != nil {
		return err
	}
	return l.to.DeleteTemplate(ctx, mark)
}

// advance puts the followers where they were, in the sequences of this store.
func (l *loader) advance(ctx context.Context) error {
	if len(l.positions) == 0 {
		return nil
	}
	at := map[int64]int64{}
	for _, p := range l.positions {
		at[p.Events] = 0
	}
	number := int64(0)
	filter := store.EventFilter{Limit: eventsAtOnce}
	for {
		page, err := l.to.Events(ctx, filter)
		if err != nil {
			return err
		}
		for _, e := range page {
			number++
			if _, wanted := at[number]; wanted {
				at[number] = e.Sequence
			}
			filter.After = e.Sequence
		}
		if len(page) < filter.Limit {
			break
		}
	}
	now, err := l.to.Positions(ctx)
	if err != nil {
		return err
	}
	for _, p := range l.positions {
		if now[p.Follower] == at[p.Events] {
			continue
		}
		moved, err := l.to.Advance(ctx, p.Follower, now[p.Follower], at[p.Events])
		if err == nil && !moved {
			err = ohfp.Errorf(ohfp.ErrConflict, "follower %s of the events in %s is at work; stop it", p.Follower, l.place)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
)

// read shows look one state of the store: when the view moved on while it was looked at, look runs again.
func (s *Store) read(ctx context.Context, look func(v *view) error) error {
	for try := 0; ; try++ {
		if err := pauseAfter(ctx, try); err != nil {
			return s.fault(err)
		}
		v, err := s.view(ctx)
		for err == nil {
			at := v.number()
			if err = look(v); err == nil && v.number() == at {
				return nil
			}
		}
		if !errors.Is(err, errMoved) {
			return s.fault(err)
		}
	}
}

// write commits what decide makes of a view of the store, and decides again on another view as long as somebody else was
// faster. The first time it decides without keeping other goroutines from committing, because most decisions are to
// write nothing.
func (s *Store) write(ctx context.Context, decide func(v *view) (*draft, error)) error {
	turn := false
	defer func() {
		if turn {
			<-s.writer
		}
	}()
	for try := 0; ; try++ {
		if err := retreat(ctx, try); err != nil {
			return s.fault(err)
		}
		if try > 0 && !turn {
			if turn = s.takeTurn(ctx); !turn {
				return s.fault(ctx.Err())
			}
		}
		v, err := s.view(ctx)
		var d *draft
		if err == nil {
			d, err = decide(v)
		}
		switch {
		case errors.Is(err, errMoved) || v.stale:
			continue
		case err != nil:
			return s.fault(err)
		case d == nil:
			return nil
		}
		if !turn {
			if turn = s.takeTurn(ctx); !turn {
				return s.fault(ctx.Err())
			}
		}
		err = s.commit(ctx, v, d)
		if err == nil || !errors.Is(err, errVoid) && !errors.Is(err, errMoved) {
			return s.fault(err)
		}
	}
}

// takeTurn waits until no other goroutine commits.
func (s *Store) takeTurn(ctx context.Context) bool {
	select {
	case s.writer <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// retreat waits before another try, on average as long as a few commits take, and longer the more others there are.
func retreat(ctx context.Context, try int) error {
	if try < 2 {
		return ctx.Err()
	}
	return pause(ctx, min(4*time.Millisecond<<min(try, 12), longestRetreat))
}

const longestRetreat = 500 * time.Millisecond

// commit puts a draft into the log, which is when it happens, and applies it. It fails with errVoid when somebody else
// changed what the draft was decided on.
func (s *Store) commit(ctx context.Context, v *view, d *draft) error {
	if err := s.stage(ctx, d); err != nil {
		return err
	}
	for try := 0; ; try++ {
		if err := retreat(ctx, try); err != nil {
			return err
		}
		if v.number() < s.newest.Load() || try > 0 {
			mine, err := s.catchUp(ctx, v, d)
			if err != nil || mine {
				return err
			}
		}
		// The place that it would write at may be free again by then, see keepPlaces.
		if s.now().Sub(v.made) > keptFor {
			return errMoved
		}
		now := v.root()
		if err := s.fence(now); err != nil {
			return err
		}
		if d.check != nil {
			if err := d.check(now.Used); err != nil {
				return err
			}
		}
		if err := s.finishLast(ctx, v); err != nil {
			return err
		}
		e, err := s.entryFor(ctx, v, d)
		if err != nil {
			return err
		}
		done, err := s.append(ctx, e)
		if err != nil {
			return err
		}
		if done {
			s.afterwards(ctx, e, d)
			return nil
		}
	}
}

// stage writes what the commit refers to. Nobody looks at it before the commit, or ever if that does not come.
func (s *Store) stage(ctx context.Context, d *draft) error {
	return together(ctx, []func(context.Context) error{
		func(ctx context.Context) error { return s.hint(ctx, d.hints) },
		func(ctx context.Context) error { return s.table.putAll(ctx, d.chunks) },
	})
}

// catchUp moves the view on to the newest entry. It says whether the draft turned out to be in the log already, and
// fails with errVoid when an entry touches what the draft was decided on.
func (s *Store) catchUp(ctx context.Context, v *view, d *draft) (mine bool, err error) {
	fresh, void := false, false
	err = v.later(ctx, func(e *entry) (bool, error) {
		if e.tx == d.tx { // the answer to the first try was lost
			mine = true
			s.afterwards(ctx, e, d)
			return false, nil
		}
		fresh = fresh || e.fresh
		void = void || d.touches(e)
		v.take(e)
		return true, nil
	})
	switch {
	case err != nil || mine:
		return mine, err
	case void:
		return false, errVoid
	case fresh && d.again != nil:
		return false, d.again(ctx, v)
	}
	return false, nil
}

// entryFor makes the next entry of the log from a draft.
func (s *Store) entryFor(ctx context.Context, v *view, d *draft) (*entry, error) {
	e := &entry{
		number: v.number() + 1, tx: d.tx, at: s.now(), root: v.root().copied(), fresh: d.again != nil,
		heads: d.heads, moved: d.moved, gone: d.gone, templates: d.templates,
	}
	if v.tail != nil {
		e.before = v.tail.last
	}
	e.last = e.before + int64(len(d.events))
	for _, apply := range d.used {
		apply(e.root.Used)
	}
	e.root.Used = mentioned(e.root.Used)
	if d.root != nil {
		if err := d.root(&e.root); err != nil {
			return nil, err
		}
	}
	for _, h := range e.heads {
		h.number = e.number
	}
	for at := range e.templates {
		e.templates[at].number = e.number
	}
	if len(d.events) > 0 {
		for at := range d.events {
			d.events[at].Sequence = e.before + int64(at) + 1
		}
		e.count, e.rev = int64(len(d.events)), d.tx
		var err error
		if e.told, err = pack(told{d.events, d.strays}); err != nil {
			return nil, err
		}
	}
	if e.number%sweepEvery == 0 {
		s.sweepLog(ctx, e)
	}
	return e, nil
}

// append puts an entry into the log, unless there is another at its place.
func (s *Store) append(ctx context.Context, e *entry) (bool, error) {
	i, parts, err := e.items()
	if err != nil {
		return false, err
	}
	if size := i.size(); size > itemBelow {
		return false, ohfp.Errorf(ohfp.ErrInvalid, "a change takes %d KB in the store, of which DynamoDB takes %d at once; change fewer requests at a time", size>>10, itemBelow>>10)
	}
	if err := s.table.putAll(ctx, parts); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	done, err := s.table.put(ctx, i, isNew, nil)
	if err == nil {
		return done, nil
	}
	// The answer was lost, or this call was interrupted: what is there now?
	again, end := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer end()
	if there, look := s.table.get(again, e.key()); look == nil && there != nil {
		return there.text("tx") == e.tx, nil
	}
	return false, err
}

// itemBelow is what an item may have, with room for what this program does not count exactly.
const itemBelow = 390 << 10

// afterwards does what is left to do about a commit. It has happened, so nothing of this may fail it: whoever writes
// next does what was not done here.
func (s *Store) afterwards(ctx context.Context, e *entry, d *draft) {
	if s.newest.Load() < e.number {
		s.newest.Store(e.number)
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), applyWithin)
	defer end()
	if s.apply(ctx, e) == nil && len(d.old) > 0 {
		_ = s.table.removeAll(ctx, d.old) // nothing refers to them; compaction removes what is left
	}
}

const applyWithin = time.Minute

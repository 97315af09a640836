// Package events takes the events that the store has to where operators want them: a log, a file, a webhook. Each of these
// gets every event at least once and in order, however often processes die, and none waits for another.
// It refuses to make events, and to lose one because nobody took it: what cannot be delivered stays where it is.
package events

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

const (
	batchSize = 200 // events in one delivery
	// leaseFor is how long a process may be silent before another goes on in its place; one delivery takes less.
	leaseFor = time.Minute
	// deliverWithin is what one delivery may take.
	deliverWithin = 10 * time.Second

	firstPause = time.Second
	lastPause  = 5 * time.Minute
	// countFor is how long a row of failures is remembered.
	countFor = time.Hour
)

// Sink takes events somewhere. Deliver returns once they are there to stay; after an error it gets the same ones again.
type Sink interface {
	Deliver(ctx context.Context, batch []ohfp.Event) error
}

// Follower is a sink under the name by which the store knows how far it has come.
type Follower struct {
	Name  string
	Sink  Sink
	Kinds []string // what it gets: kinds of events, or patterns such as machine.*; empty: all
}

// wants says whether the follower gets an event.
func (f Follower) wants(e ohfp.Event) bool {
	if len(f.Kinds) == 0 {
		return true
	}
	return slices.ContainsFunc(f.Kinds, func(pattern string) bool {
		matched, err := path.Match(pattern, string(e.Kind))
		return matched && err == nil
	})
}

// CheckKinds refuses patterns that no event can match.
func CheckKinds(patterns []string) error {
	for _, pattern := range patterns {
		f := Follower{Kinds: []string{pattern}}
		if !slices.ContainsFunc(ohfp.EventKinds(), func(known ohfp.EventMeaning) bool { return f.wants(ohfp.Event{Kind: known.Kind}) }) {
			return ohfp.Errorf(ohfp.ErrInvalid, "kinds has %q, which no event matches; use kinds such as request.changed, or machine.*", pattern)
		}
	}
	return nil
}

// Delivery takes events to all followers. All fields but Delivered are required.
type Delivery struct {
	Store     store.Store
	Followers []Follower
	Now       func() time.Time
	Log       *slog.Logger
	// Delivered is told how each delivery went, of how many events; nil: nobody counts.
	Delivered func(follower string, events int, err error)
}

// Deliver delivers what is due, to all followers at once, until ctx ends. What one of them does not take stays for the next
// time, after a pause that grows with each failure; the errors say why. Any number of processes may call it: a follower
// is served by one at a time.
func (d *Delivery) Deliver(ctx context.Context) error {
	if len(d.Followers) == 0 {
		return nil
	}
	positions, err := d.Store.Positions(ctx)
	if err != nil {
		return fmt.Errorf("see which events are due: %w", err)
	}
	var hands sync.WaitGroup
	problems := make([]error, len(d.Followers))
	for i, f := range d.Followers {
		hands.Go(func() {
			if err := d.serve(ctx, f, positions[f.Name]); err != nil {
				problems[i] = fmt.Errorf("events for %s: %w", f.Name, err)
			}
		})
	}
	hands.Wait()
	return errors.Join(problems...)
}

// leasePrefix begins the names of the leases under which followers are served.
const leasePrefix = "events/"

// key is where the memory keeps something of a follower. No name has a slash, so that no key begins another's.
func key(f Follower, what string) string { return "events/" + f.Name + "/" + what }

// serve delivers to one follower what comes after a position.
func (d *Delivery) serve(ctx context.Context, f Follower, position int64) error {
	// Nothing is written while there is nothing to do.
	due, err := d.due(ctx, position)
	if err != nil || len(due) == 0 {
		return err
	}
	if _, pausing, err := d.Store.Recall(ctx, key(f, "pause")); pausing || err != nil {
		return err
	}
	lease, err := d.Store.Lease(ctx, leasePrefix+f.Name, rand.Text(), leaseFor)
	if errors.Is(err, ohfp.ErrConflict) {
		return nil // another process serves it
	}
	if err != nil {
		return err
	}
	defer d.release(ctx, lease)
	// Another may have gone on since the position was read.
	positions, err := d.Store.Positions(ctx)
	if err != nil {
		return err
	}
	if now := positions[f.Name]; now != position {
		position = now
		if due, err = d.due(ctx, position); err != nil {
			return err
		}
	}
	return d.deliverAll(ctx, f, lease, position, due)
}

// due are the next events after a position, a delivery's worth at most.
func (d *Delivery) due(ctx context.Context, position int64) ([]ohfp.Event, error) {
	return d.Store.Events(ctx, store.EventFilter{After: position, Limit: batchSize})
}

// deliverAll delivers what is due after a position, and all that follows it, while the lease is ours.
func (d *Delivery) deliverAll(ctx context.Context, f Follower, lease store.Lease, position int64, due []ohfp.Event) (err error) {
	for len(due) > 0 {
		if lease, err = d.Store.Lease(ctx, lease.Name, lease.Holder, leaseFor); errors.Is(err, ohfp.ErrConflict) {
			return nil // another has taken over
		} else if err != nil {
			return err
		}
		if err := d.deliver(ctx, f, due); err != nil {
			return err
		}
		last := due[len(due)-1].Sequence
		moved, err := d.Store.Under(lease).Advance(ctx, f.Name, position, last)
		if !moved && (err == nil || errors.Is(err, ohfp.ErrConflict)) {
			return nil // another has taken over; what was delivered here arrives once more
		}
		if err != nil {
			return err
		}
		position = last
		if due, err = d.due(ctx, position); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands a batch over, and puts the next try off when that fails.
func (d *Delivery) deliver(ctx context.Context, f Follower, due []ohfp.Event) error {
	wanted := make([]ohfp.Event, 0, len(due))
	for _, e := range due {
		if f.wants(e) {
			wanted = append(wanted, e)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	err := f.Sink.Deliver(within, wanted)
	if d.Delivered != nil {
		d.Delivered(f.Name, len(wanted), err)
	}
	if err == nil {
		if _, failed, err := d.Store.Recall(ctx, key(f, "failures")); failed && err == nil {
			_ = d.Store.Forget(ctx, key(f, "failures")) // it ends by itself, too
			d.Log.InfoContext(ctx, "events delivered again", "sink", f.Name)
		}
		return nil
	}
	// The time of a call is over, or the process stops: that says nothing of the sink, unless it was slow by itself.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliverWithin)
	defer cancel()
	pause := firstPause
	failures := 1
	if before, ok, recallErr := d.Store.Recall(after, key(f, "failures")); recallErr == nil && ok {
		failures, _ = strconv.Atoi(string(before)) // nonsense counts as none
		failures++
		pause = min(firstPause<<min(failures-1, 16), lastPause)
	}
	d.Log.WarnContext(ctx, "events not delivered", "sink", f.Name, "failures", failures, "again_in", pause, "error", err)
	return errors.Join(err,
		d.Store.Remember(after, key(f, "failures"), []byte(strconv.Itoa(failures)), countFor),
		d.Store.Remember(after, key(f, "pause"), []byte{1}, pause))
}

// release lets another process serve the follower. When that fails, the lease ends by itself.
func (d *Delivery) release(ctx context.Context, lease store.Lease) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliverWithin)
	defer cancel()
	_ = d.Store.Release(after, lease)
}

// Run delivers again and again until ctx ends. What is under way then is finished, unless hard ends too.
func (d *Delivery) Run(ctx, hard context.Context, every time.Duration) {
	if len(d.Followers) == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		within, cancel := context.WithTimeout(hard, leaseFor)
		_ = d.Deliver(within) // what a sink did not take is logged, and delivered in its next time
		cancel()
	}
}

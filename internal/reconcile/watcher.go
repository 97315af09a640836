package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Watcher is work that goes on for as long as a daemon does, such as listening to what a cloud tells.
type Watcher struct {
	Name string
	// Run works until ctx ends. That it returns nil before means that there is nothing to do for it; an error, that it
	// shall be run again.
	Run func(ctx context.Context) error
}

const (
	// firstRest is how long a watcher rests after its first failure. Each further one doubles it, up to longestRest.
	firstRest   = time.Second
	longestRest = time.Minute
	// steady is how long a watcher must have worked for its earlier failures to be forgotten.
	steady = 2 * time.Minute
)

// Watch runs watchers beside each other until ctx ends and all have returned. One that fails does not stop the others.
func Watch(ctx context.Context, log *slog.Logger, watchers []Watcher) {
	var all sync.WaitGroup
	for _, w := range watchers {
		all.Go(func() { w.keep(ctx, log) })
	}
	all.Wait()
}

// keep runs a watcher again and again.
func (w Watcher) keep(ctx context.Context, log *slog.Logger) {
	rest := firstRest
	told := ""
	for {
		began := time.Now() //nolint:forbidigo // how long it worked is not a time that records hold
		err := w.once(ctx, log)
		if ctx.Err() != nil || err == nil {
			return
		}
		if time.Since(began) > steady { //nolint:forbidigo // likewise
			rest, told = firstRest, ""
		}
		if err.Error() != told { // a trouble of hours is one line
			told = err.Error()
			log.WarnContext(ctx, "it is tried again", "watcher", w.Name, "error", err)
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		rest = min(2*rest, longestRest)
	}
}

// once turns a defect into an error: it must not end the daemon.
func (w Watcher) once(ctx context.Context, log *slog.Logger) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.ErrorContext(ctx, "internal error in a watcher", "watcher", w.Name, "error", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	return w.Run(ctx)
}

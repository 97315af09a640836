package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestChoresAreDoneOnceInTheirTimeByWhoeverLooks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	shared := memory.New(clock)
	var often, seldom, never atomic.Int32
	process := func() *reconcile.Chores {
		return &reconcile.Chores{
			Memory: shared, Now: clock, Log: slog.New(slog.DiscardHandler),
			List: []reconcile.Chore{
				{Name: "broken", Every: time.Minute, Run: func(context.Context) error { panic("a defect") }},
				{Name: "often", Every: time.Minute, Run: func(context.Context) error { often.Add(1); return nil }},
				{Name: "seldom", Every: time.Hour, Run: func(context.Context) error { seldom.Add(1); return errors.New("no luck") }},
				{Name: "never", Run: func(context.Context) error { never.Add(1); return nil }},
			},
		}
	}
	for range 120 { // two hours and a minute of looks, eight processes each
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { _ = process().RunDue(t.Context()) })
		}
		all.Wait()
		mu.Lock()
		now = now.Add(time.Minute)
		mu.Unlock()
	}
	if often.Load() != 120 || seldom.Load() != 2 || never.Load() != 0 {
		t.Errorf("done %d, %d and %d times; want 120, 2 and 0", often.Load(), seldom.Load(), never.Load())
	}
}

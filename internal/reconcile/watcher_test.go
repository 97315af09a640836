package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp/internal/reconcile"
)

// TestWatch: a watcher that fails or panics is run again, after ever longer rests; one without work is left alone.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		var runs []time.Duration
		idle := 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			reconcile.Watch(ctx, slog.New(slog.NewTextHandler(&log, nil)), []reconcile.Watcher{
				{Name: "idle", Run: func(context.Context) error { idle++; return nil }},
				{Name: "broken", Run: func(ctx context.Context) error {
					runs = append(runs, time.Since(began))
					switch len(runs) {
					case 2:
						panic("boom")
					case 10:
						select {
						case <-ctx.Done():
							return nil
						case <-time.After(time.Hour): // it works, and then fails once more
						}
					}
					return errors.New("no queue")
				}},
			})
		}()
		time.Sleep(2 * time.Hour)
		stop()
		<-ended
		var rests []time.Duration
		for i := 1; i < 11; i++ {
			rests = append(rests, (runs[i] - runs[i-1]).Round(time.Second))
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60, 3601} {
			if rests[i] != want*time.Second {
				t.Errorf("rest %d is %s, want %s", i, rests[i], want*time.Second)
			}
		}
		if idle != 1 {
			t.Errorf("the one without work ran %d times", idle)
		}
		if told := strings.Count(log.String(), "no queue"); told < 2 || told > 4 {
			t.Errorf("the trouble was told %d times:\n%s", told, log.String())
		}
		if !strings.Contains(log.String(), "internal error in a watcher") {
			t.Errorf("the defect was not told:\n%s", log.String())
		}
	})
}

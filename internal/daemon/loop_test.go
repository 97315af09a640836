package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/command"
)

// track is a fake of what the loop drives, which remembers when it was asked. A round takes a tenth of a second.
type track struct {
	began    time.Time
	rounds   []round
	underWay atomic.Bool
	problem  atomic.Pointer[error]
	takes    time.Duration
	boom     atomic.Bool
}

type round struct {
	At   time.Duration
	Live bool
}

func (k *track) sync(ctx context.Context, in command.SyncRequests) error {
	k.rounds = append(k.rounds, round{time.Since(k.began), in.Live})
	if !in.Others || len(in.IDs) > 0 {
		return errors.New("the loop asks for all, and in nobody's name")
	}
	if k.boom.Load() {
		panic("boom")
	}
	select {
	case <-time.After(k.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if problem := k.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

func (k *track) loop() *Loop {
	k.began, k.takes = time.Now(), 100*time.Millisecond
	return &Loop{
		Sync: k.sync, UnderWay: func(context.Context) (bool, error) { return k.underWay.Load(), nil },
		Interval: time.Second, Idle: 15 * time.Second, Live: 30 * time.Second, Budget: 2 * time.Minute,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// during runs a loop for a time, with what happens meanwhile, and returns its rounds.
func (k *track) during(t *testing.T, d time.Duration, meanwhile func(*Loop)) []round {
	t.Helper()
	loop := k.loop()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		loop.Run(ctx, t.Context())
	}()
	if meanwhile != nil {
		meanwhile(loop)
	}
	<-ended
	return k.rounds
}

func expectRounds(t *testing.T, got []round, want ...round) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rounds (-want +got):\n%s", diff)
	}
}

const ms = time.Millisecond

func TestLoopIsSlowWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		got := k.during(t, 50*time.Second, nil)
		expectRounds(t, got, round{0, true}, round{15100 * ms, false}, round{30000 * ms, true}, round{45100 * ms, false})
	})
}

func TestLoopIsQuickWhileSomethingIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		k.underWay.Store(true)
		got := k.during(t, 20*time.Second, func(*Loop) {
			time.Sleep(3 * time.Second)
			k.underWay.Store(false)
		})
		expectRounds(t, got, round{0, true}, round{1100 * ms, false}, round{2200 * ms, false}, round{3300 * ms, false}, round{18400 * ms, false})
	})
}

func TestLoopIsWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		got := k.during(t, 20*time.Second, func(l *Loop) {
			time.Sleep(500 * ms) // a moment after the first round: the pause is short, not none
			for range 1000 {     // however many ask
				l.Wake()
			}
			time.Sleep(4500 * ms)
			l.Wake() // long after the last round: at once
		})
		expectRounds(t, got, round{0, true}, round{1100 * ms, false}, round{5000 * ms, false})
	})
}

func TestLoopLeavesATroubledCloudAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		k.underWay.Store(true)
		trouble := errors.New("slow down")
		k.problem.Store(&trouble)
		got := k.during(t, 48*time.Second, func(l *Loop) {
			for range 40 { // polls do not hurry it
				time.Sleep(time.Second)
				l.Wake()
				if problem := l.Problem(t.Context()); !errors.Is(problem, trouble) {
					t.Errorf("problem %v", problem)
				}
			}
			k.problem.Store(nil)
		})
		// The pause doubles up to the idle one; after the end of the trouble it is the short one again.
		expectRounds(t, got, round{0, true}, round{2100 * ms, false}, round{6200 * ms, false}, round{14300 * ms, false},
			round{29400 * ms, false}, round{44500 * ms, true}, round{45600 * ms, false}, round{46700 * ms, false}, round{47800 * ms, false})
	})
}

func TestLoopFinishesItsRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		loop := k.loop()
		k.takes = 10 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		loop.Run(ctx, t.Context())
		if last := loop.Last(t.Context()); last.Number != 1 || last.Problem != nil || time.Since(k.began) != k.takes {
			t.Errorf("after %s: %+v", time.Since(k.began), last)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		loop := k.loop()
		k.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		hard, cut := context.WithTimeout(t.Context(), 5*time.Second)
		defer cut()
		loop.Run(ctx, hard)
		if took := time.Since(k.began); took != 5*time.Second {
			t.Errorf("cut short after %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a cloud that hangs does not hang the loop
		k := &track{}
		k.underWay.Store(true)
		loop := k.loop()
		k.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		loop.Run(ctx, t.Context())
		expectRounds(t, k.rounds, round{0, true}, round{2*time.Minute + 2*time.Second, true})
	})
}

func TestLoopOutlivesADefect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		k.boom.Store(true)
		got := k.during(t, 20*time.Second, func(l *Loop) {
			time.Sleep(time.Second)
			if problem := l.Problem(t.Context()); problem == nil || problem.Error() != "internal error: boom" {
				t.Errorf("problem %v", problem)
			}
			k.boom.Store(false)
		})
		if len(got) < 3 {
			t.Errorf("rounds %v", got)
		}
	})
}

func TestProblemBeforeTheFirstRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &track{}
		loop := k.loop()
		k.takes = 10 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		go loop.Run(ctx, ctx)
		short, done := context.WithTimeout(t.Context(), 5*time.Second)
		defer done()
		if err := loop.Problem(short); err == nil || time.Since(k.began) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(k.began), err)
		}
		if err := loop.Problem(t.Context()); err != nil || time.Since(k.began) != 10*time.Second {
			t.Errorf("after %s: %v", time.Since(k.began), err)
		}
		cancel()
		synctest.Wait()
	})
}

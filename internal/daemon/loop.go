package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// Loop looks at the cloud again and again and drives what is under way: often while something is, seldom while nothing is,
// and more seldom after each failure. All fields but Telemetry are required.
type Loop struct {
	Sync     func(ctx context.Context, in command.SyncRequests) error
	UnderWay func(ctx context.Context) (bool, error) // whether a request is not settled
	Interval time.Duration                           // between rounds while one is not
	Idle     time.Duration                           // between rounds while all are, and the longest pause after failures
	Live     time.Duration                           // between rounds that look at machines which their users have
	Budget   time.Duration                           // what one round may take; the next goes on where it stopped
	Now      func() time.Time
	Log      *slog.Logger

	Telemetry *telemetry.Instruments // counts and traces rounds; nil: nobody does

	once  sync.Once
	woken chan struct{} // holds one: somebody has made or asked for something
	first chan struct{} // closed after the first round

	mu   sync.Mutex
	last Round
	good time.Time // when the last round without a problem ended
}

// Round is one look at everything.
type Round struct {
	Number   int // 0: none has ended yet
	Began    time.Time
	Ended    time.Time
	UnderWay bool  // something is left to be driven
	Problem  error // what could not be done
}

func (l *Loop) prepare() {
	l.once.Do(func() { l.woken, l.first = make(chan struct{}, 1), make(chan struct{}) })
}

// Run goes round until ctx ends. A round that is under way then is finished, unless hard ends too.
func (l *Loop) Run(ctx, hard context.Context) {
	l.prepare()
	var lived time.Time
	failures := 0
	for ctx.Err() == nil {
		select {
		case <-l.woken: // the round that begins now serves who woke it so far
		default:
		}
		began := l.Now()
		live := lived.IsZero() || began.Sub(lived) >= l.Live
		round := l.round(hard, command.SyncRequests{Others: true, All: true, Live: live})
		if live {
			lived = began
		}
		if round.Problem != nil {
			failures++
		} else {
			failures = 0
		}
		l.wait(ctx, l.pause(round, failures, lived), failures == 0)
	}
}

// round is one round.
func (l *Loop) round(ctx context.Context, in command.SyncRequests) Round {
	ctx, cancel := context.WithTimeout(ctx, l.Budget)
	defer cancel()
	round := Round{Began: l.Now()}
	ctx = telemetry.WithCall(ctx, telemetry.NewCallID())
	round.UnderWay, round.Problem = l.look(ctx, in)
	round.Ended = l.Now()
	l.mu.Lock()
	before := l.last
	round.Number = before.Number + 1
	l.last = round
	if round.Problem == nil {
		l.good = round.Ended
	}
	l.mu.Unlock()
	if l.Telemetry != nil {
		l.Telemetry.Meter.Count(telemetry.Rounds, 1, telemetry.Outcome(round.Problem))
		l.Telemetry.Meter.Observe(telemetry.RoundSeconds, round.Ended.Sub(round.Began))
	}
	l.tell(ctx, before, round)
	if round.Number == 1 {
		close(l.first)
	}
	return round
}

// look drives what is under way and says whether anything is left. A defect that shows with one record must not end what
// follows all the others.
func (l *Loop) look(ctx context.Context, in command.SyncRequests) (left bool, problem error) {
	defer func() {
		if cause := recover(); cause != nil {
			l.Log.ErrorContext(ctx, "internal error in a round", "error", cause, "stack", string(debug.Stack()))
			left, problem = true, fmt.Errorf("internal error: %v", cause)
		}
	}()
	problem = l.Sync(ctx, in)
	left, err := l.UnderWay(ctx)
	if problem == nil {
		problem = err
	}
	return left, problem
}

// tell logs what is news: a trouble of hours is two lines.
func (l *Loop) tell(ctx context.Context, before, now Round) {
	switch {
	case now.Problem != nil && (before.Problem == nil || before.Problem.Error() != now.Problem.Error()):
		l.Log.WarnContext(ctx, "not everything could be driven on", "error", now.Problem)
	case now.Problem == nil && before.Problem != nil:
		l.Log.InfoContext(ctx, "everything can be driven on again")
	}
}

// pause is how long to wait after a round.
func (l *Loop) pause(r Round, failures int, lived time.Time) time.Duration {
	pause := l.Idle
	if r.UnderWay {
		pause = l.Interval
	}
	for range failures {
		if pause *= 2; pause >= l.Idle {
			pause = l.Idle
			break
		}
	}
	// Not later than the next look at machines in their users' hands, unless the cloud wants to be left alone.
	if due := lived.Add(l.Live).Sub(r.Ended); failures == 0 && due < pause {
		pause = max(due, 0)
	}
	return pause
}

// wait waits. Who is woken while nothing was under way goes on after the short pause.
func (l *Loop) wait(ctx context.Context, pause time.Duration, wakeful bool) {
	began := l.Now()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	woken := l.woken
	if !wakeful {
		woken = nil
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-woken:
			if short := l.Interval - l.Now().Sub(began); short < pause {
				timer.Reset(max(short, 0))
			}
			woken = nil
		}
	}
}

// Wake says that something is under way.
func (l *Loop) Wake() {
	l.prepare()
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// Last is the last round that has ended. Before the first has, it waits for that as long as ctx allows.
func (l *Loop) Last(ctx context.Context) Round {
	l.prepare()
	select {
	case <-l.first:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// LastGood is when a round last ended without a problem; zero: none has.
func (l *Loop) LastGood() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good
}

// Problem is what keeps the records from being up to date, in the words of a call that finds them so.
func (l *Loop) Problem(ctx context.Context) error {
	round := l.Last(ctx)
	if round.Number == 0 {
		return ohfp.Errorf(ohfp.ErrUnavailable, "the first look of the daemon at the cloud has not ended")
	}
	return round.Problem
}

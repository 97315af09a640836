//go:build linux || darwin

package daemon

import (
	"errors"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/provider/fake"
)

const askForTwo = `{"template":{"templateId":"small","machineCount":2}}`

// launching stops the daemon in the middle of a launch, and returns what its caller is told then.
func (w *world) launching(then func()) (answer *wire.Answer) {
	w.tb.Helper()
	w.serve()
	answers := make(chan *wire.Answer, 1)
	go func() {
		defer close(answers)
		a, err := w.call(hostfactory.RequestMachines, askForTwo)
		if err != nil {
			w.tb.Error(err)
			return
		}
		if err := errors.Join(a.Written(), a.Close()); err != nil {
			w.tb.Error(err)
		}
		answers <- a
	}()
	w.eventually("it launches", func() bool { return w.launches.Load() == 1 })
	w.stop()
	w.eventually("no more calls are taken", func() bool {
		a, err := w.call(hostfactory.GetAvailableTemplates, "{}")
		if errors.Is(err, wire.ErrLost) {
			w.tb.Errorf("a call was lost: %v", err)
		}
		if err == nil {
			err := a.Close() // the daemon would wait for what becomes of the answer
			if err != nil {
				w.tb.Error(err)
			}
			return false
		}
		return true
	})
	then()
	w.stopped()
	answer = <-answers
	if answer == nil {
		w.tb.FailNow()
	}
	return answer
}

// TestStopWaitsForCalls: what is launched when it is told to stop is answered with its outcome.
func TestStopWaitsForCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := requestID(t, w.launching(w.cloud.Hang(fake.OpLaunch)))
	if r := w.stored(id); len(r.Machines) != 2 || r.AnsweredAt.IsZero() || w.launches.Load() != 1 {
		t.Errorf("%d machines, answered at %s, %d launches", len(r.Machines), r.AnsweredAt, w.launches.Load())
	}
}

// TestStopLeavesTheRestToTheRecords: a launch that does not end in time is cut short, and resumed by whoever polls next.
func TestStopLeavesTheRestToTheRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Daemon.StopWithin = 50 * time.Millisecond
	w.daemon = w.process()
	release := w.cloud.Hang(fake.OpLaunch)
	id := requestID(t, w.launching(func() {}))
	if r := w.stored(id); len(r.Machines) != 0 || r.AnsweredAt.IsZero() {
		t.Errorf("%d machines, answered at %s", len(r.Machines), r.AnsweredAt)
	}
	release()
	alone := w.process()
	w.eventually("it is complete", func() bool {
		w.clock.Advance(time.Second)
		if err := alone.Commands.SyncRequests(t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{id}, Others: true}); err != nil {
			t.Fatal(err)
		}
		return w.stored(id).Status == ohfp.StatusComplete
	})
	if n := len(w.cloud.Live()); n != 2 {
		t.Errorf("%d machines", n)
	}
}

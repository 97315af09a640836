package command_test

import (
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/store"
)

// TestAbandonedRequests follows requests that nobody asks about, as a daemon's rounds and other scripts' calls do.
func TestAbandonedRequests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                 string
		answered, release    bool
		listedAt, releasedAt time.Duration // 0: never
	}{
		{"never answered", false, false, 0, 10 * time.Minute},
		{"answered", true, false, 40 * time.Minute, 0},
		{"answered, and the policy releases", true, true, 0, 40 * time.Minute},
	} {
		for how, round := range map[string]command.SyncRequests{
			"daemon": {Others: true, All: true, Live: true}, "script": {Others: true, Live: true},
		} {
			t.Run(test.name+", "+how, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				ask := w.process()
				ask.Requests.Abandon.Release = test.release
				r, err := ask.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 2})
				if err == nil && test.answered {
					err = ask.Answered(t.Context(), r.ID)
				}
				if err != nil {
					t.Fatal(err)
				}
				queries := &query.Queries{Store: w.store, Memory: w.store, Now: w.clock.Now}
				for since := time.Duration(0); since < 2*time.Hour; since += time.Minute {
					if err := w.process().SyncRequests(t.Context(), round); err != nil {
						t.Fatal(err)
					}
					list, err := queries.Abandoned(t.Context(), query.RequestFilter{})
					if err != nil {
						t.Fatal(err)
					}
					if want := test.listedAt > 0 && since > test.listedAt; (len(list) == 1) != want {
						t.Fatalf("after %s %d requests are listed as abandoned", since, len(list))
					}
					if live := len(w.cloud.Live()); test.releasedAt > 0 && since > test.releasedAt+time.Minute && live != 0 ||
						(test.releasedAt == 0 || since <= test.releasedAt) && live != 2 {
						t.Fatalf("after %s %d machines live", since, live)
					}
					w.clock.Advance(time.Minute)
				}
				if got := w.read(r.ID); !got.Settled() || (test.releasedAt > 0) != !got.Machines[0].Alive() {
					t.Errorf("in the end the request is %s: %s", got.Status, got.Message)
				}
				if told := count(t, w.store, ohfp.RequestAbandoned); told != map[bool]int{true: 1}[test.answered] {
					t.Errorf("%d events tell that it is abandoned", told)
				}
				if polled := w.poll(r.ID); polled.Abandoned(w.clock.Now()) {
					t.Error("it counts as abandoned after somebody has asked")
				}
			})
		}
	}
}

func count(t *testing.T, records store.Store, kind ohfp.EventKind) (n int) {
	t.Helper()
	events, err := records.Events(t.Context(), store.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

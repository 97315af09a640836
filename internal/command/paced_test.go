package command_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/provider"
)

// slow is a provider whose cloud allows no launch before a time.
type slow struct {
	provider.Provider
	now   func() time.Time
	until time.Time
}

func (s *slow) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	order, err := s.Provider.Prepare(ctx, ask)
	if err == nil && s.now().Before(s.until) {
		return ohfp.Order{Estimate: order.Estimate}, &ohfp.PacedError{Call: "Launch", At: s.until, Done: s.until.Add(20 * time.Minute)}
	}
	return order, err
}

// TestARequestWaitsForTheRate: it is accepted, held to the limits as any other, says what it waits for, and goes on.
func TestARequestWaitsForTheRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.process()
	c.Executor.Providers = opened{&slow{w.open(), w.clock.Now, w.clock.Now().Add(30 * time.Minute)}}
	r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 4})
	if err != nil {
		t.Fatal(err)
	}
	if want := "waiting for the cloud's rate: 0 of 4 launched, about 50 min to go"; r.Message != want || r.Status != ohfp.StatusPending || len(r.Attempts) > 0 {
		t.Errorf("it is %s with %d attempts and says %q, want %q", r.Status, len(r.Attempts), r.Message, want)
	}
	c.Limits.VCPUs = 1
	if _, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 4}); !errors.Is(err, ohfp.ErrLimit) {
		t.Errorf("over a limit: %v", err)
	}
	step := func() ohfp.Request {
		t.Helper()
		w.clock.Advance(10 * time.Minute)
		if err := c.SyncRequests(t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{r.ID}}); err != nil {
			t.Fatal(err)
		}
		return w.read(r.ID)
	}
	if r := step(); len(r.Attempts) > 0 || r.Status.Terminal() {
		t.Errorf("while it waits it is %s with %d attempts", r.Status, len(r.Attempts))
	}
	step()
	if r := step(); len(r.Machines) != 4 || strings.Contains(r.Message, "waiting") {
		t.Errorf("when the rate allows it has %d machines and says %q", len(r.Machines), r.Message)
	}
	if r := step(); r.Status != ohfp.StatusComplete {
		t.Errorf("in the end it is %s: %s", r.Status, r.Message)
	}
}

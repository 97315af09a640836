package command_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/provider"
)

// asked writes down what a provider is asked to prepare.
type asked struct {
	provider.Provider
	mu   *sync.Mutex
	asks *[]provider.Ask
}

func (a asked) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	a.mu.Lock()
	*a.asks = append(*a.asks, ask)
	a.mu.Unlock()
	return a.Provider.Prepare(ctx, ask)
}

// TestFurtherAttemptsKnowWhatIsHeld: shares of spot and on demand are of all that a request gets, not of each attempt.
func TestFurtherAttemptsKnowWhatIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asks []provider.Ask
	var mu sync.Mutex
	w.tune = func(c *command.Commands) {
		c.Executor.Providers = opened{asked{w.open(), &mu, &asks}}
	}
	for _, zone := range []string{"small/zone-a", "small/zone-b", "small/zone-c"} {
		w.cloud.SetCapacity(zone, 0)
	}
	w.cloud.SetCapacity("small/zone-a", 3)
	r := w.request("small", 5)
	for range 6 {
		w.clock.Advance(20 * time.Second)
		r = w.poll(r.ID)
	}
	if r.Status != ohfp.StatusInProgress || !strings.HasPrefix(r.Message, "3 of 5 delivered; ") || !strings.Contains(r.Message, "small") {
		t.Errorf("the request is %s and says %q; want why it waits", r.Status, r.Message)
	}
	held := 0
	for _, ask := range asks {
		if ask.Held.Spot != 0 || ask.Held.OnDemand+ask.Count != 5 {
			t.Errorf("attempt %d asks for %d beside %+v; want 5 in all", ask.Attempt, ask.Count, ask.Held)
		}
		held = max(held, ask.Held.OnDemand)
	}
	if held != 3 {
		t.Errorf("after %d attempts, a request that is %s held %d, want 3", len(asks), r.Status, held)
	}
}

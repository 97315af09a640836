package app

import (
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
	inmemory "github.com/openhostfactory/ohfp/store/memory"
)

// TestRetentionIsKept runs the chores of a store with a request that ended ten days ago.
func TestRetentionIsKept(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) }
	for retention, want := range map[time.Duration]int{0: 1, 8 * 24 * time.Hour: 0, 12 * 24 * time.Hour: 1} {
		s := inmemory.New(now)
		r, _, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 1}, 1, ohfp.Origin{Face: "cli"}, time.Hour, now().AddDate(0, 0, -10))
		if err != nil {
			t.Fatal(err)
		}
		r.Status, r.CompletedAt = ohfp.StatusFailed, r.CreatedAt
		if err := s.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		for _, chore := range storageChores(s, config.Storage{Strategy: config.StrategySQL, Retention: retention}, now) {
			if err := chore.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		left, err := s.Requests(t.Context(), store.RequestFilter{})
		if err != nil || len(left) != want {
			t.Errorf("with a retention of %s there are %d requests, want %d: %v", retention, len(left), want, err)
		}
	}
}

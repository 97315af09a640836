package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// unreachable is a provider whose cloud is not there.
type unreachable struct {
	provider.Provider
	calls int
}

func (u *unreachable) Launch(context.Context, ohfp.Order) (provider.Launched, error) {
	u.calls++
	return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "nothing there")
}

// TestBreakerSettings: each setting decides how many of many calls reach a cloud that is not there.
func TestBreakerSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breaker config.Breaker
		want    int
	}{
		"off":                {config.Breaker{Failures: 2, OpenFor: time.Hour}, 10},
		"after two":          {config.Breaker{Enabled: true, Failures: 2, OpenFor: time.Hour}, 2},
		"after four":         {config.Breaker{Enabled: true, Failures: 4, OpenFor: time.Hour}, 4},
		"for no time at all": {config.Breaker{Enabled: true, Failures: 2, OpenFor: time.Nanosecond}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testBreaker(t, test.breaker, test.want) })
		})
	}
}

func testBreaker(t *testing.T, breaker config.Breaker, want int) {
	t.Helper()
	cloud := &unreachable{}
	providers := &instances{
		config: config.Config{
			Providers: []config.Provider{{Name: "far", Type: "test", Enabled: true}}, Resilience: config.Resilience{Breaker: breaker},
		},
		registry: provider.Registry{"test": {Open: func(context.Context, json.RawMessage, provider.Environment) (provider.Provider, error) {
			return cloud, nil
		}}},
		env: provider.Environment{Memory: fake.NewMemory(time.Now), Now: time.Now, Log: slog.New(slog.DiscardHandler)},
	}
	p, err := providers.Provider(t.Context(), "far")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := p.Launch(t.Context(), ohfp.Order{}); !errors.Is(err, ohfp.ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
	}
	if cloud.calls != want {
		t.Errorf("%d calls, want %d", cloud.calls, want)
	}
}

// TestPacingSetting: a provider is told whether to keep to the cloud's rates.
func TestPacingSetting(t *testing.T) {
	t.Parallel()
	for _, pacing := range []bool{true, false} {
		var told provider.Environment
		providers := &instances{
			config: config.Config{Providers: []config.Provider{{Name: "far", Type: "test"}}, Resilience: config.Resilience{Pacing: pacing}},
			registry: provider.Registry{"test": {Open: func(_ context.Context, _ json.RawMessage, env provider.Environment) (provider.Provider, error) {
				told = env
				return &unreachable{}, nil
			}}},
			env: provider.Environment{Log: slog.New(slog.DiscardHandler)},
		}
		if _, err := providers.Provider(t.Context(), "far"); err != nil {
			t.Fatal(err)
		}
		if told.Unpaced == pacing {
			t.Errorf("pacing %t is told as unpaced %t", pacing, told.Unpaced)
		}
	}
}

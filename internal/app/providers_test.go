package app

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
	inmemory "github.com/openhostfactory/ohfp/store/memory"
)

// bare is a provider without any capability.
type bare struct{ provider.Provider }

func bareApp() *App {
	cfg := config.Config{Providers: []config.Provider{
		{Name: "off", Type: "plain", Priority: -1},
		{Name: "last", Type: "plain", Enabled: true, Priority: 2},
		{Name: "first", Type: "plain", Enabled: true, Priority: 1},
	}}
	providers := &instances{config: cfg, open: map[string]provider.Provider{"first": bare{}}}
	return &App{Config: cfg, Commands: &command.Commands{}, catalog: &catalog{providers: providers, policy: policyOf(cfg)}}
}

// TestIncapable: what a provider cannot do is refused by its name.
func TestIncapable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ask  func(a *App) error
		want string
	}{
		"health": {
			func(a *App) error { _, err := a.Health(t.Context(), "first"); return err },
			"provider first cannot tell whether it works: its type plain does not support that",
		},
		"policy": {
			func(a *App) error { _, err := a.Policy(t.Context(), "first", nil); return err },
			"provider first cannot tell what its identity must be allowed to do: its type plain does not support that",
		},
		"refresh": {
			func(a *App) error { _, err := a.Refresh(t.Context(), "first"); return err },
			"provider first cannot refresh what it remembers: its type plain does not support that",
		},
		"discover": {
			func(a *App) error { _, err := a.Discover(t.Context(), "first"); return err },
			"provider first cannot tell what its account has: its type plain does not support that",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.ask(bareApp())
			if !errors.Is(err, ohfp.ErrInvalid) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestProviders: the default is the one that placement would choose, and never a disabled one.
func TestProviders(t *testing.T) {
	t.Parallel()
	want := []view.Provider{
		{Name: "off", Type: "plain", Priority: -1},
		{Name: "last", Type: "plain", Enabled: true, Priority: 2},
		{Name: "first", Type: "plain", Enabled: true, Priority: 1, Default: true},
	}
	if diff := cmp.Diff(want, bareApp().Providers()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestApartLearnsNothing: what a provider learns for a look elsewhere is not what others recall.
func TestApartLearnsNothing(t *testing.T) {
	t.Parallel()
	shared := inmemory.New(time.Now)
	for apart, want := range map[bool]bool{true: false, false: true} {
		used := Options{Now: time.Now, Apart: apart}.memory(shared)
		key := "image/" + strconv.FormatBool(apart)
		if err := used.Remember(t.Context(), key, []byte("ami-1"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, found, err := shared.Recall(t.Context(), key); err != nil || found != want {
			t.Errorf("apart %t: others recall it: %t (%v)", apart, found, err)
		}
	}
}

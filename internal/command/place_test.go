package command_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// several are providers by name.
type several map[string]provider.Provider

func (s several) Provider(_ context.Context, name string) (provider.Provider, error) {
	return s[name], nil
}

// shut is a provider that cannot prepare a launch.
type shut struct {
	provider.Provider
	problem error
}

func (s shut) Prepare(context.Context, provider.Ask) (ohfp.Order, error) {
	return ohfp.Order{}, s.problem
}

// TestFallbackBeforeAnythingIsLaunched: the next provider is asked when the first has no capacity or is not available,
// and the request says so; a mistake is a mistake everywhere.
func TestFallbackBeforeAnythingIsLaunched(t *testing.T) {
	t.Parallel()
	for _, problem := range []error{ohfp.ErrCapacity, ohfp.ErrUnavailable, ohfp.ErrInvalid} {
		w := newWorld(t)
		c := w.process()
		cloud := w.open()
		c.Executor.Providers = several{"far": shut{cloud, ohfp.Errorf(problem, "far is shut")}, "cloud": cloud}
		c.Placement = placement.Policy{
			Instances: []placement.Instance{{Name: "far"}, {Name: "cloud"}}, Name: placement.FirstAvailable, Fallback: []string{"cloud"},
		}
		r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 2})
		if errors.Is(problem, ohfp.ErrInvalid) {
			if err == nil || len(w.cloud.Live()) > 0 {
				t.Errorf("an invalid ask went on: %v, %v", r.Provider, err)
			}
			continue
		}
		if err != nil || r.Provider != "cloud" || !strings.Contains(r.Placement, "far refused: far is shut") {
			t.Errorf("%v: the request went to %q because %q (%v)", problem, r.Provider, r.Placement, err)
		}
	}
}

// TestTurnsAreRememberedBetweenProcesses: each process starts afresh, the turns do not.
func TestTurnsAreRememberedBetweenProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var order []string
	for range 4 {
		c := w.process()
		cloud := w.open()
		c.Executor.Providers = several{"one": cloud, "two": cloud}
		c.Placement = placement.Policy{Instances: []placement.Instance{{Name: "one"}, {Name: "two"}}, Name: placement.RoundRobin}
		r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, r.Provider)
	}
	if got := strings.Join(order, " "); got != "one two one two" {
		t.Errorf("requests went to %s", got)
	}
}

// judge is a provider that counts how often it is asked about a template.
type judge struct {
	provider.Provider
	asked   *int
	problem error
}

func (j judge) Validate(context.Context, ohfp.Template) error {
	*j.asked++
	return j.problem
}

// TestCapabilitiesAreRemembered: providers are asked once about a template, for all processes, until it changes or time
// has passed; one that could not be asked is asked again.
func TestCapabilitiesAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	able, unable, away := 0, 0, 0
	ask := func() ohfp.Request {
		t.Helper()
		c := w.process()
		cloud := w.open()
		c.Executor.Providers = several{
			"unable": judge{cloud, &unable, ohfp.Errorf(ohfp.ErrInvalid, "there is no such machine type here")},
			"away":   judge{cloud, &away, ohfp.Errorf(ohfp.ErrUnavailable, "nobody answers")},
			"able":   judge{cloud, &able, nil},
		}
		c.Placement = placement.Policy{
			Name: placement.CapabilityBased, Instances: []placement.Instance{{Name: "unable"}, {Name: "away"}, {Name: "able"}},
		}
		r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 1})
		if err != nil || r.Provider != "able" {
			t.Fatalf("the request went to %q because %q (%v)", r.Provider, r.Placement, err)
		}
		return r
	}
	want := func(when string, of, never int) {
		t.Helper()
		if able != of || unable != of || away != never {
			t.Errorf("%s: asked %d, %d and %d times, want %d, %d and %d", when, able, unable, away, of, of, never)
		}
	}
	ask()
	ask()
	want("the second time", 1, 2)
	w.template("small", 99, `{"type":"small"}`, fake.APIInstances)
	ask()
	want("with a changed template", 2, 3)
	w.clock.Advance(11 * time.Minute)
	ask()
	want("after a while", 3, 4)
}

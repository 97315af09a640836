package placement

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider/fake"
)

func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

// TestPolicies: each policy prefers b for its own reason.
func TestPolicies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ a, b Record }{
		RoundRobin:         {Record{Chosen: 3}, Record{Chosen: 2}},
		WeightedRoundRobin: {Record{Chosen: 10}, Record{Chosen: 29}}, // b has thrice the weight
		LeastConnections:   {Record{Alive: 10}, Record{Alive: 29}},
		FastestResponse:    {Record{Latency: 2 * time.Second}, Record{Latency: time.Second}},
		HighestSuccessRate: {Record{Succeeded: 90, Failed: 10}, Record{Succeeded: 9}},
		HealthBased:        {Record{FailedAt: noon().Add(-time.Minute)}, Record{}},
		CapabilityBased:    {Record{Unfit: "no such machine type"}, Record{}},
		PerformanceBased:   {Record{Succeeded: 10, Latency: 2 * time.Second}, Record{Succeeded: 10, Failed: 1, Latency: time.Second}},
		FirstAvailable:     {Record{FailedAt: noon().Add(-time.Minute)}, Record{}},
	}
	for _, name := range Policies() {
		test, ok := tests[name]
		if !ok {
			if name != Random {
				t.Errorf("%s is not tested", name)
			}
			continue
		}
		p := Policy{Name: name, Instances: []Instance{{Name: "a", Weight: 1}, {Name: "b", Weight: 3}}}
		got, err := p.Rank(ohfp.Template{}, map[string]Record{"a": test.a, "b": test.b}, noon())
		if err != nil || got[0].Provider != "b" || !strings.HasSuffix(got[0].Reason, "("+name+")") {
			t.Errorf("%s chose %+v (%v), want b and why", name, got, err)
		}
		if got, _ := p.Rank(ohfp.Template{ProviderName: "a"}, map[string]Record{"a": test.a, "b": test.b}, noon()); got[0].Provider != "a" {
			t.Errorf("%s overrules the template", name)
		}
	}
}

// TestPoliciesCanBeSet: the setting knows each policy by its name.
func TestPoliciesCanBeSet(t *testing.T) {
	t.Parallel()
	for _, key := range config.Keys() {
		if key.Name != "placement.policy" {
			continue
		}
		if diff := cmp.Diff(Policies(), slices.Sorted(slices.Values(key.Words))); diff != "" {
			t.Errorf("-policies +setting:\n%s", diff)
		}
		return
	}
	t.Error("there is no placement.policy")
}

// TestShares: in turn, by weight, and by chance, each instance gets its share.
func TestShares(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]int{RoundRobin: {100, 100}, WeightedRoundRobin: {50, 150}, Random: {50, 150}} {
		records := map[string]Record{}
		got := map[string]int{}
		p := Policy{Name: name, Instances: []Instance{{Name: "a", Weight: 1}, {Name: "b", Weight: 3}}}
		for range 200 {
			ranking, err := p.Rank(ohfp.Template{}, records, noon())
			if err != nil {
				t.Fatal(err)
			}
			chosen := ranking[0].Provider
			got[chosen]++
			records[chosen] = records[chosen].Asked(time.Second, nil, noon())
		}
		slack := 1
		if name == Random {
			slack = 35 // more than five standard deviations
		}
		if d := got["a"] - want[0]; d > slack || d < -slack {
			t.Errorf("%s gave a %d of 200, want %d", name, got["a"], want[0])
		}
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	p := Policy{
		Name: FirstAvailable, Fallback: []string{"c", "a", "b", "gone"},
		Instances: []Instance{{Name: "a", Type: "x"}, {Name: "b", Type: "x"}, {Name: "c", Type: "y"}},
	}
	names := func(t ohfp.Template) (list string) {
		ranking, err := p.Rank(t, nil, noon())
		if err != nil {
			return err.Error()
		}
		for _, choice := range ranking {
			list += choice.Provider
		}
		return list
	}
	for want, template := range map[string]ohfp.Template{"acb": {}, "ab": {ProviderType: "x"}, "b": {ProviderName: "b"}} {
		if got := names(template); got != want {
			t.Errorf("%+v goes to %s, want %s", template, got, want)
		}
	}
}

// TestBook: processes share what they know, and what is wrong with a template is nobody's fault.
func TestBook(t *testing.T) {
	t.Parallel()
	memory := fake.NewMemory(noon)
	for range 3 {
		b := Book{Memory: memory, Now: noon}
		for _, outcome := range []error{nil, ohfp.ErrInvalid, ohfp.ErrCapacity} {
			if err := b.Add(t.Context(), "a", time.Second, outcome); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := Book{Memory: memory, Now: noon}
	if err := b.Add(t.Context(), "b", time.Second, ohfp.ErrUnavailable); err != nil {
		t.Fatal(err)
	}
	records, err := b.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := records["a"]
	if a.Chosen != 9 || a.Rate() < 0.5 || a.Rate() > 0.6 || a.Latency != time.Second || !a.healthy(noon()) {
		t.Errorf("a is remembered as %+v, rate %f", a, a.Rate())
	}
	if r := records["b"]; r.healthy(noon()) || !r.healthy(noon().Add(unhealthyFor)) {
		t.Errorf("b is remembered as %+v", r)
	}
	var none Policy
	if _, err := none.Rank(ohfp.Template{}, nil, noon()); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("without instances: %v", err)
	}
}

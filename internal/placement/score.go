package placement

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The ways to choose among instances that fit, by the names of the reference system.
const (
	FirstAvailable     = "FIRST_AVAILABLE"
	RoundRobin         = "ROUND_ROBIN"
	WeightedRoundRobin = "WEIGHTED_ROUND_ROBIN"
	LeastConnections   = "LEAST_CONNECTIONS"
	FastestResponse    = "FASTEST_RESPONSE"
	HighestSuccessRate = "HIGHEST_SUCCESS_RATE"
	HealthBased        = "HEALTH_BASED"
	CapabilityBased    = "CAPABILITY_BASED"
	PerformanceBased   = "PERFORMANCE_BASED"
	Random             = "RANDOM"
)

// score says how good an instance is, the highest wins, and why in words.
type score func(i Instance, r Record, now time.Time) (float64, string)

// scores is the table of policies. All put an instance that was not available lately behind those that were, and weight
// counts wherever a share is meant.
func scores() map[string]score {
	weight := func(i Instance) float64 { return float64(max(i.Weight, 1)) }
	rate := func(r Record) string { return fmt.Sprintf("%.0f%% of its launches succeeded", 100*r.Rate()) }
	return map[string]score{
		FirstAvailable: func(Instance, Record, time.Time) (float64, string) { return 0, "it comes first by priority and order" },
		RoundRobin: func(_ Instance, r Record, _ time.Time) (float64, string) {
			return -float64(r.Chosen), "it is its turn after " + ohfp.Count(r.Chosen, "launch")
		},
		WeightedRoundRobin: func(i Instance, r Record, _ time.Time) (float64, string) {
			return -float64(r.Chosen+1) / weight(i), fmt.Sprintf("it is its turn after %s with weight %d", ohfp.Count(r.Chosen, "launch"), max(i.Weight, 1))
		},
		LeastConnections: func(i Instance, r Record, _ time.Time) (float64, string) {
			return -float64(r.Alive) / weight(i), fmt.Sprintf("it has the fewest machines for its weight, %d", r.Alive)
		},
		FastestResponse: func(_ Instance, r Record, _ time.Time) (float64, string) {
			return -r.Latency.Seconds(), fmt.Sprintf("it answers fastest, in %s", r.Latency.Round(time.Millisecond))
		},
		HighestSuccessRate: func(_ Instance, r Record, _ time.Time) (float64, string) { return r.Rate(), rate(r) },
		HealthBased: func(_ Instance, r Record, now time.Time) (float64, string) {
			if r.healthy(now) {
				return 1, "it is healthy"
			}
			return 0, "no healthier one is there"
		},
		CapabilityBased: func(_ Instance, r Record, _ time.Time) (float64, string) {
			if r.Unfit == "" {
				return 1, "it can launch the template"
			}
			return 0, "none can launch the template: " + r.Unfit
		},
		PerformanceBased: func(i Instance, r Record, _ time.Time) (float64, string) {
			return weight(i) * r.Rate() / (r.Latency.Seconds() + 0.1), fmt.Sprintf("%s, in %s", rate(r), r.Latency.Round(time.Millisecond))
		},
		Random: func(i Instance, _ Record, _ time.Time) (float64, string) {
			return rand.ExpFloat64() / -1 / weight(i), "chance chose it" //nolint:gosec // nothing secret depends on it
		},
	}
}

// Policies lists the policies.
func Policies() []string { return slices.Sorted(maps.Keys(scores())) }

// NeedsRecords says whether a choice depends on what is remembered. Where there is nothing to choose nothing need be.
func (p Policy) NeedsRecords() bool { return len(p.Instances) > 1 }

// Rank returns the instances for a template, the best first and behind it those to fall back on, in the order in which
// they are configured for that. A template or default that names an instance wins over the policy.
func (p Policy) Rank(t ohfp.Template, records map[string]Record, now time.Time) ([]Choice, error) {
	first, err := p.Choose(t)
	if err != nil {
		return nil, err
	}
	if t.ProviderName == "" && first.Provider != p.Default {
		first = p.best(t, records, now, first)
	}
	ranking := []Choice{first}
	if t.ProviderName != "" {
		return ranking, nil
	}
	for _, name := range p.Fallback {
		i := slices.IndexFunc(p.Instances, func(i Instance) bool { return i.Name == name && fits(i, t) })
		if i >= 0 && name != first.Provider {
			ranking = append(ranking, Choice{Provider: name, Reason: "placement.fallback names it next"})
		}
	}
	return ranking, nil
}

func (p Policy) best(t ohfp.Template, records map[string]Record, now time.Time, first Choice) Choice {
	judge, ok := scores()[p.Name]
	if !ok {
		return first
	}
	type judged struct {
		Instance
		healthy bool
		score   float64
		reason  string
	}
	var list []judged
	for _, i := range p.Instances {
		if fits(i, t) {
			r := records[i.Name]
			value, reason := judge(i, r, now)
			list = append(list, judged{i, r.healthy(now), value, reason})
		}
	}
	if len(list) < 2 {
		return first
	}
	slices.SortStableFunc(list, func(a, b judged) int {
		if a.healthy != b.healthy {
			if a.healthy {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Priority, b.Priority))
	})
	return Choice{Provider: list[0].Name, Reason: list[0].reason + " (" + p.Name + ")"}
}

func fits(i Instance, t ohfp.Template) bool { return t.ProviderType == "" || i.Type == t.ProviderType }

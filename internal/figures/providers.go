package figures

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// ProviderCalls is how calls to a cloud went, of all processes of a work directory since they began to count.
type ProviderCalls struct {
	Provider   string      `json:"provider"`
	Calls      int         `json:"calls"` // each try of one
	Errors     int         `json:"errors"`
	Throttled  int         `json:"throttled"` // of the errors: refused by the cloud's rate
	Average    float64     `json:"averageMs"`
	Operations []CloudCall `json:"operations"`
}

// CloudCall is how calls of one operation went.
type CloudCall struct {
	Operation string         `json:"operation"` // by the cloud's own name
	Calls     int            `json:"calls"`
	Outcomes  map[string]int `json:"outcomes"` // ok or the kind of error
	Average   float64        `json:"averageMs"`
}

// CallsOf adds up the calls of a provider. One that was never called has none.
func CallsOf(t telemetry.Tally, provider string) ProviderCalls {
	p := ProviderCalls{Provider: provider, Operations: []CloudCall{}}
	operations := map[string]*CloudCall{}
	seconds := map[string]float64{}
	all := 0.0
	for series, value := range t {
		labels := series.Values()
		const labelled = 2 // at least provider and operation
		if len(labels) < labelled || labels[0] != provider {
			continue
		}
		switch {
		case series.Metric == telemetry.CloudCalls && len(labels) > labelled:
			o := operations[labels[1]]
			if o == nil {
				o = &CloudCall{Operation: labels[1], Outcomes: map[string]int{}}
				operations[labels[1]] = o
			}
			n, outcome := int(value), labels[2]
			o.Calls += n
			o.Outcomes[outcome] += n
			p.Calls += n
			if outcome != telemetry.OutcomeOK {
				p.Errors += n
			}
			if outcome == telemetry.OutcomeThrottled {
				p.Throttled += n
			}
		case series.Metric == telemetry.CloudSeconds && series.Part == telemetry.PartSum:
			seconds[labels[1]] += value
			all += value
		}
	}
	for name, o := range operations {
		o.Average = milliseconds(seconds[name], o.Calls)
		p.Operations = append(p.Operations, *o)
	}
	p.Average = milliseconds(all, p.Calls)
	slices.SortFunc(p.Operations, func(a, b CloudCall) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Operation, b.Operation))
	})
	return p
}

// milliseconds is an average, to the microsecond.
func milliseconds(seconds float64, n int) float64 {
	if n == 0 {
		return 0
	}
	const micro = 1e6
	return float64(int64(seconds/float64(n)*micro+0.5)) / 1000
}

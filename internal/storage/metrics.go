package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Metrics is how fast the store is now: operations of each kind, done and timed by the command itself. What other processes did is
// not counted anywhere, since counting would cost each of them a write.
type Metrics struct {
	Strategy   string         `json:"strategy_name"`
	TimeRange  string         `json:"time_range"` // how long it was measured
	Operations int            `json:"operations_count"`
	Average    float64        `json:"average_latency"` // milliseconds
	ErrorRate  float64        `json:"error_rate"`      // share of the operations, 0 to 1
	Details    MetricsDetails `json:"details"`
}

// MetricsDetails are the parts, and what the store holds, by which the times are to be read.
type MetricsDetails struct {
	Reads  int               `json:"read_ops"`
	Writes int               `json:"write_ops"`
	Kinds  []OperationTimes  `json:"operations"`
	Holds  *store.Inspection `json:"holds,omitempty"`
	Error  string            `json:"error,omitempty"` // the first
	Err    error             `json:"-"`               // the same
}

// OperationTimes is how long operations of a kind took, in milliseconds.
type OperationTimes struct {
	Operation string  `json:"operation"`
	Count     int     `json:"count"`
	Errors    int     `json:"errors"`
	Average   float64 `json:"average_ms"`
	Median    float64 `json:"median_ms"`
	Slowest   float64 `json:"slowest_ms"`
}

// Measure does each kind of operation rounds times. It writes probes only, which it removes.
func (k Keeper) Measure(ctx context.Context, rounds int) (m Metrics, err error) {
	if rounds < 1 {
		return m, ohfp.Errorf(ohfp.ErrInvalid, "%d rounds measure nothing; give 1 or more", rounds)
	}
	m.Strategy = k.Storage.Strategy
	began := k.Now()
	total := 0.0
	one := func(name string, writes bool, n int, do func() error) {
		var times []float64
		of := OperationTimes{Operation: name}
		for range n {
			began := k.Now()
			err := do()
			times = append(times, k.since(began))
			if err != nil {
				of.Errors++
				if m.Details.Error == "" {
					m.Details.Error, m.Details.Err = err.Error(), err
				}
			}
		}
		slices.Sort(times)
		sum := 0.0
		for _, t := range times {
			sum += t
		}
		of.Count, of.Average, of.Median, of.Slowest = n, rounded(sum/float64(n)), times[n/2], times[n-1]
		total += sum
		m.Operations += n
		if writes {
			m.Details.Writes += n
		} else {
			m.Details.Reads += n
		}
		m.ErrorRate += float64(of.Errors) // divided in the end
		m.Details.Kinds = append(m.Details.Kinds, of)
	}
	var s store.Store
	one("open", false, 1, func() error { s, err = k.Open(ctx, k.Storage); return err })
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	newest, err := s.Requests(ctx, store.RequestFilter{Limit: 1})
	if err != nil {
		return m, err
	}
	if len(newest) > 0 {
		one("read the newest request", false, rounds, func() error { _, err := s.Request(ctx, newest[0].ID); return err })
	}
	one("list what is under way", false, rounds, func() error {
		_, err := s.Requests(ctx, store.RequestFilter{Unsettled: true})
		return err
	})
	one("count what is used", false, rounds, func() error { _, err := s.Usage(ctx); return err })
	one("write, read and remove a probe", true, rounds, func() error { _, err := k.probe(ctx, s); return err })
	found, err := s.Inspect(ctx)
	if err != nil {
		return m, err
	}
	m.Details.Holds = &found
	m.TimeRange = ohfp.FormatDuration(k.Now().Sub(began).Round(time.Millisecond))
	m.Average, m.ErrorRate = rounded(total/float64(m.Operations)), m.ErrorRate/float64(m.Operations)
	return m, nil
}

// rounded is to the microsecond.
func rounded(ms float64) float64 { return float64(int64(ms*1000+0.5)) / 1000 }

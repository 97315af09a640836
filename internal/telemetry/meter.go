package telemetry

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Series is one line of a metric: its labels' values in the order of the definition, and of a histogram which bucket, or
// the sum.
type Series struct {
	Metric Metric
	Labels string // joined by separator
	Part   string // of a histogram: the upper bound as the definition has it, infinity or PartSum
}

// The parts of a histogram besides its bounds.
const (
	infinity = "+Inf"
	PartSum  = "sum" // of all values, in seconds
)

// separator stands between the values of labels, which do not have it.
const separator = "\t"

// Values are the labels' values.
func (s Series) Values() []string {
	if s.Labels == "" {
		return nil
	}
	return strings.Split(s.Labels, separator)
}

// Tally is what was counted. A bucket counts what is in it alone, so that tallies can be added up.
type Tally map[Series]float64

// Add adds another tally.
func (t Tally) Add(other Tally) {
	for series, value := range other {
		t[series] += value
	}
}

// Set sets a gauge.
func (t Tally) Set(m Metric, value float64, labels ...string) {
	t[Series{Metric: m, Labels: joined(labels)}] = value
}

// joined are labels' values in one text. Every series of a metric has as many parts, so nothing is ambiguous: the
// separator cannot be part of a value.
func joined(labels []string) string {
	if len(labels) == 1 && clean(labels[0]) {
		return labels[0]
	}
	safe := make([]string, len(labels))
	for i, label := range labels {
		if !clean(label) {
			label = strings.Map(func(r rune) rune {
				if r < ' ' {
					return ' '
				}
				return r
			}, strings.ToValidUTF8(label, "?"))
			if label == "" {
				label = none
			}
		}
		safe[i] = label
	}
	return strings.Join(safe, separator)
}

// none stands for a value that is not known: Prometheus takes an empty label for none at all.
const none = "none"

func clean(label string) bool {
	if label == "" {
		return false
	}
	for i := range len(label) {
		if label[i] < ' ' || label[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Meter counts what this process does, until somebody takes the tally to where all processes' are. A nil Meter counts
// nothing.
type Meter struct {
	mutex   sync.Mutex
	tally   Tally
	buckets map[Metric][]float64
}

// NewMeter makes a meter.
func NewMeter() *Meter {
	m := &Meter{tally: Tally{}, buckets: map[Metric][]float64{}}
	for _, d := range Definitions() {
		if d.Kind == Histogram {
			m.buckets[d.Name] = d.Buckets
		}
	}
	return m
}

// Count adds to a counter.
func (m *Meter) Count(metric Metric, n float64, labels ...string) {
	if m == nil || n <= 0 {
		return
	}
	series := Series{Metric: metric, Labels: joined(labels)}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.tally[series] += n
}

// Observe adds to a histogram how long something took. A clock that went back counts as no time.
func (m *Meter) Observe(metric Metric, took time.Duration, labels ...string) {
	if m == nil {
		return
	}
	seconds := max(took.Seconds(), 0)
	series := Series{Metric: metric, Labels: joined(labels), Part: PartSum}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.tally[series] += seconds
	series.Part = bucketOf(m.buckets[metric], seconds)
	m.tally[series]++
}

func bucketOf(bounds []float64, seconds float64) string {
	i, _ := slices.BinarySearch(bounds, seconds)
	if i == len(bounds) {
		return infinity
	}
	return number(bounds[i])
}

// Take returns what was counted since it was last taken.
func (m *Meter) Take() Tally {
	if m == nil {
		return nil
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	taken := m.tally
	m.tally = Tally{}
	return taken
}

// GiveBack adds what was taken and could not be kept.
func (m *Meter) GiveBack(t Tally) {
	if m == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.tally.Add(t)
}

// finite leaves out what no sum should have.
func finite(value float64) bool { return !math.IsNaN(value) && !math.IsInf(value, 0) }

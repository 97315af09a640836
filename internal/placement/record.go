package placement

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Record is what is remembered of an instance's launches. Older ones count less and less.
type Record struct {
	Chosen    int64         `json:"chosen"`               // how often it was asked
	Succeeded float64       `json:"succeeded"`            // launches, the last 50 or so
	Failed    float64       `json:"failed"`               // of those
	Latency   time.Duration `json:"latency"`              // of a launch, on average
	FailedAt  time.Time     `json:"failedAt,omitzero"`    // the last one that was not available
	Alive     int           `json:"-"`                    // machines or units, alive or on their way
	Unfit     string        `json:"-"`                    // why it cannot take the template, empty when it can
	LastAt    time.Time     `json:"lastAskedAt,omitzero"` // when it was asked last
}

const (
	// fading is what a past launch still counts with each that follows, so that about the last 50 decide.
	fading = 0.98
	// unhealthyFor is how long an instance that was not available counts as such.
	unhealthyFor = 2 * time.Minute
	// rememberFor is how long an instance that nobody asks is remembered.
	rememberFor = 30 * 24 * time.Hour
	prefix      = "placement/"
)

// Rate is the share of launches that succeeded. An instance that is not known yet is given a chance: it starts as one
// that succeeded once.
func (r Record) Rate() float64 { return (r.Succeeded + 1) / (r.Succeeded + r.Failed + 1) }

func (r Record) healthy(now time.Time) bool {
	return r.FailedAt.IsZero() || now.Sub(r.FailedAt) >= unhealthyFor
}

// Asked adds a launch: how long it took, and what came of it. That a template is wrong says nothing of an instance.
func (r Record) Asked(took time.Duration, err error, now time.Time) Record {
	r.Chosen, r.LastAt = r.Chosen+1, now
	if errors.Is(err, ohfp.ErrInvalid) || errors.Is(err, ohfp.ErrThrottled) {
		return r
	}
	r.Succeeded, r.Failed = r.Succeeded*fading, r.Failed*fading
	if err != nil {
		r.Failed++
		if errors.Is(err, ohfp.ErrUnavailable) || errors.Is(err, ohfp.ErrDenied) || errors.Is(err, ohfp.ErrTimeout) {
			r.FailedAt = now
		}
		return r
	}
	r.Succeeded++
	if r.Latency == 0 {
		r.Latency = took
	}
	r.Latency += (took - r.Latency) / 8
	return r
}

// Book keeps the records of all instances in the memory that processes share. Losing one costs a worse choice.
type Book struct {
	Memory provider.Memory
	Now    func() time.Time
}

// Records returns what is remembered of all instances.
func (b Book) Records(ctx context.Context) (map[string]Record, error) {
	found, err := b.Memory.RecallPrefix(ctx, prefix)
	if err != nil {
		return nil, err
	}
	records := make(map[string]Record, len(found))
	for key, value := range found {
		var r Record
		if json.Unmarshal(value, &r) == nil { // what cannot be read is as good as forgotten
			records[key[len(prefix):]] = r
		}
	}
	return records, nil
}

// Add counts a launch of an instance.
func (b Book) Add(ctx context.Context, instance string, took time.Duration, outcome error) error {
	for {
		old, ok, err := b.Memory.Recall(ctx, prefix+instance)
		if err != nil {
			return err
		}
		var r Record
		if !ok || json.Unmarshal(old, &r) != nil {
			r = Record{}
		}
		if !ok {
			old = nil
		}
		value, err := json.Marshal(r.Asked(took, outcome, b.Now()))
		if err != nil {
			return err
		}
		if done, err := b.Memory.Swap(ctx, prefix+instance, old, value, rememberFor); done || err != nil {
			return err
		}
	}
}

package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/transfer"
)

// Health is whether the store works now.
type Health struct {
	Strategy string        `json:"strategy_name"`
	Healthy  bool          `json:"healthy"`
	Status   string        `json:"status"` // operational or failed
	Details  HealthDetails `json:"details"`
}

// HealthDetails is what was done to find out. Times are in milliseconds; what was not reached has none.
type HealthDetails struct {
	Place   string            `json:"place"`
	OpenMS  float64           `json:"open_ms,omitempty"`
	ReadMS  float64           `json:"read_ms,omitempty"`
	WriteMS float64           `json:"write_ms,omitempty"`
	CheckMS float64           `json:"check_ms,omitempty"` // of reading and comparing everything
	Holds   *store.Inspection `json:"holds,omitempty"`
	Problem string            `json:"problem,omitempty"`
	Err     error             `json:"-"` // the same
}

// Health opens the store, writes and reads a probe, and counts what there is. Thorough also reads everything and looks for damage.
func (k Keeper) Health(ctx context.Context, thorough bool) Health {
	h := Health{Strategy: k.Storage.Strategy, Status: "operational", Healthy: true, Details: HealthDetails{Place: Describe(k.Storage)}}
	d := &h.Details
	began := k.Now()
	err := k.with(ctx, k.Storage, func(s store.Store) error {
		d.OpenMS = k.since(began)
		p, err := k.probe(ctx, s)
		if err != nil {
			return err
		}
		d.WriteMS, d.ReadMS = p.write, p.read
		found, err := s.Inspect(ctx)
		if err != nil {
			return err
		}
		d.Holds = &found
		if !thorough {
			return nil
		}
		began := k.Now()
		err = s.Check(ctx)
		d.CheckMS = k.since(began)
		return err
	})
	if err != nil {
		h.Healthy, h.Status, d.Problem = false, "failed", err.Error()
		d.Err = err
	}
	return h
}

// since is in milliseconds, to the microsecond.
func (k Keeper) since(began time.Time) float64 {
	return float64(k.Now().Sub(began).Microseconds()) / 1000
}

// probed is how long the parts of a probe took, in milliseconds.
type probed struct{ write, read, remove float64 }

// probe writes, reads and removes a record that means nothing.
func (k Keeper) probe(ctx context.Context, s store.Store) (p probed, err error) {
	key, value := "probe/"+rand.Text(), []byte(rand.Text())
	began := k.Now()
	if err := s.Remember(ctx, key, value, time.Minute); err != nil {
		return p, err
	}
	p.write, began = k.since(began), k.Now()
	got, ok, err := s.Recall(ctx, key)
	p.read = k.since(began)
	if err == nil && (!ok || !bytes.Equal(got, value)) {
		err = ohfp.Errorf(ohfp.ErrUnavailable, "store %s does not return what was written to it; check its disk or server", Describe(k.Storage))
	}
	began = k.Now()
	err = errors.Join(err, s.Forget(ctx, key))
	p.remove = k.since(began)
	return p, err
}

// TestResult is what a probe of the store found. Times are in milliseconds.
type TestResult struct {
	Status     string  `json:"status"` // success or failed
	Success    bool    `json:"success"`
	Accessible bool    `json:"storage_accessible"`
	Requests   int     `json:"request_count"`
	Machines   int     `json:"machine_count"`
	Message    string  `json:"message"`
	WriteMS    float64 `json:"write_ms,omitempty"`
	ReadMS     float64 `json:"read_ms,omitempty"`
	RemoveMS   float64 `json:"remove_ms,omitempty"`
	Err        error   `json:"-"` // why it failed, which Message says
}

// Test writes, reads and removes a probe.
func (k Keeper) Test(ctx context.Context) TestResult {
	r := TestResult{Status: "success", Success: true, Message: "a record was written, read and removed again"}
	err := k.with(ctx, k.Storage, func(s store.Store) error {
		found, err := s.Inspect(ctx)
		if err != nil {
			return err
		}
		r.Accessible, r.Requests, r.Machines = true, found.Requests, found.Machines
		p, err := k.probe(ctx, s)
		r.WriteMS, r.ReadMS, r.RemoveMS = p.write, p.read, p.remove
		return err
	})
	if err != nil {
		r.Status, r.Success, r.Message, r.Err = "failed", false, err.Error(), err
	}
	return r
}

// Validation is whether the store can work as it is configured.
type Validation struct {
	Status  string      `json:"status"` // ok or failed
	Success bool        `json:"success"`
	Message string      `json:"message"`
	Checks  []Validated `json:"checks"`
}

// Validated is one thing that was looked at.
type Validated struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
	Err     error  `json:"-"` // why it is not OK, which Message says
}

// Validate tries whether the store can work where it is configured. A store in files that does not exist is not made for
// that: its directory is tried with one that is removed again. A database is reached as the program would, which makes what is
// missing.
func (k Keeper) Validate(ctx context.Context) Validation {
	v := Validation{Status: "ok", Success: true}
	add := func(check, good string, err error) bool {
		one := Validated{Check: check, OK: err == nil, Message: good, Err: err}
		if err != nil {
			one.Message, v.Status, v.Success = err.Error(), "failed", false
		}
		v.Checks = append(v.Checks, one)
		return err == nil
	}
	at, leave, err := k.trial()
	defer leave()
	if add("place", Describe(k.Storage)+", which this user may write to", err) {
		err := k.with(ctx, at, func(s store.Store) error {
			_, err := k.probe(ctx, s)
			if !add("use", "a record was written, read and removed again", err) || at != k.Storage {
				return nil
			}
			err = transfer.CheckWhole(ctx, s)
			add("content", "no copy into it is half done", err)
			return nil
		})
		add("reach", "it opens and closes", err)
	}
	v.Message = "the store can be used as it is configured"
	if !v.Success {
		v.Message = "the store cannot be used as it is configured; the checks say why"
	}
	return v
}

// trial is where the configured store can be tried without making it, and how to leave that place.
func (k Keeper) trial() (at config.Storage, leave func(), err error) {
	at, leave = k.Storage, func() {}
	field := at.File()
	if field == "" {
		return at, leave, nil
	}
	if _, err := os.Stat(field); err == nil {
		return at, leave, nil
	}
	dir := filepath.Dir(field)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	scratch, err := os.MkdirTemp(dir, ".ohfp-validate-")
	if err != nil {
		return at, leave, ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be made: %w; choose a directory that this user may write to", field, err)
	}
	at.JSON.Path, at.SQL.Path = filepath.Join(scratch, "data"), filepath.Join(scratch, "ohfp.db")
	return at, func() { _ = os.RemoveAll(scratch) }, nil
}

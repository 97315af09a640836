package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// everything has a value of every metric.
func everything() telemetry.Tally {
	m, t := telemetry.NewMeter(), telemetry.Tally{}
	for _, d := range telemetry.Definitions() {
		labels := make([]string, len(d.Labels))
		for i := range labels {
			labels[i] = "a \"quoted\\ value\nin two lines"
		}
		switch d.Kind {
		case telemetry.Counter:
			m.Count(d.Name, 2, labels...)
		case telemetry.Histogram:
			m.Observe(d.Name, 3*time.Millisecond, labels...)
			m.Observe(d.Name, 2*time.Second, labels...)
			m.Observe(d.Name, 5*time.Hour, labels...)
		case telemetry.Gauge:
			t.Set(d.Name, 1.5, labels...)
		}
	}
	t.Add(m.Take())
	return t
}

// TestPrometheusReadsIt parses every metric as Prometheus does, and holds their names and texts to its conventions.
func TestPrometheusReadsIt(t *testing.T) {
	t.Parallel()
	text := telemetry.Exposition(everything())
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, d := range telemetry.Definitions() {
		family := families[string(d.Name)]
		if family == nil {
			t.Errorf("%s is missing", d.Name)
			continue
		}
		if !strings.EqualFold(family.GetType().String(), string(d.Kind)) || family.GetHelp() != d.Help || len(family.GetMetric()) != 1 {
			t.Errorf("%s is read as %v", d.Name, family)
		}
		h := family.GetMetric()[0].GetHistogram()
		if d.Kind == telemetry.Histogram && (h.GetSampleCount() != 3 || h.GetSampleSum() < 18002 || len(h.GetBucket()) != len(d.Buckets)+1) {
			t.Errorf("%s is read as %v", d.Name, h)
		}
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %+v", err, problems)
	}
}

func TestBookAddsUpProcesses(t *testing.T) {
	t.Parallel()
	book := telemetry.Book{Path: filepath.Join(t.TempDir(), "counters")}
	var processes sync.WaitGroup
	const n, calls = 8, 300
	for range n {
		processes.Go(func() {
			m := telemetry.NewMeter()
			for i := range calls {
				m.Count(telemetry.CloudCalls, 1, "aws", fmt.Sprintf("Operation%d", i), "ok")
				m.Observe(telemetry.StoreSeconds, 3*time.Millisecond, "request")
				if err := book.Append(m.Take()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	processes.Wait()
	if info, err := os.Stat(book.Path); err != nil || info.Size() > 600<<10 {
		t.Errorf("the book has %v bytes, %v: nobody adds it up", info, err)
	}
	sums, err := book.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range telemetry.Families(sums) {
		total := 0.0
		for _, s := range family.Series {
			total += s.Value
		}
		if total != n*calls {
			t.Errorf("%s = %v, want %d", family.Name, total, n*calls)
		}
	}

	// What a crash left in the middle of a line spoils that line only.
	file, err := os.OpenFile(book.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("ohfp_cloud_calls_total\t\taws\tOper"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := book.Read()
	if err != nil || len(again) != len(sums) {
		t.Errorf("after a torn line: %d series, %v; want %d", len(again), err, len(sums))
	}
	if err := book.Append(everything()); err != nil {
		t.Fatal(err)
	}
	sums.Add(everything())
	if again, err = book.Read(); err != nil || !maps.Equal(again, sums) {
		t.Errorf("what was added after a torn line is lost: %v", err)
	}
}

func TestBookAdvances(t *testing.T) {
	t.Parallel()
	book := telemetry.Book{Path: filepath.Join(t.TempDir(), "counters")}
	step := func(want, next int64, fails error) {
		t.Helper()
		err := book.Advance("here", func(position int64) (telemetry.Tally, int64, error) {
			if position != want {
				t.Errorf("position = %d, want %d", position, want)
			}
			m := telemetry.NewMeter()
			m.Count(telemetry.MachinesGone, float64(next-position), "aws", "t")
			return m.Take(), next, fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("error = %v, want %v", err, fails)
		}
	}
	step(0, 5, nil)
	step(5, 9, os.ErrClosed)
	step(5, 8, nil)
	sums, err := book.Read()
	if err != nil || !strings.Contains(string(telemetry.Exposition(sums)), `ohfp_machines_gone_total{provider="aws",template="t"} 8`) {
		t.Errorf("%v\n%s", err, telemetry.Exposition(sums))
	}
	// Whoever ends meanwhile does not wait for the count, and what another has counted meanwhile is not counted twice.
	meanwhile := make(chan error, 1)
	if err := book.Advance("here", func(int64) (telemetry.Tally, int64, error) {
		go func() {
			meanwhile <- errors.Join(book.Append(everything()), book.Advance("here", func(position int64) (telemetry.Tally, int64, error) {
				return nil, position + 2, nil
			}))
		}()
		select {
		case err := <-meanwhile:
			return telemetry.Tally{}, 100, err
		case <-time.After(10 * time.Second):
			return nil, 0, errors.New("nobody can add to the book while events are counted")
		}
	}); err != nil {
		t.Fatal(err)
	}
	step(10, 8, nil)
	step(8, 2, nil) // an older store was put back
	step(2, 3, nil)
	if err := (telemetry.Book{Path: filepath.Join(t.TempDir(), "gone", "counters")}).Append(everything()); err == nil {
		t.Error("a directory that does not exist takes counters")
	}
}

func TestNilCountsNothing(t *testing.T) {
	t.Parallel()
	var m *telemetry.Meter
	m.Count(telemetry.Calls, 1, "cli", "x", "ok")
	m.Observe(telemetry.CallSeconds, time.Second, "cli", "x")
	var i *telemetry.Instruments
	ctx, call := i.Begin(t.Context(), "cli", "x", "")
	call.End(nil)
	if telemetry.CallOf(ctx) == "" || len(m.Take()) > 0 {
		t.Error("a call without instruments has no id")
	}
}

// BenchmarkKeep is what a script's call pays for its counters.
func BenchmarkKeep(b *testing.B) {
	book := telemetry.Book{Path: filepath.Join(b.TempDir(), "counters")}
	for b.Loop() {
		m := telemetry.NewMeter()
		for _, operation := range []string{"request", "requests", "update-request", "recall", "swap", "machines", "remember", "installation"} {
			m.Count(telemetry.StoreOperations, 1, operation, "ok")
			m.Observe(telemetry.StoreSeconds, 300*time.Microsecond, operation)
		}
		m.Count(telemetry.CloudCalls, 1, "aws", "DescribeInstances", "ok")
		m.Observe(telemetry.CloudSeconds, 30*time.Millisecond, "aws", "DescribeInstances")
		m.Count(telemetry.Calls, 1, "hostfactory", "getRequestStatus", "ok")
		m.Observe(telemetry.CallSeconds, 30*time.Millisecond, "hostfactory", "getRequestStatus")
		if err := book.Append(m.Take()); err != nil {
			b.Fatal(err)
		}
	}
}

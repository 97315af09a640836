package storetest

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Long says whether tests may take as long as they want, as the targets of make that print figures do.
func Long() bool { return os.Getenv("OHFP_TEST_LONG") != "" }

// RunFigures measures a store and logs what it found: what a fresh process takes to open it, read a request and change it; how many
// requests and machines it stores in a second; and how long a request of 10,000 machines takes to read. A short run does the
// same with less.
func RunFigures(t *testing.T, h Harness) {
	t.Helper()
	if j, ok := jobOf(t); ok {
		if j.Kind == "figure" {
			figure(t, h, j)
		}
		return
	}
	starts, small, large := 2, 10, 100
	if Long() {
		starts, small, large = 20, 300, 10_000
	}
	location := h.Fresh(t)
	s, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	defer s.Close()

	began := time.Now()
	var one ohfp.Request
	for range small {
		one = created(t, s, 1, 1)
	}
	perSecond := float64(small) / time.Since(began).Seconds()

	var fresh []float64
	for range starts {
		p := spawn(t, job{Kind: "figure", Location: location, Subject: string(one.ID)})
		p.awaitReady(t)
		must(t, p.start.Close())
		var ms float64
		if !p.next(t, &ms) {
			t.Fatalf("process reported nothing: %v", p.others)
		}
		p.wait(t)
		fresh = append(fresh, ms)
	}

	big, events := acquire(t, large, start())
	big.Machines = machinesFor(big, large)
	began = time.Now()
	must(t, s.CreateRequest(t.Context(), big, store.Limits{}, events...))
	inserts := float64(large) / time.Since(began).Seconds()
	began = time.Now()
	update(t, s, big.ID, touchless(func(r *ohfp.Request) {
		for i := range r.Machines {
			r.Machines[i].PublicIP = "192.0.2.1"
		}
	}))
	changes := float64(large) / time.Since(began).Seconds()
	var status []float64
	for range 5 {
		began = time.Now()
		if n := len(get(t, s, big.ID).Machines); n != large {
			t.Fatalf("%d machines, want %d", n, large)
		}
		status = append(status, milliseconds(time.Since(began)))
	}
	slices.Sort(fresh)
	slices.Sort(status)
	t.Logf("a fresh process opens, reads and writes in %.1f ms; %.0f requests/s; machines: %.0f new/s, %.0f changed/s; status of %d machines %.1f ms",
		fresh[len(fresh)/2], perSecond, inserts, changes, large, status[len(status)/2])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// figure is what a script's process does with a store.
func figure(t *testing.T, h Harness, j job) {
	t.Helper()
	awaitStart(t)
	began := time.Now()
	s, err := h.Open(t.Context(), j.Location, time.Now)
	must(t, err)
	r := get(t, s, ohfp.RequestID(j.Subject))
	update(t, s, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Reported++
		return []ohfp.Event{{Kind: ohfp.RequestReported, Request: r.ID}}, nil
	})
	must(t, s.Close())
	report(t, milliseconds(time.Since(began)))
}

package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

const (
	processes    = 32
	transactions = 20
)

// RunProcesses runs the tests of stores that several processes share: 32 processes find the store missing at the same
// moment, write 20 transactions each of which none may be lost, and ask together for more than the limits allow. Before that, one
// who has the store open keeps what it reads by the revision of the store while another writes.
func RunProcesses(t *testing.T, h Harness) {
	t.Helper()
	if j, ok := jobOf(t); ok {
		if j.Kind == "share" {
			share(t, h, j)
		}
		return
	}
	revisionsAcross(t, h)
	location := h.Fresh(t)
	subject := "req-shared"
	workers := make([]*process, processes)
	for i := range workers {
		workers[i] = spawn(t, job{Kind: "share", Location: location, Number: i, Subject: subject})
	}
	for _, w := range workers {
		w.awaitReady(t)
	}
	began := time.Now()
	for _, w := range workers {
		must(t, w.start.Close())
	}
	installations := map[ohfp.InstallationID]int{}
	admitted, created := 0, 0
	var slowest time.Duration
	for _, w := range workers {
		var result shareResult
		if w.next(t, &result) {
			installations[result.Installation]++
			admitted += result.Admitted
			created += result.Created
			slowest = max(slowest, result.Slowest)
		}
		w.wait(t)
	}
	t.Logf("%d processes, %d transactions each: %d ms, the slowest transaction %d ms",
		processes, transactions, time.Since(began).Milliseconds(), slowest.Milliseconds())

	if len(installations) != 1 {
		t.Errorf("the processes were told the installations %v, want one", installations)
	}
	if admitted != 10 || created != 1 {
		t.Errorf("%d requests were admitted and %d created the shared one, want 10 and 1", admitted, created)
	}
	if h.Check != nil {
		h.Check(t, location)
	}
	s, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	defer s.Close()
	const total = processes * transactions / 2
	if got := get(t, s, ohfp.RequestID(subject)); got.Count != 1+total {
		t.Errorf("the shared request counts %d, want %d", got.Count, 1+total)
	}
	if told := events(t, s, store.EventFilter{Request: ohfp.RequestID(subject)}); len(told) != total {
		t.Errorf("%d events of the shared request, want %d", len(told), total)
	}
	own := requests(t, s, store.RequestFilter{Template: "own", Machines: true})
	if len(own) != processes {
		t.Fatalf("%d requests of the processes' own, want %d", len(own), processes)
	}
	for _, r := range own {
		if len(r.Machines) != transactions/2-1 {
			t.Errorf("request %s has %d machines, want %d", r.ID, len(r.Machines), transactions/2-1)
		}
	}
	usage, err := s.Usage(t.Context())
	must(t, err)
	if usage.Templates["limited"] != 100 {
		t.Errorf("%d units are in flight, the limit allows 100", usage.Templates["limited"])
	}
}

type shareResult struct {
	Installation ohfp.InstallationID
	Admitted     int // requests under a limit that this process got through
	Created      int // whether it made the shared request
	Slowest      time.Duration
}

// share is what each process does.
func share(t *testing.T, h Harness, j job) {
	t.Helper()
	awaitStart(t)
	s, err := h.Open(t.Context(), j.Location, time.Now)
	must(t, err)
	defer s.Close()
	var result shareResult
	result.Installation, err = s.Installation(t.Context(), ohfp.InstallationID(fmt.Sprintf("installation-%d", j.Number)))
	must(t, err)

	shared := ohfp.Request{ID: ohfp.RequestID(j.Subject), Type: ohfp.TypeAcquire, Status: ohfp.StatusInProgress, Count: 1}
	switch err := s.CreateRequest(t.Context(), shared, store.Limits{}); {
	case err == nil:
		result.Created = 1
	case !errors.Is(err, ohfp.ErrConflict):
		t.Fatal(err)
	}
	limited, _ := acquire(t, 10, time.Now())
	limited.Template.ID, limited.Estimate.VCPUs = "limited", 40
	switch err := s.CreateRequest(t.Context(), limited, store.Limits{Template: 1000, VCPUs: 400}); {
	case err == nil:
		result.Admitted = 1
	case !errors.Is(err, ohfp.ErrLimit):
		t.Fatal(err)
	}
	own, _ := acquire(t, transactions, time.Now())
	own.Template.ID = "own"
	for i := range transactions {
		began := time.Now()
		switch {
		case i%2 == 0:
			update(t, s, shared.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Count++
				return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID, Message: fmt.Sprint(r.Count)}}, nil
			})
		case i == 1:
			must(t, s.CreateRequest(t.Context(), own, store.Limits{}))
		default:
			update(t, s, own.ID, touchless(func(r *ohfp.Request) {
				r.Machines = append(r.Machines, machinesFor(own, i)[i-1])
			}))
		}
		result.Slowest = max(result.Slowest, time.Since(began))
	}
	report(t, result)
}

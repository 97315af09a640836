package fakehf_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// TestBlackBoxParallelRequests makes 64 calls at once: 64 requests are recorded, what lives in the cloud is what was
// told, and no machine is told twice.
func TestBlackBoxParallelRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	const calls = 64
	requests := make([]string, calls)
	together(calls, func(i int) {
		answer, err := s.Request(t.Context(), []string{runInstances, fleet}[i%2], 1+i%3)
		if err != nil {
			t.Error(err)
		}
		requests[i] = answer.RequestID
	})
	if t.Failed() {
		return
	}
	told := map[string]string{}
	for i, id := range requests {
		r := s.follow(id)
		if r.Status != "complete" || len(r.Good()) != 1+i%3 {
			t.Errorf("request %d: %+v", i, r)
		}
		for _, m := range r.Machines {
			if other, twice := told[m.ID]; twice {
				t.Errorf("machine %s is told for %s and %s", m.ID, other, id)
			}
			told[m.ID] = id
		}
	}
	var machines []string
	for id := range told {
		machines = append(machines, id)
	}
	slices.Sort(machines)
	if diff := cmp.Diff(s.alive(), machines); diff != "" {
		t.Errorf("alive in the cloud and told (-alive +told)\n%s", diff)
	}
	if slices.Sort(requests); len(slices.Compact(requests)) != calls {
		t.Errorf("request ids are not unique: %v", requests)
	}
	if got := len(s.recorded()); got != calls {
		t.Errorf("%d requests are recorded, want %d", got, calls)
	}
}

// TestBlackBoxParallelRequestsKeepTheLimit asks for more than maxNumber at once.
func TestBlackBoxParallelRequestsKeepTheLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	var mu sync.Mutex
	var granted []string
	together(16, func(int) {
		answer, err := s.Request(t.Context(), small, 2)
		var refusal *fakehf.Refusal
		switch {
		case err == nil:
			mu.Lock()
			defer mu.Unlock()
			granted = append(granted, answer.RequestID)
		case !errors.As(err, &refusal):
			t.Error(err)
		}
	})
	if len(granted) != 2 || s.launched() != 4 {
		t.Errorf("%d requests of 2 granted, %d machines launched; maxNumber is 5", len(granted), s.launched())
	}
}

// TestBlackBoxParallelPollsAndReturns follows and gives back the same requests from many processes at once.
func TestBlackBoxParallelPollsAndReturns(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	a, b := s.ask(runInstances, 8), s.ask(fleet, 8)
	together(12, func(int) {
		if _, err := s.Status(t.Context(), a, b); err != nil {
			t.Error(err)
		}
	})
	machines := slices.Concat(s.follow(a).Machines, s.follow(b).Machines)
	hosts := fakehf.Hosts(machines)
	returns := make([]string, 8)
	together(len(returns), func(i int) {
		// Neighbours give back machines in common.
		answer, err := s.Return(t.Context(), hosts[i:i+8]...)
		if err != nil {
			t.Error(err)
			return
		}
		returns[i] = answer.RequestID
	})
	if t.Failed() {
		return
	}
	for _, id := range returns {
		if r := s.follow(id); r.Status != "complete" || len(r.Good()) != 8 {
			t.Errorf("return: %+v", r)
		}
	}
	if diff := cmp.Diff(ids(machines[15:]), s.alive()); diff != "" {
		t.Errorf("alive (-want +got)\n%s", diff)
	}
}

// together runs n calls at once.
func together(n int, call func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			call(i)
		})
	}
	close(start)
	group.Wait()
}

// record is a request as the program lists it.
type record struct {
	ID     string `json:"requestId"`
	Status string `json:"status"`
}

// recorded lists the requests in the store.
func (s *site) recorded() []record {
	s.tb.Helper()
	var listed struct {
		Requests []record `json:"requests"`
	}
	s.ok(s.cli(s.tb.Context(), &listed, "requests", "list"))
	return listed.Requests
}

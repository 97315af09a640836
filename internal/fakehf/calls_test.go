package fakehf_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// operation is something of which the calls to the cloud are counted.
type operation struct {
	name     string
	changing int // most calls that change something
	reading  int // most calls that do not
	prepare  func(s *site) func()
}

// operations are those whose calls are bounded. The first request of a template makes its launch template; it is made
// before the counting begins.
func operations() []operation {
	return []operation{
		{"templates", 0, 0, func(s *site) func() { return func() { s.list() } }},
		{"request of 100 by RunInstances", 1, 0, func(s *site) func() {
			s.ask(runInstances, 1)
			return func() { s.ask(runInstances, 100) }
		}},
		{"request of 100 by EC2Fleet", 1, 0, func(s *site) func() {
			s.ask(fleet, 1)
			return func() { s.ask(fleet, 100) }
		}},
		{"status of 1000 machines", 0, 1, func(s *site) func() {
			id := s.ask(runInstances, 1000)
			s.status(id)
			return func() { s.status(id) }
		}},
		{"status of what is complete", 0, 0, func(s *site) func() {
			id := s.ask(runInstances, 10)
			s.cloud.Advance(2 * time.Hour)
			s.follow(id)
			return func() { s.status(id) }
		}},
		{"return of 1000", 1, 0, func(s *site) func() {
			id := s.ask(runInstances, 1000)
			s.cloud.Advance(2 * time.Hour)
			hosts := fakehf.Hosts(s.follow(id).Machines)
			return func() { s.back(hosts...) }
		}},
		{"return requests", 0, 2, func(s *site) func() {
			id := s.ask(runInstances, 1000)
			s.cloud.Advance(2 * time.Hour)
			hosts := fakehf.Hosts(s.follow(id).Machines)
			s.taken(hosts...) // does what is due every few minutes only
			return func() { s.taken(hosts...) }
		}},
	}
}

// calls counts the ledger.
func (s *site) calls() (changing, reading int) {
	for _, call := range s.cloud.Ledger() {
		if strings.HasPrefix(call.Action, "Describe") || strings.HasPrefix(call.Action, "Get") {
			reading++
		} else {
			changing++
		}
	}
	return changing, reading
}

// TestBlackBoxCallsToTheCloud holds the bounds: at ten thousand machines it is the cloud's patience that is short.
func TestBlackBoxCallsToTheCloud(t *testing.T) {
	t.Parallel()
	for _, operation := range operations() {
		t.Run(operation.name, func(t *testing.T) {
			t.Parallel()
			cloud, err := awssim.New(awssim.Options{LaunchDelay: time.Hour, TerminateDelay: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(cloud)
			t.Cleanup(server.Close)
			s := siteAt(t, cloud, server, server.URL, program(t, crashing))
			do := operation.prepare(s)
			s.cloud.ResetLedger()
			do()
			changing, reading := s.calls()
			if changing > operation.changing || reading > operation.reading {
				var told []string
				for _, call := range s.cloud.Ledger() {
					told = append(told, call.Action)
				}
				t.Errorf("%d changing and %d reading calls, at most %d and %d: %s", changing, reading, operation.changing, operation.reading, strings.Join(told, ", "))
			}
		})
	}
}

//go:build linux || darwin

package daemon_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// BenchmarkScriptsWithDaemon times each script with a daemon, with 10 and 1,000 machines in the store, and /bin/true
// through the same script in the same run: the ratio is what the program adds to starting a process.
func BenchmarkScriptsWithDaemon(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newSite(b, delivered, awssim.Options{Subnets: []awssim.Subnet{
				{ID: "subnet-0000000000000000a", Zone: "us-east-1a", CIDR: "10.0.0.0/16"},
			}})
			s.settings(map[string]any{"daemon": map[string]any{}}) // as it is delivered
			s.serve()
			s = s.with(s.programs.Thin) // a call that the daemon does not take fails
			var hosts []fakehf.Host
			var under string
			for left := n; left > 0; left -= 100 {
				under = s.ask(min(left, 100))
				hosts = append(hosts, fakehf.Hosts(s.ready(under, min(left, 100)).Machines)...)
			}
			nothing := s.with("/bin/true")
			spare := slices.Clone(hosts)
			calls := []struct {
				action string
				do     func() error
			}{
				{fakehf.GetAvailableTemplates, func() error { _, err := s.Templates(b.Context()); return err }},
				{fakehf.GetRequestStatus, func() error { _, err := s.Status(b.Context(), under); return err }},
				{fakehf.GetReturnRequests, func() error { _, err := s.ReturnRequests(b.Context(), hosts...); return err }},
				{fakehf.RequestMachines, func() error { _, err := s.Request(b.Context(), "m5", 1); return err }},
				{fakehf.RequestReturnMachines, func() error {
					host := spare[0]
					spare = append(spare[1:], host) // one that was given back already is followed
					_, err := s.Return(b.Context(), host)
					return err
				}},
			}
			for _, call := range calls {
				b.Run(call.action, func(b *testing.B) { compare(b, s.Cluster, nothing.Cluster, call.action, call.do) })
			}
		})
	}
}

// compare reports the median time of a call, and its ratio to the median of /bin/true called in turns with it.
func compare(b *testing.B, cluster, nothing *fakehf.Cluster, action string, do func() error) {
	b.Helper()
	var took, least []time.Duration
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
		calls := cluster.Calls()
		took = append(took, calls[len(calls)-1].Took)
		empty, err := nothing.Call(b.Context(), action, []byte("{}"))
		if err != nil || empty.Exit != 0 {
			b.Fatalf("/bin/true: exit %d: %v", empty.Exit, err)
		}
		least = append(least, empty.Took)
	}
	slices.Sort(took)
	slices.Sort(least)
	median, floor := took[len(took)/2], least[len(least)/2]
	b.ReportMetric(float64(median)/float64(floor), "x/true")
	b.ReportMetric(float64(median.Microseconds())/1000, "ms/call")
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
}

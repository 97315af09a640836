package fakehf_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// filled is a site whose store holds n machines that run, made as Host Factory would, by the delivered program. It returns
// their requests. The cloud takes an hour to start a machine, and time has been moved on for those.
func filled(b *testing.B, n int) (s *site, requests []string) {
	b.Helper()
	options := awssim.Options{LaunchDelay: time.Hour, TerminateDelay: time.Hour, Subnets: []awssim.Subnet{
		{ID: "subnet-0000000000000000a", Zone: "us-east-1a", CIDR: "10.0.0.0/16"},
		{ID: "subnet-0000000000000000b", Zone: "us-east-1b", CIDR: "10.1.0.0/16"},
	}}
	cloud, err := awssim.New(options)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	b.Cleanup(server.Close)
	s = siteAt(b, cloud, server, server.URL, program(b, delivered))
	s.writeTemplates(append(templates(), with(base("Stored"), map[string]any{"vmType": "m5.large"}))...)
	for left := n; left > 0; left -= 100 {
		requests = append(requests, s.ask("Stored", min(left, 100)))
	}
	s.settle(requests, n)
	return s, requests
}

// settle lets the machines of requests run and tells the program.
func (s *site) settle(requests []string, machines int) {
	s.tb.Helper()
	s.cloud.Advance(2 * time.Hour)
	good := 0
	for some := range slices.Chunk(requests, 20) {
		for _, r := range s.status(some...) {
			good += len(r.Good())
		}
	}
	if good != machines {
		s.tb.Fatalf("%d of %d machines are ready", good, machines)
	}
}

// BenchmarkScripts times each script with 10, 1,000 and 10,000 machines in the store, and /bin/true through the same
// script in the same run: the ratio is what the program adds to starting a process.
func BenchmarkScripts(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, requests := filled(b, n)
			nothing := &fakehf.Cluster{
				ScriptDir: s.ScriptDir, ConfDir: s.ConfDir, WorkDir: s.WorkDir, LogDir: s.LogDir, TempDir: s.TempDir,
				Env: []string{"OHFP_COMMAND=/bin/true"},
			}
			var hosts []fakehf.Host
			for some := range slices.Chunk(requests, 20) {
				for _, r := range s.status(some...) {
					hosts = append(hosts, fakehf.Hosts(r.Machines)...)
				}
			}
			spare := s.ask(fleet, 500)
			s.settle([]string{spare}, 500)
			spares := fakehf.Hosts(s.status(spare)[0].Machines)
			// A request of 100 machines that are not ready yet, so that its status asks the cloud.
			under := s.ask(runInstances, 100)
			calls := []struct {
				action string
				do     func() error
			}{
				{fakehf.GetAvailableTemplates, func() error { _, err := s.Templates(b.Context()); return err }},
				{fakehf.GetRequestStatus, func() error { _, err := s.Status(b.Context(), under); return err }},
				{fakehf.GetReturnRequests, func() error { _, err := s.ReturnRequests(b.Context(), hosts...); return err }},
				{fakehf.RequestMachines, func() error { _, err := s.Request(b.Context(), runInstances, 1); return err }},
				{fakehf.RequestReturnMachines, func() error {
					host := spares[0]
					spares = spares[1:]
					_, err := s.Return(b.Context(), host)
					return err
				}},
			}
			for _, call := range calls {
				b.Run(call.action, func(b *testing.B) { compare(b, s.Cluster, nothing, call.action, call.do) })
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

// BenchmarkCalls counts what each operation asks of the cloud, from the cloud's own ledger.
func BenchmarkCalls(b *testing.B) {
	for _, operation := range operations() {
		b.Run(operation.name, func(b *testing.B) {
			s, _ := filled(b, 1000)
			do := operation.prepare(s)
			for b.Loop() {
				s.cloud.ResetLedger()
				do()
			}
			changing, reading := s.calls()
			b.ReportMetric(float64(changing), "changing/op")
			b.ReportMetric(float64(reading), "reading/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}

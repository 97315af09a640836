package fakehf_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/faultproxy"
)

// faulty is a site that reaches its cloud through a proxy that loses things. Calls are not repeated within a process, so
// that every loss is one that the next process must make good.
func faulty(t *testing.T) (*site, *faultproxy.Proxy) {
	t.Helper()
	cloud, err := awssim.New(quick())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	proxy, err := faultproxy.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	t.Cleanup(proxy.Close)
	s := siteAt(t, cloud, server, front.URL, program(t, crashing))
	s.once(front.URL)
	return s, proxy
}

// insist asks until there is a request, as a requestor does. A call that was refused must not have launched anything.
func (s *site) insist(template string, count int) string {
	s.tb.Helper()
	for range 50 {
		answer, err := s.Request(s.tb.Context(), template, count)
		var refusal *fakehf.Refusal
		if err == nil {
			return answer.RequestID
		}
		if !errors.As(err, &refusal) {
			s.tb.Fatal(err)
		}
		if n := s.launched(); n != 0 {
			s.tb.Fatalf("refused with %q, and %d machines are launched", refusal.Message, n)
		}
	}
	s.tb.Fatal("every request was refused")
	return ""
}

// survives is a life of a request through whatever the proxy does.
func survives(t *testing.T, s *site, template string, asked, back int) {
	t.Helper()
	r := s.whole(s.insist(template, asked), asked)
	hosts := fakehf.Hosts(r.Machines[:back])
	returned := s.giveBack(hosts...)
	if returned.Status != "complete" || len(returned.Good()) != back {
		t.Errorf("return: %+v", returned)
	}
	if diff := cmp.Diff(ids(r.Machines[back:]), s.alive()); diff != "" {
		t.Errorf("alive (-want +got)\n%s", diff)
	}
	if got := s.taken(fakehf.Hosts(r.Machines)...); len(got) != 0 {
		t.Errorf("a reply that was lost takes hosts away: %+v", got)
	}
	if n := s.launched(); n != asked {
		t.Errorf("%d machines were launched, asked %d", n, asked)
	}
}

// TestCrashRepliesAreLost executes calls in the cloud and loses, tears or spoils the first replies of each.
func TestCrashRepliesAreLost(t *testing.T) {
	t.Parallel()
	faults := map[string]faultproxy.Rule{
		"dropped":             {Fault: faultproxy.Drop, Executed: true},
		"dropped on the way":  {Fault: faultproxy.Drop},
		"reset":               {Fault: faultproxy.Reset, Executed: true},
		"cut":                 {Fault: faultproxy.Cut},
		"truncated":           {Fault: faultproxy.Truncate},
		"an error 500":        {Fault: faultproxy.Refuse, Executed: true, Code: "InternalError", Status: 500},
		"an error 503":        {Fault: faultproxy.Refuse, Executed: true, Code: "Unavailable", Status: 503},
		"throttled":           {Fault: faultproxy.Refuse, Code: "RequestLimitExceeded", Status: 503},
		"throttled but done":  {Fault: faultproxy.Refuse, Executed: true, Code: "RequestLimitExceeded", Status: 503},
		"expired credentials": {Fault: faultproxy.Refuse, Code: "RequestExpired", Status: 400},
	}
	for _, template := range []string{runInstances, fleet} {
		for name, rule := range faults {
			t.Run(template+"/"+name, func(t *testing.T) {
				t.Parallel()
				s, proxy := faulty(t)
				s.warm(template)
				for _, action := range []string{"CreateLaunchTemplate", "RunInstances", "CreateFleet", "DescribeInstances", "TerminateInstances"} {
					rule.Action, rule.Times = action, 2
					s.ok(proxy.Add(rule))
				}
				survives(t, s, template, 3, 2)
				spoilt := map[string]int{}
				for _, event := range proxy.Log() {
					if event.Fault != "" {
						spoilt[event.Action]++
					}
				}
				launch := map[string]string{runInstances: "RunInstances", fleet: "CreateFleet"}[template]
				if spoilt[launch] == 0 || spoilt["TerminateInstances"] == 0 || spoilt["DescribeInstances"] == 0 {
					t.Errorf("faults that came up: %v", spoilt)
				}
			})
		}
	}
}

// TestCrashOnABadLine loses every fourth reply at random, over many lives.
func TestCrashOnABadLine(t *testing.T) {
	t.Parallel()
	runs := crashRuns(t)
	kinds := []faultproxy.Rule{
		{Fault: faultproxy.Drop, Executed: true},
		{Fault: faultproxy.Truncate},
		{Fault: faultproxy.Cut},
		{Fault: faultproxy.Refuse, Executed: true, Code: "InternalError", Status: 500},
	}
	seed := uint64(time.Now().UnixNano())
	for run := range runs {
		rule := kinds[run%len(kinds)]
		rule.Probability, rule.Seed = 0.25, seed+uint64(run)
		s, proxy := faulty(t)
		s.ok(proxy.Add(rule))
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		asked := 1 + random.IntN(5)
		survives(t, s, []string{runInstances, fleet}[random.IntN(2)], asked, random.IntN(asked+1))
		if t.Failed() {
			t.Fatalf("run %d, seed %d, %s", run, rule.Seed, rule.Fault)
		}
	}
}

// TestCrashBetweenExecutionAndReply kills the program at the moment at which the cloud has executed a call and the reply
// is not yet on its way.
func TestCrashBetweenExecutionAndReply(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		launch := map[string]string{runInstances: "RunInstances", fleet: "CreateFleet"}[template]
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			s, proxy := faulty(t)
			s.warm(template)
			kill := func(action, script string, input []byte) {
				t.Helper()
				running, err := s.Start(t.Context(), script, input)
				s.ok(err)
				var fired atomic.Bool
				s.ok(proxy.Add(faultproxy.Rule{Action: action, Fault: faultproxy.Drop, Executed: true, Times: 1, Notify: func(faultproxy.Event) {
					fired.Store(true)
					_ = running.Kill() // Wait tells
				}}))
				call, err := running.Wait()
				s.ok(err)
				if !fired.Load() || call.Exit != -1 {
					t.Fatalf("%s was not killed at %s: exit %d, %s", script, action, call.Exit, call.Stdout)
				}
				proxy.Clear()
			}
			kill(launch, fakehf.RequestMachines, fmt.Appendf(nil, `{"template":{"templateId":%q,"machineCount":3}}`, template))
			if n := s.launched(); n != 3 {
				t.Fatalf("%d machines are launched, want 3", n)
			}
			requests := s.known()
			if len(requests) != 1 {
				t.Fatalf("%d requests are recorded, want 1", len(requests))
			}
			kill(launch, fakehf.GetRequestStatus, fmt.Appendf(nil, `{"requests":[{"requestId":%q}]}`, requests[0]))
			r := s.whole(requests[0], 3)
			kill("TerminateInstances", fakehf.RequestReturnMachines, fmt.Appendf(nil, `{"machines":[{"machineId":%q}]}`, r.Machines[0].ID))
			back := s.giveBack(fakehf.Host{ID: r.Machines[0].ID})
			if back.Status != "complete" || len(back.Good()) != 1 || len(s.alive()) != 2 {
				t.Errorf("return: %+v, alive %v", back, s.alive())
			}
		})
	}
}

package chaos

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/faultproxy"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// TestChaosReadsThatFail: for hours each look at the cloud fails in its own way, long after machines count as old. No host
// is named by getReturnRequests for that, and none is missing in the records.
func TestChaosReadsThatFail(t *testing.T) {
	t.Parallel()
	many, broken := 1010, 2 // two pages, of which the second is broken
	if number(t, "OHFP_CHAOS_RUNS", 3) > 100 {
		many, broken = 9100, 7
	}
	conf := configuration(t)
	for name, rules := range map[string][]faultproxy.Rule{
		"a page fails":                  {{Fault: faultproxy.Drop, Action: "DescribeInstances", From: broken}},
		"a page breaks off":             {{Fault: faultproxy.Cut, Action: "DescribeInstances", From: broken}},
		"a page is empty":               {{Fault: faultproxy.Empty, Action: "DescribeInstances", From: broken}},
		"all pages are empty":           {{Fault: faultproxy.Empty, Action: "DescribeInstances"}},
		"the region cannot be reached":  {{Fault: faultproxy.Drop}},
		"the credentials have expired":  {{Fault: faultproxy.Refuse, Code: "RequestExpired", Status: 400}},
		"looking is not allowed":        {{Fault: faultproxy.Refuse, Code: "UnauthorizedOperation", Status: 403}},
		"the rate is exceeded all day":  {{Fault: faultproxy.Refuse, Code: "RequestLimitExceeded", Status: 503}},
		"an answer takes too long":      {{Fault: faultproxy.Delay, Wait: 2 * time.Minute}},
		"answers are not what they say": {{Fault: faultproxy.Truncate}},
	} {
		machines := 20
		if rules[0].From > 0 {
			machines = many
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, conf, work, nil)
				s := &symphony{world: w, shape: shape{batch: machines, exactly: true}, calm: true, hosts: map[string]*host{}, asked: map[string]int{}}
				s.want("T0", machines)
				for len(s.open) > 0 && s.round < 60 {
					s.turn(0)
					time.Sleep(loop)
				}
				if len(s.hosts) != machines {
					t.Fatalf("%d hosts, want %d", len(s.hosts), machines)
				}
				for range 3 {
					w.proxy.Clear()
					w.ok(w.proxy.Add(rules...))
					time.Sleep(20 * time.Minute)
					s.turn(0)
				}
				if s.daemon != nil {
					s.daemon.stopped()
				}
				for _, r := range w.requests("") {
					for _, m := range r.Machines {
						if !m.Wanted() {
							t.Fatalf("machine %s is %s on record", m.ID, m.State)
						}
					}
				}
			})
		})
	}
}

// want asks for machines in a process that lives.
func (s *symphony) want(template string, count int) {
	reply, answered := s.call(death{}, false, hostfactory.RequestMachines, `{"template":{"templateId":"`+template+`","machineCount":`+encode(count)+`}}`)
	if _, err := fakehf.ParseRequested(reply.Body); !answered || err != nil {
		s.t.Fatalf("%s: %v", reply.Body, err)
	}
	s.requested(reply.Body, count, false)
}

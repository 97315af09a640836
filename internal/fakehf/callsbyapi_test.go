package fakehf_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// launchAPI is a way to launch machines, and what it costs besides the machines.
type launchAPI struct {
	name   string
	fields map[string]any
	keeps  bool // takes a target, which a return must lower
	filled bool // fills itself, so it must be read to know what it does
	made   bool // is a resource of its own, which must be removed
}

func launchAPIs() []launchAPI {
	kind := func(api, fleetType, price string) map[string]any {
		fields := map[string]any{"providerApi": api, "priceType": price}
		if api == "SpotFleet" {
			fields["spotFleetRequestExpiry"] = 600 // the cloud's clock is ahead here
		}
		if price == "ondemand" {
			fields["vmType"] = "m5.large"
		} else {
			fields["vmTypes"] = map[string]int{"m5.large": 1}
		}
		if fleetType != "" {
			fields["fleetType"] = fleetType
		}
		return fields
	}
	return []launchAPI{
		{name: "RunInstances", fields: kind("RunInstances", "", "ondemand")},
		{name: "EC2Fleet-instant", fields: kind("EC2Fleet", "instant", "ondemand"), made: true},
		{name: "EC2Fleet-request", fields: kind("EC2Fleet", "request", "spot"), filled: true, made: true},
		{name: "EC2Fleet-maintain", fields: kind("EC2Fleet", "maintain", "spot"), keeps: true, filled: true, made: true},
		{name: "SpotFleet-request", fields: kind("SpotFleet", "request", "spot"), filled: true, made: true},
		{name: "SpotFleet-maintain", fields: kind("SpotFleet", "maintain", "spot"), keeps: true, filled: true, made: true},
		{name: "ASG", fields: kind("ASG", "", "ondemand"), keeps: true, filled: true, made: true},
	}
}

// What AWS takes and gives in one call.
const (
	perRun       = 1000 // machines by RunInstances: what its token bucket holds at most
	perTerminate = 1000 // machines by TerminateInstances
	perPage      = 1000 // machines of a page of DescribeInstances
)

func ceil(n, by int) int { return (n + by - 1) / by }

// bounds are the fewest calls that AWS's limits allow for n machines. A launch is one call, but for RunInstances one per
// 1,000 machines. A status reads every machine, and what fills itself. A return lowers the target where there is one, ends
// the machines, reads a status, and removes what launched them.
func (a launchAPI) bounds(n int) (launch, status, back int) {
	one := map[bool]int{true: 1}
	launch = 1
	if a.name == "RunInstances" {
		launch = ceil(n, perRun)
	}
	status = ceil(n, perPage) + one[a.filled]
	back = one[a.keeps] + ceil(n, perTerminate) + status + one[a.made]
	return launch, status, back
}

// started is by when the simulated machines have started, or ended. AWS shows those that have ended for an hour.
const started = 20 * time.Minute

// slack is how many calls more than the bound an operation may take, however many machines there are. A status asks for
// machines by their request's tag, which those of fleets that fill themselves do not have. A return reads a target before
// it lowers it, so that it never raises one, and whether a machine is alive before it removes what launched it.
const slack = 4

// BenchmarkCallsByAPI counts the calls to AWS of a launch, a status and the return of all machines, by launch API and
// number of machines, next to the fewest that AWS's limits allow. It fails where the distance is more than the slack.
func BenchmarkCallsByAPI(b *testing.B) {
	for _, api := range launchAPIs() {
		for _, n := range []int{100, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", api.name, n), func(b *testing.B) {
				var launch, status, back []string
				for b.Loop() {
					launch, status, back = api.cost(b, n)
				}
				least := make([]int, 3)
				least[0], least[1], least[2] = api.bounds(n)
				for i, counted := range [][]string{launch, status, back} {
					what := []string{"launch", "status", "return"}[i]
					b.ReportMetric(float64(len(counted)), what)
					b.ReportMetric(float64(least[i]), what+"-bound")
					if len(counted) > least[i]+slack {
						b.Errorf("%s of %d: %d calls, at least %d: %s", what, n, len(counted), least[i], strings.Join(counted, ", "))
					}
					b.Logf("%s of %d: %s", what, n, strings.Join(counted, ", "))
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// cost makes Host Factory ask for n machines, look at them once when all are there, and give all of them back.
func (a launchAPI) cost(b *testing.B, n int) (launch, status, back []string) {
	b.Helper()
	cloud, err := awssim.New(awssim.Options{LaunchDelay: started / 2, TerminateDelay: started / 2, Subnets: []awssim.Subnet{
		{ID: "subnet-0000000000000000a", Zone: "us-east-1a", CIDR: "10.0.0.0/16"},
	}})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	defer server.Close()
	s := siteAt(b, cloud, server, server.URL, program(b, delivered))
	s.writeTemplates(with(base(a.name), a.fields))
	s.Env = append(s.Env, "OHFP_REQUESTS_CALL_BUDGET=50s") // what is counted must not depend on how busy this machine is
	s.ask(a.name, 1)                                       // makes the launch template
	s.cloud.Advance(started)
	s.cloud.ResetLedger()
	id := s.ask(a.name, n-1)
	launch = s.called()
	s.cloud.Advance(started)
	s.cloud.ResetLedger()
	r := s.status(id)[0]
	status = s.called()
	if len(r.Good()) != n-1 {
		b.Fatalf("%d of %d machines are ready: %+v", len(r.Good()), n-1, r.Message)
	}
	s.cloud.ResetLedger()
	returned := s.back(fakehf.Hosts(r.Machines)...)
	s.cloud.Advance(started)
	s.status(returned.RequestID)
	back = s.called()
	for _, call := range s.cloud.Ledger() {
		if strings.HasPrefix(call.Action, "Cancel") || strings.HasPrefix(call.Action, "Delete") {
			return launch, status, back
		}
	}
	if a.made {
		b.Errorf("what launched the machines is not removed: %s", strings.Join(back, ", "))
	}
	return launch, status, back
}

// called lists the calls in the ledger.
func (s *site) called() []string {
	var actions []string
	for _, call := range s.cloud.Ledger() {
		actions = append(actions, call.Action)
	}
	return actions
}

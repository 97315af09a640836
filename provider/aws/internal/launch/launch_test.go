package launch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	percent := func(n int) *int { return &n }
	for _, test := range []struct {
		price   string
		percent *int
		count   int
		held    ohfp.Target
		want    ohfp.Target
	}{
		{spec.PriceOnDemand, nil, 7, ohfp.Target{}, ohfp.Target{OnDemand: 7}},
		{spec.PriceSpot, nil, 7, ohfp.Target{}, ohfp.Target{Spot: 7}},
		{spec.PriceSpot, nil, 7, ohfp.Target{Spot: 2}, ohfp.Target{Spot: 7}},
		{spec.PriceHeterogeneous, percent(40), 9, ohfp.Target{}, ohfp.Target{OnDemand: 3, Spot: 6}},
		{spec.PriceHeterogeneous, percent(40), 6, ohfp.Target{OnDemand: 3}, ohfp.Target{OnDemand: 0, Spot: 6}},
		{spec.PriceHeterogeneous, percent(40), 4, ohfp.Target{OnDemand: 1, Spot: 4}, ohfp.Target{OnDemand: 2, Spot: 2}},
		{spec.PriceHeterogeneous, percent(40), 2, ohfp.Target{Spot: 7}, ohfp.Target{OnDemand: 2}},
		{spec.PriceHeterogeneous, percent(10), 5, ohfp.Target{OnDemand: 4}, ohfp.Target{Spot: 5}},
		{spec.PriceHeterogeneous, percent(1), 9, ohfp.Target{}, ohfp.Target{OnDemand: 1, Spot: 8}},
		{spec.PriceHeterogeneous, percent(1), 8, ohfp.Target{OnDemand: 1}, ohfp.Target{Spot: 8}},
		{spec.PriceHeterogeneous, percent(1), 1, ohfp.Target{}, ohfp.Target{OnDemand: 1}},
		{spec.PriceHeterogeneous, percent(100), 9, ohfp.Target{}, ohfp.Target{OnDemand: 9}},
		{spec.PriceHeterogeneous, percent(99), 9, ohfp.Target{}, ohfp.Target{OnDemand: 8, Spot: 1}},
	} {
		if got := target(spec.Spec{PriceType: test.price, PercentOnDemand: test.percent}, test.count, test.held); got != test.want {
			t.Errorf("%d of %s beside %+v are %+v, want %+v", test.count, test.price, test.held, got, test.want)
		}
	}
	for n, want := range map[*int]bool{nil: true, percent(0): true, percent(1): false} {
		if got := twoPhase(spec.Spec{PriceType: spec.PriceHeterogeneous, PercentOnDemand: n}); got != want {
			t.Errorf("in two phases: %t, want %t", got, want)
		}
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	for whole, want := range map[time.Duration]time.Duration{
		30 * time.Minute: 3 * time.Minute, time.Hour: 6 * time.Minute, 10 * time.Minute: 3 * time.Minute, 4 * time.Minute: 2 * time.Minute,
	} {
		if got := rest(whole); got != want {
			t.Errorf("of %s, %s are kept, want %s", whole, got, want)
		}
	}
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		spec.LowestPrice: "lowestPrice", spec.CapacityPrioritized: "capacityOptimizedPrioritized", spec.Diversified: "diversified",
	} {
		if got := camel(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// TestReasons reads sentences as AWS writes them.
func TestReasons(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	remembered := memory.New(clock)
	parts := Parts{Now: clock, Memory: remembered, Board: capacity.Board{Memory: remembered}}
	told := reasons{parts: parts}
	for _, event := range []struct {
		kind, words string
		age         time.Duration
	}{
		{"allLaunchSpecsTemporarilyBlacklisted", "Several attempts to launch instances have failed. Either the request could not be satisfied or the configuration is not valid.", 0},
		{"launchSpecTemporarilyBlacklisted", `Repeated errors have occurred processing the launch specification "r3.8xlarge, ami-0dd1a8fc, Linux/UNIX, eu-west-1a while launching spot instance". It will not be retried for at least 13 minutes. Error message: There is no Spot capacity available that matches your request. (Service: AmazonEC2; Status Code: 500; Error Code: InsufficientInstanceCapacity)`, time.Minute},
		{"spotInstanceCountLimitExceeded", "m5.metal, ami-1, Linux/UNIX, us-gov-west-1b => MaxSpotInstanceCountExceeded: Max spot instance count exceeded", time.Hour},
		{"ScalingActivityFailed", "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed.", 0},
		{"ScalingActivityFailed", "We currently do not have sufficient p5.48xlarge capacity in zones with support for 'gp2' volumes. Launching EC2 instance failed.", 0},
		{"again", "Error Code: InsufficientInstanceCapacity", 0},
	} {
		told.add(t.Context(), now.Add(-event.age), event.kind, event.words, ohfp.Spot)
	}
	var got []string
	for _, f := range told.failures() {
		got = append(got, strings.TrimSpace(f.Code+" "+f.Offering))
	}
	want := []string{
		"InsufficientInstanceCapacity r3.8xlarge in eu-west-1a, spot", "MaxSpotInstanceCountExceeded m5.metal in us-gov-west-1b, spot",
		"VcpuLimitExceeded", "allLaunchSpecsTemporarilyBlacklisted", "ScalingActivityFailed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	short := parts.Board.Read(t.Context())
	if !short.Short(capacity.Offering{Type: "r3.8xlarge", Zone: "eu-west-1a", Lifecycle: ohfp.Spot}) {
		t.Error("a shortage of a minute ago is not remembered")
	}
	if short.Short(capacity.Offering{Type: "m5.metal", Zone: "us-gov-west-1b", Lifecycle: ohfp.Spot}) {
		t.Error("a shortage of an hour ago is believed now")
	}
}

func TestSubnetsPerZone(t *testing.T) {
	t.Parallel()
	remembered := memory.New(time.Now)
	board := capacity.Board{Memory: remembered}
	var all []capacity.Offering
	for _, machine := range []string{"m5.large", "c5.large"} {
		for _, place := range []string{"a1 a", "a2 a", "b1 b"} {
			subnet, zone, _ := strings.Cut(place, " ")
			all = append(all, capacity.Offering{Type: machine, Subnet: subnet, Zone: zone, Lifecycle: ohfp.Spot})
		}
	}
	names := func(offerings []capacity.Offering) string {
		var out []string
		for _, o := range offerings {
			out = append(out, o.Type[:2]+o.Subnet)
		}
		return strings.Join(out, " ")
	}
	if got, want := names(everyTypePerZone(all, board.Read(t.Context()))), "m5a1 m5b1 c5a1 c5b1"; got != want {
		t.Errorf("of all there is: %s, want %s", got, want)
	}
	if err := board.Mark(t.Context(), all[0], "InsufficientFreeAddressesInSubnet"); err != nil {
		t.Fatal(err)
	}
	if err := board.Mark(t.Context(), all[5], "InsufficientInstanceCapacity"); err != nil {
		t.Fatal(err)
	}
	short := board.Read(t.Context())
	if got, want := names(everyTypePerZone(all, short)), "m5a2 m5b1 c5a2 c5b1"; got != want {
		t.Errorf("what launches by itself has %s, want %s", got, want)
	}
	if got, want := names(oneSubnetPerZone(all, short)), "m5a2 m5b1 c5a2"; got != want {
		t.Errorf("what launches at once has %s, want %s", got, want)
	}
}

// TestLookUp reads resources of which some are unknown, from a cloud that names them and from one that does not.
func TestLookUp(t *testing.T) {
	t.Parallel()
	parts := Parts{Memory: memory.New(time.Now)}
	var ids []string
	for i := range 250 {
		ids = append(ids, fmt.Sprintf("fleet-%03d", i))
	}
	unknown := map[string]bool{"fleet-007": true, "fleet-099": true, "fleet-100": true, "fleet-249": true}
	for _, names := range []bool{true, false} {
		found, err := parts.lookUp(t.Context(), ids, func(some []string) ([]Standing, error) {
			if len(some) > lookChunk {
				t.Errorf("%d in one call", len(some))
			}
			var out []Standing
			for _, id := range some {
				if unknown[id] {
					about := "some fleet"
					if names {
						about = id
					}
					return nil, awsapi.Refused("DescribeFleets", "InvalidFleetId.NotFound", "no such thing: "+about, "")
				}
				out = append(out, Standing{ResourceFacts: ohfp.ResourceFacts{Resource: id}})
			}
			return out, nil
		}, isNoFleet, parts.omittedFleet)
		gone := map[string]bool{}
		for _, s := range found {
			if s.Gone {
				gone[s.Resource] = true
			}
		}
		if diff := cmp.Diff(unknown, gone); err != nil || diff != "" || len(found) != len(ids) {
			t.Errorf("%d of %d, error %v; gone (-want +got):\n%s", len(found), len(ids), err, diff)
		}
	}
	_, err := parts.lookUp(t.Context(), ids, func([]string) ([]Standing, error) { return nil, ohfp.ErrThrottled }, isNoFleet, parts.omittedFleet)
	if !errors.Is(err, ohfp.ErrThrottled) {
		t.Errorf("a read that is refused for its rate is %v", err)
	}
}

// TestTellNeverRaises tells a resource from two processes of which one has an old picture.
func TestTellNeverRaises(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	parts := Parts{Now: func() time.Time { return now }, Memory: memory.New(func() time.Time { return now })}
	var sent []ohfp.Target
	var answer error
	change := func(_ Standing, to ohfp.Target) error {
		sent = append(sent, to)
		return answer
	}
	s := Standing{ResourceFacts: ohfp.ResourceFacts{Resource: "fleet-1", Target: ohfp.Target{Spot: 9}}, Keeps: true}
	tell := func(spot int) error { return parts.tell(t.Context(), s, ohfp.Target{Spot: spot}, change) }
	for _, step := range []struct {
		spot   int
		answer error
	}{{5, nil}, {7, nil}, {3, ohfp.ErrTimeout}, {4, nil}, {2, ohfp.ErrDenied}, {3, nil}, {0, nil}, {1, nil}} {
		answer = step.answer
		if err := tell(step.spot); !errors.Is(err, step.answer) {
			t.Errorf("telling %d: %v", step.spot, err)
		}
	}
	want := []ohfp.Target{{Spot: 5}, {Spot: 5}, {Spot: 3}, {Spot: 3}, {Spot: 2}, {Spot: 3}, {}, {}}
	if !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	// While one tells, another does not; one that has died is not waited for.
	during := func(Standing, ohfp.Target) error {
		if err := tell(0); !errors.Is(err, errBusy) {
			t.Errorf("two tell at once: %v", err)
		}
		now = now.Add(telling + time.Second)
		return tell(0)
	}
	if err := parts.tell(t.Context(), s, ohfp.Target{}, during); err != nil {
		t.Errorf("the one that died is waited for: %v", err)
	}
}

package awssim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

// keeper is one of the APIs that keep a target.
type keeper struct {
	name   string
	create func(tb testing.TB, w *world, target int32, weights []int) string
	// lower sets the target; the named instances are then ended by the test itself.
	lower func(tb testing.TB, w *world, id string, target int32)
	end   func(tb testing.TB, w *world, id string)
}

func keepers() []keeper {
	kinds := []string{"m5.large", "m5.xlarge", "c5.large"}
	overrides := func(weights []int) []override {
		var list []override
		for i, weight := range weights {
			list = append(list, override{kinds[i], subnetA, float64(weight), 0})
		}
		return list
	}
	return []keeper{
		{
			"EC2 Fleet",
			func(tb testing.TB, w *world, target int32, weights []int) string {
				tb.Helper()
				w.template(tb, "workers")
				in := keptInput(types.FleetTypeMaintain, target, "on-demand", overrides(weights)...)
				in.ExcessCapacityTerminationPolicy = types.FleetExcessCapacityTerminationPolicyNoTermination
				return w.keptFleet(tb, in)
			},
			func(tb testing.TB, w *world, id string, target int32) {
				tb.Helper()
				_, err := w.ec2.ModifyFleet(tb.Context(), modifyTo(id, target))
				wantCode(tb, err, "")
			},
			func(tb testing.TB, w *world, id string) {
				tb.Helper()
				_, err := w.ec2.DeleteFleets(tb.Context(), &ec2.DeleteFleetsInput{FleetIds: []string{id}, TerminateInstances: aws.Bool(true)})
				wantCode(tb, err, "")
			},
		},
		{
			"Spot Fleet",
			func(tb testing.TB, w *world, target int32, weights []int) string {
				tb.Helper()
				w.template(tb, "workers")
				in := spotFleetInput(types.FleetTypeMaintain, target, overrides(weights)...)
				in.SpotFleetRequestConfig.ExcessCapacityTerminationPolicy = types.ExcessCapacityTerminationPolicyNoTermination
				return w.spotFleet(tb, in)
			},
			func(tb testing.TB, w *world, id string, target int32) {
				tb.Helper()
				_, err := w.ec2.ModifySpotFleetRequest(tb.Context(), &ec2.ModifySpotFleetRequestInput{SpotFleetRequestId: &id, TargetCapacity: &target})
				wantCode(tb, err, "")
			},
			func(tb testing.TB, w *world, id string) {
				tb.Helper()
				_, err := w.ec2.CancelSpotFleetRequests(tb.Context(), &ec2.CancelSpotFleetRequestsInput{SpotFleetRequestIds: []string{id}, TerminateInstances: aws.Bool(true)})
				wantCode(tb, err, "")
			},
		},
		{
			"group",
			func(tb testing.TB, w *world, target int32, weights []int) string {
				tb.Helper()
				var list []string
				for i, weight := range weights {
					list = append(list, fmt.Sprintf("%s:%d", kinds[i], weight))
				}
				in := mixed(groupInput(target), nil, list...)
				in.NewInstancesProtectedFromScaleIn = aws.Bool(true)
				w.group(tb, in)
				return "g"
			},
			func(tb testing.TB, w *world, _ string, target int32) {
				tb.Helper()
				w.desire(tb, target)
			},
			func(tb testing.TB, w *world, id string) {
				tb.Helper()
				_, err := w.asg.DeleteAutoScalingGroup(tb.Context(), &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: &id, ForceDelete: aws.Bool(true)})
				wantCode(tb, err, "")
			},
		},
	}
}

// TestKeepersWithWeights gives back random parts of random targets: what was not named stays, nothing is replaced, and
// what is launched exceeds the target by less than the heaviest instance.
func TestKeepersWithWeights(t *testing.T) {
	t.Parallel()
	for _, k := range keepers() {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("%s %d", k.name, seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 1))
				weights := make([]int, 1+random.IntN(3))
				for i := range weights {
					weights[i] = 1 + random.IntN(64)
				}
				target := 1 + random.IntN(200)
				w := newWorld(t, awssim.Options{
					FleetDelay: time.Second, LaunchDelay: time.Second, TerminateDelay: 10 * time.Second, TerminatedVisible: 10_000 * time.Hour,
					Capacity: map[awssim.Pool]int{{InstanceType: "m5.large"}: random.IntN(4), {InstanceType: "m5.xlarge"}: random.IntN(4)},
				})
				if len(weights) < 3 {
					must(t, w.SetCapacity("m5.large", "", "", -1))
				}
				weightOf := map[string]int{"m5.large": weights[0]}
				if len(weights) > 1 {
					weightOf["m5.xlarge"] = weights[1]
				}
				if len(weights) > 2 {
					weightOf["c5.large"] = weights[2]
				}
				id := k.create(t, w, int32(target), weights)
				w.clock.advance(10 * time.Minute)
				units := func() (total int) {
					for _, i := range w.Instances() {
						if i.Alive() {
							total += weightOf[i.Type]
						}
					}
					return total
				}
				if n := units(); n < target || n-target >= slices.Max(weights) {
					t.Fatalf("%d units for a target of %d, the heaviest instance weighs %d", n, target, slices.Max(weights))
				}
				left := w.alive()
				launched := len(left)
				for len(left) > 0 {
					random.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
					n := 1 + random.IntN(len(left))
					before := units()
					gone := 0
					for _, i := range w.Instances() {
						if slices.Contains(left[:n], i.ID) {
							gone += weightOf[i.Type]
						}
					}
					k.lower(t, w, id, int32(max(0, min(target, before-gone))))
					target = max(0, min(target, before-gone))
					w.clock.advance(time.Duration(random.IntN(3)) * time.Second)
					_, err := w.terminate(t.Context(), left[:n]...)
					wantCode(t, err, "")
					left = left[n:]
					w.clock.advance(5 * time.Minute)
					want, got := slices.Sorted(slices.Values(left)), slices.Sorted(slices.Values(w.alive()))
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatal(diff)
					}
				}
				k.end(t, w, id)
				w.clock.advance(time.Minute)
				for _, f := range append(w.Fleets(), w.SpotFleets()...) {
					if f.State != "deleted" && f.State != "cancelled" {
						t.Errorf("fleet %s is %s in the end", f.ID, f.State)
					}
				}
				ever := map[string]bool{}
				for _, i := range w.Instances() {
					ever[i.ID] = true
				}
				if len(ever) != launched || len(w.Groups()) != 0 {
					t.Errorf("%d instances were launched in all, want %d; %d groups are left", len(ever), launched, len(w.Groups()))
				}
			})
		}
	}
}

package aws_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// over bounds what is delivered above what was asked for, in units.
type over func(lifecycles int, weights []int) int

// lessThanOne is the bound where machines that are not needed are ended before anybody gets them.
func lessThanOne(_ int, weights []int) int { return slices.Max(weights) - 1 }

// perLifecycle is the bound of groups: AWS exceeds what they are told by no more than the heaviest machine less one.
func perLifecycle(lifecycles int, weights []int) int { return lifecycles * (slices.Max(weights) - 1) }

// perPool is the bound where AWS rounds each of its pools up: a type in a zone, for each lifecycle.
func perPool(lifecycles int, weights []int) int {
	sum := 0
	for _, weight := range weights {
		sum += weight - 1
	}
	return lifecycles * zones * sum
}

// zones is how many the templates here have.
const zones = 2

// everyAPI are the templates of all launch APIs, by fleet type and price type.
func everyAPI() map[string]struct {
	api, fields string
	over        over
} {
	all := map[string]struct {
		api, fields string
		over        over
	}{}
	for kind, trimmed := range map[string]over{
		"RunInstances": lessThanOne, "EC2Fleet instant": lessThanOne, "EC2Fleet request": lessThanOne, "EC2Fleet maintain": perPool,
		"SpotFleet request": lessThanOne, "SpotFleet maintain": perPool, "ASG": perLifecycle,
	} {
		var api, fleetType string
		_, _ = fmt.Sscan(kind, &api, &fleetType)
		for price, fields := range map[string]string{
			"ondemand": `"priceType": "ondemand"`, "spot": `"priceType": "spot"`, "phases": `"priceType": "heterogeneous"`,
			"mixed": `"priceType": "heterogeneous", "percentOnDemand": 30`,
		} {
			if api == "RunInstances" && price == "mixed" {
				continue // a single launch has one way to pay
			}
			if fleetType != "" {
				fields += fmt.Sprintf(`, "fleetType": %q`, fleetType)
			}
			all[kind+" "+price] = struct {
				api, fields string
				over        over
			}{api, fields, trimmed}
		}
	}
	return all
}

// TestHistories plays requests of random weights from beginning to end, by every launch API and with answers lost: all
// that is asked for comes and not too much; random machines go back, several returns at once, and nothing else ends and
// nothing comes in their place; in the end nothing is left. OHFP_HISTORIES is how many are played of each.
func TestHistories(t *testing.T) {
	t.Parallel()
	seeds, _ := strconv.Atoi(os.Getenv("OHFP_HISTORIES"))
	for name, test := range everyAPI() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range max(seeds, 1) {
				h := newHistory(t, uint64(seed), test.api, test.fields)
				if t.Failed() {
					t.Fatalf("with seed %d", seed)
				}
				h.play(test.over)
				if t.Failed() {
					t.Fatalf("with seed %d, weights %v, %d units", seed, h.weights, h.asked)
				}
			}
		})
	}
}

// history is one request with all that becomes of it.
type history struct {
	*world
	t        *testing.T
	random   *rand.Rand
	template ohfp.Template
	weights  []int
	asked    int
	requests int
	mu       sync.Mutex
	request  ohfp.Request
	ever     map[string]bool // machines that have been there when the request was complete
}

func newHistory(t *testing.T, seed uint64, api, fields string) *history {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 11))
	h := &history{t: t, random: random, asked: 1 + random.IntN(200), ever: map[string]bool{}, world: newWorld(t, awssim.Options{
		LaunchDelay: 10 * time.Second, TerminateDelay: 20 * time.Second, DescribeLag: time.Duration(random.IntN(3)) * time.Second,
		FleetDelay: time.Duration(random.IntN(5)) * time.Second, ReplaceDelay: 15 * time.Second, Seed: seed,
	})}
	for range 3 {
		h.weights = append(h.weights, 1+random.IntN(64))
	}
	if strategies := []string{"lowestPrice", "diversified", "capacityOptimized", "priceCapacityOptimized"}; strings.Contains(api, "Fleet") && !strings.Contains(fields, "ondemand") {
		fields += fmt.Sprintf(`, "allocationStrategy": %q`, strategies[random.IntN(len(strategies))])
	}
	h.template = template(api, fmt.Sprintf(`{"imageId": %q, "subnetId": "%s,%s", "vmTypes": {"m5.large": %d, "c5.large": %d, "r5.large": %d}, %s}`,
		image, subnetA, subnetB, h.weights[0], h.weights[1], h.weights[2], fields))
	h.template.CapacityUnit, h.template.MaxNumber = ohfp.CapacityUnits, 10_000
	return h
}

// Template makes the history the catalog of its template.
func (h *history) Template(context.Context, ohfp.TemplateID) (ohfp.Template, error) {
	return h.template, nil
}

type opened struct{ p provider.Provider }

func (o opened) Provider(context.Context, string) (provider.Provider, error) { return o.p, nil }

// process is a process of its own: it shares nothing with others but the records and the cloud.
func (h *history) process() *command.Commands {
	h.t.Helper()
	records, ok := h.memory.(store.Store)
	if !ok {
		h.t.Fatal("the memory is not a store")
	}
	log := slog.New(slog.DiscardHandler)
	return &command.Commands{
		Store: records, Templates: h, Placement: placement.Policy{Instances: []placement.Instance{{Name: "aws-test", Type: "aws"}}},
		Executor: &reconcile.Executor{Store: records, Providers: opened{h.open(h.t)}, Now: h.now, Log: log},
		Requests: command.RequestPolicy{Timeout: 30 * time.Minute},
		Now:      h.now, Log: log, NewID: func(kind ohfp.RequestType) ohfp.RequestID {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.requests++
			prefix := map[ohfp.RequestType]string{ohfp.TypeAcquire: "req", ohfp.TypeReturn: "ret"}[kind]
			return ohfp.RequestID(fmt.Sprintf("%s-00000000-0000-7000-8000-%012d", prefix, h.requests))
		},
	}
}

// lose makes answers to some of the next calls get lost.
func (h *history) lose(actions ...string) {
	h.fault.set(func(f *fault) {
		f.lose = map[string]int{}
		for _, action := range actions {
			f.lose[action] = h.random.IntN(3)
		}
	})
}

// sync takes everything on, and the time too. What a lost answer keeps goes on the next time.
func (h *history) sync() {
	h.advance(15 * time.Second)
	_ = h.process().SyncRequests(h.t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{h.request.ID}, Others: true, All: true, Live: true})
	r, err := h.process().Store.Request(h.t.Context(), h.request.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	h.request = r
}

func (h *history) play(bound over) {
	h.t.Helper()
	h.lose("RunInstances", "CreateFleet", "RequestSpotFleet", "CreateAutoScalingGroup", "CreateLaunchTemplate", "SuspendProcesses", "DescribeInstances")
	var err error
	if h.request, err = h.process().RequestMachines(h.t.Context(), command.RequestMachines{
		Template: h.template.ID, Count: h.asked, Origin: ohfp.Origin{Face: "cli"},
	}); err != nil {
		h.t.Fatal(err)
	}
	for range 60 {
		if h.sync(); h.request.Status.Terminal() && h.request.Settled() {
			break
		}
	}
	lifecycles := map[ohfp.Lifecycle]bool{}
	var left []ohfp.Machine
	for _, m := range h.request.Machines {
		if m.Wanted() {
			left = append(left, m)
			lifecycles[m.Lifecycle] = true
		}
	}
	if got, most := held(left), h.asked+bound(len(lifecycles), h.weights); h.request.Status != ohfp.StatusComplete || got < h.asked || got > most {
		h.t.Fatalf("the request is %s with %d of %d units, at most %d: %s", h.request.Status, got, h.asked, most, h.request.Message)
	}
	for range 4 {
		h.sync()
	}
	h.only(left)
	for _, i := range h.Instances() {
		h.ever[i.ID] = true
	}
	h.random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for len(left) > 0 {
		left = h.giveBack(left)
	}
	for range 60 {
		if len(h.resources())+len(h.live()) == 0 {
			return
		}
		h.sync()
	}
	h.t.Errorf("%v and %v are left", h.resources(), h.live())
}

// giveBack gives some machines back by returns of several processes at once, and looks what ends.
func (h *history) giveBack(left []ohfp.Machine) []ohfp.Machine {
	h.t.Helper()
	h.lose("ModifyFleet", "ModifySpotFleetRequest", "UpdateAutoScalingGroup", "TerminateInstances", "DeleteFleets", "CancelSpotFleetRequests", "DeleteAutoScalingGroup")
	var returns sync.WaitGroup
	for range 1 + h.random.IntN(3) {
		n := min(1+h.random.IntN(8), len(left))
		var named []command.Named
		for _, m := range left[:n] {
			named = append(named, command.Named{ID: m.ID})
		}
		left = left[n:]
		process := h.process()
		if n > 0 {
			returns.Go(func() {
				if _, err := process.ReturnMachines(h.t.Context(), command.ReturnMachines{Machines: named}); err != nil {
					h.t.Errorf("return: %v", err)
				}
			})
		}
	}
	returns.Wait()
	for range 6 {
		h.sync()
		h.notLess(left)
	}
	h.only(left)
	return left
}

// notLess looks whether a machine ends that was not given back, or another comes in the place of one that was.
func (h *history) notLess(left []ohfp.Machine) {
	h.t.Helper()
	alive := map[ohfp.MachineID]bool{}
	for _, i := range h.Instances() {
		if !h.ever[i.ID] {
			h.t.Fatalf("machine %s came after the request was complete", i.ID)
		}
		alive[ohfp.MachineID(i.ID)] = i.Alive()
	}
	for _, m := range left {
		if !alive[m.ID] {
			h.t.Fatalf("machine %s was not given back and has ended", m.ID)
		}
	}
}

// only looks whether exactly these machines are alive.
func (h *history) only(machines []ohfp.Machine) {
	h.t.Helper()
	var alive []ohfp.MachineID
	for _, i := range h.Instances() {
		if i.Alive() {
			alive = append(alive, ohfp.MachineID(i.ID))
		}
	}
	slices.Sort(alive)
	if want := ids(machines); !slices.Equal(alive, want) {
		h.t.Fatalf("%v are alive, want %v", alive, want)
	}
}

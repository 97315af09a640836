package command_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// twins is a world with two clouds, of which the second is asked when the first refuses.
type twins struct {
	*world
	clouds map[string]*fake.Cloud
	memory map[string]provider.Memory
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	w := &twins{world: newWorld(t), clouds: map[string]*fake.Cloud{}, memory: map[string]provider.Memory{}}
	w.world.template("narrow", 100, `{"type":"small","zones":["zone-a"]}`, fake.APIInstances)
	w.world.template("narrow-fleet", 100, `{"type":"small","zones":["zone-a"]}`, fake.APIFleet)
	for _, name := range []string{"near", "far"} {
		w.clouds[name] = fake.New(w.clock.Now, fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay})
		w.memory[name] = fake.NewMemory(w.clock.Now)
	}
	w.tune = func(c *command.Commands) {
		c.Executor.Providers = w.open()
		c.Placement = placement.Policy{
			Instances: []placement.Instance{{Name: "near"}, {Name: "far"}}, Name: placement.FirstAvailable, Default: "near", Fallback: []string{"far"},
		}
	}
	return w
}

// open opens both clouds for one process.
func (w *twins) open() several {
	both := several{}
	for name, cloud := range w.clouds {
		p, err := cloud.Open(provider.Environment{Name: name, Installation: "here", Memory: w.memory[name], Now: w.clock.Now})
		if err != nil {
			w.t.Fatal(err)
		}
		both[name] = p
	}
	return both
}

// fill leaves a cloud no room for the machines of the narrow templates.
func (w *twins) fill(name string) { w.clouds[name].SetCapacity("small/zone-a", 0) }

// check compares a request with the clouds: its machines are where it says, and it waits for one launch at most, of the provider
// that it has now.
func (w *twins) check(r ohfp.Request) {
	w.t.Helper()
	alive := map[string]int{}
	for _, m := range r.Machines {
		if !m.Gone() {
			alive[m.Provider]++
		}
	}
	for name, cloud := range w.clouds {
		if live := len(cloud.Live()); live != alive[name] {
			w.t.Errorf("%d machines are alive in %s, the record has %d", live, name, alive[name])
		}
	}
	open := 0
	for _, a := range r.Attempts {
		if !a.Answered() {
			if open++; r.ProviderOf(a) != r.Provider {
				w.t.Errorf("an order is open at %s while %s is asked", a.Provider, r.Provider)
			}
		}
	}
	if open > 1 {
		w.t.Errorf("%d orders are open at once", open)
	}
	if alive["near"] > 0 && alive["far"] > 0 {
		w.t.Errorf("machines are alive in both clouds")
	}
}

// TestFallbackAfterRefusal: a launch that is refused whole goes to the next provider inside the same request, which says so.
func TestFallbackAfterRefusal(t *testing.T) {
	t.Parallel()
	denied := fake.Denied(fake.OpLaunch)
	invalid := &ohfp.CloudError{Kind: ohfp.ErrInvalid, Operation: "Launch", Code: "InvalidImage", Message: "no such image"}
	tests := map[string]struct {
		template ohfp.TemplateID
		spoil    func(w *twins)
		want     string // the provider that launches; empty: nobody does
		says     string
	}{
		"no room":            {"narrow", func(w *twins) { w.fill("near") }, "far", "near refused: small/zone-a: "},
		"no room in a fleet": {"narrow-fleet", func(w *twins) { w.fill("near") }, "far", "near refused: small/zone-a: "},
		"denied":             {"small", func(w *twins) { w.clouds["near"].FailNext(fake.OpLaunch, denied, 1) }, "far", "UnauthorizedOperation"},
		"wrong anywhere":     {"small", func(w *twins) { w.clouds["near"].FailNext(fake.OpLaunch, invalid, 1) }, "", ""},
		"no answer":          {"small", func(w *twins) { w.clouds["near"].FailNext(fake.OpLaunch, fake.Unavailable(fake.OpLaunch), 1) }, "near", ""},
		"answer lost":        {"small", func(w *twins) { w.clouds["near"].DropReply(fake.OpLaunch) }, "near", ""},
		"all denied": {"small", func(w *twins) {
			w.clouds["near"].FailNext(fake.OpLaunch, denied, 1)
			w.clouds["far"].FailNext(fake.OpLaunch, denied, 1)
		}, "", ""},
		"the other cannot prepare": {"narrow", func(w *twins) {
			w.fill("near")
			w.clouds["far"].FailNext(fake.OpPrepare, denied, 1)
		}, "waits", "far refused: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTwins(t)
			test.spoil(w)
			r, err := w.process().RequestMachines(t.Context(), command.RequestMachines{Template: test.template, Count: 2})
			if test.want == "" {
				if err == nil || len(w.clouds["near"].Live())+len(w.clouds["far"].Live()) > 0 {
					t.Errorf("the request is %s (%v)", r.Status, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "waits" {
				if r.Provider != "near" || r.Status.Terminal() || len(r.Fallbacks) > 0 {
					t.Errorf("the request is %s at %s, fallbacks %v", r.Status, r.Provider, r.Fallbacks)
				}
				w.clouds["near"].SetCapacity("small/zone-a", -1)
				w.clock.Advance(5 * time.Minute)
			}
			for range 6 {
				w.clock.Advance(10 * time.Second)
				r = w.poll(r.ID)
			}
			w.check(r)
			where := strings.ReplaceAll(test.want, "waits", "near")
			if r.Status != ohfp.StatusComplete || r.Provider != where || len(w.clouds[where].Live()) != 2 || !strings.Contains(r.Placement, test.says) {
				t.Errorf("the request is %s at %s because %q", r.Status, r.Provider, r.Placement)
			}
			if where == "far" && (len(r.Attempts) != 2 || r.Attempts[0].Provider != "near" || len(r.Attempts[0].Failures) == 0) {
				t.Errorf("its attempts are %+v", r.Attempts)
			}
		})
	}
}

// TestNoFallbackUnderLimits: what a provider may have is checked when a request is stored, so a limit keeps it there.
func TestNoFallbackUnderLimits(t *testing.T) {
	t.Parallel()
	w := newTwins(t)
	c := w.process()
	c.Limits.Provider = 10
	w.fill("near")
	r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "narrow", Count: 2})
	if err != nil || r.Provider != "near" || len(r.Fallbacks) > 0 {
		t.Errorf("the request is at %s with fallbacks %v (%v)", r.Provider, r.Fallbacks, err)
	}
}

// TestFallbackSurvivesCrashes: wherever processes die and whatever the clouds answer, the machines of a request are all at one
// provider and in the record, and nothing is launched twice.
func TestFallbackSurvivesCrashes(t *testing.T) {
	t.Parallel()
	const histories = 150
	moved := 0
	for seed := range uint64(histories) {
		w := newTwins(t)
		random := rand.New(rand.NewPCG(seed, 1))
		faults := []func(string){
			w.fill,
			func(name string) { w.clouds[name].FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 1) },
			func(name string) { w.clouds[name].FailNext(fake.OpLaunch, fake.Unavailable(fake.OpLaunch), 1) },
			func(name string) { w.clouds[name].FailNext(fake.OpPrepare, fake.Unavailable(fake.OpPrepare), 1) },
			func(name string) { w.clouds[name].DropReply(fake.OpLaunch) },
			func(string) {},
		}
		faults[random.IntN(3)]("near") // mostly refused
		for range random.IntN(3) {
			faults[random.IntN(len(faults))]([]string{"near", "far"}[random.IntN(2)])
		}
		template := []ohfp.TemplateID{"narrow", "narrow-fleet"}[random.IntN(2)]
		id := w.newID(ohfp.TypeAcquire)
		ask := func(c *command.Commands) error {
			_, err := c.RequestMachines(t.Context(), command.RequestMachines{ID: id, Template: template, Count: 3})
			return err
		}
		poll := func(c *command.Commands) error {
			return c.SyncRequests(t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{id}})
		}
		w.dieAfter(random.IntN(5), ask)
		if _, err := w.store.Request(t.Context(), id); errors.Is(err, ohfp.ErrNotFound) {
			continue // refused before anything was stored
		}
		for round := 0; round < 200; round++ {
			if round < 4 {
				w.dieAfter(random.IntN(4), poll)
			} else {
				w.dieAfter(100, poll)
			}
			if r := w.read(id); r.Settled() {
				break
			}
			w.clock.Advance(10 * time.Second)
		}
		r := w.read(id)
		if !r.Settled() {
			t.Fatalf("history %d: the request is %s: %s", seed, r.Status, r.Message)
		}
		w.check(r)
		if slices.ContainsFunc(r.Attempts, func(a ohfp.Attempt) bool { return a.Provider != "" }) {
			moved++
		}
		if live := len(w.clouds["near"].Live()) + len(w.clouds["far"].Live()); live > 3 || r.Status == ohfp.StatusComplete && live != 3 {
			t.Errorf("history %d: %d machines are alive, the request is %s", seed, live, r.Status)
		}
		if t.Failed() {
			t.Fatalf("history %d ended with %s at %s because %q after %d attempts", seed, r.Status, r.Provider, r.Placement, len(r.Attempts))
		}
	}
	if moved < histories/5 {
		t.Errorf("only %d of %d requests went to another provider", moved, histories)
	}
}

// dieAfter runs work in a process that is killed at a step after so many that it survives.
func (w *twins) dieAfter(steps int, work func(*command.Commands) error) {
	w.t.Helper()
	c := w.process()
	c.Executor.Step = func(step string) {
		if steps--; steps < 0 {
			panic(crash{step})
		}
	}
	defer func() {
		if cause := recover(); cause != nil {
			if _, killed := cause.(crash); !killed {
				panic(cause)
			}
		}
	}()
	_ = work(c) // what it could not do goes on later
}

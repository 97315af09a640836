package command_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

func TestRequestCompletesOnlyWhenEveryMachineIsReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 3)
	w.want(w.poll(r.ID), ohfp.StatusInProgress, 3)
	w.clock.Advance(launchDelay)
	r = w.poll(r.ID)
	w.want(r, ohfp.StatusComplete, 3)
	for _, m := range r.Machines {
		if m.Name == "" || m.PrivateIP == "" || m.DeliveredAt.IsZero() {
			t.Errorf("machine %s was delivered without name or address: %+v", m.ID, m)
		}
	}
	before := w.cloud.Calls()
	w.poll(r.ID)
	if after := w.cloud.Calls(); after[fake.OpObserve] != before[fake.OpObserve] {
		t.Error("the status of a settled request asks the cloud")
	}
}

func TestRequestIsRefusedBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.template("none", 0, `{"type":"small"}`, fake.APIInstances)
	w.template("broken", 5, `{"typo":"small"}`, fake.APIInstances)
	for name, tc := range map[string]struct {
		in   command.RequestMachines
		kind error
	}{
		"no template":      {command.RequestMachines{Count: 1}, ohfp.ErrInvalid},
		"unknown template": {command.RequestMachines{Template: "nope", Count: 1}, ohfp.ErrNotFound},
		"zero":             {command.RequestMachines{Template: "small", Count: 0}, ohfp.ErrInvalid},
		"negative":         {command.RequestMachines{Template: "small", Count: -3}, ohfp.ErrInvalid},
		"over maxNumber":   {command.RequestMachines{Template: "small", Count: 101}, ohfp.ErrLimit},
		"maxNumber 0":      {command.RequestMachines{Template: "none", Count: 1}, ohfp.ErrLimit},
		"broken spec":      {command.RequestMachines{Template: "broken", Count: 1}, ohfp.ErrInvalid},
	} {
		_, err := w.process().RequestMachines(t.Context(), tc.in)
		if !errors.Is(err, tc.kind) {
			t.Errorf("%s: error is %v, want %v", name, err, tc.kind)
		}
	}
	if calls := w.cloud.Calls(); calls[fake.OpLaunch] != 0 {
		t.Errorf("a refused request launched: %v", calls)
	}
}

func TestLimitsCountWhatIsAliveAndInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 60)
	in := command.RequestMachines{Template: "small", Count: 41}
	if _, err := w.process().RequestMachines(t.Context(), in); !errors.Is(err, ohfp.ErrLimit) {
		t.Fatalf("60 + 41 of 100: %v", err)
	}
	in.Count = 40
	if _, err := w.process().RequestMachines(t.Context(), in); err != nil {
		t.Fatalf("60 + 40 of 100: %v", err)
	}
	r = w.follow(r.ID)
	w.follow(w.giveBack(named(r.Machines[:10])...).ID)
	in.Count = 10
	if _, err := w.process().RequestMachines(t.Context(), in); err != nil {
		t.Fatalf("10 after 10 were returned: %v", err)
	}
	limited := w.process()
	limited.Limits = command.Limits{PerRequest: 5}
	if _, err := limited.RequestMachines(t.Context(), command.RequestMachines{Template: "fleet", Count: 6}); !errors.Is(err, ohfp.ErrLimit) {
		t.Errorf("6 with 5 per request: %v", err)
	}
	limited.Limits = command.Limits{Provider: 101}
	if _, err := limited.RequestMachines(t.Context(), command.RequestMachines{Template: "fleet", Count: 2}); !errors.Is(err, ohfp.ErrLimit) {
		t.Errorf("100 + 2 with 101 per provider: %v", err)
	}
}

func TestVCPUsAndPricesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.template("huge", 100, `{"type":"huge"}`, fake.APIInstances) // of which no price is known
	ask := func(limits command.Limits, template ohfp.TemplateID, count int) error {
		c := w.process()
		c.Limits = limits
		_, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: template, Count: count})
		return err
	}
	// A fleet of small machines (1 vCPU, one unit) and large ones (4 vCPUs, 4 units): 8 units and 3 for a last large one.
	cpus := command.Limits{VCPUs: 100}
	if err := ask(cpus, "fleet", 8); err != nil {
		t.Fatal(err)
	}
	used, err := w.store.Usage(t.Context())
	if err != nil || used.Costs["cloud"].VCPUs != 11 {
		t.Fatalf("8 units count as %+v (%v), want 11 vCPUs", used.Costs, err)
	}
	if err := ask(cpus, "small", 90); !errors.Is(err, ohfp.ErrLimit) || !strings.Contains(err.Error(), "provider cloud has 11 of 100 vCPUs alive or in flight and cannot launch 90 more for 90 of template small") {
		t.Errorf("11 + 90 of 100 vCPUs: %v", err)
	}
	requests, err := w.store.Requests(t.Context(), store.RequestFilter{})
	if err != nil || len(requests) != 1 {
		t.Fatalf("%d requests are stored (%v), want one", len(requests), err)
	}
	r := w.follow(requests[0].ID)
	used, err = w.store.Usage(t.Context())
	if held := r.Delivered(); err != nil || held != 8 || used.Costs["cloud"].VCPUs != 8 {
		t.Fatalf("%d units that are there count as %+v (%v), want 8 vCPUs", held, used.Costs, err)
	}
	if err := ask(cpus, "huge", 1); err != nil {
		t.Errorf("8 + 64 of 100 vCPUs: %v", err)
	}
	price := command.Limits{Price: 1_000_000}
	if err := ask(price, "huge", 1); !errors.Is(err, ohfp.ErrLimit) || !strings.Contains(err.Error(), "cannot be held to limits.max_hourly_cost: no price is known of huge, ondemand") {
		t.Errorf("an unknown price: %v", err)
	}
	if err := ask(price, "group", 95); !errors.Is(err, ohfp.ErrLimit) || !strings.Contains(err.Error(), "cannot spend 0.95 more for 95 of template group") {
		t.Errorf("0.08 + 0.95 of 1 dollar: %v", err)
	}
	if err := ask(price, "group", 90); err != nil {
		t.Errorf("0.08 + 0.9 of 1 dollar: %v", err)
	}
}

func TestParallelRequestsLoseNothingAndHoldTheCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var ids []ohfp.RequestID
	for range 64 {
		c := w.process()
		wg.Go(func() {
			r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 3})
			if err != nil {
				if !errors.Is(err, ohfp.ErrLimit) {
					t.Error(err)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, r.ID)
		})
	}
	wg.Wait()
	if len(ids) != 33 || len(w.cloud.Live()) != 99 {
		t.Errorf("%d requests of 3 got through and %d machines are alive; 100 allow 33 and 99", len(ids), len(w.cloud.Live()))
	}
}

func TestLostReplyBringsTheSameMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.DropReply(fake.OpLaunch)
	r := w.request("small", 4)
	if r.Status != ohfp.StatusPending {
		t.Fatalf("request is %s although nobody knows the outcome of its launch", r.Status)
	}
	w.want(w.follow(r.ID), ohfp.StatusComplete, 4)
}

func TestCrashAtAnyStepOfARequest(t *testing.T) {
	t.Parallel()
	for _, template := range []ohfp.TemplateID{"small", "fleet"} {
		for _, step := range []string{reconcile.StepRequestStored, reconcile.StepLaunchAnswered, reconcile.StepLaunchRecorded} {
			t.Run(string(template)+" "+step, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				died := w.dieAt(step, func(c *command.Commands) {
					_, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: template, Count: 4})
					t.Errorf("the request went past the step: %v", err)
				})
				if !died {
					t.Fatal("the process did not die")
				}
				requests, err := w.store.Requests(t.Context(), storeAll)
				if err != nil || len(requests) != 1 {
					t.Fatalf("%d requests are stored: %v", len(requests), err)
				}
				r := w.follow(requests[0].ID)
				if r.Status != ohfp.StatusComplete {
					t.Errorf("request is %s: %s", r.Status, r.Message)
				}
				w.want(r, ohfp.StatusComplete, aliveOf(r))
				if r.Delivered() != 4 {
					t.Errorf("%d units delivered, want 4", r.Delivered())
				}
			})
		}
	}
}

func TestRequestNobodyCanKnowOfIsReleased(t *testing.T) {
	t.Parallel()
	for _, step := range []string{reconcile.StepRequestStored, reconcile.StepLaunchAnswered, reconcile.StepLaunchRecorded, reconcile.StepAnswerWritten} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.dieAt(step, func(c *command.Commands) {
				r, err := c.RequestMachines(t.Context(), command.RequestMachines{Template: "fleet", Count: 4})
				if err == nil {
					err = c.Answered(t.Context(), r.ID)
				}
				t.Errorf("the request went past the step: %v", err)
			})
			// Only polls of other requests happen.
			for range 90 {
				w.clock.Advance(10 * time.Second)
				if err := w.process().SyncRequests(t.Context(), command.SyncRequests{Others: true}); err != nil {
					t.Fatal(err)
				}
			}
			if live := w.cloud.Live(); len(live) != 0 {
				t.Errorf("%d machines are alive that nobody knows of", len(live))
			}
			if fleets := w.cloud.Fleets(); len(fleets) != 0 {
				t.Errorf("fleets %v are left", fleets)
			}
		})
	}
}

func TestCapacityFallsBackToTheNextOffering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.template("zones", 10, `{"type":"small","zones":["zone-a","zone-b"]}`, fake.APIInstances)
	w.cloud.SetCapacity("small/zone-a", 2)
	r := w.request("zones", 5)
	r = w.follow(r.ID)
	w.want(r, ohfp.StatusComplete, 5)
	if len(r.Attempts) != 2 {
		t.Errorf("%d attempts were made, want 2: one per zone", len(r.Attempts))
	}
}

func TestShortageEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, zone := range []string{"zone-a", "zone-b", "zone-c"} {
		w.cloud.SetCapacity("small/"+zone, 0)
	}
	r := w.follow(w.request("small", 5).ID)
	w.want(r, ohfp.StatusTimeout, 0)
	if r.Message == "" {
		t.Error("the request does not say why it brought nothing")
	}

	w.template("one", 10, `{"type":"small","zones":["zone-a"]}`, fake.APIInstances)
	w.cloud.SetCapacity("small/zone-a", 2)
	r = w.follow(w.request("one", 5).ID)
	w.want(r, ohfp.StatusPartial, 2)
	launches := w.cloud.Calls()[fake.OpLaunch]
	if launches > 60 {
		t.Errorf("%d launches were tried in 20 minutes", launches)
	}
}

func TestDeniedLaunchFailsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 1)
	r, err := w.process().RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 1})
	if err == nil || r.Status != ohfp.StatusFailed {
		t.Errorf("denied launch: request is %s, error %v", r.Status, err)
	}
	if launches := w.cloud.Calls()[fake.OpLaunch]; launches != 1 {
		t.Errorf("a permanent refusal cost %d calls", launches)
	}
}

func TestUnreachableCloudNeverEndsARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 2)
	w.cloud.FailNext(fake.OpObserve, fake.Unavailable(fake.OpObserve), 1000)
	for range 120 {
		w.clock.Advance(10 * time.Second)
		r = w.poll(r.ID)
	}
	if r.Status.Terminal() || r.Message == "" {
		t.Errorf("after 20 minutes without a cloud the request is %s (%q)", r.Status, r.Message)
	}
	w.cloud.Heal()
	w.want(w.follow(r.ID), ohfp.StatusComplete, 2)
}

func TestMachineLostBeforeCompletionIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 3)
	if err := w.cloud.Lose(r.Machines[0].ID, "Server.SpotInstanceTermination"); err != nil {
		t.Fatal(err)
	}
	w.want(w.follow(r.ID), ohfp.StatusComplete, 3)
}

func TestCancelReleasesEverything(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*world) ohfp.RequestID{
		"under way": func(w *world) ohfp.RequestID { return w.request("fleet", 8).ID },
		"reply lost": func(w *world) ohfp.RequestID {
			w.cloud.DropReply(fake.OpLaunch)
			return w.request("fleet", 8).ID
		},
		"never called": func(w *world) ohfp.RequestID {
			w.cloud.FailNext(fake.OpLaunch, fake.Unavailable(fake.OpLaunch), 1)
			return w.request("fleet", 8).ID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := prepare(w)
			launches := w.cloud.Calls()[fake.OpLaunch]
			if _, err := w.process().CancelRequest(t.Context(), command.CancelRequest{ID: id}); err != nil {
				t.Fatal(err)
			}
			r := w.follow(id)
			w.want(r, ohfp.StatusCancelled, 0)
			if now := w.cloud.Calls()[fake.OpLaunch]; now != launches {
				t.Errorf("a cancelled request launched %d times more", now-launches)
			}
			if fleets := w.cloud.Fleets(); len(fleets) != 0 {
				t.Errorf("fleets %v are left", fleets)
			}
			if _, err := w.process().CancelRequest(t.Context(), command.CancelRequest{ID: id}); err != nil {
				t.Errorf("cancelling again: %v", err)
			}
		})
	}
}

func TestLostRecordIsFoundByTag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("small", 3)
	w.clock.Advance(launchDelay)
	fresh := newWorld(t)
	fresh.cloud, fresh.clock = w.cloud, w.clock
	r = fresh.follow(r.ID)
	fresh.want(r, ohfp.StatusComplete, 3)

	other := newWorld(t)
	other.cloud, other.clock = w.cloud, w.clock
	back := other.giveBack(named(r.Machines)...)
	other.want(other.follow(back.ID), ohfp.StatusComplete, 0)
}

// A group replaces what it loses, so a return after a lost store must find out that there is one.
func TestLostRecordOfAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("group", 3).ID)
	fresh := newWorld(t)
	fresh.cloud, fresh.clock = w.cloud, w.clock
	first := fresh.giveBack(named(r.Machines[:1])...)
	fresh.follow(first.ID)
	for range 30 {
		fresh.clock.Advance(10 * time.Second)
		fresh.poll(r.ID)
	}
	if live := len(fresh.cloud.Live()); live != 2 {
		t.Errorf("%d machines are alive after one of 3 was returned", live)
	}
	fresh.follow(fresh.giveBack(named(r.Machines)...).ID)
	if live, groups := fresh.cloud.Live(), fresh.cloud.Fleets(); len(live) != 0 || len(groups) != 0 {
		t.Errorf("machines %v and groups %v are left", live, groups)
	}
}

// What is adopted because one machine of it is returned is adopted whole: the others are in their users' hands.
func TestLostRecordKeepsTheMachinesThatAreNotReturned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.follow(w.request("small", 3).ID)
	fresh := newWorld(t)
	fresh.cloud, fresh.clock = w.cloud, w.clock
	fresh.follow(fresh.giveBack(named(r.Machines[:1])...).ID)
	if err := fresh.process().SyncRequests(t.Context(), command.SyncRequests{Others: true, Live: true}); err != nil {
		t.Fatal(err)
	}
	fresh.want(fresh.poll(r.ID), ohfp.StatusComplete, 2)
}

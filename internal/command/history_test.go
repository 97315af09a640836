package command_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

// histories is how many random histories are played, unless -rapid.checks says otherwise.
const histories = "60"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", histories); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestNoHistoryLeaksDoublesOrLoses plays random histories of requests, polls, returns, cancels, crashes, lost replies,
// failed and cut reads, lost machines and exhausted offerings. Then the cloud is well again and time goes on. In the end
// exactly those machines are alive that a record holds for its user, and nothing would launch another one.
func TestNoHistoryLeaksDoublesOrLoses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: newWorld(t), rt: rt, asked: map[ohfp.RequestID]int{}, handed: map[ohfp.MachineID]bool{}, lost: map[ohfp.MachineID]bool{}}
		h.cloud.Set(fake.Settings{
			LaunchDelay: launchDelay, TerminateDelay: terminateDelay, AddressDelay: 30 * time.Second, PageSize: 3,
			ModifyDelay: time.Duration(rapid.IntRange(0, 2).Draw(rt, "modifying")) * 30 * time.Second,
			Wave:        rapid.IntRange(0, 2).Draw(rt, "wave"),
		})
		h.template("zones", 40, `{"type":"small","zones":["zone-a","zone-b","zone-c"]}`, fake.APIInstances)
		h.template("late", 40, `{"type":"small","zones":["zone-b"],"fallback":"large"}`, fake.APIRequest)
		rt.Repeat(map[string]func(*rapid.T){
			"ask":     h.ask,
			"poll":    h.pollOne,
			"return":  h.returnSome,
			"cancel":  h.cancelOne,
			"time":    h.time,
			"trouble": h.trouble,
			"lose":    h.lose,
			"":        h.check,
		})
		h.settle()
	})
}

type history struct {
	*world
	rt     *rapid.T
	asked  map[ohfp.RequestID]int  // what each request asked for
	handed map[ohfp.MachineID]bool // machines that their users have and did not give back
	ended  map[ohfp.RequestID]ohfp.Status
	lost   map[ohfp.MachineID]bool // machines that the cloud took, whether or not a record knows that yet
}

var steps = []string{
	"", "", "", "", reconcile.StepRequestStored, reconcile.StepLaunchAnswered, reconcile.StepLaunchRecorded,
	reconcile.StepReturnStored, reconcile.StepEndStored, reconcile.StepEndAnswered, reconcile.StepEndRecorded, reconcile.StepAnswerWritten,
}

var offerings = []string{"small/zone-a", "small/zone-b", "large/zone-a", "medium/zone-b"}

// in runs work in a process of its own, which may die at a step.
func (h *history) in(rt *rapid.T, work func(*command.Commands)) {
	h.dieAt(rapid.SampledFrom(steps).Draw(rt, "dies at"), work)
}

func (h *history) ask(rt *rapid.T) {
	in := command.RequestMachines{
		Template: rapid.SampledFrom([]ohfp.TemplateID{"small", "fleet", "zones", "group", "ask", "heavy", "mixed", "late"}).Draw(rt, "template"),
		Count:    rapid.IntRange(1, 9).Draw(rt, "count"),
	}
	h.in(rt, func(c *command.Commands) {
		if r, err := c.RequestMachines(h.t.Context(), in); err == nil {
			_ = c.Answered(h.t.Context(), r.ID)
		}
	})
}

func (h *history) requests(kind ohfp.RequestType) []ohfp.Request {
	all, err := h.store.Requests(h.t.Context(), store.RequestFilter{Type: kind, Machines: true})
	if err != nil {
		h.rt.Fatal(err)
	}
	return all
}

func (h *history) pick(rt *rapid.T, kind ohfp.RequestType) (ohfp.Request, bool) {
	all := h.requests(kind)
	if len(all) == 0 {
		return ohfp.Request{}, false
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(rt, "request")], true
}

func (h *history) pollOne(rt *rapid.T) {
	r, ok := h.pick(rt, rapid.SampledFrom([]ohfp.RequestType{ohfp.TypeAcquire, ohfp.TypeReturn}).Draw(rt, "type"))
	if !ok {
		return
	}
	in := command.SyncRequests{IDs: []ohfp.RequestID{r.ID}, Others: rapid.Bool().Draw(rt, "others"), Live: rapid.Bool().Draw(rt, "live")}
	h.in(rt, func(c *command.Commands) { _ = c.SyncRequests(h.t.Context(), in) })
}

func (h *history) returnSome(rt *rapid.T) {
	r, ok := h.pick(rt, ohfp.TypeAcquire)
	if !ok {
		return
	}
	var give []command.Named
	for _, m := range r.Machines {
		if h.handed[m.ID] && rapid.Bool().Draw(rt, "gives back") {
			delete(h.handed, m.ID)
			give = append(give, command.Named{ID: m.ID})
		}
	}
	h.in(rt, func(c *command.Commands) {
		if _, err := c.ReturnMachines(h.t.Context(), command.ReturnMachines{Machines: give}); err != nil {
			h.rt.Fatalf("return: %v", err)
		}
	})
	// Host Factory repeats a return that brought no answer.
	if _, err := h.process().ReturnMachines(h.t.Context(), command.ReturnMachines{Machines: give}); err != nil {
		h.rt.Fatalf("return again: %v", err)
	}
}

func (h *history) cancelOne(rt *rapid.T) {
	if r, ok := h.pick(rt, ohfp.TypeAcquire); ok && !r.Status.Terminal() {
		h.in(rt, func(c *command.Commands) { _, _ = c.CancelRequest(h.t.Context(), command.CancelRequest{ID: r.ID}) })
		for _, m := range r.Machines {
			delete(h.handed, m.ID)
		}
	}
}

func (h *history) time(rt *rapid.T) {
	h.clock.Advance(time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second)
}

func (h *history) trouble(rt *rapid.T) {
	op := rapid.SampledFrom([]fake.Op{fake.OpLaunch, fake.OpObserve, fake.OpTarget, fake.OpTerminate, fake.OpRetire}).Draw(rt, "operation")
	switch rapid.IntRange(0, 4).Draw(rt, "trouble") {
	case 0:
		h.cloud.DropReply(op)
	case 1:
		h.cloud.FailNext(op, fake.Unavailable(op), rapid.IntRange(1, 3).Draw(rt, "times"))
	case 2:
		h.cloud.FailNext(op, fake.Throttled(op), rapid.IntRange(1, 3).Draw(rt, "times"))
	case 3:
		h.cloud.CutRead(rapid.IntRange(0, 3).Draw(rt, "keep"))
	case 4:
		offering := rapid.SampledFrom(offerings).Draw(rt, "offering")
		h.cloud.SetCapacity(offering, rapid.IntRange(-1, 4).Draw(rt, "room"))
	}
}

func (h *history) lose(rt *rapid.T) {
	if live := h.cloud.Live(); len(live) > 0 {
		id := live[rapid.IntRange(0, len(live)-1).Draw(rt, "machine")]
		_ = h.cloud.Lose(id, "Server.SpotInstanceTermination")
		delete(h.handed, id)
		h.lost[id] = true
	}
}

// check looks at what must hold at every moment.
func (h *history) check(rt *rapid.T) {
	if h.ended == nil {
		h.ended = map[ohfp.RequestID]ohfp.Status{}
	}
	owners := map[ohfp.MachineID]ohfp.RequestID{}
	for _, r := range h.requests(ohfp.TypeAcquire) {
		if was, ok := h.ended[r.ID]; ok && was != r.Status {
			rt.Fatalf("request %s was %s and is %s", r.ID, was, r.Status)
		}
		open := 0
		for _, a := range r.Attempts {
			if !a.Answered() {
				open++
			}
		}
		if open > 1 {
			rt.Fatalf("request %s has %d attempts without an answer", r.ID, open)
		}
		learned := !r.AnsweredAt.IsZero() || !r.PolledAt.IsZero()
		for _, m := range r.Machines {
			if owner, ok := owners[m.ID]; ok {
				rt.Fatalf("machine %s belongs to %s and to %s", m.ID, owner, r.ID)
			}
			owners[m.ID] = r.ID
			if h.handed[m.ID] && m.Ending != "" {
				rt.Fatalf("machine %s is in its user's hands and is ended: %s", m.ID, m.Ending)
			}
			if r.Status.Terminal() && learned && m.Wanted() && !m.DeliveredAt.IsZero() && h.ended[r.ID] == "" && !h.lost[m.ID] {
				h.handed[m.ID] = true
			}
		}
		if r.Status.Terminal() {
			h.ended[r.ID] = r.Status
		}
	}
}

// settle lets the cloud be well and time go on until everything is settled, then compares cloud and records.
func (h *history) settle() {
	h.cloud.Heal()
	for _, offering := range offerings {
		h.cloud.SetCapacity(offering, -1)
	}
	for range 200 {
		h.clock.Advance(15 * time.Second)
		if err := h.process().SyncRequests(h.t.Context(), command.SyncRequests{Others: true, Live: true}); err != nil {
			h.rt.Logf("sync: %v", err)
		}
		h.check(h.rt)
	}
	h.compare()
	h.checkGroups()
}

// compare makes sure that what is alive is what the records hold for their users, once all is settled.
func (h *history) compare() {
	recorded := map[ohfp.MachineID]string{}
	for _, r := range append(h.requests(ohfp.TypeAcquire), h.requests(ohfp.TypeReturn)...) {
		if !r.Settled() {
			h.rt.Fatalf("request %s is %s and not settled: %s", r.ID, r.Status, r.Message)
		}
		units := 0
		for _, m := range r.Machines {
			if r.Type == ohfp.TypeAcquire && !m.Gone() {
				recorded[m.ID] = fmt.Sprintf("%s of %s", m.State, r.ID)
				units += m.Units()
			}
		}
		if heaviest := 4; r.Type == ohfp.TypeAcquire && units >= r.Count+heaviest {
			h.rt.Fatalf("request %s holds %d units, %d were asked for", r.ID, units, r.Count)
		}
	}
	for _, id := range h.cloud.Live() {
		if _, ok := recorded[id]; !ok {
			h.rt.Errorf("machine %s is alive and no record holds it", id)
		}
		delete(recorded, id)
	}
	for id, who := range recorded {
		h.rt.Errorf("machine %s, %s, is on record and not alive", id, who)
	}
	for id := range h.handed {
		if m, ok := h.cloud.Machine(id); !ok || m.Gone() {
			h.rt.Errorf("machine %s was taken from its user", id)
		}
	}
}

// checkGroups makes sure that every fleet and group that is left has machines, and wants no more than it has.
func (h *history) checkGroups() {
	units := map[string]int{}
	for _, r := range h.requests(ohfp.TypeAcquire) {
		for _, m := range r.Machines {
			if !m.Gone() {
				units[m.Resource] += m.Units()
			}
		}
	}
	for _, resource := range h.cloud.Fleets() {
		if units[resource] == 0 {
			h.rt.Errorf("%s is left without machines", resource)
		}
		if wants := h.cloud.Wants(resource); wants > 0 {
			h.rt.Errorf("%s has %d units and would launch %d more", resource, units[resource], wants)
		}
	}
}

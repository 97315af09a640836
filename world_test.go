package ohfp_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

const (
	// maxLag is how long a new machine may stay invisible; the engine counts on less than five minutes.
	maxLag = 4 * time.Minute
	// maxCall is how long a process may take from writing a call down to making it.
	maxCall = time.Minute
	// shownDead is how long a terminated machine is still shown.
	shownDead = time.Hour
	// providerName is the only provider of the world.
	providerName = "aws"
)

// instance is a machine as it is, whatever anybody knows of it.
type instance struct {
	id         ohfp.MachineID
	resource   string
	weight     int
	launchedAt time.Time
	visibleAt  time.Time
	runsAt     time.Time
	endedAt    time.Time
	goneAt     time.Time
}

func (i *instance) alive() bool { return i.endedAt.IsZero() }

func (i *instance) shown(now time.Time) (ohfp.Machine, bool) {
	if now.Before(i.visibleAt) || !i.alive() && now.Sub(i.goneAt) > shownDead {
		return ohfp.Machine{}, false
	}
	m := ohfp.Machine{
		Provider: providerName, ID: i.id, Resource: i.resource, Weight: i.weight, LaunchedAt: i.launchedAt, State: ohfp.MachinePending,
	}
	switch {
	case !i.alive() && !now.Before(i.goneAt):
		m.State = ohfp.MachineTerminated
	case !i.alive():
		m.State = ohfp.MachineShuttingDown
	case !now.Before(i.runsAt):
		m.State, m.Name, m.PrivateIP = ohfp.MachineRunning, "host-"+string(i.id), "10.0.0.1"
	}
	return m, true
}

// slow is a process that has written a call down and is late: with making it, or with recording what it brought.
type slow struct {
	attempt int
	made    bool
	reply   reply
}

// reply is what a launching call told.
type reply struct {
	outcome   ohfp.Outcome
	known     bool // false: the answer was lost or the call was put off
	throttled bool
}

// world plays, for one request for machines and its returns, the store, the executor, its users and the cloud.
type world struct {
	*rapid.T

	now     time.Time
	calm    bool  // nothing fails any more
	nested  bool  // a second process is at work
	weights []int // of the machine types that the cloud launches

	acquire  ohfp.Request
	returns  []ohfp.Request
	machines []ohfp.Machine // the records, in the order in which they came to be known

	instances []*instance
	byToken   map[string][]*instance
	resources map[string]bool
	groups    []*group // resources that launch by themselves, in the order in which they were made
	order     ohfp.Order
	slow      []slow
}

// --- the store ---

// load composes a request with its machines; nothing in it is shared with the store.
func (w *world) load(id ohfp.RequestID) ohfp.Request {
	r := w.acquire
	for _, ret := range w.returns {
		if ret.ID == id {
			r = ret
		}
	}
	r.Attempts = slices.Clone(r.Attempts)
	r.Machines = nil
	for _, m := range w.machines {
		if m.Request == id || m.Return == id || slices.Contains(r.Also, m.ID) {
			r.Machines = append(r.Machines, m)
		}
	}
	return r
}

// update changes a request and its machines, and checks what must hold of every change.
func (w *world) update(id ohfp.RequestID, change func(*ohfp.Request) error) error {
	w.Helper()
	before, after := w.load(id), w.load(id)
	if err := change(&after); err != nil {
		return err
	}
	w.checkChange(before, after)
	w.save(after)
	return nil
}

func (w *world) save(r ohfp.Request) {
	for _, m := range r.Machines {
		at := slices.IndexFunc(w.machines, func(known ohfp.Machine) bool { return known.ID == m.ID })
		if at < 0 {
			w.machines = append(w.machines, m)
		} else {
			w.machines[at] = m
		}
	}
	r.Machines = nil
	if r.ID == w.acquire.ID {
		w.acquire = r
		return
	}
	for i := range w.returns {
		if w.returns[i].ID == r.ID {
			w.returns[i] = r
		}
	}
}

func (w *world) checkChange(before, after ohfp.Request) {
	w.Helper()
	if before.Status.Terminal() && after.Status != before.Status {
		w.Fatalf("request %s was %s, which is final, and became %s", before.ID, before.Status, after.Status)
	}
	open := 0
	for _, a := range after.Attempts {
		if !a.Answered() {
			open++
		}
	}
	if open > 1 {
		w.Fatalf("%d attempts wait for their outcome at once", open)
	}
	for i, was := range before.Machines {
		is := after.Machines[i]
		if was.Gone() && !is.Gone() {
			w.Fatalf("machine %s was gone and is %s", was.ID, is.State)
		}
		if !was.DeliveredAt.IsZero() && is.DeliveredAt != was.DeliveredAt {
			w.Fatalf("machine %s was delivered at %s, now at %s", was.ID, was.DeliveredAt, is.DeliveredAt)
		}
	}
	inHand := 0
	for _, m := range after.Machines {
		// What a group has replaced may not have been seen to be gone.
		if m.Wanted() && !m.DeliveredAt.IsZero() && (!w.order.Async || w.lives(m.ID)) {
			inHand += m.Units()
		}
	}
	if after.Type == ohfp.TypeAcquire && inHand >= after.Count+slices.Max(w.weights) {
		w.Fatalf("%d units are in their user's hands, %d were asked for", inHand, after.Count)
	}
}

// --- the cloud ---

func (w *world) chance(percent int, what string) bool {
	return !w.calm && rapid.IntRange(1, 100).Draw(w.T, what) <= percent
}

// launch carries out a call once for each token.
func (w *world) launch(order ohfp.Order) reply {
	switch {
	case w.chance(15, "throttled"):
		return reply{throttled: true}
	case w.chance(5, "no connection"):
		return reply{}
	case w.chance(5, "denied"):
		return reply{known: true, outcome: ohfp.Outcome{
			Permanent: true, Failures: []ohfp.Failure{{Code: "UnauthorizedOperation", Message: "not allowed"}},
		}}
	}
	if order.Async {
		return w.plant(order)
	}
	made, repeated := w.byToken[order.Token]
	if !repeated {
		made = w.make(order)
	}
	if w.chance(20, "lost reply") {
		return reply{}
	}
	told := reply{known: true}
	for _, i := range made {
		m, _ := i.shown(later(w.now, i.visibleAt))
		m.State, m.Name, m.PrivateIP = ohfp.MachinePending, "", ""
		told.outcome.Machines = append(told.outcome.Machines, m)
		told.outcome.Resource = i.resource
	}
	if units(told.outcome.Machines) < order.Count {
		told.outcome.Failures = []ohfp.Failure{{Code: "InsufficientInstanceCapacity", Offering: order.Offering}}
		told.outcome.Exhausted = rapid.Bool().Draw(w.T, "exhausted")
	}
	return told
}

func (w *world) make(order ohfp.Order) []*instance {
	room := order.Count
	switch {
	case w.chance(40, "short of capacity"):
		room = rapid.IntRange(0, order.Count).Draw(w.T, "room")
	case w.chance(15, "rounded up"):
		room += rapid.IntRange(1, 3).Draw(w.T, "spare")
	}
	var made []*instance
	resource := fmt.Sprintf("fleet-%d", len(w.byToken)+1)
	for room > 0 {
		i := w.instance(resource)
		made = append(made, i)
		room -= i.weight
	}
	if len(made) > 0 {
		w.byToken[order.Token] = made
		w.resources[resource] = true
	}
	return made
}

func (w *world) instance(resource string) *instance {
	i := &instance{
		id: ohfp.MachineID(fmt.Sprintf("i-%d", len(w.instances)+1)), resource: resource, launchedAt: w.now,
		weight:    rapid.SampledFrom(w.weights).Draw(w.T, "weight"),
		visibleAt: w.now.Add(w.upTo(maxLag, "lag")),
		runsAt:    w.now.Add(w.upTo(3*time.Minute, "boot")),
	}
	w.instances = append(w.instances, i)
	return i
}

func (w *world) upTo(d time.Duration, what string) time.Duration {
	return time.Duration(rapid.IntRange(0, int(d/time.Second)).Draw(w.T, what)) * time.Second
}

// observe looks at the machines of the request, perhaps at part of them only.
func (w *world) observe(r ohfp.Request) ohfp.Facts {
	w.grow()
	f := ohfp.Facts{ObservedAt: w.now, Complete: true, Resources: w.resourceFacts(r)}
	for _, i := range w.instances {
		known := slices.ContainsFunc(r.Machines, func(m ohfp.Machine) bool { return m.ID == i.id })
		if m, ok := i.shown(w.now); ok && (known || r.Type == ohfp.TypeAcquire) {
			f.Machines = append(f.Machines, m)
		}
	}
	if w.chance(25, "broken read") {
		f.Complete, f.Problem, f.Resources = false, "no answer", nil
		f.Machines = f.Machines[:rapid.IntRange(0, len(f.Machines)).Draw(w.T, "shown")]
	}
	return f
}

// terminate ends machines. Those that do not show yet are accepted, without effect.
func (w *world) terminate(machines []ohfp.Machine) map[ohfp.MachineID]ohfp.MachineState {
	if w.chance(15, "termination refused") {
		return nil
	}
	accepted := map[ohfp.MachineID]ohfp.MachineState{}
	for _, m := range machines {
		if !m.DeliveredAt.IsZero() && m.Ending != ohfp.ReasonReturned && m.Ending != ohfp.ReasonCancelled && m.Ending != ohfp.ReasonAbandoned {
			w.Fatalf("machine %s was delivered and is ended because %q", m.ID, m.Ending)
		}
		accepted[m.ID] = ohfp.MachineShuttingDown
		for _, i := range w.instances {
			if i.id == m.ID && i.alive() && !w.now.Before(i.visibleAt) {
				i.endedAt, i.goneAt = w.now, w.now.Add(w.upTo(2*time.Minute, "shutting down"))
			}
		}
	}
	return accepted
}

// --- the executor ---

// look is one visit of the executor: it looks at the cloud, then plans and acts until there is nothing left to do.
func (w *world) look(id ohfp.RequestID) {
	w.Helper()
	r := w.load(id)
	if r.Settled() && !w.order.Async {
		return
	}
	facts := w.observe(r)
	w.must(w.update(id, func(r *ohfp.Request) error {
		before := slices.Clone(r.Machines)
		r.Fold(facts, w.now)
		w.checkFold(facts, before, r.Machines)
		return nil
	}))
	for range 12 {
		actions := w.plan(w.load(id), facts)
		if len(actions) == 0 {
			return
		}
		for _, action := range actions {
			if !w.nested && w.chance(10, "another process looks") {
				w.nested = true
				w.look(id)
				w.nested = false
			}
			if !w.planned(id, action, facts) {
				break
			}
			// What did not work, or may not have worked, is left to the next visit.
			if done := w.carryOut(id, action); !done || w.chance(4, "crash") {
				return
			}
		}
	}
	w.Fatalf("request %s: the same facts ask for ever more: %+v", id, w.plan(w.load(id), facts))
}

// checkFold makes sure that only a complete look makes a machine gone that was not seen to be terminated.
func (w *world) checkFold(f ohfp.Facts, before, after []ohfp.Machine) {
	w.Helper()
	for i, was := range before {
		seen := slices.ContainsFunc(f.Machines, func(m ohfp.Machine) bool { return m.ID == was.ID && m.Gone() })
		if !was.Gone() && after[i].Gone() && !seen && !f.Complete {
			w.Fatalf("machine %s is called gone after a look that was not complete", was.ID)
		}
	}
}

// planned says whether an action is still wanted, now that another process may have changed the record.
func (w *world) planned(id ohfp.RequestID, action ohfp.Action, facts ohfp.Facts) bool {
	return slices.ContainsFunc(w.plan(w.load(id), facts), func(wanted ohfp.Action) bool { return reflect.DeepEqual(wanted, action) })
}

// plan plans twice and checks that this changes nothing and says the same.
func (w *world) plan(r ohfp.Request, f ohfp.Facts) []ohfp.Action {
	w.Helper()
	first := ohfp.Plan(r, f, w.now)
	if again := ohfp.Plan(w.load(r.ID), f, w.now); !reflect.DeepEqual(first, again) {
		w.Fatalf("the same input gives %+v, then %+v", first, again)
	}
	if !reflect.DeepEqual(r, w.load(r.ID)) {
		w.Fatalf("planning changed the request")
	}
	return first
}

// carryOut carries out one action and says whether its outcome is known.
func (w *world) carryOut(id ohfp.RequestID, action ohfp.Action) bool {
	w.Helper()
	switch a := action.(type) {
	case ohfp.Launch:
		return w.start(a)
	case ohfp.Resume:
		w.must(w.update(id, func(r *ohfp.Request) error { return r.Repeat(a.Attempt, w.now) }))
		return w.call(a.Attempt)
	case ohfp.Settle:
		w.must(w.update(id, func(r *ohfp.Request) error {
			_, err := r.Settle(a.Attempt, w.now)
			return err
		}))
	case ohfp.Stop:
		w.must(w.update(id, func(r *ohfp.Request) error {
			_, err := r.Stop(a.Verdict, a.Because, a.Message, w.now)
			return err
		}))
	case ohfp.Terminate:
		return w.end(id, a)
	case ohfp.Finish:
		w.must(w.update(id, func(r *ohfp.Request) error {
			_, err := r.Become(a.Status, a.Message, w.now)
			return err
		}))
	case ohfp.Yield:
		w.must(w.update(id, func(r *ohfp.Request) error { r.Yield(a.Attempt, w.now); return nil }))
	case ohfp.Retarget:
		if len(w.lower(a.Targets)) > 0 || w.chance(10, "lost reply") {
			return false
		}
		w.told(a.Targets)
	case ohfp.Retire:
		w.grow()
		for _, i := range w.instances {
			if i.resource == a.Resource && (i.alive() || w.now.Before(i.goneAt)) {
				return false
			}
		}
		delete(w.resources, a.Resource)
		w.must(w.update(id, func(r *ohfp.Request) error { r.Retired(a.Attempt, w.now); return nil }))
	case ohfp.Clear:
		for _, cleared := range a.Requests {
			w.look(cleared)
		}
		w.must(w.update(id, func(r *ohfp.Request) error { r.ClearedAt = w.now; return nil }))
	default:
		w.Fatalf("unknown action %T", action)
	}
	return true
}

// start writes a new attempt down, then makes its call.
func (w *world) start(wanted ohfp.Launch) bool {
	w.Helper()
	count := wanted.Count
	r := w.acquire
	for _, a := range r.Attempts {
		if a.Permanent {
			w.Fatalf("attempt %d was refused for good, and another one is launched", a.Number)
		}
	}
	if !w.now.Before(r.Deadline) || r.Status.Terminal() || r.Status == ohfp.StatusStopping {
		w.Fatalf("a %s request with deadline %s launches at %s", r.Status, r.Deadline, w.now)
	}
	number := len(r.Attempts) + 1
	order := ohfp.Order{
		API: "fleet", Token: fmt.Sprintf("token-%d", number), Count: count, Offering: fmt.Sprintf("offering-%d", number), Retires: true,
	}
	if !wanted.Fallback {
		order.Async, order.Keeps, order.Yields = w.order.Async, w.order.Keeps, w.order.Yields
		order.Target.OnDemand = count
	}
	w.must(w.update(r.ID, func(r *ohfp.Request) error {
		_, err := r.Intend(order, w.now)
		return err
	}))
	return w.call(number)
}

// call makes the call of an attempt that is written down, unless the process dies or is late.
func (w *world) call(number int) bool {
	w.Helper()
	switch {
	case w.chance(5, "crash before the call"):
		return false
	case w.chance(5, "late with the call"):
		w.slow = append(w.slow, slow{attempt: number})
		return false
	}
	told := w.launch(w.acquire.Attempts[number-1].Order)
	switch {
	case w.chance(5, "crash after the call"):
		return false
	case w.chance(5, "late with the record"):
		w.slow = append(w.slow, slow{attempt: number, made: true, reply: told})
		return false
	}
	w.record(number, told)
	return told.known
}

// record writes down what a call told.
func (w *world) record(number int, told reply) {
	w.Helper()
	w.must(w.update(w.acquire.ID, func(r *ohfp.Request) error {
		if !told.known {
			r.Delay(number, ohfp.Failure{Message: "no answer"}, told.throttled, w.now)
			return nil
		}
		_, err := r.Answer(number, told.outcome, w.now)
		return err
	}))
}

// end writes the intent to end machines down, then orders it.
func (w *world) end(id ohfp.RequestID, action ohfp.Terminate) bool {
	w.Helper()
	var ending []ohfp.Machine
	w.must(w.update(id, func(r *ohfp.Request) error {
		r.EndMachines(action.Machines, action.Reason, w.now)
		ending = nil
		for _, m := range r.Machines {
			if slices.Contains(action.Machines, m.ID) && m.Ending != "" {
				ending = append(ending, m)
			}
		}
		return nil
	}))
	if w.chance(5, "crash before terminating") {
		return false
	}
	made := w.load(w.acquire.ID)
	targets := made.Targets(ohfp.Facts{}, action.Machines...)
	refused := w.lower(targets)
	accepted := w.terminate(slices.DeleteFunc(ending, func(m ohfp.Machine) bool { return slices.Contains(refused, m.Resource) }))
	if w.chance(5, "crash after terminating") {
		return false
	}
	w.must(w.update(id, func(r *ohfp.Request) error { r.EndAccepted(providerName, accepted, w.now); return nil }))
	if len(refused) == 0 {
		w.told(targets)
	}
	return len(accepted) > 0
}

// catchUp lets one slow process go on.
func (w *world) catchUp() {
	w.Helper()
	if len(w.slow) == 0 {
		return
	}
	s := w.slow[0]
	w.slow = w.slow[1:]
	if !s.made {
		a := w.acquire.Attempts[s.attempt-1]
		if w.now.Sub(a.CalledAt) > maxCall {
			return // its time is up
		}
		s.reply = w.launch(a.Order)
	}
	w.record(s.attempt, s.reply)
}

// --- the users ---

func (w *world) cancel() {
	w.Helper()
	err := w.update(w.acquire.ID, func(r *ohfp.Request) error {
		_, err := r.Stop(ohfp.StatusCancelled, ohfp.ReasonCancelled, "cancelled", w.now)
		return err
	})
	if err != nil && (!errors.Is(err, ohfp.ErrConflict) || !w.acquire.Status.Terminal()) {
		w.Fatalf("cancelling: %v", err)
	}
}

// giveBack returns some of the machines that are known, in any state.
func (w *world) giveBack() {
	w.Helper()
	var chosen []ohfp.Machine
	for _, m := range w.machines {
		if rapid.Bool().Draw(w.T, "give back "+string(m.ID)) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return
	}
	id := ohfp.RequestID(fmt.Sprintf("ret-%d", len(w.returns)+1))
	r, _ := ohfp.NewReturn(id, chosen, nil, ohfp.Origin{Face: "test"}, w.now)
	w.returns = append(w.returns, r)
	w.save(r)
}

func (w *world) lose() {
	alive := slices.DeleteFunc(slices.Clone(w.instances), func(i *instance) bool { return !i.alive() })
	if len(alive) > 0 {
		lost := rapid.SampledFrom(alive).Draw(w.T, "lost")
		lost.endedAt, lost.goneAt = w.now, w.now
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("at %s: %v", w.now, err)
	}
}

func units(machines []ohfp.Machine) int {
	sum := 0
	for _, m := range machines {
		sum += m.Units()
	}
	return sum
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

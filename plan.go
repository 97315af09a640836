package ohfp

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// How long the engine believes, repeats and waits.
const (
	// ReplayFor bounds how long a stored call may be repeated with its token. EC2 keeps tokens for longer than a day;
	// half of that leaves room for clocks that disagree.
	ReplayFor = 12 * time.Hour
	// CallLasts bounds how long a call is on its way, with the tries that one process makes of it. AWS's are given up after a
	// minute each (request_timeout).
	CallLasts = 2 * time.Minute
	// ShowsAfter is how long after a call a complete read that does not show its machines proves that it was never
	// carried out.
	ShowsAfter = 5 * time.Minute
	// EndAgainAfter is how long an accepted order to end a machine may stay without visible effect before it is given again.
	EndAgainAfter = time.Minute

	firstRetry = 10 * time.Second
	lastRetry  = 2 * time.Minute
)

// Action is one thing that the engine must do next. The set is closed: the types below.
type Action interface{ action() }

// Resume repeats the stored call of an attempt whose outcome is unknown, byte for byte with its token.
type Resume struct{ Attempt int }

// Settle records that the call of an attempt was never carried out, or brought just what the cloud has shown since.
type Settle struct{ Attempt int }

// Launch prepares, stores and calls a new attempt for so many machines or units. Fallback: a resource has yielded, and
// they are asked for in the template's other way.
type Launch struct {
	Count    int
	Fallback bool
}

// Yield gives up the unfilled rest of a resource that launches by itself, so that it can be asked for another way.
type Yield struct{ Attempt int }

// Retarget tells resources that launch by themselves to launch no more than is wanted.
type Retarget struct{ Targets []ResourceTarget }

// Stop stores the decision how the request will end, before anything is released.
type Stop struct {
	Verdict Status
	Because Reason
	Message string
}

// Terminate stores the intent to end these machines, then orders the cloud to.
type Terminate struct {
	Machines []MachineID
	Reason   Reason
}

// Finish moves the request to its terminal status.
type Finish struct {
	Status  Status
	Message string
}

// Retire removes a fleet or group that has outlived its machines. The provider refuses while it shows one alive.
type Retire struct {
	Attempt  int
	Resource string
}

// Clear drives the requests whose machines a finished return has ended, so that nothing of them is left behind.
type Clear struct{ Requests []RequestID }

func (Resume) action()    {}
func (Settle) action()    {}
func (Launch) action()    {}
func (Yield) action()     {}
func (Retarget) action()  {}
func (Stop) action()      {}
func (Terminate) action() {}
func (Finish) action()    {}
func (Retire) action()    {}
func (Clear) action()     {}

// Plan says what to do next with a request, given what one look at the cloud showed (already folded in) and the time.
// It is pure: the same input gives the same actions, and once they are carried out and recorded, the same facts ask for
// nothing more. No actions means: wait, and look again.
func Plan(r Request, f Facts, now time.Time) []Action {
	switch {
	case r.Type == TypeReturn:
		return planReturn(r, f, now)
	case r.Status.Terminal():
		return planTerminal(r, f, now)
	case r.Status == StatusStopping:
		return planStopping(r, f, now)
	default:
		return planAcquire(r, f, now)
	}
}

func planAcquire(r Request, f Facts, now time.Time) []Action {
	if stop, ok := planAbandoned(r, now); ok {
		return []Action{stop}
	}
	actions := planRelease(r, f, now)
	if spares := r.unreplaced(r.spares(), f); len(spares) > 0 {
		actions = append(actions, Terminate{Machines: spares, Reason: ReasonSpare})
	}
	paced := r.paced()
	pastDeadline := !now.Before(r.Deadline) && f.Complete && !f.ObservedAt.Before(r.Deadline) && !paced
	if open := r.openAttempt(); open != nil {
		switch {
		case now.Sub(open.IntendedAt) > ReplayFor:
			return append(actions, settle(*open, f)...)
		case now.Before(r.Paced.Until):
			return actions
		case pastDeadline && !open.Throttled:
			return append(actions, r.stopAtDeadline())
		default:
			return append(actions, Resume{Attempt: open.Number})
		}
	}
	actions = r.retarget(actions, f)
	last := r.lastAttempt()
	switch missing := r.Count - r.held(); {
	case r.ready() >= r.Count:
		return append(actions, Finish{Status: StatusComplete})
	case r.movable() && (paced || now.Before(r.Deadline)):
		if now.Before(r.Paced.Until) {
			return actions
		}
		return append(actions, Move{})
	case last != nil && last.Permanent && r.held() == 0:
		return append(actions, Finish{Status: StatusFailed, Message: r.shortfall()})
	case last != nil && last.Permanent && r.allReady():
		return append(actions, Finish{Status: StatusPartial, Message: r.shortfall()})
	case pastDeadline:
		return append(actions, r.stopAtDeadline())
	case now.Before(r.Paced.Until):
		return actions
	case missing <= 0 || !now.Before(r.Deadline) && !paced || last != nil && last.Permanent:
		return actions
	case last != nil && last.overtaken(f):
		return actions
	}
	if a := r.yielding(now); a != nil {
		return append(actions, Yield{Attempt: a.Number})
	}
	if !r.waits(f) && !now.Before(r.nextLaunch()) {
		return append(actions, Launch{Count: r.Count - r.held(), Fallback: r.yielded()})
	}
	return actions
}

// retarget adds the targets to be lowered, after the machines to be ended: a target that is refused must not keep
// machines of other resources alive. Ending a machine sets the target of its own resource already.
func (r Request) retarget(actions []Action, f Facts) []Action {
	set := map[string]bool{}
	for _, action := range actions {
		if end, ok := action.(Terminate); ok {
			for _, t := range r.Targets(f, end.Machines...) {
				set[t.Resource] = true
			}
		}
	}
	var targets []ResourceTarget
	for _, t := range r.Targets(f) {
		if !set[t.Resource] {
			targets = append(targets, t)
		}
	}
	if len(targets) > 0 {
		actions = append(actions, Retarget{Targets: targets})
	}
	return actions
}

// yielded says whether the template's other way is used by now.
func (r Request) yielded() bool {
	for _, a := range r.Attempts {
		if !a.YieldedAt.IsZero() {
			return true
		}
	}
	return false
}

// planAbandoned releases a request that nobody can know of: its answer never left us and it was never polled.
func planAbandoned(r Request, now time.Time) (Stop, bool) {
	stop := Stop{Verdict: StatusCancelled, Because: ReasonAbandoned}
	switch {
	case r.unheard(now):
		stop.Message = fmt.Sprintf("released: its answer never left us and nobody asked for it within %s", r.Abandon.Unanswered)
		return stop, true
	case r.Abandon.Release && r.Abandoned(now):
		stop.Message = fmt.Sprintf("released: nobody asked for its status within %s", r.Abandon.Unpolled)
		return stop, true
	}
	return Stop{}, false
}

// unheard says whether nobody can have learned of the request.
func (r Request) unheard(now time.Time) bool {
	return r.Abandon.Unanswered > 0 && r.AnsweredAt.IsZero() && r.PolledAt.IsZero() &&
		now.Sub(r.CreatedAt) > r.Abandon.Unanswered
}

func (r Request) stopAtDeadline() Stop {
	stop := Stop{Verdict: StatusTimeout, Because: ReasonDeadline, Message: r.shortfall()}
	if r.ready() > 0 {
		stop.Verdict = StatusPartial
	}
	return stop
}

// planStopping releases what the request has, then ends it as decided. A launch whose outcome is unknown is never
// repeated here, since that might launch: it is settled by what the cloud shows.
func planStopping(r Request, f Facts, now time.Time) []Action {
	actions := planRelease(r, f, now)
	var release []MachineID
	for _, m := range r.Machines {
		if m.Wanted() && (r.Verdict != StatusPartial || !m.inHand()) {
			release = append(release, m.ID)
		}
	}
	if release = r.unreplaced(release, f); len(release) > 0 {
		actions = append(actions, Terminate{Machines: release, Reason: r.Because})
	}
	actions = r.retarget(actions, f)
	if open := r.openAttempt(); open != nil {
		return append(actions, settle(*open, f)...)
	}
	if len(actions) == 0 && !r.launchesOn(f) {
		return []Action{Finish{Status: r.Verdict, Message: r.Message}}
	}
	return actions
}

// planTerminal clears away what a request that has ended still has: machines that came late, and fleets and groups
// without machines.
func planTerminal(r Request, f Facts, now time.Time) []Action {
	actions := planRelease(r, f, now)
	_, abandoned := planAbandoned(r, now)
	reason := ReasonLate
	if abandoned {
		reason = ReasonAbandoned
	}
	var release []MachineID
	for _, m := range r.Machines {
		if m.Wanted() && (abandoned || m.DeliveredAt.IsZero()) {
			release = append(release, m.ID)
		}
	}
	if release = r.unreplaced(release, f); len(release) > 0 {
		actions = append(actions, Terminate{Machines: release, Reason: reason})
	}
	actions = r.retarget(actions, f)
	for _, a := range r.Attempts {
		if a.Doubtful {
			actions = append(actions, settle(a, f)...)
		}
	}
	for _, a := range r.retirable() {
		actions = append(actions, Retire{Attempt: a.Number, Resource: a.Resource})
	}
	return actions
}

func planReturn(r Request, f Facts, now time.Time) []Action {
	if actions := planRelease(r, f, now); len(actions) > 0 {
		return actions
	}
	if r.Status.Terminal() {
		if requests := r.uncleared(); len(requests) > 0 {
			return []Action{Clear{Requests: requests}}
		}
		return nil
	}
	for _, m := range r.Machines {
		if !m.Gone() {
			return nil
		}
	}
	switch known, unknown := len(r.Machines), len(r.Unknown); {
	case unknown == 0:
		return []Action{Finish{Status: StatusComplete}}
	case known == 0:
		return []Action{Finish{Status: StatusFailed, Message: fmt.Sprintf("none of the %d machines is known", unknown)}}
	default:
		return []Action{Finish{Status: StatusPartial, Message: fmt.Sprintf("%d of %d machines are not known", unknown, known+unknown)}}
	}
}

// planRelease orders the end of machines whose end is decided but not yet ordered, or ordered without effect.
func planRelease(r Request, f Facts, now time.Time) []Action {
	seenAlive := map[MachineID]bool{}
	for _, m := range f.Machines {
		seenAlive[m.ID] = m.Alive()
	}
	byReason := map[Reason][]MachineID{}
	doubted := r.doubted(f)
	for _, m := range r.Machines {
		if m.Ending == "" || m.Gone() || !r.ends(m) || m.EndAccepted.IsZero() && m.DeliveredAt.IsZero() && doubted[m.Attempt] {
			continue
		}
		again := seenAlive[m.ID] && f.ObservedAt.Sub(m.EndAccepted) > EndAgainAfter && now.Sub(m.EndAccepted) > EndAgainAfter
		if m.EndAccepted.IsZero() || again {
			byReason[m.Ending] = append(byReason[m.Ending], m.ID)
		}
	}
	var actions []Action
	for reason, ids := range byReason {
		actions = append(actions, Terminate{Machines: ids, Reason: reason})
	}
	sort.Slice(actions, func(i, j int) bool {
		a, _ := actions[i].(Terminate)
		b, _ := actions[j].(Terminate)
		return a.Reason < b.Reason
	})
	return actions
}

// doubted lists the attempts whose resource keeps a target that counts a machine which the look does not show alive, other
// than those named. If that machine is gone, the resource replaces whatever else of it is ended: nothing is, until more is
// known of it. Its users' own machines are always ended when they say so.
func (r Request) doubted(f Facts, named ...MachineID) map[int]bool {
	alive := map[MachineID]bool{}
	for _, id := range named {
		alive[id] = true
	}
	for _, m := range f.Machines {
		alive[m.ID] = alive[m.ID] || m.Alive()
	}
	keeping := map[int]bool{}
	for _, a := range r.Attempts {
		keeping[a.Number] = a.launchesItself() && a.Order.Keeps && !r.fills(a)
	}
	doubted := map[int]bool{}
	for _, m := range r.Machines {
		if m.Wanted() && keeping[m.Attempt] && !alive[m.ID] {
			doubted[m.Attempt] = true
		}
	}
	return doubted
}

// unreplaced leaves out the machines that would be replaced if they were ended now.
func (r Request) unreplaced(release []MachineID, f Facts) []MachineID {
	doubted := r.doubted(f, release...)
	attempts := map[MachineID]int{}
	for _, m := range r.Machines {
		attempts[m.ID] = m.Attempt
	}
	return slices.DeleteFunc(release, func(id MachineID) bool { return doubted[attempts[id]] })
}

// settle closes an attempt by a read that would show its machines, had it been carried out.
func settle(open Attempt, f Facts) []Action {
	if open.shown(f) {
		return []Action{Settle{Attempt: open.Number}}
	}
	return nil
}

// spares lists machines that are not needed: whole machines whose weight the request can do without. A machine that was
// handed to its user is never one of them.
func (r Request) spares() []MachineID {
	excess := r.held() - r.Count
	if excess <= 0 {
		return nil
	}
	kept := map[int]bool{} // what a resource would replace is not ours to trim
	for _, a := range r.Attempts {
		kept[a.Number] = a.Order.Keeps && r.fills(a)
	}
	var free []Machine
	for _, m := range r.Machines {
		if m.Wanted() && m.DeliveredAt.IsZero() && !kept[m.Attempt] {
			free = append(free, m)
		}
	}
	// Those that are ready are the last to go.
	sort.SliceStable(free, func(i, j int) bool {
		if free[i].Ready() != free[j].Ready() {
			return free[j].Ready()
		}
		return free[i].Units() > free[j].Units()
	})
	var spares []MachineID
	for _, m := range free {
		if m.Units() <= excess {
			excess -= m.Units()
			spares = append(spares, m.ID)
		}
	}
	return spares
}

// allReady says whether every machine that is wanted has been handed over.
func (r Request) allReady() bool {
	for _, m := range r.Machines {
		if m.Wanted() && m.DeliveredAt.IsZero() {
			return false
		}
	}
	return true
}

// nextLaunch is when the shortage may be tried again: at once while other offerings are left, then at growing intervals.
func (r Request) nextLaunch() time.Time {
	last := r.lastAttempt()
	if last == nil {
		return time.Time{}
	}
	useful := map[int]bool{}
	for _, m := range r.Machines {
		if m.Wanted() || m.inHand() {
			useful[m.Attempt] = true
		}
	}
	fruitless := 0
	for i := len(r.Attempts) - 1; i >= 0 && !useful[r.Attempts[i].Number]; i-- {
		fruitless++
	}
	if !last.Exhausted && len(last.Failures) > 0 {
		return last.AnsweredAt
	}
	if fruitless == 0 && !last.Exhausted {
		return last.AnsweredAt
	}
	wait := firstRetry << min(max(fruitless-1, 0), 6)
	return last.AnsweredAt.Add(min(wait, lastRetry))
}

// refused says whether the cloud has told why an attempt brought less than it was to bring.
func (r Request) refused() bool {
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return len(a.Failures) > 0 })
}

// shortfall says in one sentence what is missing and why, in the cloud's words where there are any.
func (r Request) shortfall() string {
	text := fmt.Sprintf("%d of %d delivered", r.ready(), r.Count)
	seen := map[string]bool{}
	var reasons []string
	add := func(reason string) {
		if reason != "" && !seen[reason] && len(reasons) < 3 {
			seen[reason] = true
			reasons = append(reasons, reason)
		}
	}
	for i := len(r.Attempts) - 1; i >= 0; i-- {
		at := ""
		if name := r.Attempts[i].Provider; name != "" {
			at = "provider " + name + ": "
		}
		for _, f := range r.Attempts[i].Failures {
			add(at + f.String())
		}
	}
	for _, m := range r.Machines {
		if m.Gone() && m.DeliveredAt.IsZero() {
			add(m.StateReason)
		}
	}
	if len(reasons) == 0 && r.held() > r.ready() {
		reasons = []string{fmt.Sprintf("%d were not ready in time", r.held()-r.ready())}
	}
	if len(reasons) > 0 {
		text += "; " + strings.Join(reasons, "; ")
	}
	return text
}

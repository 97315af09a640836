package ohfp

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// How long the engine believes, repeats and waits.
const (
	// ReplayFor bounds how long a stored call may be repeated with its token. EC2 keeps tokens for longer than a day;
	// half of that leaves room for clocks that disagree.
	ReplayFor = 12 * time.Hour
	// CallLasts bounds how long one process is busy with a call, all its tries included. A try at AWS is given up after a
	// minute (request_timeout).
	CallLasts = 2 * time.Minute
	// ShowsAfter is how long after a call its machines show in every complete read. A later read that lacks them proves
	// that the call was never carried out.
	ShowsAfter = 5 * time.Minute
	// EndAgainAfter is how long the cloud may take to act on an accepted order to end a machine, before the order is given
	// again.
	EndAgainAfter = time.Minute

	// The wait between launches that brought nothing doubles from firstRetry to lastRetry.
	firstRetry = 10 * time.Second
	lastRetry  = 2 * time.Minute
)

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
	if open := r.openAttempt(); open != nil {
		return append(actions, planOpen(r, *open, f, now)...)
	}
	actions = r.retarget(actions, f)
	return append(actions, planNext(r, f, now)...)
}

// planOpen repeats the call of an attempt whose outcome is unknown, until it is too old to be repeated.
func planOpen(r Request, open Attempt, f Facts, now time.Time) []Action {
	switch {
	case now.Sub(open.IntendedAt) > ReplayFor:
		return settle(open, f)
	case now.Before(r.Paced.Until):
		return nil
	case r.timedOut(f, now) && !open.Throttled:
		return []Action{r.stopAtDeadline()}
	default:
		return []Action{Resume{Attempt: open.Number}}
	}
}

// planNext says how a request goes on whose attempts all have a known outcome: it is finished, asks another provider,
// launches what is missing, or waits.
func planNext(r Request, f Facts, now time.Time) []Action {
	late := !now.Before(r.Deadline) && !r.paced()
	last := r.lastAttempt()
	permanent := last != nil && last.Permanent
	missing := r.Count - r.held()
	switch {
	case r.ready() >= r.Count:
		return []Action{Finish{Status: StatusComplete}}
	case r.movable() && !late:
		if now.Before(r.Paced.Until) {
			return nil
		}
		return []Action{Move{}}
	case permanent && r.held() == 0:
		return []Action{Finish{Status: StatusFailed, Message: r.shortfall()}}
	case permanent && r.allReady():
		return []Action{Finish{Status: StatusPartial, Message: r.shortfall()}}
	case r.timedOut(f, now):
		return []Action{r.stopAtDeadline()}
	case missing <= 0, permanent, late, now.Before(r.Paced.Until):
		return nil
	case last != nil && last.overtaken(f):
		return nil
	}
	if a := r.yielding(now); a != nil {
		return []Action{Yield{Attempt: a.Number}}
	}
	if r.waits(f) || now.Before(r.nextLaunch()) {
		return nil
	}
	return []Action{Launch{Count: missing, Fallback: r.yielded()}}
}

// timedOut says whether the request has had its time. A complete look after the deadline decides, so that machines which
// were ready in time count; waiting for the cloud's rate is not the request's time.
func (r Request) timedOut(f Facts, now time.Time) bool {
	return !now.Before(r.Deadline) && f.Complete && !f.ObservedAt.Before(r.Deadline) && !r.paced()
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
		return []Action{Finish{Status: StatusFailed, Message: "not known: " + Count(unknown, "machine")}}
	default:
		return []Action{Finish{Status: StatusPartial, Message: fmt.Sprintf("%d of %s not known", unknown, Count(known+unknown, "machine"))}}
	}
}

// settle closes an attempt once a look would show its machines if its call had been carried out.
func settle(open Attempt, f Facts) []Action {
	if open.shown(f) {
		return []Action{Settle{Attempt: open.Number}}
	}
	return nil
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

// nextLaunch is when the next launch may be tried: at once while other offerings are left, then at growing intervals.
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
	if !last.Exhausted && (fruitless == 0 || len(last.Failures) > 0) {
		return last.AnsweredAt
	}
	wait := firstRetry << min(max(fruitless-1, 0), 6)
	return last.AnsweredAt.Add(min(wait, lastRetry))
}

// refused says whether the cloud has told why some attempt brought less than it asked for.
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

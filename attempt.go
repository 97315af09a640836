package ohfp

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Order is one launch, resolved to the exact call: nothing in it is looked up again when it is replayed.
type Order struct {
	API      string          `json:"api"`                // the provider's API, for example RunInstances
	Token    string          `json:"token"`              // the idempotency token: the same order never launches twice
	Count    int             `json:"count"`              // machines or units that it asks for
	Offering string          `json:"offering,omitempty"` // what is asked for and where, for people and logs
	Retires  bool            `json:"retires,omitempty"`  // its resource must be removed once its machines are gone
	Async    bool            `json:"async,omitempty"`    // its resource launches by itself: machines come later
	Keeps    bool            `json:"keeps,omitempty"`    // its resource replaces what it loses, up to its target
	Target   Target          `json:"target,omitzero"`    // what its resource is told to have at first
	Lasts    time.Duration   `json:"lasts,omitempty"`    // how long its request may take, unless the template says; 0: as usual
	Yields   time.Duration   `json:"yields,omitempty"`   // after so long the unfilled rest is asked for another way; 0: never
	Call     json.RawMessage `json:"call,omitempty"`     // the provider's own, compact JSON of exactly what is sent
	Estimate Estimate        `json:"estimate,omitzero"`  // of the whole request; only the first order has it, and the request takes it over
}

// Failure is one reason why an attempt brought less than it asked for.
type Failure struct {
	Code      string `json:"code"`                // the cloud's
	Message   string `json:"message"`             // the cloud's
	Offering  string `json:"offering,omitempty"`  // what was refused where
	RequestID string `json:"requestId,omitempty"` // the cloud's id of the call
}

// Attempt is one launch: the intent, written before the call, and the answer, written after it.
type Attempt struct {
	Number     int       `json:"number"`             // from 1
	Provider   string    `json:"provider,omitempty"` // whom it was made with; empty: the request's
	Order      Order     `json:"order"`
	IntendedAt time.Time `json:"intendedAt"`
	CalledAt   time.Time `json:"calledAt"`            // when its call was last about to be made, repetitions included
	Doubtful   bool      `json:"doubtful,omitempty"`  // repeated, so that a refusal does not prove that nothing was launched
	EarlierAt  time.Time `json:"earlierAt,omitzero"`  // of a repeated call: when it was about to be made the time before
	AnsweredAt time.Time `json:"answeredAt,omitzero"` // zero: the outcome is unknown
	Resource   string    `json:"resource,omitempty"`  // what the cloud made: reservation, fleet or group
	Failures   []Failure `json:"failures,omitempty"`
	Permanent  bool      `json:"permanent,omitempty"` // refused in a way that trying again cannot mend
	Elsewhere  bool      `json:"elsewhere,omitempty"` // refused whole, and another provider may well accept it
	Exhausted  bool      `json:"exhausted,omitempty"` // no other offering of the template is left to try now
	Throttled  bool      `json:"throttled,omitempty"` // the cloud has put the call off because of its rate
	Delayed    string    `json:"delayed,omitempty"`   // the code with which its call last ended without a known outcome
	Ended      bool      `json:"ended,omitempty"`     // its resource launches nothing more by itself
	Told       Target    `json:"told,omitzero"`       // the target that the cloud last accepted
	ToldAt     time.Time `json:"toldAt,omitzero"`     // zero: still the order's
	YieldedAt  time.Time `json:"yieldedAt,omitzero"`  // when its unfilled rest was given up for another way
	RetiredAt  time.Time `json:"retiredAt,omitzero"`  // when its resource was removed
}

// Answered says whether the outcome is known.
func (a Attempt) Answered() bool { return !a.AnsweredAt.IsZero() }

// Intend appends the next attempt to the request: the write-ahead record of a launch. At most one attempt has an unknown
// outcome, since a second one might launch the same machines again.
func (r *Request) Intend(order Order, now time.Time) ([]Event, error) {
	if open := r.openAttempt(); open != nil {
		return nil, Errorf(ErrConflict, "request %s waits for the outcome of attempt %d; it cannot launch again before", r.ID, open.Number)
	}
	if r.Status.Terminal() || r.Status == StatusStopping {
		return nil, Errorf(ErrConflict, "request %s is %s and launches nothing more", r.ID, r.Status)
	}
	r.LetThrough(now)
	if len(r.Attempts) == 0 {
		r.Estimate = order.Estimate
	}
	order.Estimate = Estimate{}
	a := Attempt{Number: len(r.Attempts) + 1, Order: order, IntendedAt: now, CalledAt: now}
	if a.Number == 1 && order.Lasts > 0 && r.Template.Timeout == 0 {
		r.Timeout, r.Deadline = order.Lasts, now.Add(order.Lasts)
	}
	r.Attempts = append(r.Attempts, a)
	return []Event{r.event(AttemptIntended, now, fmt.Sprintf("attempt %d: %s for %d, %s", a.Number, order.API, order.Count, order.Offering))}, nil
}

// Repeat records that the call of an attempt whose outcome is unknown is about to be made again. What the repetition
// launches shows only some time after it. A request that is stopping repeats nothing.
func (r *Request) Repeat(number int, now time.Time) error {
	a := r.attempt(number)
	switch {
	case a == nil:
		return Errorf(ErrNotFound, "request %s has no attempt %d", r.ID, number)
	case a.Answered():
		return Errorf(ErrConflict, "request %s knows the outcome of attempt %d; look again", r.ID, number)
	case r.Status.Terminal() || r.Status == StatusStopping:
		return Errorf(ErrConflict, "request %s is %s and launches nothing more", r.ID, r.Status)
	}
	a.EarlierAt, a.CalledAt, a.Doubtful = a.CalledAt, now, true
	return nil
}

// Outcome is what the cloud said to an attempt.
type Outcome struct {
	Resource  string
	Machines  []Machine
	Failures  []Failure
	Permanent bool
	Elsewhere bool
	Exhausted bool
}

// Answer records the outcome of an attempt and the machines that it brought. Recording the same outcome twice, as two
// processes that replayed the same call do, changes nothing.
func (r *Request) Answer(number int, o Outcome, now time.Time) ([]Event, error) {
	a := r.attempt(number)
	if a == nil {
		return nil, Errorf(ErrNotFound, "request %s has no attempt %d", r.ID, number)
	}
	if o.Resource != "" && (a.Resource == "" || !a.Answered()) {
		a.Resource = o.Resource // a name learned from the attempt's machines stays otherwise
	}
	brought := slices.Clone(o.Machines)
	for i := range brought {
		brought[i].Attempt = number
		if brought[i].Resource == "" {
			brought[i].Resource = o.Resource
		}
	}
	events := r.admit(brought, MachineLaunched, now)
	events = append(events, r.deliver(now)...)
	if a.Answered() {
		return events, nil
	}
	a.AnsweredAt, a.Failures = now, o.Failures
	a.Permanent, a.Elsewhere, a.Exhausted = o.Permanent, o.Elsewhere, o.Exhausted
	a.Doubtful = a.Doubtful && len(o.Machines) == 0 && o.Resource == ""
	r.letThrough(a, now)
	var call []Event
	if len(o.Machines) > 0 || len(o.Failures) == 0 {
		call = append(call, r.event(AttemptLaunched, now, fmt.Sprintf("attempt %d: %s in %s", number, Count(len(o.Machines), "machine"), o.Resource)))
	}
	for _, f := range o.Failures {
		call = append(call, r.refusal(AttemptRefused, now, f, fmt.Sprintf("attempt %d: %s", number, f)))
	}
	events = append(call, events...)
	if r.Status == StatusPending && (len(o.Machines) > 0 || a.launchesItself()) {
		changed, err := r.Become(StatusInProgress, "", now)
		if err != nil {
			return nil, err
		}
		events = append(events, changed...)
	}
	return events, nil
}

// Settle records that an attempt has launched what the cloud has shown since its last call, and nothing else.
func (r *Request) Settle(number int, now time.Time) ([]Event, error) {
	a := r.attempt(number)
	if a == nil {
		return nil, Errorf(ErrNotFound, "request %s has no attempt %d", r.ID, number)
	}
	var o Outcome
	if a.Resource == "" && !slices.ContainsFunc(r.Machines, func(m Machine) bool { return m.Attempt == number }) {
		o.Exhausted = true
		o.Failures = []Failure{{Code: "NotCarriedOut", Message: "the cloud shows nothing of this call"}}
	}
	events, err := r.Answer(number, o, now)
	if err != nil {
		return nil, err
	}
	a.Doubtful = false
	return events, nil
}

// letThrough ends a time for which the cloud had put an attempt off. That time is not the request's: its deadline moves.
func (r *Request) letThrough(a *Attempt, now time.Time) {
	if a.Throttled {
		a.Throttled = false
		r.Deadline = now.Add(r.Timeout)
	}
	r.LetThrough(now)
}

// Delay records that the outcome of an attempt is still unknown, and why; throttled says that the cloud put the call off.
// The same reason again is no event.
func (r *Request) Delay(number int, why Failure, throttled bool, now time.Time) []Event {
	a := r.attempt(number)
	if a == nil || a.Answered() {
		return nil
	}
	a.Throttled = throttled
	if !r.Status.Terminal() && r.Status != StatusStopping {
		r.Message = why.Message
	}
	if a.Delayed == why.Code {
		return nil
	}
	a.Delayed = why.Code
	return []Event{r.refusal(AttemptDelayed, now, why, fmt.Sprintf("attempt %d: %s", number, why.Message))}
}

// String is the failure as people read it.
func (f Failure) String() string {
	text := f.Code
	if f.Message != "" {
		text += ": " + f.Message
	}
	if f.Offering != "" {
		text = f.Offering + ": " + text
	}
	return text
}

// shown says whether a look at the cloud shows everything that the calls of the attempt can have launched.
func (a Attempt) shown(f Facts) bool {
	return f.Complete && f.ObservedAt.Sub(a.CalledAt) > ShowsAfter
}

// overtaken says whether the attempt was refused while an earlier call of it may still have been on its way, made by
// another process or before a crash. If that call arrived, it has launched; only a look after its end shows whether.
func (a Attempt) overtaken(f Facts) bool {
	return a.Answered() && a.Doubtful && !(f.Complete && f.ObservedAt.Sub(a.EarlierAt) >= CallLasts)
}

// attempt is the attempt of a number, nil when there is none.
func (r Request) attempt(number int) *Attempt {
	if number < 1 || number > len(r.Attempts) {
		return nil
	}
	return &r.Attempts[number-1]
}

// openAttempt is the attempt whose outcome is unknown, nil when there is none.
func (r Request) openAttempt() *Attempt {
	for i := range r.Attempts {
		if !r.Attempts[i].Answered() {
			return &r.Attempts[i]
		}
	}
	return nil
}

func (r Request) lastAttempt() *Attempt {
	if len(r.Attempts) == 0 {
		return nil
	}
	return &r.Attempts[len(r.Attempts)-1]
}

// unproven says whether the attempt may have made something that its answer does not tell of.
func (a Attempt) unproven() bool { return !a.Answered() || a.Doubtful }

// Open says whether some attempt may have made something that its answer does not tell of, so that it must be looked for.
func (r Request) Open() bool {
	for _, a := range r.Attempts {
		if a.unproven() {
			return true
		}
	}
	return false
}

package ohfp

import (
	"fmt"
	"time"
)

// RequestType tells requests for machines from returns.
type RequestType string

// The request types.
const (
	TypeAcquire RequestType = "acquire"
	TypeReturn  RequestType = "return"
)

// Origin records which face asked, and who.
type Origin struct {
	Face   string `json:"face"`             // hostfactory, cli, rest or mcp
	Caller string `json:"caller,omitempty"` // the user as far as the face knows
}

// String is the origin as an actor in events.
func (o Origin) String() string {
	if o.Caller == "" {
		return o.Face
	}
	return o.Face + ":" + o.Caller
}

// Request asks for machines or gives machines back. It is an aggregate with its attempts and machines: the store loads
// and writes them together.
type Request struct {
	ID        RequestID   `json:"requestId"`
	Type      RequestType `json:"type"`
	Origin    Origin      `json:"origin"`
	Template  Template    `json:"template,omitzero"`   // as it was when asked; top-ups launch from this copy
	Provider  string      `json:"provider,omitempty"`  // the provider instance that placement chose
	Placement string      `json:"placement,omitempty"` // why that one
	Fallbacks []string    `json:"fallbacks,omitempty"` // who may be asked when it refuses before anything is launched, in this order
	Count     int         `json:"count"`               // machines or units asked for; of a return, the machines named
	Status    Status      `json:"status"`
	Message   string      `json:"message,omitempty"` // one sentence for people
	Verdict   Status      `json:"verdict,omitempty"` // while stopping: the status that it ends in
	Because   Reason      `json:"because,omitempty"` // while stopping: why the machines are ended

	CreatedAt   time.Time     `json:"createdAt"`
	Timeout     time.Duration `json:"timeout,omitempty"`    // of an acquire: how long it may take, waiting for the cloud's rate not counted
	Paced       Pace          `json:"paced,omitzero"`       // of an acquire: how long the cloud's rate puts its next launch off
	Deadline    time.Time     `json:"deadline,omitzero"`    // of an acquire: the verdict falls at the first complete read after it
	AnsweredAt  time.Time     `json:"answeredAt,omitzero"`  // when the answer with the id had left us
	PolledAt    time.Time     `json:"polledAt,omitzero"`    // when somebody first asked for its status
	AbandonedAt time.Time     `json:"abandonedAt,omitzero"` // of an acquire: when it was found that nobody had asked
	CompletedAt time.Time     `json:"completedAt,omitzero"`
	Reported    int           `json:"reported,omitempty"`   // machines that Host Factory was told are ready or, of a return, gone
	ReportedAs  Status        `json:"reportedAs,omitempty"` // the terminal status that Host Factory was told
	EndTrouble  string        `json:"endTrouble,omitempty"` // the code with which the cloud last refused to end machines
	ClearedAt   time.Time     `json:"clearedAt,omitzero"`   // of a return: when what its machines came from was cleared away

	Abandon  AbandonPolicy `json:"abandon,omitzero"`
	Estimate Estimate      `json:"estimate,omitzero"` // of an acquire: what it may cost; its first order told
	Attempts []Attempt     `json:"attempts,omitempty"`
	Unknown  []Unknown     `json:"unknown,omitempty"` // of a return: what was named but is not ours
	Also     []MachineID   `json:"also,omitempty"`    // of a return: machines that an earlier return ends, followed here too
	Machines []Machine     `json:"-"`                 // the store keeps machines as records of their own

	Version int64 `json:"-"` // set by the store
}

// Unknown is a machine named in a return that no record and no tag says is ours. It was not touched.
type Unknown struct {
	Machine MachineID `json:"machineId,omitempty"`
	Name    string    `json:"name,omitempty"`
	Message string    `json:"message"`
}

// NewAcquire makes a request for count machines (or units) of a template, in status pending.
func NewAcquire(id RequestID, t Template, count int, origin Origin, timeout time.Duration, now time.Time) (Request, []Event, error) {
	if err := t.CheckCount(count); err != nil {
		return Request{}, nil, err
	}
	if t.Timeout > 0 {
		timeout = t.Timeout
	}
	r := Request{
		ID: id, Type: TypeAcquire, Origin: origin, Template: t, Count: count,
		Status: StatusPending, CreatedAt: now, Timeout: timeout, Deadline: now.Add(timeout),
	}
	return r, by(origin, r.event(RequestCreated, now, fmt.Sprintf("%d of template %s asked for", count, t.ID))), nil
}

// NewReturn makes the request that gives machines back: each gets the intent to be ended and belongs to the return from
// now on. Machines that are gone already count as done; machines that an earlier return ends are only followed.
func NewReturn(id RequestID, machines []Machine, unknown []Unknown, origin Origin, now time.Time) (Request, []Event) {
	r := Request{
		ID: id, Type: TypeReturn, Origin: origin, Count: len(machines) + len(unknown),
		Status: StatusPending, CreatedAt: now, Unknown: unknown,
	}
	events := []Event{r.event(RequestCreated, now, fmt.Sprintf("machines given back: %d", r.Count))}
	for _, m := range machines {
		if m.Return != "" {
			r.Also = append(r.Also, m.ID)
			continue
		}
		m.Return = id
		events = append(events, m.event(MachineReturned, now, "given back by "+string(id)))
		m.End(ReasonReturned, now)
		r.Machines = append(r.Machines, m)
	}
	return r, by(origin, events...)
}

// Become moves the request to the status next, or says that this cannot be. Terminal statuses never change.
func (r *Request) Become(next Status, message string, now time.Time) ([]Event, error) {
	if r.Status == next {
		r.Message = message
		return nil, nil
	}
	if !r.Status.MayBecome(next) {
		return nil, Errorf(ErrConflict, "request %s is %s and cannot become %s", r.ID, r.Status, next)
	}
	was := r.Status
	r.Status, r.Message = next, message
	if next.Terminal() {
		r.CompletedAt = now
		r.Verdict = ""
	}
	text := fmt.Sprintf("%s, was %s", next, was)
	if message != "" {
		text += ": " + message
	}
	return []Event{r.event(RequestChanged, now, text)}, nil
}

// Stop stores the decision how the request will end and, for people, why; because is the reason with which its unneeded
// machines are ended. The first decision stays. A terminal request cannot be stopped.
func (r *Request) Stop(verdict Status, because Reason, message string, now time.Time) ([]Event, error) {
	switch {
	case r.Type == TypeReturn:
		return nil, Errorf(ErrConflict, "request %s gives machines back and cannot be stopped", r.ID)
	case !StatusStopping.MayBecome(verdict):
		return nil, Errorf(ErrInvalid, "request %s cannot be stopped to become %s", r.ID, verdict)
	case r.Status == StatusStopping:
		return nil, nil
	}
	events, err := r.Become(StatusStopping, message, now)
	if err != nil {
		return nil, err
	}
	r.Verdict, r.Because = verdict, because
	if because == ReasonDeadline {
		events = append([]Event{r.event(RequestDeadline, now, fmt.Sprintf("the time is up after %s: %s", FormatDuration(r.Timeout), message))}, events...)
	}
	return events, nil
}

// MayCancel says why the request cannot be cancelled. One that is cancelled may be again, which changes nothing.
func (r Request) MayCancel() error {
	switch {
	case r.Type == TypeReturn:
		return Errorf(ErrConflict, "request %s is a return and cannot be cancelled: its machines are being ended", r.ID)
	case r.Status.Terminal() && r.Status != StatusCancelled:
		return Errorf(ErrConflict, "request %s is %s and cannot be cancelled; return its machines instead", r.ID, r.Status)
	}
	return nil
}

// Delivered is how many units of the request have been handed to its user, whatever became of them since.
func (r Request) Delivered() int {
	return r.units(func(m Machine) bool { return m.inHand() || !m.DeliveredAt.IsZero() && m.Ending == "" })
}

// ready is how many units serve the request now.
func (r Request) ready() int { return r.units(Machine.inHand) }

// held is how many units serve the request now or are on the way.
func (r Request) held() int {
	return r.units(func(m Machine) bool { return m.Wanted() || m.inHand() })
}

// Holds is what serves the request now or is on the way, by how it is paid for.
func (r Request) Holds() Target {
	var t Target
	for _, m := range r.Machines {
		if m.Wanted() || m.inHand() {
			t.add(m, m.Units())
		}
	}
	return t
}

func (r Request) units(counts func(Machine) bool) int {
	units := 0
	for _, m := range r.Machines {
		if counts(m) {
			units += m.Units()
		}
	}
	return units
}

// Settled says whether nothing is left to do for the request: it is terminal, none of its machines is still being ended,
// none of its resources waits to be shrunk or removed, and it holds no machines that nobody may know of.
func (r Request) Settled() bool {
	if !r.Status.Terminal() {
		return false
	}
	mayBeReleased := r.PolledAt.IsZero() &&
		(r.AnsweredAt.IsZero() && r.Abandon.Unanswered > 0 || r.Abandon.Release && r.Abandon.Unpolled > 0)
	for _, m := range r.Machines {
		if m.Gone() {
			continue
		}
		if r.ends(m) || r.Type == TypeAcquire && m.Wanted() && (mayBeReleased || m.DeliveredAt.IsZero()) {
			return false
		}
	}
	for _, a := range r.Attempts {
		if a.Doubtful {
			return false
		}
	}
	if len(r.Targets(Facts{})) > 0 {
		return false
	}
	return len(r.retirable()) == 0 && len(r.uncleared()) == 0
}

// uncleared lists the requests for machines whose last machine a finished return may have ended.
func (r Request) uncleared() []RequestID {
	if r.Type != TypeReturn || !r.Status.Terminal() || !r.ClearedAt.IsZero() {
		return nil
	}
	seen := map[RequestID]bool{}
	var requests []RequestID
	for _, m := range r.Machines {
		if m.Return == r.ID && !seen[m.Request] {
			seen[m.Request] = true
			requests = append(requests, m.Request)
		}
	}
	return requests
}

// ends says whether ending the machine is this request's work: a return ends what it was given; an acquire ends what it
// decided to end itself.
func (r Request) ends(m Machine) bool {
	if r.Type == TypeReturn {
		return m.Return == r.ID
	}
	return m.Ending != "" && m.Return == ""
}

func (r Request) event(kind EventKind, now time.Time, message string) Event {
	return Event{At: now, Kind: kind, Request: r.ID, Template: r.Template.ID, Provider: r.Provider, Message: message}
}

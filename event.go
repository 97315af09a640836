package ohfp

import (
	"fmt"
	"time"
)

// EventKind names what happened.
type EventKind string

// What can happen to requests and machines; [EventKinds] says what each means.
const (
	RequestCreated    EventKind = "request.created"
	RequestAdopted    EventKind = "request.adopted"
	RequestChanged    EventKind = "request.changed"
	RequestDeadline   EventKind = "request.deadline"
	RequestMoved      EventKind = "request.moved"
	RequestReported   EventKind = "request.reported"
	RequestAbandoned  EventKind = "request.abandoned"
	AttemptIntended   EventKind = "attempt.intended"
	AttemptDelayed    EventKind = "attempt.delayed"
	AttemptLaunched   EventKind = "attempt.launched"
	AttemptRefused    EventKind = "attempt.refused"
	AttemptYielded    EventKind = "attempt.yielded"
	AttemptRetargeted EventKind = "attempt.retargeted"
	AttemptRetired    EventKind = "attempt.retired"
	EndRefused        EventKind = "end.refused"
	MachineLaunched   EventKind = "machine.launched"
	MachineAdopted    EventKind = "machine.adopted"
	MachineNamed      EventKind = "machine.named"
	MachineChanged    EventKind = "machine.changed"
	MachineDelivered  EventKind = "machine.delivered"
	MachineReturned   EventKind = "machine.returned"
	MachineEnding     EventKind = "machine.ending"
	MachineGone       EventKind = "machine.gone"
	MachineRecovered  EventKind = "machine.recovered"
	OrphansHeld       EventKind = "orphans.held"
	MachineNoticed    EventKind = "machine.noticed"
	MachineUnnoticed  EventKind = "machine.notice-withdrawn"
	TemplateCreated   EventKind = "template.created"
	TemplateUpdated   EventKind = "template.updated"
	TemplateDeleted   EventKind = "template.deleted"
)

// EventMeaning is a kind of event and what it means, for documentation and for those who choose among kinds.
type EventMeaning struct {
	Kind    EventKind
	Meaning string
}

// EventKinds lists every kind in the order of a request's life.
func EventKinds() []EventMeaning {
	return []EventMeaning{
		{RequestCreated, "somebody asked for machines or gave some back, and it is stored"},
		{RequestAdopted, "the record of a request was made again from its machines' tags"},
		{AttemptIntended, "a launch is decided and stored to the last detail; the call comes next"},
		{AttemptDelayed, "the outcome of a launch is not known, or the cloud has put it off; it is repeated with its own token"},
		{AttemptLaunched, "the cloud has accepted a launch"},
		{AttemptRefused, "the cloud has refused a launch or a part of it, with its code"},
		{AttemptYielded, "the rest of a launch that was not filled in its time is asked for in the template's other way"},
		{AttemptRetargeted, "a fleet or group was told how many machines to have"},
		{AttemptRetired, "a fleet or group was removed after its last machine"},
		{RequestMoved, "another provider is asked, because the one before has refused and nothing was launched"},
		{RequestChanged, "the status of a request changed"},
		{RequestDeadline, "the time of a request is up, and it is decided how it ends"},
		{RequestReported, "an answer told Host Factory of machines that are ready or gone, or of the end of the request"},
		{RequestAbandoned, "nobody has asked for the status of a request for so long that it counts as abandoned"},
		{MachineLaunched, "the cloud has named a machine of a launch"},
		{MachineAdopted, "a machine was seen in the cloud before its launch was recorded"},
		{MachineNamed, "the host name of a machine is known"},
		{MachineChanged, "the state of a machine changed"},
		{MachineDelivered, "a machine is ready for whoever asked: it runs and has its name and address"},
		{MachineReturned, "somebody gave a machine back"},
		{MachineEnding, "it is decided that a machine is ended, and why"},
		{MachineNoticed, "the cloud or an operator takes a machine back, or it is the machine's turn to be drained"},
		{MachineUnnoticed, "a machine is not taken back after all"},
		{EndRefused, "the cloud has refused to end machines, with its code"},
		{MachineGone, "a machine no longer exists"},
		{MachineRecovered, "a machine was taken for gone, and is there; it is ended"},
		{OrphansHeld, "so many orphans were found that none is ended before somebody has looked"},
		{TemplateCreated, "somebody has put a new template into the store"},
		{TemplateUpdated, "somebody has replaced a template of the store"},
		{TemplateDeleted, "somebody has removed a template from the store"},
	}
}

// Event is something that happened, stored in the same transaction as the change that it tells of.
type Event struct {
	Sequence     int64      `json:"sequence"` // set by the store, ascending
	At           time.Time  `json:"at"`       // UTC
	Kind         EventKind  `json:"kind"`
	Request      RequestID  `json:"requestId,omitempty"`
	Machine      MachineID  `json:"machineId,omitempty"`
	Template     TemplateID `json:"templateId,omitempty"`
	Provider     string     `json:"provider,omitempty"`
	Actor        string     `json:"actor,omitempty"`          // the face and caller that asked for it, empty for the engine
	Message      string     `json:"message,omitempty"`        // one sentence
	Code         string     `json:"code,omitempty"`           // of a refusal: the cloud's own
	CloudRequest string     `json:"cloudRequestId,omitempty"` // of a refusal: the cloud's id of the call, for its support
}

// by names in events who asked for what they tell of.
func by(actor Origin, events ...Event) []Event {
	for i := range events {
		events[i].Actor = actor.String()
	}
	return events
}

// refusal is an event about a call that the cloud did not carry out.
func (r Request) refusal(kind EventKind, now time.Time, f Failure, message string) Event {
	e := r.event(kind, now, message)
	e.Code, e.CloudRequest = f.Code, f.RequestID
	return e
}

// Report records what an answer told whoever follows the request from outside: how many of its machines are ready (of a
// return: gone), and its status when that is final. What was told before is no event.
func (r *Request) Report(reader Origin, now time.Time) []Event {
	machines, status := 0, Status("")
	for _, m := range r.Machines {
		if r.Type == TypeReturn && m.Gone() || r.Type == TypeAcquire && !m.DeliveredAt.IsZero() {
			machines++
		}
	}
	if r.Status.Terminal() {
		status = r.Status
	}
	if machines <= r.Reported && status == r.ReportedAs {
		return nil
	}
	r.Reported, r.ReportedAs = max(machines, r.Reported), status
	what := "ready"
	if r.Type == TypeReturn {
		what = "gone"
	}
	return by(reader, r.event(RequestReported, now, fmt.Sprintf("told that it is %s, with %s %s", r.Status, Count(machines, "machine"), what)))
}

// EndRefused records that the cloud refused to end machines of the request. The same refusal again is no event.
func (r *Request) EndRefused(f Failure, now time.Time) []Event {
	if r.EndTrouble == f.Code {
		return nil
	}
	r.EndTrouble = f.Code
	return []Event{r.refusal(EndRefused, now, f, f.Message)}
}

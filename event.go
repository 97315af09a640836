package ohfp

import "time"

// EventKind names what happened.
type EventKind string

// What can happen to requests and machines.
const (
	RequestCreated   EventKind = "request.created"
	RequestChanged   EventKind = "request.changed" // the status changed
	AttemptIntended  EventKind = "attempt.intended"
	AttemptLaunched  EventKind = "attempt.launched"
	AttemptRefused   EventKind = "attempt.refused"
	MachineLaunched  EventKind = "machine.launched"
	MachineAdopted   EventKind = "machine.adopted" // seen in the cloud before its launch was recorded
	MachineChanged   EventKind = "machine.changed" // the state changed
	MachineDelivered EventKind = "machine.delivered"
	MachineEnding    EventKind = "machine.ending"
	MachineGone      EventKind = "machine.gone"
)

// Event is something that happened, stored in the same transaction as the change that it tells of.
type Event struct {
	Sequence int64      `json:"sequence"` // set by the store, ascending
	At       time.Time  `json:"at"`       // UTC
	Kind     EventKind  `json:"kind"`
	Request  RequestID  `json:"requestId,omitempty"`
	Machine  MachineID  `json:"machineId,omitempty"`
	Template TemplateID `json:"templateId,omitempty"`
	Provider string     `json:"provider,omitempty"`
	Actor    string     `json:"actor,omitempty"`   // the face and caller that caused it, empty for the engine
	Message  string     `json:"message,omitempty"` // one sentence
}

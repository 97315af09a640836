package api

import "github.com/openhostfactory/ohfp"

// Machine is a machine.
type Machine struct {
	ID         ohfp.MachineID    `json:"machineId"`
	Status     ohfp.MachineState `json:"status"`
	Name       string            `json:"name,omitempty"` // its host name
	PrivateIP  string            `json:"privateIpAddress,omitempty"`
	PublicIP   string            `json:"publicIpAddress,omitempty"`
	Type       string            `json:"instanceType,omitempty"`
	Zone       string            `json:"zone,omitempty"`
	Lifecycle  ohfp.Lifecycle    `json:"priceType,omitempty"` // ondemand or spot
	Weight     int               `json:"weight,omitempty"`    // units, when they are counted
	Request    ohfp.RequestID    `json:"requestId,omitempty"`
	Return     ohfp.RequestID    `json:"returnRequestId,omitempty"`
	Template   ohfp.TemplateID   `json:"templateId,omitempty"`
	Provider   string            `json:"provider,omitempty"`
	Ending     ohfp.Reason       `json:"ending,omitempty"` // why we end it
	Message    string            `json:"message,omitempty"`
	Notice     ohfp.NoticeKind   `json:"notice,omitempty"` // who takes it back
	NoticeText string            `json:"noticeMessage,omitempty"`
	DueAt      string            `json:"dueAt,omitempty"` // when it is taken
	LaunchedAt string            `json:"launchedAt,omitempty"`
	EndedAt    string            `json:"terminatedAt,omitempty"`
}

// Machines is a list of machines.
type Machines struct {
	Machines []Machine `json:"machines"`
}

// MachineList is a page of machines.
type MachineList struct {
	Machines

	Next    string `json:"next,omitempty" doc:"Where the list goes on: pass it as cursor"`
	Message string `json:"message,omitempty" doc:"Why this may be old"`
}

// Drained is what an order to give machines back reached.
type Drained struct {
	DryRun   bool             `json:"dryRun,omitempty" doc:"Nothing was done, this is what would be"`
	Machines []Machine        `json:"machines"`
	Unknown  []ohfp.MachineID `json:"unknown,omitempty" doc:"Named, and not known here, or with cancel not being drained"`
}

// Switched is what an order to stop or start machines reached.
type Switched struct {
	DryRun   bool           `json:"dryRun,omitempty" doc:"Nothing was done, this is what would be"`
	Machines []Machine      `json:"machines"`
	Refused  []ohfp.Unknown `json:"refused,omitempty" doc:"Those that the cloud does not stop or start, and why"`
}

// Reclaimed is a machine that the cloud or an operator takes back from its user.
type Reclaimed struct {
	Machine ohfp.MachineID  `json:"machineId"`
	Name    string          `json:"machine" doc:"Its host name"`
	Grace   int             `json:"gracePeriod" doc:"Seconds left"`
	Kind    ohfp.NoticeKind `json:"notice"`
	Reason  string          `json:"message,omitempty"`
}

// ReclaimedList is those of all users.
type ReclaimedList struct {
	Requests []Reclaimed `json:"requests"`
}

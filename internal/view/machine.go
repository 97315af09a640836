package view

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

// NewMachines shows machines.
func NewMachines(machines []ohfp.Machine) Machines {
	list := Machines{Machines: make([]Machine, 0, len(machines))}
	for _, m := range machines {
		list.Machines = append(list.Machines, NewMachine(m))
	}
	return list
}

// NewMachine shows a machine.
func NewMachine(m ohfp.Machine) Machine {
	v := Machine{
		ID: m.ID, Status: m.State, Name: m.Name, PrivateIP: m.PrivateIP, PublicIP: m.PublicIP,
		Type: m.Type, Zone: m.Zone, Lifecycle: m.Lifecycle,
		Request: m.Request, Return: m.Return, Template: m.Template, Provider: m.Provider,
		Ending: m.Ending, Message: m.StateReason,
		Notice: m.Notice.Kind, NoticeText: m.Notice.Text, DueAt: timestamp(m.Notice.Due),
		LaunchedAt: timestamp(m.LaunchedAt), EndedAt: timestamp(m.TerminatedAt),
	}
	if m.Units() > 1 {
		v.Weight = m.Units()
	}
	return v
}

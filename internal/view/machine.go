package view

import "github.com/openhostfactory/ohfp"

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

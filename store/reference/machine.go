package reference

import (
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// states are theirs in our words. What is not known, or was still on its way, may be seen in any state at the next look.
func states() map[string]ohfp.MachineState {
	return map[string]ohfp.MachineState{
		"pending": ohfp.MachinePending, "launching": ohfp.MachinePending, "unknown": ohfp.MachinePending, "": ohfp.MachinePending,
		"running": ohfp.MachineRunning, "stopping": ohfp.MachineStopping, "stopped": ohfp.MachineStopped,
		"shutting-down": ohfp.MachineShuttingDown, "shutting_down": ohfp.MachineShuttingDown,
		"terminated": ohfp.MachineTerminated, "returned": ohfp.MachineTerminated,
		// A launch that failed may have left something: only the cloud knows.
		"failed": ohfp.MachinePending, "error": ohfp.MachinePending,
	}
}

// machine reads a machine.
func (in *reader) machine(e entry) error {
	f, err := fieldsOf(e.text)
	if err != nil {
		return err
	}
	id := ohfp.MachineID(f.text("machine_id", "instance_id", "machineId"))
	state, ok := states()[f.text("status", "state")]
	switch {
	case id == "":
		return fmt.Errorf("it has no id")
	case in.machines[id] != nil:
		return fmt.Errorf("machine %s is in the file twice", id)
	case !ok:
		return fmt.Errorf("its status %q is not known", f.text("status", "state"))
	}
	m := &ohfp.Machine{
		ID: id, Request: ohfp.RequestID(f.text("request_id")), Return: ohfp.RequestID(f.text("return_request_id")),
		Template: ohfp.TemplateID(f.text("template_id")), Resource: f.text("resource_id"), State: state, StateReason: f.text("status_reason"),
		Name: f.text("private_dns_name"), PrivateIP: f.text("private_ip", "private_ip_address"), PublicIP: f.text("public_ip", "public_ip_address"),
		Type: f.text("instance_type"), Subnet: f.text("subnet_id"), Image: f.text("image_id"), Weight: 1,
		LaunchedAt: f.time("launch_time", "launched_time", "provisioning_started_at", "created_at"),
	}
	if name := f.text("name"); m.Name == "" && name != m.PrivateIP && name != string(id) {
		m.Name = name
	}
	if f.text("price_type") == "spot" {
		m.Lifecycle = ohfp.Spot
	} else {
		m.Lifecycle = ohfp.OnDemand
	}
	if state == ohfp.MachineTerminated {
		if m.TerminatedAt = f.time("termination_time", "terminated_time", "updated_at"); m.TerminatedAt.IsZero() {
			m.TerminatedAt = in.Now
		}
	}
	in.machines[id] = m
	in.known = append(in.known, id)
	return nil
}

// join gives the machines to their requests and returns.
func (in *reader) join() Found {
	in.unrecorded()
	in.returned()
	for _, id := range in.known {
		m := in.machines[id]
		if m.Request == "" {
			m.Request = in.named[id]
		}
		r := in.requests[m.Request]
		if r == nil || r.Type != ohfp.TypeAcquire {
			in.skip("machine", string(id), fmt.Sprintf("its request %q was not taken", m.Request))
			continue
		}
		m.Provider, m.KnownAt = r.Provider, r.CreatedAt
		if m.Template == "" {
			m.Template = r.Template.ID
		}
		if m.LaunchedAt.IsZero() {
			m.LaunchedAt = r.CreatedAt
		}
		// Its user has it: it must not end for not being ready in time.
		if m.Alive() && m.Ending == "" && (m.State != ohfp.MachinePending || r.Status.Terminal()) {
			m.DeliveredAt = m.LaunchedAt
		}
		for _, a := range r.Attempts {
			if a.Resource == m.Resource || m.Resource == "" && len(r.Attempts) == 1 {
				m.Attempt, m.Resource = a.Number, a.Resource
			}
		}
		r.Machines = append(r.Machines, *m)
	}
	var found Found
	for _, id := range in.order {
		r := in.requests[id]
		if r.Type == ohfp.TypeReturn {
			in.finishReturn(r)
			found.Returns = append(found.Returns, *r)
			continue
		}
		in.finish(r)
		found.Acquires = append(found.Acquires, *r)
	}
	found.Skipped = in.skipped
	return found
}

// unrecorded makes machines of those that a request names and no record describes.
func (in *reader) unrecorded() {
	for _, id := range slices.Sorted(maps.Keys(in.named)) {
		if in.machines[id] == nil {
			in.machines[id] = &ohfp.Machine{ID: id, Request: in.named[id], State: ohfp.MachinePending, Lifecycle: ohfp.OnDemand, Weight: 1}
			in.known = append(in.known, id)
		}
	}
}

// returned lets returns that count have their machines. Those that failed have none: their machines can be given back again.
func (in *reader) returned() {
	counts := func(id ohfp.RequestID) *ohfp.Request {
		r := in.requests[id]
		if r == nil || r.Type != ohfp.TypeReturn || r.Status == ohfp.StatusFailed || r.Status == ohfp.StatusCancelled || r.Status == ohfp.StatusTimeout {
			return nil
		}
		return r
	}
	for _, id := range in.order {
		for _, machine := range in.wanted[id] {
			m := in.machines[machine]
			switch {
			case m == nil:
				r := in.requests[id]
				r.Unknown = append(r.Unknown, ohfp.Unknown{Machine: machine, Message: "it was on no record when the records were imported"})
			case counts(m.Return) == nil && counts(id) != nil:
				m.Return = id
			}
		}
	}
	for _, id := range in.known {
		m := in.machines[id]
		if r := counts(m.Return); r == nil {
			m.Return = ""
		} else {
			m.End(ohfp.ReasonReturned, r.CreatedAt)
		}
	}
}

// finish makes a request whole.
func (in *reader) finish(r *ohfp.Request) {
	alive := 0
	for _, m := range r.Machines {
		if m.Alive() {
			alive++
			if m.Attempt > 0 && m.Ending == "" && r.Attempts[m.Attempt-1].Order.Keeps {
				target := &r.Attempts[m.Attempt-1].Order.Target
				if m.Lifecycle == ohfp.Spot {
					target.Spot++
				} else {
					target.OnDemand++
				}
			}
		}
	}
	r.Count = max(r.Count, alive, 1) // fewer than there are would be taken for spare ones, and ended
	if !r.Status.Terminal() && len(r.Attempts) == 0 {
		// Nothing says what was launched, so nothing more can come of it.
		r.Status, r.Message, r.CompletedAt = ohfp.StatusFailed, "it was moved here before anything was launched", in.Now
		if alive > 0 {
			r.Status, r.Message = ohfp.StatusPartial, "it was moved here while it was under way"
			for i := range r.Machines {
				if m := &r.Machines[i]; m.Alive() && m.DeliveredAt.IsZero() {
					m.DeliveredAt = m.LaunchedAt
				}
			}
		}
	}
}

// finishReturn says of a return that is done that nothing is left to clear away, once all of its machines are gone.
func (in *reader) finishReturn(r *ohfp.Request) {
	if !r.Status.Terminal() {
		return
	}
	for _, m := range in.machines {
		if m.Return == r.ID && !m.Gone() {
			return
		}
	}
	r.ClearedAt = r.CompletedAt
}

package view

import (
	"time"

	"github.com/openhostfactory/ohfp"
)

// NewRequests shows requests in short.
func NewRequests(requests []ohfp.Request, now time.Time) Requests {
	list := Requests{Requests: make([]Request, 0, len(requests))}
	for _, r := range requests {
		list.Requests = append(list.Requests, NewRequest(r, now))
	}
	return list
}

// NewFullRequests shows requests with everything.
func NewFullRequests(requests []ohfp.Request, now time.Time) Requests {
	list := Requests{Requests: make([]Request, 0, len(requests))}
	for _, r := range requests {
		list.Requests = append(list.Requests, NewFullRequest(r, now))
	}
	return list
}

// NewRequest shows a request in short, without its machines.
func NewRequest(r ohfp.Request, now time.Time) Request {
	v := Request{
		ID: r.ID, Type: r.Type, Status: r.Status, Template: r.Template.ID, Count: r.Count,
		Message: r.Message, Abandoned: r.Abandoned(now), Provider: r.Provider,
		CreatedAt: timestamp(r.CreatedAt), CompletedAt: timestamp(r.CompletedAt),
	}
	done := Done(r)
	if r.Type == ohfp.TypeReturn {
		v.Gone = &done
	} else {
		v.Delivered = &done
	}
	return v
}

// NewFullRequest shows a request with everything. Its machines leave out what the request says already.
func NewFullRequest(r ohfp.Request, now time.Time) Request {
	v := NewRequest(r, now)
	v.Placement, v.Unknown = r.Placement, r.Unknown
	if len(r.Machines) > 0 {
		v.Machines = make([]Machine, 0, len(r.Machines))
	}
	for _, m := range r.Machines {
		machine := NewMachine(m)
		machine.Provider = ""
		if r.Type == ohfp.TypeReturn {
			machine.Return = ""
		} else {
			machine.Request, machine.Template = "", ""
		}
		v.Machines = append(v.Machines, machine)
	}
	return v
}

// Done counts what a request has reached: machines or units delivered, or, of a return, gone.
func Done(r ohfp.Request) int {
	if r.Type == ohfp.TypeAcquire {
		return r.Delivered()
	}
	gone := 0
	for _, m := range r.Machines {
		if m.Gone() {
			gone++
		}
	}
	return gone
}

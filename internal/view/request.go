package view

import (
	"time"

	"github.com/openhostfactory/ohfp"
)

// Request is a request for machines or a return.
type Request struct {
	ID          ohfp.RequestID   `json:"requestId"`
	Type        ohfp.RequestType `json:"type"`
	Status      ohfp.Status      `json:"status"`
	Template    ohfp.TemplateID  `json:"templateId,omitempty"`
	Count       int              `json:"count"`               // asked for, or given back
	Delivered   *int             `json:"delivered,omitempty"` // of a request for machines
	Gone        *int             `json:"gone,omitempty"`      // of a return
	Message     string           `json:"message,omitempty"`
	Abandoned   bool             `json:"abandoned,omitempty"` // answered, but nobody has ever asked how it stands
	CreatedAt   string           `json:"createdAt"`
	CompletedAt string           `json:"completedAt,omitempty"`
	Provider    string           `json:"provider,omitempty"`
	Placement   string           `json:"placement,omitempty"` // why that provider
	Machines    []Machine        `json:"machines,omitempty"`
	Unknown     []ohfp.Unknown   `json:"unknown,omitempty"` // of a return: what was named and is not ours
}

// Requests is a list of requests.
type Requests struct {
	Requests []Request `json:"requests"`
}

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

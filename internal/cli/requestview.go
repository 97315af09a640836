package cli

import (
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/output"
)

// requestView is a request or return as the command line shows it.
type requestView struct {
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
	Machines    []machineView    `json:"machines,omitempty"`
	Unknown     []ohfp.Unknown   `json:"unknown,omitempty"` // of a return: what was named and is not ours
}

type requestList struct {
	Requests []requestView `json:"requests"`
}

// newRequestView shows a request in short, without its machines.
func newRequestView(r ohfp.Request) requestView {
	v := requestView{
		ID: r.ID, Type: r.Type, Status: r.Status, Template: r.Template.ID, Count: r.Count,
		Message: r.Message, Abandoned: r.Abandoned(time.Now()), CreatedAt: timestamp(r.CreatedAt), CompletedAt: timestamp(r.CompletedAt), Provider: r.Provider,
	}
	done := finished(r)
	if r.Type == ohfp.TypeReturn {
		v.Gone = &done
	} else {
		v.Delivered = &done
	}
	return v
}

// newFullRequestView shows a request with everything. Its machines leave out what the request says already.
func newFullRequestView(r ohfp.Request) requestView {
	v := newRequestView(r)
	v.Placement, v.Unknown = r.Placement, r.Unknown
	for _, m := range r.Machines {
		machine := newMachineView(m)
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

// finished counts what a request has reached: machines or units delivered, or, of a return, gone.
func finished(r ohfp.Request) int {
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

func requestsLayout() output.Layout {
	return output.Layout{
		Records: "requests",
		Empty:   "No requests.",
		Columns: []output.Column{
			{Key: "requestId", Heading: "request"},
			{Key: "status", State: true},
			{Key: "delivered", Heading: "ready", Number: true},
			{Key: "gone", Number: true},
			{Key: "count", Number: true},
			{Key: "templateId", Heading: "template"},
			{Key: "message"},
			{Key: "type"},
			{Key: "createdAt", Heading: "created"},
			{Key: "completedAt", Heading: "completed"},
			{Key: "provider"},
			{Key: "placement"},
		},
		Within: map[string]output.Layout{
			"machines": {Columns: machineColumns()},
			"unknown":  {Columns: []output.Column{{Key: "machineId", Heading: "machine"}, {Key: "name"}, {Key: "message"}}},
		},
	}
}

// requestLayout is for a single request.
func requestLayout() output.Layout {
	layout := requestsLayout()
	layout.Records = ""
	return layout
}

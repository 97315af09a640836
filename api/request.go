package api

import "github.com/openhostfactory/ohfp"

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

// RequestView is one request, and why what is known of it may be old.
type RequestView struct {
	Request

	Problem string `json:"problem,omitempty" doc:"Why this may be old"`
	DryRun  bool   `json:"dryRun,omitempty" doc:"Nothing was done; the machines are those that would end"`
}

// RequestList is a page of requests.
type RequestList struct {
	Requests

	Next    string `json:"next,omitempty" doc:"Where the list goes on: pass it as cursor"`
	Message string `json:"message,omitempty" doc:"Why this may be old"`
}

// Count is how many things there are.
type Count struct {
	Count    int            `json:"count"`
	ByStatus map[string]int `json:"byStatus,omitempty"`
}

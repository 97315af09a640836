package fakehf

import "time"

// Templates is the answer of getAvailableTemplates.
type Templates struct {
	Message   string
	Templates []Template
}

// Template is one template that hosts may be asked for from.
type Template struct {
	ID         string
	MaxNumber  int // -1 is unlimited
	Attributes map[string]Attribute
	Fields     map[string]any // everything else, as JSON decodes it
}

// Attribute is a property that hosts are chosen by.
type Attribute struct{ Type, Value string }

// Requested is the answer of requestMachines and of requestReturnMachines.
type Requested struct {
	Message   string
	RequestID string
}

// Request is one entry of the answer of getRequestStatus.
type Request struct {
	ID       string
	Status   string // running, complete or complete_with_error
	Message  string
	Machines []Machine
}

// Done says whether Host Factory stops polling.
func (r Request) Done() bool { return r.Status != "running" }

// Good lists the machines that Host Factory uses.
func (r Request) Good() []Machine {
	var good []Machine
	for _, m := range r.Machines {
		if m.Result == "succeed" {
			good = append(good, m)
		}
	}
	return good
}

// Machine is one host in a status. What is null in the answer is empty here.
type Machine struct {
	ID           string
	Name         string
	Result       string // executing, succeed or fail
	Status       string // pending, running, stopping, stopped, shutting-down, terminated
	PrivateIP    string
	PublicIP     string
	LaunchTime   time.Time
	Message      string
	PriceType    string
	InstanceType string
	InstanceTags string
	Request      string // in the status of a return: the request that asked for it
	Return       string // in the status of a request: the return that gave it back
}

// ReturnRequests is the answer of getReturnRequests.
type ReturnRequests struct {
	Message  string
	Requests []ReturnRequest
}

// ReturnRequest is a host that the provider takes back.
type ReturnRequest struct {
	Machine string // its host name
	Grace   time.Duration
}

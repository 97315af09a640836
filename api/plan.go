package api

import "github.com/openhostfactory/ohfp"

// RequestPlan is what a request for machines would do.
type RequestPlan struct {
	DryRun    bool            `json:"dryRun"`
	Template  ohfp.TemplateID `json:"templateId"`
	Count     int             `json:"count"`
	Provider  string          `json:"provider"`
	Placement string          `json:"placement"`
	PutOff    string          `json:"putOffUntil,omitempty"` // the cloud's rate allows no launch before
	VCPUs     int             `json:"vcpus,omitempty"`       // the most that all machines have
	Cost      string          `json:"dollarsAnHour,omitempty"`
	NoCost    string          `json:"costUnknown,omitempty"` // why
	Calls     []PlannedCall   `json:"calls,omitempty"`
	Types     []PlannedType   `json:"types,omitempty"` // what one machine may be
}

// PlannedCall is what the cloud would be asked first; what follows depends on its answer.
type PlannedCall struct {
	API      string `json:"api"`
	Count    int    `json:"count"`
	Offering string `json:"offering,omitempty"`
	Call     any    `json:"call,omitempty"` // the provider's own, without user data
}

// PlannedType is one kind of machine.
type PlannedType struct {
	Type      string         `json:"instanceType"`
	Lifecycle ohfp.Lifecycle `json:"priceType,omitempty"`
	VCPUs     int            `json:"vcpus,omitempty"`
	Cost      string         `json:"dollarsAnHour,omitempty"`
	Source    string         `json:"priceSource,omitempty"`
}

// PlannedEnd is what would end machines.
type PlannedEnd struct {
	DryRun   bool      `json:"dryRun"`
	Action   string    `json:"action"` // cancel or return
	Machines []Machine `json:"machines"`
}

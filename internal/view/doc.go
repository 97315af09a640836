// Package view is how requests, machines and templates look to those who ask: the same fields with the same names on the
// command line, over REST and to AI assistants, in the words of Host Factory where it has one.
// What it shows has its fields in package api.
// It refuses to look anything up and to know how a face writes its answers.
package view

import (
	"time"

	"github.com/openhostfactory/ohfp/api"
)

// timestamp is a time as answers show it: RFC 3339 in UTC to the second, empty when there is none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

type (
	// Machine is [api.Machine].
	Machine = api.Machine
	// Machines is [api.Machines].
	Machines = api.Machines
	// Request is [api.Request].
	Request = api.Request
	// Requests is [api.Requests].
	Requests = api.Requests
	// Template is [api.Template].
	Template = api.Template
	// Templates is [api.Templates].
	Templates = api.Templates
	// RequestPlan is [api.RequestPlan].
	RequestPlan = api.RequestPlan
	// PlannedCall is [api.PlannedCall].
	PlannedCall = api.PlannedCall
	// PlannedType is [api.PlannedType].
	PlannedType = api.PlannedType
	// PlannedEnd is [api.PlannedEnd].
	PlannedEnd = api.PlannedEnd
	// Reclaimed is [api.Reclaimed].
	Reclaimed = api.Reclaimed
	// ReclaimedList is [api.ReclaimedList].
	ReclaimedList = api.ReclaimedList
	// Drained is [api.Drained].
	Drained = api.Drained
	// Switched is [api.Switched].
	Switched = api.Switched
)

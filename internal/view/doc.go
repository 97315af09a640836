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
	Machine     = api.Machine
	Machines    = api.Machines
	Request     = api.Request
	Requests    = api.Requests
	Template    = api.Template
	Templates   = api.Templates
	RequestPlan = api.RequestPlan
	PlannedCall = api.PlannedCall
	PlannedType = api.PlannedType

	Reclaimed     = api.Reclaimed
	ReclaimedList = api.ReclaimedList
	Drained       = api.Drained
	Switched      = api.Switched
)

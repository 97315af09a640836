package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The copies here share nothing with the original, and their times are in UTC without a monotonic reading, as every
// store keeps and returns them. A field that is forgotten here fails the conformance suite, which fills every field.

// CopyRequest copies a request with its attempts and machines.
func CopyRequest(r ohfp.Request) ohfp.Request {
	r.Template = CopyTemplate(r.Template)
	r.Attempts = slices.Clone(r.Attempts)
	for i := range r.Attempts {
		a := &r.Attempts[i]
		a.Order.Call = slices.Clone(a.Order.Call)
		a.Order.Estimate.Types = slices.Clone(a.Order.Estimate.Types)
		a.Failures = slices.Clone(a.Failures)
	}
	r.Estimate.Types = slices.Clone(r.Estimate.Types)
	r.Fallbacks = slices.Clone(r.Fallbacks)
	r.Unknown = slices.Clone(r.Unknown)
	r.Also = slices.Clone(r.Also)
	r.Machines = slices.Clone(r.Machines)
	requestInUTC(&r)
	return r
}

// requestInUTC changes the request in its place.
func requestInUTC(r *ohfp.Request) {
	utc(&r.CreatedAt, &r.Deadline, &r.Paced.Until, &r.Paced.Done, &r.AnsweredAt, &r.PolledAt, &r.AbandonedAt, &r.CompletedAt, &r.ClearedAt)
	for i := range r.Attempts {
		a := &r.Attempts[i]
		utc(&a.IntendedAt, &a.CalledAt, &a.EarlierAt, &a.AnsweredAt, &a.RetiredAt, &a.ToldAt, &a.YieldedAt)
	}
	for i := range r.Machines {
		machineInUTC(&r.Machines[i])
	}
}

// CopyMachine copies a machine.
func CopyMachine(m ohfp.Machine) ohfp.Machine {
	machineInUTC(&m)
	return m
}

func machineInUTC(m *ohfp.Machine) {
	utc(&m.LaunchedAt, &m.KnownAt, &m.DeliveredAt, &m.EndingAt, &m.EndAccepted, &m.TerminatedAt, &m.ParkedAt, &m.Notice.AnnouncedAt, &m.Notice.Due)
}

// CopyTemplate copies a template.
func CopyTemplate(t ohfp.Template) ohfp.Template {
	t.Attributes = maps.Clone(t.Attributes)
	t.Spec = slices.Clone(t.Spec)
	return t
}

// CopyEvent copies an event.
func CopyEvent(e ohfp.Event) ohfp.Event {
	utc(&e.At)
	return e
}

func utc(times ...*time.Time) {
	for _, t := range times {
		*t = t.Round(0).UTC()
	}
}

// ByLaunch is the order of machines: by launch time, then by id.
func ByLaunch(a, b ohfp.Machine) int {
	return cmp.Or(a.LaunchedAt.Compare(b.LaunchedAt), strings.Compare(string(a.ID), string(b.ID)), strings.Compare(a.Provider, b.Provider))
}

// SortMachines puts machines in their order. Those of a request mostly are already.
func SortMachines(machines []ohfp.Machine) {
	for i := 1; i < len(machines); i++ {
		if ByLaunch(machines[i-1], machines[i]) > 0 {
			slices.SortFunc(machines, ByLaunch)
			return
		}
	}
}

// ByNewest is the order of requests: the newest first.
func ByNewest(a, b ohfp.Request) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(string(b.ID), string(a.ID)))
}

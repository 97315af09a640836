package query

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/orphans"
)

// Orphan is a machine, or a fleet or group that launches by itself, that nobody answers for.
type Orphan struct {
	ID         string          `json:"id"`                 // of the machine, or of the fleet or group
	Kind       string          `json:"kind"`               // machine or resource
	Reason     orphans.Reason  `json:"reason"`             // no-record, late, undead or unnamed
	Ripe       bool            `json:"ripe"`               // seen often and long enough to be collected
	Reads      int             `json:"reads"`              // complete looks in a row that showed it
	Waited     int             `json:"waited"`             // seconds between them, as far as they count
	Resource   string          `json:"resource,omitempty"` // what a machine came from
	Provider   string          `json:"provider"`
	Request    ohfp.RequestID  `json:"requestId,omitempty"`
	Template   ohfp.TemplateID `json:"templateId,omitempty"`
	Name       string          `json:"name,omitempty"`
	Type       string          `json:"instanceType,omitempty"`
	Zone       string          `json:"zone,omitempty"`
	LaunchedAt time.Time       `json:"launchedAt,omitzero"`
	FirstSeen  time.Time       `json:"firstSeen"`
	LastSeen   time.Time       `json:"lastSeen"`
}

// Orphans is what nobody answers for, as the last looks showed it.
type Orphans struct {
	Orphans []Orphan `json:"orphans"`
	Held    string   `json:"held,omitempty"` // why none is collected until somebody says so
}

// Orphans lists what runs and nobody answers for. No cloud is asked: the chore that looks for orphans does, and so does
// the command that finds them.
func (q *Queries) Orphans(ctx context.Context) (Orphans, error) {
	found, err := orphans.Recall(ctx, q.Memory)
	if err != nil {
		return Orphans{}, err
	}
	held, err := orphans.RecallHeld(ctx, q.Memory)
	if err != nil {
		return Orphans{}, err
	}
	list := Orphans{Orphans: make([]Orphan, len(found)), Held: held.Message}
	for i, o := range found {
		list.Orphans[i] = NewOrphan(o)
	}
	return list, nil
}

// NewOrphan is an orphan as every face shows it.
func NewOrphan(o orphans.Orphan) Orphan {
	v := Orphan{
		ID: o.ID(), Kind: "machine", Reason: o.Reason, Ripe: o.Ripe, Reads: o.Reads, Waited: int(o.Waited / time.Second),
		Resource: o.Resource, Provider: o.Provider, Request: o.Request, Template: o.Template, Name: o.Name, Type: o.Type, Zone: o.Zone,
		LaunchedAt: o.LaunchedAt.Truncate(time.Second), FirstSeen: o.FirstSeen.Truncate(time.Second), LastSeen: o.LastSeen.Truncate(time.Second),
	}
	if !o.IsMachine() {
		v.Kind, v.Resource = "resource", ""
	}
	return v
}

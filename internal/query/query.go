// Package query is the read side: what the faces can ask without changing anything. It works on a store.Reader, so it
// cannot write, and returns views that every face shows alike.
// It refuses to ask a cloud: what is known is what the last command recorded.
package query

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Templates lists what may be asked for.
type Templates interface {
	// Listed returns the templates to show, and the problems of those that cannot be. It fails when there is none.
	Listed(ctx context.Context) ([]TemplateView, []string, error)
}

// RequestFilter narrows a list of requests; see the store.
type RequestFilter = store.RequestFilter

// MachineFilter narrows a list of machines; see the store.
type MachineFilter = store.MachineFilter

// EventFilter narrows a list of events; see the store.
type EventFilter = store.EventFilter

// Memory is what looks at the clouds have left for all processes to see.
type Memory interface {
	RecallPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
}

// Queries answers queries. All fields but Rebalance are required.
type Queries struct {
	Store     store.Reader
	Memory    Memory
	Templates Templates
	Now       func() time.Time
	Rebalance bool // what a cloud recommends to replace is told as taken back
}

// TemplateView is a template with what its provider adds: the attributes that Host Factory schedules by, of which the
// operator's own win, and the provider's fields that may be shown.
type TemplateView struct {
	Template   ohfp.Template
	API        string // of the cloud, by which it launches when it names none itself; empty: not known
	Attributes map[string]ohfp.Attribute
	Fields     map[string]any
}

// Reclaimed is a machine that the cloud or an operator takes back, or has taken back.
type Reclaimed struct {
	Machine ohfp.MachineID
	Name    string
	Kind    ohfp.NoticeKind
	Grace   time.Duration // time left, 0 when it is gone
	Reason  string
}

// Named is a machine as a caller names it; see the commands.
type Named struct {
	ID   ohfp.MachineID
	Name string
}

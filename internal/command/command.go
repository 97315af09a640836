// Package command is the write side: what the faces can ask for that changes something. Each command is a plain struct
// that flags, JSON bodies and tool inputs decode into, and a method of Commands that reads from top to bottom.
// It refuses to know how a face speaks and which cloud or store is behind it.
package command

import (
	"context"
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/events"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/store"
)

// Templates finds the template that a request names.
type Templates interface {
	// Template returns the template, or ErrNotFound.
	Template(ctx context.Context, id ohfp.TemplateID) (ohfp.Template, error)
}

// Catalog is where the store's templates are listed among those of files.
type Catalog interface {
	// Check says whether a template could be used as it is, without any network.
	Check(ctx context.Context, t ohfp.Template) error
	// InFile returns the file that holds a template; empty when none does.
	InFile(id ohfp.TemplateID) string
	// Forget ends the listing of a template that is broken or gone.
	Forget(ctx context.Context, id ohfp.TemplateID) error
}

// Commands carries out commands. All fields but Chores, Events, Orphans, Providers and Log are required.
type Commands struct {
	Store     store.Store
	Templates Templates
	Catalog   Catalog // of the commands that change templates
	Placement placement.Policy
	Executor  *reconcile.Executor
	Chores    *reconcile.Chores
	Events    *events.Delivery
	Limits    Limits
	// TemplateEvents: changes of templates are events too.
	TemplateEvents bool
	Requests       RequestPolicy
	Orphans        OrphanPolicy
	Providers      []string // every configured provider instance, also those that take no new requests; none: those of Placement
	Now            func() time.Time
	NewID          func(t ohfp.RequestType) ohfp.RequestID
	Log            *slog.Logger
}

// Limits are the operator's bounds besides each template's maxNumber. Zero means none.
type Limits struct {
	PerRequest int        // machines or units that one request may ask for
	Provider   int        // machines or units of one provider instance, alive or in flight
	VCPUs      int        // of one provider instance
	Price      ohfp.Price // of one provider instance, in all
}

// RequestPolicy is copied into each new request.
type RequestPolicy struct {
	Timeout time.Duration
	Abandon ohfp.AbandonPolicy
}

// Named is a machine as a caller names it: by id, by host name, or by both, of which the id wins.
type Named struct {
	ID   ohfp.MachineID `json:"machineId,omitempty"`
	Name string         `json:"name,omitempty"`
}

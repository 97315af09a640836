package store

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Reader looks and never writes. A missing record is [ohfp.ErrNotFound]. Times come back in UTC, raw JSON with the same
// tokens in the same order (white space between them may be gone), empty lists as nil. What is returned belongs to the
// caller. A method that cannot finish because ctx ended returns an error that wraps ctx's.
type Reader interface {
	// Request returns a request with all of its machines, in the order of launch time and id. Those of an acquire are the
	// machines that it launched; those of a return belong to the return, or are named by its field Also.
	Request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error)
	// Requests lists requests by the filter, newest first, without their machines unless the filter wants them.
	Requests(ctx context.Context, filter RequestFilter) ([]ohfp.Request, error)
	// Machines lists machines by the filter, in the order of launch time and id.
	Machines(ctx context.Context, filter MachineFilter) ([]ohfp.Machine, error)
	// Templates lists the templates kept in the store, by id.
	Templates(ctx context.Context) ([]ohfp.Template, error)
	// Events lists events by the filter, oldest first.
	Events(ctx context.Context, filter EventFilter) ([]ohfp.Event, error)
	// Positions tells how far each follower of the events has come, by name: the sequence of the last event that it is done
	// with.
	Positions(ctx context.Context) (map[string]int64, error)
	// Usage counts the units of each template that are alive or in flight, see [Limits].
	Usage(ctx context.Context) (Usage, error)
	// Leases lists the leases that are held, those whose names start with prefix, by name.
	Leases(ctx context.Context, prefix string) ([]Lease, error)
	// Inspect says what the store is and holds.
	Inspect(ctx context.Context) (Inspection, error)
	// Check reads all of the store and says what in it is damaged, as [ohfp.ErrUnavailable]. It may take long and keeps
	// nobody from working.
	Check(ctx context.Context) error
}

// Store is a Reader that also writes. Every write is durable when the method returns (a power cut after it loses
// nothing), whole or not at all, and safe against any number of other processes.
type Store interface {
	Reader
	provider.Memory

	// Installation returns the id of this installation; the first call ever stores suggested and returns it. An empty
	// suggestion only looks: it is [ohfp.ErrNotFound] when there is no id yet.
	Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error)

	// CreateRequest stores a new request, its events and the machines in it, in one transaction. A machine with Version 0
	// is new (found in the cloud, for example); any other, as a return has them, is stored as changed.
	// Limits are checked against what is alive or in flight in that transaction: over one is [ohfp.ErrLimit]. An id that
	// exists, a new machine that exists, or a machine that somebody else has changed since it was read, is
	// [ohfp.ErrConflict].
	CreateRequest(ctx context.Context, r ohfp.Request, limits Limits, events ...ohfp.Event) error

	// UpdateRequest is the only way to change a request or its machines. It loads the request with its machines, calls
	// change, and writes the difference and the events in one transaction if nobody changed them in between; otherwise
	// it starts again, so change may run several times and MUST only touch the request that it is given. An error from
	// change ends it with nothing written and is returned as it is. When nothing differs and there are no events, nothing
	// is written. Machines that change appended are stored; a machine with the same provider and id that belongs to
	// another request is [ohfp.ErrConflict]. A change that drops a machine, or alters what a request or machine is known
	// by, is an error: records are never removed or renamed here. It returns the request as it now is.
	UpdateRequest(ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error)) (ohfp.Request, error)

	// PutTemplate stores a template of the store's own in the version after the one that is there. With Version 0 it replaces
	// whatever has its id, with [UnknownTemplate] it must be new, and with any other it replaces that version only, or is
	// [ohfp.ErrConflict]. DeleteTemplate removes it.
	PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error
	DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error

	// Lease takes or renews the lease of a name for ttl, counted by the clock of the store. While another holds it, that is
	// [ohfp.ErrConflict], which names the holder and the end. The token rises with each change of holder, and stays when the
	// same holder takes it again, also after it has lapsed. Holders are compared by name, so each life of a process needs its own.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error)
	// Renew renews many leases at once, as long as nobody else has taken them. It returns those that it could renew.
	Renew(ctx context.Context, ttl time.Duration, held ...Lease) ([]Lease, error)
	// Release gives leases back, so that others need not wait for their ends. One that is another's by now stays that.
	Release(ctx context.Context, held ...Lease) error
	// Under is a view of the same store whose every write is refused with [ohfp.ErrConflict], in its own transaction, when the
	// lease has had another holder in the meantime or was given back. So a holder that was stopped, and goes on when another
	// has taken over, cannot write. A lease that has lapsed and that nobody took still serves. Reads pass, and so does a change
	// that writes nothing. Of a view of a view, all leases must be held. Closing a view does nothing.
	Under(held Lease) Store

	// Compact removes what is of no more use: requests that ended before a time, are settled and have no machine left in the
	// cloud, with their events. A machine goes with the request that launched it, which waits until the returns that end its
	// machines are as old. Compact also removes memories that have expired, and leases that lapsed before that time. It works
	// in short transactions, so that nobody waits for long, and counts what it has removed, also beside an error.
	Compact(ctx context.Context, before time.Time) (Compacted, error)

	// Advance moves the position of a follower of the events from one sequence to another. It says false, and moves nothing,
	// when the follower is not at from: another process has gone on under the same name. A follower without a position is at
	// 0; moving one to 0 forgets it.
	Advance(ctx context.Context, follower string, from, to int64) (bool, error)

	// Close releases the store. It may be called twice.
	Close() error
}

// Now is the clock that a store stamps expiry with.
type Now func() time.Time

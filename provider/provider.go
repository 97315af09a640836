package provider

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Provider is one account and region of a cloud (or whatever launches machines). All methods are safe for concurrent
// use, stop promptly when ctx ends, and are bounded in time by it.
type Provider interface {
	// Validate checks a template without any mutating call. Unknown fields MUST be refused by name.
	Validate(ctx context.Context, t ohfp.Template) error

	// Prepare resolves what the ask needs (image, subnet, type, launch template) into the exact call. It MUST NOT change
	// anything in the cloud. It chooses an offering that is not known to lack capacity when there is one. When the cloud's
	// rate allows no launch now, the error is an [ohfp.PacedError], and only the order's estimate counts.
	Prepare(ctx context.Context, ask Ask) (ohfp.Order, error)

	// Launch carries out an order. It MUST be idempotent by order.Token: the same order again, from any process, brings
	// the same machines and never more. Fewer machines than asked for are a success with Failures; none at all for lack
	// of capacity is ErrCapacity with the Launched that tells the failures.
	Launch(ctx context.Context, order ohfp.Order) (Launched, error)

	// Observe looks at the machines of requests, many requests in as few calls as the cloud allows. Machines that the
	// scopes do not list but that carry a scope's request are included. An unknown resource or machine MUST NOT spoil the
	// others. When any part of the read failed, the Observation holds what arrived, Complete is false and the error says
	// why: absence then means nothing.
	Observe(ctx context.Context, scopes []Scope) (Observation, error)

	// Terminate first sets targets of resources that launch by themselves, so that nothing is replaced, and then ends
	// exactly these machines, in as few calls as the cloud allows.
	//
	// A target is absolute, is never raised above what the cloud has, and ends nothing by itself. A resource that cannot be
	// changed but only stopped is stopped once its target is no more than it holds. Machines of a resource whose target
	// could not be set are not ended; the others are.
	//
	// Machines that are gone or unknown to the cloud count as ended: terminated, or shutting-down for one that is younger
	// than [ohfp.GoneAfter], which a cloud may not know yet. It returns what the cloud accepted, with the state it told,
	// also beside an error.
	Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]Ended, error)

	// Retire removes the resource of an order whose machines are all gone. A resource that is gone already is success.
	// It MUST refuse with ErrConflict when the cloud shows a machine of it alive, since removing it might end that.
	Retire(ctx context.Context, resource string) error

	// Owned lists the machines that carry this installation's tag, narrowed by the filter, and the resources that launch by
	// themselves and carry it, whether or not they have machines; with a filter for machines, those MAY be missing. It is
	// how machines are found whose records are lost.
	Owned(ctx context.Context, filter OwnedFilter) (Observation, error)

	// Close releases connections. It may be called twice.
	Close() error
}

// Ask is what Prepare turns into an order.
type Ask struct {
	Request  ohfp.RequestID
	Attempt  int // from 1; part of the token
	Template ohfp.Template
	Count    int         // machines or units
	Held     ohfp.Target // what the request has already, counted as Count is; a share on demand is one of both together
	Fallback bool        // ask in the template's other way, since its first one has yielded
	// Timeout is how long the request may take, unless its template or its first order says otherwise; 0 is not known.
	Timeout time.Duration
}

// Launched is what a launch brought.
type Launched struct {
	Resource  string         // the reservation, fleet or group
	Machines  []ohfp.Machine // with the fields that the cloud told; Provider and Resource are always set
	Failures  []ohfp.Failure // why there are fewer than asked for
	Exhausted bool           // no other offering of the order's template is known to be worth trying now
}

// Scope is one request to look at.
type Scope struct {
	Request   ohfp.RequestID
	Resources []string         // what its attempts made
	Machines  []ohfp.MachineID // its machines that are not gone, as far as the record knows
	Open      bool             // a launch of it has no known outcome: resources that carry the request are looked for, too
}

// Observation is what one look showed.
type Observation struct {
	Machines   []ohfp.Machine       // Provider and Resource are set, and Request from the machine's tag
	Resources  []ohfp.ResourceFacts // of the scopes' resources that launch by themselves; of Owned, see there
	Complete   bool                 // every page of every read arrived
	ObservedAt time.Time            // when the read began
}

// Ended is one machine that the cloud accepted to end.
type Ended struct {
	Machine ohfp.MachineID
	State   ohfp.MachineState // shutting-down or terminated
}

// OwnedFilter narrows Owned; the empty filter lists everything that this installation owns.
type OwnedFilter struct {
	Requests []ohfp.RequestID
	Machines []ohfp.MachineID
}

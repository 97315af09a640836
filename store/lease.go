package store

import (
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Lease is the right of one holder to do something alone until a time, unless it renews it. When it lapses, another may take it. The
// clock only says when that is: a holder that was stopped and goes on still believes that it has the lease, and so may one
// whose clock is wrong. What keeps such a holder from writing is the token, see [Store.Under].
type Lease struct {
	Name   string    `json:"name"`
	Holder string    `json:"holder"` // unique for each life of a process: one that starts again is another holder
	Token  int64     `json:"token"`  // of the tokens that a name ever had, each change of holder has the greatest
	Until  time.Time `json:"until"`  // by the clock of the store
}

// Held says whether somebody holds the lease.
func (l Lease) Held(now time.Time) bool { return l.Holder != "" && now.Before(l.Until) }

// leaseTextBelow is how long names and holders of leases may be, in bytes.
const leaseTextBelow = 256

// Take is the lease that holder gets in place of l, which is empty when there is none. It is fresh when the holder
// changes: the store then gives it the next token. It is an [ohfp.ErrConflict] while somebody else holds it.
func (l Lease) Take(name, holder string, ttl time.Duration, now time.Time) (taken Lease, fresh bool, err error) {
	switch {
	case name == "" || len(name) >= leaseTextBelow:
		return Lease{}, false, ohfp.Errorf(ohfp.ErrInvalid, "lease name %.40q has %d bytes; use 1 to %d", name, len(name), leaseTextBelow-1)
	case holder == "" || len(holder) >= leaseTextBelow:
		return Lease{}, false, ohfp.Errorf(ohfp.ErrInvalid, "holder %.40q of lease %s has %d bytes; use 1 to %d", holder, name, len(holder), leaseTextBelow-1)
	case ttl <= 0:
		return Lease{}, false, ohfp.Errorf(ohfp.ErrInvalid, "lease %s is asked for %s; ask for more than nothing", name, ttl)
	case l.Holder != holder && l.Held(now):
		return Lease{}, false, ohfp.Errorf(ohfp.ErrConflict, "lease %s is held by %s until %s; wait or choose another",
			name, l.Holder, l.Until.Format(time.RFC3339Nano))
	}
	return Lease{Name: name, Holder: holder, Token: l.Token, Until: now.Add(ttl).Round(0).UTC()}, l.Holder != holder, nil
}

// ErrFenced is in the errors about writes under a lease that was lost: somebody else goes on with what they were part of.
var ErrFenced = errors.New("fenced off")

// Fence refuses with [ohfp.ErrConflict] a write under lease l when current, the lease of that name as it is now, is no longer
// the same. A lease that is gone had other holders for all that anybody knows.
func (l Lease) Fence(current Lease) error {
	switch {
	case current.Token == l.Token && current.Token > 0:
		return nil
	case current.Holder == "":
		return ohfp.Errorf(ohfp.ErrConflict, "lease %s is no longer held by %s, which must stop what it did under it: %w", l.Name, l.Holder, ErrFenced)
	default:
		return ohfp.Errorf(ohfp.ErrConflict, "lease %s is held by %s now; %s must stop what it did under it: %w", l.Name, current.Holder, l.Holder, ErrFenced)
	}
}

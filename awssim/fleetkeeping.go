package awssim

import (
	"slices"
	"time"
)

// Fleets of the types request and maintain act when their time has come: they begin after FleetDelay, and maintain fleets
// replace what they lose after ReplaceDelay. A fleet of the type request delivers its target once.

// background stands for a call in what happens without one.
func background(at time.Time) *call { return &call{now: at, entry: &Call{}} }

func (c *Cloud) submit(f *fleet, now time.Time) {
	f.createdAt, f.submitted = now, true
	f.delivered, f.blamed = map[string]float64{}, map[string]time.Time{}
	f.record(now, changeOfFleet, "submitted", "", "")
	start := now.Add(c.options.FleetDelay)
	if start.Before(f.input.ValidFrom) {
		start = f.input.ValidFrom
	}
	f.wake(start)
	f.wake(f.input.ValidUntil)
}

// wake makes the fleet look at a moment, zero for never, unless it looks earlier anyway.
func (f *fleet) wake(at time.Time) {
	if !at.IsZero() && (f.wakeAt.IsZero() || at.Before(f.wakeAt)) {
		f.wakeAt = at
	}
}

// lose implements owner.
func (f *fleet) lose(c *Cloud, _ *instance, at time.Time) {
	if !f.instant() && f.deletedAt.IsZero() {
		f.wake(at.Add(c.options.ReplaceDelay))
	}
}

// tendFleet brings a fleet to its target as of at. Now, the time of the look, is later when nobody looked in between.
func (c *Cloud) tendFleet(f *fleet, at, now time.Time) {
	f.wakeAt = time.Time{}
	f.bury(at)
	if !f.deletedAt.IsZero() {
		return
	}
	if until := f.input.ValidUntil; !until.IsZero() && !at.Before(until) {
		c.expire(f, at)
		return
	}
	if f.submitted {
		f.submitted = false
		f.record(at, changeOfFleet, "active", "", "")
	}
	if f.modifying {
		f.modifying = false
		f.record(at, changeOfFleet, "modify_succeeded", "", "")
	}
	f.short = false
	onDemand, spot := f.input.Target.units()
	c.approach(f, at, OnDemand, float64(onDemand))
	c.approach(f, at, Spot, float64(spot))

	if f.short {
		f.wake(c.retryAt(at, now))
	}
	for _, i := range f.members {
		if !i.endsAt.IsZero() {
			f.wake(i.endsAt.Add(c.options.ReplaceDelay))
		}
	}
	f.wake(f.input.ValidUntil)
}

// bury takes out of the members what has begun to end.
func (f *fleet) bury(at time.Time) {
	f.members = slices.DeleteFunc(f.members, func(i *instance) bool {
		if i.endsAt.IsZero() || at.Before(i.endsAt) {
			return false
		}
		f.record(i.endsAt, changeOfInstance, "terminated", i.id, i.describe())
		return true
	})
}

// approach launches what is missing of one lifecycle, or terminates what is too much.
func (c *Cloud) approach(f *fleet, at time.Time, lifecycle string, target float64) {
	have := f.have(at)[lifecycle]
	missing := target - have
	if !f.maintains() {
		missing = target - f.delivered[lifecycle]
	}
	if missing <= 0 {
		if f.maintains() && f.input.Excess != policyKeep {
			c.shrink(f, at, lifecycle, have-target)
		}
		return
	}
	delivered, pools := c.fill(background(at), f, lifecycle, missing)
	f.delivered[lifecycle] += delivered
	f.short = f.short || delivered < missing
	for _, p := range pools {
		f.tell(at, p)
	}
	if delivered == 0 {
		f.blame(at, failureOfFleet, "allLaunchSpecsTemporarilyBlacklisted", "all "+lifecycle,
			"Several attempts to launch instances have failed. Either the request could not be satisfied or the configuration is not valid. The request will be tried again later.")
	}
}

// shrink terminates instances of the fleet's own choice, which is the seed's, as long as the target stays fulfilled.
func (c *Cloud) shrink(f *fleet, at time.Time, lifecycle string, excess float64) {
	var candidates []*instance
	for _, i := range f.members {
		if i.lifecycle == lifecycle && i.serves(at) {
			candidates = append(candidates, i)
		}
	}
	c.random.Shuffle(len(candidates), func(a, b int) { candidates[a], candidates[b] = candidates[b], candidates[a] })
	for _, i := range candidates {
		if i.weight <= excess {
			excess -= i.weight
			c.end(i, at, c.options.TerminateDelay, userInitiated())
		}
	}
	f.bury(at)
}

// expire ends a fleet whose time is over, and its instances when it was made so.
func (c *Cloud) expire(f *fleet, at time.Time) {
	f.record(at, changeOfFleet, "expired", "", "")
	f.deletedAt, f.terminates = at, f.input.EndAtExpiry
	if f.terminates {
		for _, i := range f.members {
			if i.serves(at) {
				c.end(i, at, c.options.TerminateDelay, userInitiated())
			}
		}
	}
	f.record(at, changeOfFleet, f.state(at), "", "")
}

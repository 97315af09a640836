package command

import (
	"context"
	"time"
)

// DoChores does what is due of the work that no request asks for, unless another process has done it. Who has time calls
// it: the daemon every few seconds, without one the script that asks what the cloud takes back.
func (c *Commands) DoChores(ctx context.Context) error {
	if c.Chores == nil {
		return nil
	}
	return c.Chores.RunDue(ctx)
}

// FollowEvents takes events to where operators want them, every so often, until ctx ends; see [events.Delivery]. It is for
// a program that stays.
func (c *Commands) FollowEvents(ctx, hard context.Context, every time.Duration) {
	if c.Events != nil {
		c.Events.Run(ctx, hard, every)
	}
}

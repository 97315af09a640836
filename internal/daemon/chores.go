package daemon

import (
	"context"
	"time"
)

// choresLook is how often the daemon looks which chores are due. A look is one read of the records.
const choresLook = time.Second

// eventsLook is how often the daemon looks for events to deliver. It writes nothing while there are none.
const eventsLook = time.Second

// doChores does what is due until ctx ends. What is under way then is finished, unless hard ends too.
func (d *Daemon) doChores(ctx, hard context.Context) {
	ticker := time.NewTicker(choresLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		within, cancel := context.WithTimeout(hard, roundBudget)
		_ = d.now().Commands.DoChores(within) // what fails is logged there, and done again in its next time
		cancel()
	}
}

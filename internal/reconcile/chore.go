package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/openhostfactory/ohfp/provider"
)

// Chore is work that is due again and again, whichever process does it: a daemon, one of several daemons, or a script's
// call where there is no daemon.
type Chore struct {
	Name  string
	Every time.Duration                   // 0: never
	Run   func(ctx context.Context) error // bounded by ctx; what it does not finish is done the next time
}

// Chores does the chores of an installation. Who has done what when is kept in the memory that all processes share, so
// that each chore is done once in its time, however many processes look. All fields are required.
type Chores struct {
	List   []Chore
	Memory provider.Memory
	Now    func() time.Time
	Log    *slog.Logger
}

// choreKeys is where the memory keeps them.
const choreKeys = "chore/"

// RunDue does what is due, one after the other. A chore that fails is done again in its next time; the others are done
// all the same.
func (c *Chores) RunDue(ctx context.Context) error {
	done, err := c.Memory.RecallPrefix(ctx, choreKeys)
	if err != nil {
		c.Log.WarnContext(ctx, "chores not looked at", "error", err)
		return fmt.Errorf("see which chores are due: %w", err)
	}
	var problems []error
	for _, chore := range c.List {
		key := choreKeys + chore.Name
		if _, fresh := done[key]; fresh || chore.Every <= 0 || ctx.Err() != nil {
			continue
		}
		mine, err := c.Memory.Swap(ctx, key, nil, []byte(c.Now().UTC().Format(time.RFC3339Nano)), chore.Every)
		if err == nil && mine {
			err = c.run(ctx, chore)
		}
		if err != nil {
			c.Log.WarnContext(ctx, "chore not done", "chore", chore.Name, "error", err)
			problems = append(problems, fmt.Errorf("chore %s: %w", chore.Name, err))
		}
	}
	return errors.Join(problems...)
}

// run turns a defect into an error: it must not end the chores beside it.
func (c *Chores) run(ctx context.Context, chore Chore) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.Log.ErrorContext(ctx, "internal error in a chore", "chore", chore.Name, "error", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	return chore.Run(ctx)
}

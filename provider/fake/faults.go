package fake

import (
	"context"
	"errors"

	"github.com/openhostfactory/ohfp"
)

// Op is an operation of the cloud, as the unit of counting and of failing.
type Op string

// The operations. Launch, Target, Terminate and Retire change something; the others read. Target is the part of a
// provider's Terminate that lowers the target of one group.
const (
	OpPrepare   Op = "Prepare"
	OpLaunch    Op = "Launch"
	OpObserve   Op = "Observe"
	OpOwned     Op = "Owned"
	OpTarget    Op = "Target"
	OpTerminate Op = "Terminate"
	OpRetire    Op = "Retire"
	OpHealth    Op = "Health"
)

// Ops lists every operation.
func Ops() []Op {
	return []Op{OpPrepare, OpLaunch, OpObserve, OpOwned, OpTarget, OpTerminate, OpRetire, OpHealth}
}

// Mutating says whether the operation changes anything in the cloud.
func (op Op) Mutating() bool {
	return op == OpLaunch || op == OpTarget || op == OpTerminate || op == OpRetire
}

// faults are the failures that are still to come.
type faults struct {
	fail map[Op][]error
	drop map[Op]int
	hang map[Op]chan struct{}
	cut  []int // how many machines each of the next reads shows
}

// Throttled is the error of a call that was refused for its rate.
func Throttled(op Op) error {
	return &ohfp.CloudError{
		Kind: ohfp.ErrThrottled, Operation: string(op), Code: "RequestLimitExceeded", Message: "too many calls; slow down",
	}
}

// Denied is the error of a call that the identity may not make.
func Denied(op Op) error {
	return &ohfp.CloudError{
		Kind: ohfp.ErrDenied, Operation: string(op), Code: "UnauthorizedOperation", Message: "the identity may not do this",
	}
}

// Unavailable is the error of a call that got no answer.
func Unavailable(op Op) error {
	return &ohfp.CloudError{
		Kind: ohfp.ErrUnavailable, Operation: string(op), Message: "no answer from the cloud",
	}
}

// FailNext makes the next n calls of the operation fail with err, without carrying them out. Repeated orders queue up.
func (c *Cloud) FailNext(op Op, err error, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.faults.fail[op] = append(c.faults.fail[op], err)
	}
}

// DropReply makes the next call of the operation be carried out and its answer get lost: the caller sees ErrUnavailable.
func (c *Cloud) DropReply(op Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.drop[op]++
}

// CutRead makes the next Observe or Owned show only its first keep machines, with Complete false and ErrUnavailable.
func (c *Cloud) CutRead(keep int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.cut = append(c.faults.cut, keep)
}

// Hang makes calls of the operation wait, before anything is carried out, until release is called or their context ends.
func (c *Cloud) Hang(op Op) (release func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.hang[op] = gate
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.faults.hang[op] == gate {
			delete(c.faults.hang, op)
			close(gate)
		}
	}
}

// Heal removes every failure that is still to come, and lets calls go that hang.
func (c *Cloud) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, gate := range c.faults.hang {
		close(gate)
	}
	c.faults = newFaults()
}

func newFaults() faults {
	return faults{fail: map[Op][]error{}, drop: map[Op]int{}, hang: map[Op]chan struct{}{}}
}

// Calls is how often each operation was called, the pages of reads counted one by one.
func (c *Cloud) Calls() map[Op]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make(map[Op]int, len(c.calls))
	for op, n := range c.calls {
		calls[op] = n
	}
	return calls
}

// begin counts a call and fails it as ordered.
func (c *Cloud) begin(ctx context.Context, op Op) error {
	if err := ended(ctx, op); err != nil {
		return err
	}
	c.mu.Lock()
	c.calls[op]++
	gate := c.faults.hang[op]
	c.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ended(ctx, op)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if queue := c.faults.fail[op]; len(queue) > 0 {
		c.faults.fail[op] = queue[1:]
		return queue[0]
	}
	return nil
}

// ended is the error of a call whose context has ended, nil while it has not.
func ended(ctx context.Context, op Op) error {
	err := ctx.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return ohfp.Errorf(ohfp.ErrTimeout, "%s got no answer in the time allowed: %w", op, err)
	default:
		return ohfp.Errorf(ohfp.ErrUnavailable, "%s was given up: %w", op, err)
	}
}

// dropped says whether the answer of a call that was carried out gets lost. The lock is held.
func (c *Cloud) dropped(op Op) bool {
	if c.faults.drop[op] == 0 {
		return false
	}
	c.faults.drop[op]--
	return true
}

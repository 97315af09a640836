package awsapi

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	// readEvery bounds how often a process asks the memory what the others have taken.
	readEvery = time.Second
	// untoldPart is the part of a bucket that a process may take without telling the others, while more than half is left.
	untoldPart = 0.125
	// crowd is how many processes may do so at once: each counts on that share of the refill to replace what it took.
	crowd = 4
	// aheadFor is how long tokens taken ahead are good for.
	aheadFor = 10 * time.Second
	// keepBuckets is how long the memory keeps a bucket that nobody touches; by then every default one is full again.
	keepBuckets = time.Hour
	// swaps is how often a change is tried while others make theirs.
	swaps = 8
	// launchPatience is how long a launch waits inside a call: what must wait longer goes on at the next poll, so that it
	// does not keep others waiting.
	launchPatience = 5 * time.Second
	// worthwhile is how much of the refill a launch waits for when the bucket of machines is empty: each launch is a call and
	// an attempt in the record, so a few large ones are better than many small ones.
	worthwhile = time.Minute
)

// Pacer keeps calls below EC2's limits, so that EC2 need not refuse them: one token bucket per operation and one per
// machines launched or ended, as EC2 has. Processes share the buckets through the memory once they run low; while there
// is plenty, nothing is written. All fields but Limits are required.
type Pacer struct {
	Memory provider.Memory
	Prefix string           // of the keys in Memory: the account, as far as it is known without asking; each region has its own
	Limits map[string]Limit // in place of EC2's defaults, by bucket: RunInstances, or RunInstances:machines
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Log    *slog.Logger

	mutex sync.Mutex
	views map[string]*view
	place string // of the buckets in Memory, for the one region that there is
}

func (p *Pacer) limit(name string) Limit {
	if l, ok := p.Limits[name]; ok {
		return l
	}
	if operation, ok := strings.CutSuffix(name, perMachine); ok {
		return machineLimit(operation)
	}
	return requestLimit(name)
}

// admit waits until a call may be made. A call that would have to wait longer than its caller can is not made: the error is
// an [ohfp.PacedError].
func (p *Pacer) admit(ctx context.Context, c call) error {
	if p == nil || c.region == "" {
		return nil
	}
	patience := time.Duration(math.MaxInt64)
	if c.priority == Launch {
		patience = launchPatience
	}
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)) //nolint:forbidigo // a context's clock is the real one, whatever Now is
	}
	for _, n := range c.needs() {
		for {
			wait := p.take(ctx, c.region, n)
			if wait <= 0 {
				break
			}
			now := p.Now()
			if wait > patience {
				return &ohfp.PacedError{Call: c.operation, At: now.Add(wait)}
			}
			if err := p.Sleep(ctx, wait); err != nil {
				return &ohfp.PacedError{Call: c.operation, At: now.Add(wait)}
			}
			patience -= wait
		}
	}
	return nil
}

// claim takes the tokens of machines to be launched, for the launch that has the token: as many as are wanted where
// there are enough, fewer where there are a worthwhile number, else none and an [ohfp.PacedError] that says when. most
// bounds one launch.
func (p *Pacer) claim(ctx context.Context, c call, wanted, most int) (int, error) {
	if p == nil {
		return min(wanted, most), nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.place = p.Prefix + c.region + "/"
	n := need{bucket: machinesOf(c.operation), token: short(c.token)}
	now := p.Now()
	for range swaps {
		v := p.view(ctx, n.bucket)
		if paid := v.paid(n.token); paid > 0 {
			return min(int(paid), wanted, most), nil
		}
		level, rate := v.level(v.limit, now), v.rate(v.limit, now)
		enough := min(wanted, most, max(1, int(min(v.limit.Burst, rate*worthwhile.Seconds()))))
		if level < float64(enough) {
			return 0, &ohfp.PacedError{
				Call: c.operation,
				At:   now.Add(v.wait(v.limit, float64(enough), now)),
				Done: now.Add(time.Duration((float64(wanted) - level) / rate * float64(time.Second))),
			}
		}
		n.tokens = float64(min(wanted, most, int(level)))
		if p.takeFrom(ctx, v, n, now) <= 0 {
			return int(n.tokens), nil
		}
	}
	return 0, &ohfp.PacedError{Call: c.operation, At: now.Add(readEvery)}
}

// take takes what a call needs from a bucket, or says how long that must wait.
func (p *Pacer) take(ctx context.Context, region string, n need) time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.place = p.Prefix + region + "/"
	return p.takeFrom(ctx, p.view(ctx, n.bucket), n, p.Now())
}

func (p *Pacer) takeFrom(ctx context.Context, v *view, n need, now time.Time) time.Duration {
	if !v.limit.Limited() {
		return 0
	}
	if v.ahead >= n.tokens && now.Before(v.aheadUntil) {
		v.ahead -= n.tokens
		return 0
	}
	for range swaps {
		n.tokens = min(n.tokens, v.limit.Burst)
		tokens := n.tokens - v.paid(n.token)
		if tokens <= 0 {
			return 0
		}
		needed := tokens + n.reserve*v.limit.Burst
		if v.wait(v.limit, min(needed, v.limit.Burst), now) > 0 {
			// A call that must wait waits for the tokens of the next calls too: one write then serves several.
			return v.wait(v.limit, min(needed+v.batch(n, now), v.limit.Burst), now) + time.Millisecond
		}
		if v.plenty(tokens, now) {
			v.takeUntold(tokens, now)
			v.pay(n.token, n.tokens)
			return 0
		}
		if p.tell(ctx, v, n, tokens, now) {
			return 0
		}
	}
	// The memory cannot be written, or many processes want the same tokens: each goes by what it knows.
	v.takeUntold(n.tokens, now)
	return 0
}

// refused learns that EC2 has refused a call for its rate. EC2 does not say which of its buckets was empty: the blame goes to
// the one that is emptier by our own count.
func (p *Pacer) refused(ctx context.Context, c call) {
	if p == nil || c.region == "" {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var blamed need
	lowest := math.Inf(1)
	now := p.Now()
	for _, n := range c.needs() {
		v := p.view(ctx, n.bucket)
		if !v.limit.Limited() {
			continue
		}
		// As it was before this call, for which EC2 takes nothing.
		if level := (v.level(v.limit, now) + n.tokens) / v.limit.Burst; level < lowest {
			lowest, blamed = level, n
		}
	}
	if blamed.bucket == "" {
		return
	}
	for _, n := range c.needs() {
		v := p.view(ctx, n.bucket)
		p.change(ctx, v, func(b *bucket) {
			b.Tokens += n.tokens
			b.pay(n.token, 0)
			if n.bucket == blamed.bucket {
				// For a call's machines, all that is known is that there were too many of them.
				b.refused(v.limit, n.tokens/2*float64(min(c.machines, 1)), now)
			}
		})
	}
	p.Log.WarnContext(ctx, "the cloud refuses calls for their rate", "operation", c.operation, "bucket", blamed.bucket)
}

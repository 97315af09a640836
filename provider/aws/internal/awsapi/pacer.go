package awsapi

import (
	"bytes"
	"context"
	"encoding/json"
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
	// untoldPart is the part of a bucket that a process may take without telling the others, while more than half is left,
	// and crowd how many processes may do so at once: what was taken counts as replaced by a share of the refill.
	untoldPart, crowd = 0.125, 4
	// aheadFor is how long tokens taken ahead are good for.
	aheadFor = 10 * time.Second
	// keepBuckets is how long the memory keeps a bucket that nobody touches; by then every default one is full again.
	keepBuckets = time.Hour
	// swaps is how often a change is tried while others make theirs.
	swaps = 8
	// launchPatience is how long a launch waits inside a call: what must wait longer goes on at the next poll, so that it
	// does not keep others waiting.
	launchPatience = 5 * time.Second
	// worthwhile is how much of the refill a launch waits for when the bucket of machines is empty: of few launches each
	// is a call and an attempt in the record, of many each is.
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

// view is what a process knows of a bucket.
type view struct {
	name  string
	limit Limit
	bucket
	held       []byte // as the memory holds it, nil when it does not
	readAt     time.Time
	untold     float64 // taken here, not told to the others
	untoldAt   time.Time
	ahead      float64 // taken from all, not used here yet
	aheadUntil time.Time
}

// need is what a call takes from one bucket.
type need struct {
	bucket  string
	tokens  float64
	token   string  // of a launch, which pays once
	reserve float64 // the part of the bucket that is left to more urgent calls
}

// call is a call to EC2 as far as its rate goes.
type call struct {
	operation string
	region    string // of EC2; empty for calls that EC2's limits do not hold for
	priority  Priority
	cost
}

// cost is what a call costs besides itself.
type cost struct {
	machines int    // that it launches or ends
	token    string // of a launch, which pays once however often it is repeated
}

// perMachine ends the names of buckets that machines are taken from.
const perMachine = ":machines"

func machinesOf(operation string) string { return operation + perMachine }

func (c call) needs() []need {
	var needs []need
	if machineLimit(c.operation).Limited() && c.machines > 0 {
		needs = append(needs, need{bucket: machinesOf(c.operation), tokens: float64(c.machines), token: short(c.token)})
	}
	n := need{bucket: c.operation, tokens: 1}
	if shared(c.operation) {
		n.reserve = c.priority.reserve()
	}
	return append(needs, n)
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

// admit waits until a call may be made. What would have to wait longer than its caller can is not made: the error is an
// [ohfp.PacedError].
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
			// Who must wait waits for some more, for the calls to come: one write then serves several.
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
	// The memory cannot be written, or many want the same: each goes by what it knows.
	v.takeUntold(n.tokens, now)
	return 0
}

// plenty says whether tokens may be taken without telling.
func (v *view) plenty(tokens float64, now time.Time) bool {
	v.forgive(now)
	return v.rate(v.limit, now) >= v.limit.PerSecond && v.level(v.limit, now)-tokens >= v.limit.Burst/2 && v.untold+tokens <= max(1, v.limit.Burst*untoldPart)
}

// batch is how many tokens are taken ahead when there are few: a quarter of a second's.
func (v *view) batch(n need, now time.Time) float64 {
	if n.tokens > 1 {
		return 0
	}
	return math.Floor(v.rate(v.limit, now) / 4)
}

// forgive takes off what is untold what the refill has replaced.
func (v *view) forgive(now time.Time) {
	v.untold = max(0, v.untold-max(now.Sub(v.untoldAt), 0).Seconds()*v.limit.PerSecond/crowd)
	v.untoldAt = now
}

func (v *view) takeUntold(tokens float64, now time.Time) {
	v.forgive(now)
	v.untold += tokens
	v.take(v.limit, tokens, now)
}

// tell takes tokens where all processes see it, with those that were not told before and some ahead for calls to come.
func (p *Pacer) tell(ctx context.Context, v *view, n need, tokens float64, now time.Time) bool {
	spare := max(0, v.level(v.limit, now)-tokens-n.reserve*v.limit.Burst)
	ahead := math.Floor(min(spare, max(v.batch(n, now), min(v.limit.Burst*untoldPart, spare/crowd))))
	if n.tokens > 1 {
		ahead = 0
	}
	next := v.bucket // which has what is untold taken already
	next.take(v.limit, tokens+ahead, now)
	next.pay(n.token, n.tokens)
	if !p.swap(ctx, v, next, now) {
		return false
	}
	v.ahead, v.aheadUntil = ahead, now.Add(aheadFor)
	return true
}

// swap puts a bucket in place of the one that this process knows. When another was faster, that one is read.
func (p *Pacer) swap(ctx context.Context, v *view, next bucket, now time.Time) bool {
	value, err := json.Marshal(next)
	if err != nil {
		return false
	}
	mine, err := p.Memory.Swap(ctx, p.place+v.name, v.held, value, keepBuckets)
	switch {
	case err != nil:
		return false
	case !mine:
		p.read(ctx, v, now)
		return false
	}
	v.bucket, v.held, v.readAt, v.untold, v.untoldAt = next, value, now, 0, now
	return true
}

// view is what is known of a bucket, a moment ago at most. Callers hold the lock.
func (p *Pacer) view(ctx context.Context, name string) *view {
	now := p.Now()
	if v := p.views[name]; v != nil {
		if now.Sub(v.readAt) >= readEvery {
			p.read(ctx, v, now)
		}
		return v
	}
	if p.views == nil {
		p.views = map[string]*view{}
		// One read serves a process that makes a call or two. A memory that cannot be read counts as empty.
		all, _ := p.Memory.RecallPrefix(ctx, p.place)
		for key, held := range all {
			p.fresh(strings.TrimPrefix(key, p.place), now).adopt(held, now)
		}
		if v := p.views[name]; v != nil {
			return v
		}
		return p.fresh(name, now)
	}
	v := p.fresh(name, now)
	p.read(ctx, v, now)
	return v
}

func (p *Pacer) fresh(name string, now time.Time) *view {
	v := &view{name: name, limit: p.limit(name), readAt: now, untoldAt: now}
	v.bucket = full(v.limit, now)
	p.views[name] = v
	return v
}

// read asks the memory what the others have taken.
func (p *Pacer) read(ctx context.Context, v *view, now time.Time) {
	held, ok, err := p.Memory.Recall(ctx, p.place+v.name)
	v.readAt = now
	if err == nil && (ok || v.held != nil) && !bytes.Equal(held, v.held) {
		v.adopt(held, now)
	}
}

// adopt goes by what the memory holds from now on, less what this process has not told.
func (v *view) adopt(held []byte, now time.Time) {
	if held == nil {
		v.held = nil
		return
	}
	var b bucket
	if json.Unmarshal(held, &b) != nil {
		b = full(v.limit, now)
	}
	for _, c := range v.Claims { // those that were not told
		if b.paid(c.Token) == 0 {
			b.pay(c.Token, c.Paid)
		}
	}
	v.bucket, v.held = b, held
	v.forgive(now)
	if v.untold > 0 {
		v.take(v.limit, v.untold, now)
	}
}

// refused learns that EC2 has refused a call for its rate. It does not say which of its buckets was empty: the emptier one
// by our own count is taken to be.
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
				// Of the machines of a call nothing more is known than that they were too many.
				b.refused(v.limit, n.tokens/2*float64(min(c.machines, 1)), now)
			}
		})
	}
	p.Log.WarnContext(ctx, "the cloud refuses calls for their rate", "operation", c.operation, "bucket", blamed.bucket)
}

// change changes a bucket for all processes, or for this one where the memory fails.
func (p *Pacer) change(ctx context.Context, v *view, change func(b *bucket)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readEvery)
	defer cancel()
	v.ahead = 0
	for range swaps {
		next := v.bucket
		change(&next)
		if p.swap(ctx, v, next, p.Now()) {
			return
		}
	}
	change(&v.bucket)
}

// short is enough of a token to tell launches apart.
func short(token string) string { return token[:min(len(token), 16)] }

package awsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// view is what a process knows of a bucket that all processes share: as the memory holds it, less what it has taken itself and
// not told the others.
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

// plenty says whether tokens may be taken without telling.
func (v *view) plenty(tokens float64, now time.Time) bool {
	v.forgive(now)
	return v.rate(v.limit, now) >= v.limit.PerSecond && v.level(v.limit, now)-tokens >= v.limit.Burst/2 && v.untold+tokens <= max(1, v.limit.Burst*untoldPart)
}

// batch is how many tokens are taken ahead when there are few: as many as come in a quarter of a second.
func (v *view) batch(n need, now time.Time) float64 {
	if n.tokens > 1 {
		return 0
	}
	return math.Floor(v.rate(v.limit, now) / 4)
}

// forgive takes off the untold tokens those that the refill has replaced.
func (v *view) forgive(now time.Time) {
	v.untold = max(0, v.untold-max(now.Sub(v.untoldAt), 0).Seconds()*v.limit.PerSecond/crowd)
	v.untoldAt = now
}

func (v *view) takeUntold(tokens float64, now time.Time) {
	v.forgive(now)
	v.untold += tokens
	v.take(v.limit, tokens, now)
}

// tell takes tokens where all processes see it, together with those that were not told before and some for calls to come. It
// returns false when it could not.
func (p *Pacer) tell(ctx context.Context, v *view, n need, tokens float64, now time.Time) bool {
	spare := max(0, v.level(v.limit, now)-tokens-n.reserve*v.limit.Burst)
	ahead := math.Floor(min(spare, max(v.batch(n, now), min(v.limit.Burst*untoldPart, spare/crowd))))
	if n.tokens > 1 {
		ahead = 0
	}
	next := v.bucket // the untold tokens are taken from it already
	next.take(v.limit, tokens+ahead, now)
	next.pay(n.token, n.tokens)
	if !p.swap(ctx, v, next, now) {
		return false
	}
	v.ahead, v.aheadUntil = ahead, now.Add(aheadFor)
	return true
}

// swap puts a bucket in the place of the one that this process knows. When another process was faster, what that put there
// is read.
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

// view returns what is known of a bucket, read again when that was more than a moment ago. Callers hold the lock.
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

// adopt takes over what the memory holds, less what this process has taken and not told.
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

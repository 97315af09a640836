package gate

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit is how fast somebody may call. The zero Limit is none.
type Limit struct {
	PerSecond float64
	Burst     int // at once
}

const (
	mostPaces = 10_000      // callers who are remembered; the memory of one takes some 200 bytes
	forgotten = time.Minute // after which who has not called is new
)

// paces has one bucket for each name.
type paces struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	last    time.Time
}

// take counts a call, and says whether it may be made.
func (p *paces) take(l Limit, name string, now time.Time) bool {
	if l.PerSecond == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bucket(l, name, now).AllowN(now, 1)
}

// may says whether a call may be made, and does not count it.
func (p *paces) may(l Limit, name string, now time.Time) bool {
	if l.PerSecond == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.buckets[name]
	return !ok || b.limiter.TokensAt(now) >= 1
}

func (p *paces) bucket(l Limit, name string, now time.Time) *rate.Limiter {
	if p.buckets == nil {
		p.buckets = map[string]*bucket{}
	}
	b, ok := p.buckets[name]
	if !ok {
		p.makeRoom(now)
		b = &bucket{limiter: rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)}
		p.buckets[name] = b
	}
	b.last = now
	return b.limiter
}

// makeRoom forgets those who have not called for long, and all when none is left to forget: whoever comes from ten
// thousand addresses at once is not held by counting each.
func (p *paces) makeRoom(now time.Time) {
	if len(p.buckets) < mostPaces {
		return
	}
	for name, b := range p.buckets {
		if now.Sub(b.last) > forgotten {
			delete(p.buckets, name)
		}
	}
	if len(p.buckets) >= mostPaces {
		clear(p.buckets)
	}
}

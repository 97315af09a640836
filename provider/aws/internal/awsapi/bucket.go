package awsapi

import "time"

const (
	// slowDown is what is left of a rate that EC2 refused.
	slowDown = 0.7
	// slowest is the part of EC2's default rate below which a rate is not learned.
	slowest = 0.1
	// speedUp is the part of the default rate that is won back in speedUpIn without a refusal.
	speedUp   = 0.05
	speedUpIn = 30 * time.Second
	// late is how much later than we EC2 may begin to fill a full bucket again: it counts a call when that arrives.
	late = time.Second
	// maxClaims is how many tokens of launches are remembered as paid for.
	maxClaims = 32
)

// bucket is what is known of one token bucket of EC2. It is a value; the memory keeps it as JSON.
type bucket struct {
	Tokens    float64   `json:"tokens"` // at the time At
	At        time.Time `json:"at"`
	Rate      float64   `json:"rate,omitempty"`   // learned below the limit's at RefusedAt; 0: the limit's
	RefusedAt time.Time `json:"refused,omitzero"` // when EC2 last refused a call for it
	Claims    []claim   `json:"claims,omitempty"` // the newest last
}

// claim is what a launch has paid, so that it pays once however often its call is made.
type claim struct {
	Token string  `json:"token"`
	Paid  float64 `json:"paid"`
}

func full(l Limit, now time.Time) bucket { return bucket{Tokens: l.Burst, At: now} }

// rate is how fast the bucket fills, as far as is known: what a refusal took off comes back bit by bit.
func (b bucket) rate(l Limit, now time.Time) float64 {
	if b.Rate == 0 {
		return l.PerSecond
	}
	steps := float64(max(now.Sub(b.RefusedAt), 0) / speedUpIn)
	return min(l.PerSecond, b.Rate+steps*speedUp*l.PerSecond)
}

// level is how many tokens there are.
func (b bucket) level(l Limit, now time.Time) float64 {
	return min(l.Burst, b.Tokens+max(now.Sub(b.At), 0).Seconds()*b.rate(l, now))
}

// take takes tokens out, more than there are if it must.
func (b *bucket) take(l Limit, n float64, now time.Time) {
	level := b.level(l, now)
	at := now
	if level >= l.Burst {
		at = now.Add(late)
	} else if b.At.After(now) {
		at = b.At
	}
	b.Tokens, b.At = level-n, at
	if b.rate(l, now) >= l.PerSecond {
		b.Rate = 0
	}
}

// refused learns from a refusal: there were fewer tokens than thought, and they may come more slowly. Refusals of the same
// moment, as of calls side by side, slow it down once.
func (b *bucket) refused(l Limit, left float64, now time.Time) {
	rate := b.rate(l, now)
	b.Tokens, b.At = min(b.level(l, now), left), now
	if now.Sub(b.RefusedAt) >= time.Second {
		b.Rate = max(rate*slowDown, l.PerSecond*slowest)
		b.RefusedAt = now
	}
}

// wait is how long it takes until there are n tokens.
func (b bucket) wait(l Limit, n float64, now time.Time) time.Duration {
	short := n - b.level(l, now)
	if short <= 0 {
		return 0
	}
	wait := time.Duration(short / b.rate(l, now) * float64(time.Second))
	return wait + max(b.At.Sub(now), 0)
}

// paid is what a launch has paid already.
func (b bucket) paid(token string) float64 {
	for _, c := range b.Claims {
		if token != "" && c.Token == token {
			return c.Paid
		}
	}
	return 0
}

// pay remembers what a launch has paid; 0 forgets it.
func (b *bucket) pay(token string, n float64) {
	if token == "" {
		return
	}
	kept := make([]claim, 0, len(b.Claims)+1)
	for _, c := range b.Claims {
		if c.Token != token {
			kept = append(kept, c)
		}
	}
	if n > 0 {
		kept = append(kept, claim{token, n})
	}
	b.Claims = kept[max(len(kept)-maxClaims, 0):]
}

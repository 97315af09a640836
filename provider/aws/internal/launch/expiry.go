package launch

import (
	"cmp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// yields is after how long the unfilled rest of an order is asked for on demand; 0 is never.
func (a Ask) yields(api string) time.Duration {
	if !a.more() {
		return 0
	}
	whole := a.expiry(api)
	return whole - rest(whole)
}

// lasts is how long requests of the template may take where it sets no timeout of its own; 0 is as long as usual.
func (a Ask) lasts(api string) time.Duration {
	if a.Template.Timeout == 0 && a.Spec.Expires(api == APISpotFleet) {
		return a.Spec.SpotExpiry
	}
	return 0
}

// usualTime is assumed where it is not known how long a request may take.
const usualTime = 10 * time.Minute

// expiry is how long spot capacity may be waited for: as the template says, within the time that its requests have.
func (a Ask) expiry(api string) time.Duration {
	timeout := a.Template.Timeout
	switch {
	case timeout == 0 && a.lasts(api) > 0:
		return a.Spec.SpotExpiry
	case timeout == 0:
		return cmp.Or(a.Timeout, usualTime)
	case a.Spec.Expires(false):
		return min(a.Spec.SpotExpiry, timeout)
	default:
		return timeout
	}
}

// rest is how much of the time for spot capacity is kept for launching the unfilled rest on demand: a tenth, but at least as
// long as machines take to start, and never more than half.
func rest(whole time.Duration) time.Duration {
	const start = 3 * time.Minute
	return min(max(whole/10, start), whole/2)
}

// until is when a fleet stops trying. What it has launched by then stays.
func (p Parts) until(s spec.Spec) *time.Time {
	return aws.Time(p.Now().Add(s.SpotExpiry).UTC().Truncate(time.Second))
}

package awsapi

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	// defaultTries is how often a call is made at most, unless the operator says otherwise.
	defaultTries = 3
	// longestPause bounds the pause between two tries.
	longestPause = 20 * time.Second
	// showsWithin is how long EC2 may take to show what it has just made.
	showsWithin = time.Minute
)

// Retry is the only retry layer there is: the SDK's clients try each call once. A failure that another try of the same call
// cannot change is final.
type Retry struct {
	Tries int // of one call, with the first; 0: 3
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	mutex sync.Mutex
	made  map[string]time.Time // names and ids of what was made just now
}

// again says whether a call that failed for the nth time is made again, and after which pause.
func (r *Retry) again(n int, err, failed error) (time.Duration, bool) {
	tries := r.Tries
	if tries == 0 {
		tries = defaultTries
	}
	if n >= tries || !r.worthwhile(err, failed) {
		return 0, false
	}
	pause, err := retry.NewExponentialJitterBackoff(longestPause).BackoffDelay(n-1, err)
	return pause, err == nil
}

// worthwhile goes by the kind of failure. EC2 tells a lack of capacity with HTTP status 500, which the SDK's rules would
// repeat.
func (r *Retry) worthwhile(err, failed error) bool {
	switch ohfp.KindOf(failed) {
	case ohfp.ErrThrottled:
		return true
	case ohfp.ErrUnavailable, ohfp.ErrTimeout:
		// The SDK knows broken connections, answers of gateways and the codes of passing trouble, but not that an answer may
		// break off. Every call of ours may be made again: launches have a token, the others are absolute.
		var unread *smithy.DeserializationError
		return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &unread) || Code(failed) == "ResourceContention" ||
			retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
	case ohfp.ErrNotFound:
		return r.isNew(failed)
	default:
		return false
	}
}

// note remembers what was made, by name or id.
func (r *Retry) note(name *string) {
	if r == nil || aws.ToString(name) == "" {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := r.Now()
	for old, at := range r.made {
		if now.Sub(at) > showsWithin {
			delete(r.made, old)
		}
	}
	if r.made == nil {
		r.made = map[string]time.Time{}
	}
	r.made[*name] = now
}

// isNew says whether AWS refuses a name or id that it has given just now. It will know it soon.
func (r *Retry) isNew(failed error) bool {
	var cloud *ohfp.CloudError
	if !errors.As(failed, &cloud) {
		return false
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := r.Now()
	for name, at := range r.made {
		if now.Sub(at) <= showsWithin && strings.Contains(cloud.Message, name) {
			return true
		}
	}
	return false
}

// Sleep waits, but not beyond the time that there is.
func Sleep(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d { //nolint:forbidigo // a context's clock is the real one
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// do makes a call: paced, and again while that can help.
func (a API) do(ctx context.Context, c call, try func() error) error {
	var failed error
	for n := 1; ; n++ {
		if err := a.Pacer.admit(ctx, c); err != nil {
			if failed != nil && !errors.Is(failed, ohfp.ErrThrottled) {
				return failed // that try may have been carried out; the one that was put off was not
			}
			return err
		}
		err := a.attempt(ctx, c, try)
		if err == nil {
			return nil
		}
		failed = Fail(c.operation, err)
		if errors.Is(failed, ohfp.ErrThrottled) {
			a.Pacer.refused(ctx, c)
		}
		if a.Retry == nil {
			return failed
		}
		pause, again := a.Retry.again(n, err, failed)
		if !again || a.Retry.Sleep(ctx, pause) != nil {
			return failed
		}
	}
}

// attempt makes one try, and tells of it.
func (a API) attempt(ctx context.Context, c call, try func() error) error {
	if a.Called == nil {
		return try()
	}
	began := a.Now()
	err := try()
	told := provider.Call{Operation: c.operation, Took: a.Now().Sub(began)}
	if err != nil {
		told.Err = Fail(c.operation, err)
	}
	a.Called(ctx, told)
	return err
}

package awsapi

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// counted counts what is written to a memory.
type counted struct {
	*fake.Memory
	writes atomic.Int32
}

func (c *counted) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	done, err := c.Memory.Swap(ctx, key, old, value, ttl)
	if done {
		c.writes.Add(1)
	}
	return done, err
}

func newMemory() *counted { return &counted{Memory: fake.NewMemory(time.Now)} }

// process is a pacer as one process has it.
func process(memory provider.Memory) *Pacer {
	return &Pacer{Memory: memory, Prefix: "aws-rate/1/", Now: time.Now, Sleep: Sleep, Log: slog.New(slog.DiscardHandler)}
}

func reading(priority Priority) call {
	return call{operation: "DescribeInstances", region: "us-east-1", priority: priority}
}

func running(machines int, token string) call {
	return call{operation: "RunInstances", region: "us-east-1", priority: Launch, cost: cost{machines, token}}
}

// cloud is a bucket of EC2 as EC2 has it.
type cloud struct {
	mutex  sync.Mutex
	limit  Limit
	bucket bucket
	served int
	denied int
}

func newCloud(l Limit) *cloud {
	return &cloud{limit: l, bucket: bucket{Tokens: l.Burst, At: time.Now()}}
}

func (c *cloud) serve(n float64) bool {
	time.Sleep(20 * time.Millisecond)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := time.Now()
	level := min(c.limit.Burst, c.bucket.Tokens+now.Sub(c.bucket.At).Seconds()*c.limit.PerSecond)
	c.bucket.At = now
	if level < n {
		c.bucket.Tokens = level
		c.denied++
		return false
	}
	c.bucket.Tokens = level - n
	c.served++
	return true
}

// TestProcessesShareABucket: four processes that call as fast as they may get almost all that EC2 allows, and are almost
// never refused. Their memory is written to far less often than they call.
func TestProcessesShareABucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory, ec2 := newMemory(), newCloud(requestLimit("DescribeInstances"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 4 {
			p := process(memory)
			all.Go(func() {
				for p.admit(ctx, reading(Status)) == nil {
					if !ec2.serve(1) {
						p.refused(ctx, reading(Status))
					}
				}
			})
		}
		all.Wait()
		const bound = 100 + 20*120
		t.Logf("%d of %d calls served, %d refused, %d writes", ec2.served, bound, ec2.denied, memory.writes.Load())
		if ec2.served < bound*90/100 {
			t.Errorf("%d calls were served where EC2 allows %d", ec2.served, bound)
		}
		if ec2.denied*100 >= ec2.served {
			t.Errorf("%d of %d calls were refused", ec2.denied, ec2.served)
		}
		if writes := int(memory.writes.Load()); writes*2 > ec2.served {
			t.Errorf("%d writes for %d calls", writes, ec2.served)
		}
	})
}

// TestScriptsWriteNothing: a call of a script launches and looks without a write.
func TestScriptsWriteNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := newMemory()
		for range 10 {
			p := process(memory)
			n, err := p.claim(t.Context(), running(0, "token"), 100, 1000)
			if err != nil || n != 100 {
				t.Fatalf("%d of 100 machines may be launched, error %v", n, err)
			}
			for _, c := range []call{running(100, "token"), reading(Status), reading(Status)} {
				if err := p.admit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		// Nor does a daemon that looks each second.
		daemon := process(memory)
		for range 600 {
			if err := daemon.admit(t.Context(), reading(Status)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := memory.writes.Load(); n != 0 {
			t.Errorf("%d writes while there is plenty", n)
		}
	})
}

func TestALaunchPaysOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := newMemory()
		first := process(memory)
		if n, err := first.claim(t.Context(), running(0, "token"), 5000, 1000); err != nil || n != 1000 {
			t.Fatalf("claimed %d, error %v; want what a bucket holds", n, err)
		}
		if n, err := process(memory).claim(t.Context(), running(0, "token"), 5000, 1000); err != nil || n != 1000 {
			t.Errorf("the same launch in another process claims %d, error %v", n, err)
		}
		began := time.Now()
		for _, p := range []*Pacer{first, process(memory), process(memory)} {
			if err := p.admit(t.Context(), running(1000, "token")); err != nil {
				t.Errorf("the launch that has paid: %v", err)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("repeating it took %s", took)
		}
		_, err := process(memory).claim(t.Context(), running(0, "other"), 5000, 1000)
		var paced *ohfp.PacedError
		if !errors.As(err, &paced) || !errors.Is(err, ohfp.ErrThrottled) {
			t.Fatalf("a launch more: %v", err)
		}
		now := time.Now()
		if wait := paced.At.Sub(now); wait < 55*time.Second || wait > 65*time.Second {
			t.Errorf("the next launch may go in %s, want a minute's machines", wait)
		}
		if wait := paced.Done.Sub(now); wait < 2490*time.Second || wait > 2510*time.Second {
			t.Errorf("5000 machines are there in %s, want 2500 s", wait)
		}
		if n, err := process(memory).claim(t.Context(), running(0, "few"), 3, 1000); err == nil {
			t.Errorf("%d machines of an empty bucket", n)
		}
		time.Sleep(4 * time.Second)
		if n, err := process(memory).claim(t.Context(), running(0, "few"), 3, 1000); err != nil || n != 3 {
			t.Errorf("%d of 3 machines after four seconds, error %v", n, err)
		}
	})
}

// TestRefusalsSlowDown: what EC2 refuses makes calls slower for all processes, and only for a time.
func TestRefusalsSlowDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := newMemory()
		one, other := process(memory), process(memory)
		if err := one.admit(t.Context(), reading(Status)); err != nil {
			t.Fatal(err)
		}
		one.refused(t.Context(), reading(Status))
		rate := func() float64 {
			time.Sleep(readEvery)
			other.mutex.Lock()
			defer other.mutex.Unlock()
			other.place = other.Prefix + "us-east-1/"
			v := other.view(t.Context(), "DescribeInstances")
			return v.rate(v.limit, time.Now())
		}
		if got := rate(); got < 13.9 || got > 14.1 {
			t.Errorf("after a refusal the other process goes by %.1f calls a second, want 14 of 20", got)
		}
		for range 20 {
			other.refused(t.Context(), reading(Status))
			time.Sleep(time.Second)
		}
		if got := rate(); got < 2 || got > 2.1 {
			t.Errorf("after many refusals: %.1f calls a second, want 2", got)
		}
		time.Sleep(5 * time.Minute)
		if got := rate(); got < 11.9 || got > 12.1 {
			t.Errorf("five minutes later: %.1f calls a second, want 12", got)
		}
		time.Sleep(10 * time.Minute)
		if got := rate(); got != 20 {
			t.Errorf("much later: %.1f calls a second, want 20", got)
		}
	})
}

// TestARefusedLaunchHasNotPaid: EC2 takes nothing for a call that it refuses.
func TestARefusedLaunchHasNotPaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := process(newMemory())
		for range 5 { // the bucket of calls is the emptier one
			if err := p.admit(t.Context(), running(1, "")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.claim(t.Context(), running(0, "token"), 400, 1000); err != nil {
			t.Fatal(err)
		}
		p.refused(t.Context(), running(400, "token"))
		n, err := p.claim(t.Context(), running(0, "other"), 995, 1000)
		if err != nil || n < 990 {
			t.Errorf("%d machines may be launched, error %v; want those of the refused launch too", n, err)
		}
	})
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := process(newMemory())
		take := func(priority Priority) (n int) {
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				err := p.admit(ctx, reading(priority))
				cancel()
				if err != nil {
					return n
				}
				n++
			}
		}
		for _, step := range []struct {
			priority Priority
			want     int
		}{{Discovery, 50}, {Launch, 25}, {Status, 15}, {Terminate, 10}} {
			if got := take(step.priority); got < step.want-1 || got > step.want+1 {
				t.Errorf("priority %d takes %d of 100, want %d", step.priority, got, step.want)
			}
		}
	})
}

// TestPutOff: a call that cannot be made in its caller's time is not made, and tells when it can.
func TestPutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := process(newMemory())
		for range 5 {
			if err := p.admit(t.Context(), running(1, "")); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := p.admit(ctx, running(1, ""))
		var paced *ohfp.PacedError
		if !errors.As(err, &paced) || !paced.At.After(time.Now()) || paced.At.After(time.Now().Add(2*time.Second)) {
			t.Errorf("got %v, want to be told to come back in a second", err)
		}
		if err := p.admit(t.Context(), running(1, "")); err != nil {
			t.Errorf("who has the time waits: %v", err)
		}
	})
}

// TestLostMemoryPacesEachProcess: each process then keeps to the limits by itself.
func TestLostMemoryPacesEachProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := process(lost{}), time.Now()
		for range 300 {
			if err := p.admit(t.Context(), reading(Status)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("300 calls took %s, want 10 s for the 200 that are more than a bucket holds", took)
		}
	})
}

type lost struct{}

var errLost = errors.New("disk full")

func (lost) Recall(context.Context, string) ([]byte, bool, error) { return nil, false, errLost }

func (lost) RecallPrefix(context.Context, string) (map[string][]byte, error) { return nil, errLost }

func (lost) Remember(context.Context, string, []byte, time.Duration) error { return errLost }

func (lost) Swap(context.Context, string, []byte, []byte, time.Duration) (bool, error) {
	return false, errLost
}

func (lost) Forget(context.Context, string) error { return errLost }

// TestEveryOperationHasALimit: the settings take the name of each operation that this provider calls.
func TestEveryOperationHasALimit(t *testing.T) {
	t.Parallel()
	calls := reflect.TypeFor[EC2]()
	for i := range calls.NumMethod() {
		if name := calls.Method(i).Name; !slices.Contains(pacedOperations(), name) || !requestLimit(name).Limited() {
			t.Errorf("%s has no limit", name)
		}
	}
}

func BenchmarkPlenty(b *testing.B) {
	p := process(newMemory())
	now := time.Now()
	p.Now = func() time.Time { now = now.Add(time.Second); return now }
	for b.Loop() {
		if err := p.admit(b.Context(), reading(Status)); err != nil {
			b.Fatal(err)
		}
	}
}

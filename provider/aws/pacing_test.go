package aws_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// account is an AWS with EC2's default rates, and a store, in time that is not real.
type account struct {
	tb    testing.TB
	cloud *awssim.Cloud
	store *memory.Store
}

func newAccount(tb testing.TB) *account {
	tb.Helper()
	cloud, err := awssim.New(awssim.Options{
		Now: time.Now, Seed: 1, Throttle: true, LaunchDelay: 20 * time.Second, Latency: 200 * time.Millisecond,
		Subnets: []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/16"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &account{tb: tb, cloud: cloud, store: memory.New(time.Now)}
}

// process is an engine of its own, which shares the store with others.
func (a *account) process() *reconcile.Executor {
	a.tb.Helper()
	p, err := aws.OpenOn(a.cloud, json.RawMessage(`{"region": "us-east-1"}`), provider.Environment{
		Name: "aws-test", Installation: "0123456789abcdef", Memory: a.store, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		a.tb.Fatal(err)
	}
	return &reconcile.Executor{Store: a.store, Providers: only{p}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// request stores a request that has launched nothing yet.
func (a *account) request(count int) ohfp.RequestID {
	a.tb.Helper()
	t := template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`"}`)
	t.MaxNumber = 10_000
	r, events, err := ohfp.NewAcquire(ohfp.NewRequestID(ohfp.TypeAcquire, time.Now()), t, count, ohfp.Origin{Face: "test"}, 10*time.Minute, time.Now())
	if err != nil {
		a.tb.Fatal(err)
	}
	r.Provider = "aws-test"
	if err := a.store.CreateRequest(a.tb.Context(), r, store.Limits{}, events...); err != nil {
		a.tb.Fatal(err)
	}
	return r.ID
}

// launchAll drives a request each second or so, as a daemon does, until all of it is launched.
func (a *account) launchAll(id ohfp.RequestID, scripts bool) {
	e := a.process()
	for {
		if scripts {
			e = a.process()
		}
		r, err := e.Drive(a.tb.Context(), id, ohfp.Facts{})
		if err != nil {
			a.tb.Errorf("drive %s: %v", id, err)
			return
		}
		if len(r.Machines) >= r.Count || r.Status.Terminal() {
			return
		}
		time.Sleep(max(time.Second, min(30*time.Second, time.Until(r.Paced.Until).Truncate(time.Second)+time.Second)))
	}
}

// tally is what the cloud saw: when the last machines were launched, the calls, and those of them refused for their rate.
func (a *account) tally() (last time.Time, calls, refused int) {
	for _, c := range a.cloud.Ledger() {
		calls++
		if c.Code == "RequestLimitExceeded" {
			refused++
		}
		if c.Action == "RunInstances" && c.Code == "" {
			last = c.Time
		}
	}
	return last, calls, refused
}

type only struct{ cloud provider.Provider }

func (o only) Provider(context.Context, string) (provider.Provider, error) { return o.cloud, nil }

// TestThrottle launches two thousand machines, or ten thousand with OHFP_TEST_LONG set, under EC2's default rates: a bucket of 1000 machines that gains 2 a second,
// and one of 5 calls that gains 2 a second. It may take 5 % longer than that allows, and one call in a hundred may be
// refused.
func TestThrottle(t *testing.T) {
	t.Parallel()
	machines := 2_000
	if os.Getenv("OHFP_TEST_LONG") != "" {
		machines = 10_000
	}
	bound := time.Duration(machines-1000) / 2 * time.Second
	for _, test := range []struct {
		name      string
		processes int
		scripts   bool // each step is a process of its own
	}{
		{"one daemon", 1, false},
		{"four daemons", 4, false},
		{"scripts of four requests", 4, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				began := time.Now()
				var all sync.WaitGroup
				for range test.processes {
					id := a.request(machines / test.processes)
					all.Go(func() { a.launchAll(id, test.scripts) })
				}
				all.Wait()
				last, calls, refused := a.tally()
				took := last.Sub(began)
				t.Logf("%d machines in %s, %.1f %% over the bound %s; %d calls, %d refused", machines, took, 100*(took.Seconds()/bound.Seconds()-1), bound, calls, refused)
				if n := len(a.cloud.Instances()); n != machines {
					t.Errorf("%d machines, want %d", n, machines)
				}
				if took > bound*105/100 {
					t.Errorf("took %s, want %s and 5 %% at most", took, bound)
				}
				if refused*100 >= calls {
					t.Errorf("%d of %d calls were refused for their rate", refused, calls)
				}
			})
		})
	}
}

// TestBulkTellsHowLong: a request that waits for EC2's rate says how far it is and how long it will take, goes on by
// itself, and is given its time from the last launch that was let through.
func TestBulkTellsHowLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		e, id := a.process(), a.request(2600)
		drive := func() ohfp.Request {
			t.Helper()
			r, err := e.Drive(t.Context(), id, ohfp.Facts{})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := drive()
		if want := "waiting for the cloud's rate: 1,000 of 2,600 launched, about 14 min to go"; r.Message != want {
			t.Errorf("message is %q, want %q", r.Message, want)
		}
		time.Sleep(10 * time.Second)
		if again := drive(); len(again.Attempts) != len(r.Attempts) {
			t.Error("it launches before the rate allows")
		}
		for range 8 { // past the deadline that it was born with
			time.Sleep(90 * time.Second)
			r = drive()
		}
		if r.Status != ohfp.StatusInProgress || len(r.Machines) < 2400 || len(r.Machines) >= 2600 {
			t.Fatalf("after 12 minutes it is %s with %d machines", r.Status, len(r.Machines))
		}
		if left := time.Until(r.Deadline); left < 8*time.Minute || left > 10*time.Minute {
			t.Errorf("its deadline is in %s, want 10 minutes from the last launch", left)
		}
		time.Sleep(2 * time.Minute)
		r = drive()
		if len(r.Machines) != 2600 || r.Message != "" && strings.Contains(r.Message, "waiting") {
			t.Errorf("in the end it has %d machines and says %q", len(r.Machines), r.Message)
		}
		time.Sleep(11 * time.Minute) // the rest does not count as waiting
		e.Sync(t.Context(), []ohfp.Request{r})
		if r, err := a.store.Request(t.Context(), id); err != nil || r.Status != ohfp.StatusComplete {
			t.Errorf("it is %s, %s, error %v", r.Status, r.Message, err)
		}
	})
}

// TestARequestIsTakenOnWhileTheRateIsUsedUp: it is accepted, waits and can be cancelled.
func TestARequestIsTakenOnWhileTheRateIsUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		e := a.process()
		for _, count := range []int{1000, 50} {
			id := a.request(count)
			r, err := e.Drive(t.Context(), id, ohfp.Facts{})
			if err != nil {
				t.Fatal(err)
			}
			if count == 1000 {
				continue
			}
			if want := "waiting for the cloud's rate: 0 of 50 launched, about 30 s to go"; r.Message != want || len(r.Attempts) != 0 {
				t.Errorf("message is %q with %d attempts, want %q", r.Message, len(r.Attempts), want)
			}
			if _, err := a.store.UpdateRequest(t.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
				return r.Stop(ohfp.StatusCancelled, ohfp.ReasonCancelled, "not needed", time.Now())
			}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if r, err = e.Drive(t.Context(), id, ohfp.Facts{}); err != nil || r.Status != ohfp.StatusCancelled || len(r.Machines) > 0 {
				t.Errorf("after it was cancelled it is %s with %d machines, error %v", r.Status, len(r.Machines), err)
			}
		}
	})
}

// TestRateLimits: an account may have other rates, or be asked not to be paced at all.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config  string
		unpaced bool
		want    int // machines of 1000 that one order asks for
	}{
		"default":      {`{}`, false, 1000},
		"lower":        {`{"rate_limits": {"RunInstances:machines": {"burst": 300, "per_second": 1}}}`, false, 300},
		"not paced":    {`{"rate_limits": {"RunInstances:machines": {"burst": 300, "per_second": 1}}}`, true, 1000},
		"another call": {`{"rate_limits": {"DescribeInstances": {"burst": 10, "per_second": 1}}}`, false, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			env := w.environment(nil)
			env.Unpaced = test.unpaced
			order, err := w.openIn(t, env, test.config).Prepare(t.Context(), ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`"}`), 1000))
			if err != nil || order.Count != test.want {
				t.Errorf("an order for %d machines, error %v; want %d", order.Count, err, test.want)
			}
		})
	}
	for config, want := range map[string]string{
		`{"rate_limits": {"RunInstancez": {"burst": 1, "per_second": 1}}}`: "RunInstancez has no limit that is known",
		`{"rate_limits": {"RunInstances": {"burst": 0, "per_second": 1}}}`: "needs burst, 1 or more",
		`{"rate_limits": {"RunInstances": {"bursts": 1}}}`:                 "bursts",
	} {
		if _, err := aws.Open(t.Context(), json.RawMessage(config), newWorld(t, awssim.Options{}).environment(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

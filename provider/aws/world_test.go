package aws_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store/memory"
)

const (
	zoneA, zoneB     = "us-east-1a", "us-east-1b"
	subnetA, subnetB = "subnet-0000000000000000a", "subnet-0000000000000000b"
	image            = "ami-0123456789abcdef0"
)

// world is a simulated AWS, a memory that outlives providers, and a clock.
type world struct {
	*awssim.Cloud
	url    string
	memory provider.Memory
	fault  *fault

	mutex sync.Mutex
	time  time.Time
}

// newWorld makes one in which only the provider calls, and nothing that its policy does not allow.
func newWorld(tb testing.TB, options awssim.Options) *world {
	tb.Helper()
	w := newSharedWorld(tb, options)
	tb.Cleanup(func() { checkPolicy(tb, w) })
	return w
}

// newSharedWorld makes one in which a test may call, too.
func newSharedWorld(tb testing.TB, options awssim.Options) *world {
	tb.Helper()
	w := &world{time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.memory = memory.New(w.now)
	options.Now, options.Seed = w.now, 1
	cloud, err := awssim.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	w.Cloud, w.fault = cloud, &fault{next: cloud}
	server := httptest.NewServer(w.fault)
	tb.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) now() time.Time {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.time
}

// advance moves the one clock that the cloud, the memory and the providers share.
func (w *world) advance(d time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) environment(variables map[string]string) provider.Environment {
	all := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	maps.Copy(all, variables)
	return provider.Environment{
		Name: "aws-test", Installation: "0123456789abcdef", Memory: w.memory, Log: slog.New(slog.DiscardHandler), Now: w.now,
		LookupEnv: func(key string) (string, bool) { value, ok := all[key]; return value, ok },
	}
}

// open opens a provider as another process would.
func (w *world) open(tb testing.TB, config ...string) provider.Provider {
	tb.Helper()
	return w.openIn(tb, w.environment(nil), config...)
}

func (w *world) openIn(tb testing.TB, env provider.Environment, config ...string) provider.Provider {
	tb.Helper()
	fields := map[string]any{"region": "us-east-1", "endpoint_url": w.url, "max_retries": 0}
	for _, more := range config {
		if err := json.Unmarshal([]byte(more), &fields); err != nil {
			tb.Fatal(err)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := aws.Open(tb.Context(), raw, env)
	if err != nil {
		tb.Fatal(err)
	}
	aws.SetPause(p, func(ctx context.Context, d time.Duration) error {
		w.advance(d)
		return ctx.Err()
	})
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// actions lists the calls since the ledger was reset.
func (w *world) actions() []string {
	var actions []string
	for _, call := range w.Ledger() {
		actions = append(actions, call.Action)
	}
	return actions
}

// live lists the instances that are not terminated.
func (w *world) live() []ohfp.MachineID {
	var ids []ohfp.MachineID
	for _, i := range w.Instances() {
		if i.State != "terminated" {
			ids = append(ids, ohfp.MachineID(i.ID))
		}
	}
	return ids
}

// template makes a template from the JSON of its AWS fields.
func template(api, fields string) ohfp.Template {
	return ohfp.Template{ID: "compute", MaxNumber: 2000, ProviderAPI: api, Spec: json.RawMessage(fields)}
}

func ask(t ohfp.Template, count int) provider.Ask {
	return provider.Ask{Request: ohfp.NewRequestID(ohfp.TypeAcquire, time.Now()), Attempt: 1, Template: t, Count: count}
}

// launch prepares and carries out an order that must succeed.
func launch(tb testing.TB, p provider.Provider, a provider.Ask) (ohfp.Order, provider.Launched) {
	tb.Helper()
	order, err := p.Prepare(tb.Context(), a)
	if err != nil {
		tb.Fatal(err)
	}
	launched, err := p.Launch(tb.Context(), order)
	if err != nil {
		tb.Fatalf("launch %s: %v", order.Offering, err)
	}
	return order, launched
}

func ids(machines []ohfp.Machine) []ohfp.MachineID {
	out := make([]ohfp.MachineID, len(machines))
	for i, m := range machines {
		out[i] = m.ID
	}
	slices.Sort(out)
	return out
}

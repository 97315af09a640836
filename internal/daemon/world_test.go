//go:build linux || darwin

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// world is a cloud and a store, with a daemon over them in this process.
type world struct {
	tb     testing.TB
	clock  *fake.Clock
	cloud  *fake.Cloud
	store  store.Store
	daemon *Daemon
	config config.Config

	looks    atomic.Int64 // how often the cloud was asked how machines are
	launches atomic.Int64 // how often it was asked for machines
	panics   atomic.Bool  // of the provider

	stop  context.CancelFunc
	ended chan error
}

// counted is the provider as the world watches it.
type counted struct {
	provider.Provider
	world *world
}

func (c counted) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	c.world.looks.Add(1)
	return c.Provider.Observe(ctx, scopes)
}

func (c counted) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	c.world.launches.Add(1)
	if c.world.panics.Load() {
		panic("boom")
	}
	return c.Provider.Launch(ctx, order)
}

// newWorld makes a world whose daemon does not run yet.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	clock := fake.NewClock(time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC))
	w := &world{
		tb: tb, clock: clock, store: memory.New(clock.Now),
		cloud: fake.New(clock.Now, fake.Settings{LaunchDelay: time.Second, TerminateDelay: time.Second}),
	}
	dir := shortDir(tb)
	w.config = config.Config{
		Access:   config.Access{LocalRole: "operator"},
		Instance: "awsinst", ConfDir: dir, WorkDir: filepath.Join(dir, "w"),
		Requests: config.Requests{CallBudget: patience},
		Daemon: config.Daemon{
			Interval: 100 * time.Millisecond, IdleInterval: time.Second, LiveInterval: time.Second, AnswerWithin: patience,
			StopWithin: patience,
		},
	}
	w.daemon = w.process()
	return w
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "d") //nolint:usetesting // its path would be too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// process is the program, as one process of many has it.
func (w *world) process() *Daemon {
	w.tb.Helper()
	p, err := w.cloud.Open(provider.Environment{Name: "cloud", Installation: "here", Memory: w.store, Now: w.clock.Now})
	if err != nil {
		w.tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	commands := &command.Commands{
		Store: w.store, Templates: templates{},
		Placement: placement.Policy{Instances: []placement.Instance{{Name: "cloud", Type: fake.Type}}},
		Executor:  &reconcile.Executor{Store: w.store, Providers: only{counted{p, w}}, Now: w.clock.Now, Log: log},
		Requests:  command.RequestPolicy{Timeout: 10 * time.Minute, Abandon: ohfp.AbandonPolicy{Unanswered: 10 * time.Minute}},
		Now:       w.clock.Now,
		NewID:     func(kind ohfp.RequestType) ohfp.RequestID { return ohfp.NewRequestID(kind, w.clock.Now()) },
		Log:       log,
	}
	return &Daemon{
		Config: w.config, Commands: commands,
		Queries: &query.Queries{Store: w.store, Templates: templates{}, Now: w.clock.Now},
		Partial: hostfactory.PartialWithError, Now: time.Now, Log: log,
	}
}

// only is a provider that is the only one.
type only struct{ it provider.Provider }

// Provider implements the executor's Providers.
func (o only) Provider(context.Context, string) (provider.Provider, error) { return o.it, nil }

// templates is a catalog of one.
type templates struct{}

func one() ohfp.Template {
	return ohfp.Template{ID: "small", MaxNumber: 10_000, ProviderAPI: fake.APIInstances, Spec: json.RawMessage(`{"type":"small"}`)}
}

func (templates) Template(_ context.Context, id ohfp.TemplateID) (ohfp.Template, error) {
	if id != "small" {
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist", id)
	}
	return one(), nil
}

func (templates) Listed(context.Context) ([]query.TemplateView, []string, error) {
	view := query.TemplateView{Template: one(), Attributes: map[string]ohfp.Attribute{
		"type": ohfp.Text("X86_64"), "ncpus": ohfp.Numeric(2), "nram": ohfp.Numeric(4096),
	}}
	return []query.TemplateView{view}, []string{"template large is not listed", "nor is template huge"}, nil
}

// serve runs the daemon until the test ends or it is stopped.
func (w *world) serve() {
	w.tb.Helper()
	var place *Place
	// A process that another test starts has our locks too, until it becomes its program.
	w.eventually("the place is free", func() (free bool) {
		var err error
		place, err = Claim(w.config, "")
		if err != nil && !errors.Is(err, ohfp.ErrConflict) {
			w.tb.Fatal(err)
		}
		return err == nil
	})
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.ended = stop, make(chan error, 1)
	go func() {
		err := w.daemon.Run(ctx, place)
		if released := place.Release(); err == nil {
			err = released
		}
		w.ended <- err
	}()
	w.tb.Cleanup(w.stopped)
	w.eventually("the daemon is ready", func() bool {
		status, err := Check(w.tb.Context(), w.config, time.Now)
		return err == nil && status.Ready
	})
}

// stopped stops the daemon and waits for its end.
func (w *world) stopped() {
	w.tb.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
	select {
	case err := <-w.ended:
		if err != nil {
			w.tb.Error(err)
		}
	case <-time.After(patience):
		w.tb.Error("the daemon does not stop")
	}
}

func (w *world) eventually(what string, so func() bool) {
	w.tb.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.tb.Fatalf("it never happens that %s", what)
		}
	}
}

// call hands a call over, as the thin program does, but confirms only when told. A busy machine may not greet in time:
// that is asked again.
func (w *world) call(action hostfactory.Action, input string) (answer *wire.Answer, err error) {
	w.tb.Helper()
	var late net.Error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		answer, err = w.callOnce(action, input)
		if err == nil || errors.Is(err, wire.ErrLost) || !errors.As(err, &late) || !late.Timeout() {
			break
		}
	}
	return answer, err
}

func (w *world) callOnce(action hostfactory.Action, input string) (*wire.Answer, error) {
	w.tb.Helper()
	socket, err := address.Of(w.config.WorkDir)
	if err != nil {
		return nil, err
	}
	return wire.Client{Socket: socket, Now: time.Now}.Call(wire.Request{
		Action: string(action), Instance: w.config.Instance, Conf: w.config.ConfDir, Caller: "ann",
	}, []byte(input))
}

// ask is call with confirmation, for calls that must be answered.
func (w *world) ask(action hostfactory.Action, input string) *wire.Answer {
	w.tb.Helper()
	answer, err := w.call(action, input)
	if err != nil {
		w.tb.Fatalf("%s: %v", action, err)
	}
	if err := answer.Written(); err != nil {
		w.tb.Fatal(err)
	}
	if err := answer.Close(); err != nil {
		w.tb.Fatal(err)
	}
	return answer
}

// request is requestMachines, and the id it answers.
func (w *world) request(count int) ohfp.RequestID {
	w.tb.Helper()
	input, _ := json.Marshal(map[string]any{"template": map[string]any{"templateId": "small", "machineCount": count}})
	answer := w.ask(hostfactory.RequestMachines, string(input))
	return requestID(w.tb, answer)
}

func requestID(tb testing.TB, answer *wire.Answer) ohfp.RequestID {
	tb.Helper()
	var body struct {
		ID ohfp.RequestID `json:"requestId"`
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil || body.ID == "" || answer.Exit != 0 {
		tb.Fatalf("exit %d, %s: %v", answer.Exit, answer.Body, err)
	}
	return body.ID
}

func (w *world) stored(id ohfp.RequestID) ohfp.Request {
	w.tb.Helper()
	r, err := w.store.Request(context.Background(), id)
	if err != nil {
		w.tb.Fatal(err)
	}
	return r
}

// all lists the requests in the store.
func (w *world) all() []ohfp.Request {
	w.tb.Helper()
	requests, err := w.store.Requests(context.Background(), store.RequestFilter{Machines: true})
	if err != nil {
		w.tb.Fatal(err)
	}
	return requests
}

// complete waits until the daemon has brought a request to its end on its own.
func (w *world) complete(id ohfp.RequestID) ohfp.Request {
	w.tb.Helper()
	w.eventually("request "+string(id)+" is complete", func() bool {
		w.clock.Advance(100 * time.Millisecond)
		return w.stored(id).Status == ohfp.StatusComplete
	})
	return w.stored(id)
}

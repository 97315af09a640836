package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

const (
	launchDelay    = 20 * time.Second
	terminateDelay = 30 * time.Second
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// world is a cloud and a store that outlive any number of processes.
type world struct {
	t     *testing.T
	clock *fake.Clock
	cloud *fake.Cloud
	store store.Store

	tune func(*command.Commands) // changes what a process is like; nil: nothing

	mu        sync.Mutex
	templates map[ohfp.TemplateID]ohfp.Template
	requests  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := fake.NewClock(start)
	w := &world{
		t: t, clock: clock, store: memory.New(clock.Now), templates: map[ohfp.TemplateID]ohfp.Template{},
		cloud: fake.New(clock.Now, fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay}),
	}
	w.template("small", 100, `{"type":"small"}`, fake.APIInstances)
	w.template("fleet", 100, `{"types":{"small":1,"large":4}}`, fake.APIFleet)
	w.template("group", 100, `{"type":"small"}`, fake.APIGroup)
	w.template("ask", 100, `{"type":"small"}`, fake.APIRequest)
	w.template("heavy", 100, `{"types":{"medium":2,"large":4},"zones":["zone-b"]}`, fake.APIGroup)
	w.template("mixed", 100, `{"type":"small","fallback":"large"}`, fake.APIGroup)
	return w
}

func (w *world) template(id ohfp.TemplateID, maxNumber int, spec, api string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.templates[id] = ohfp.Template{ID: id, MaxNumber: maxNumber, ProviderAPI: api, Spec: json.RawMessage(spec)}
}

// Template makes the world the catalog of its templates.
func (w *world) Template(_ context.Context, id ohfp.TemplateID) (ohfp.Template, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.templates[id]; ok {
		return t, nil
	}
	return ohfp.Template{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist", id)
}

// opened is the provider of one process.
type opened struct{ cloud provider.Provider }

func (o opened) Provider(context.Context, string) (provider.Provider, error) { return o.cloud, nil }

// open opens the provider of one process.
func (w *world) open() *fake.Provider {
	w.t.Helper()
	p, err := w.cloud.Open(provider.Environment{Name: "cloud", Installation: "here", Memory: w.store, Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// process starts a process: it shares nothing with others but the store and the cloud.
func (w *world) process() *command.Commands {
	w.t.Helper()
	p := w.open()
	log := slog.New(slog.DiscardHandler)
	c := &command.Commands{
		Store:     w.store,
		Templates: w,
		Placement: placement.Policy{Instances: []placement.Instance{{Name: "cloud", Type: fake.Type}}},
		Executor:  &reconcile.Executor{Store: w.store, Providers: opened{p}, Now: w.clock.Now, Log: log},
		Requests: command.RequestPolicy{
			Timeout: 10 * time.Minute,
			Abandon: ohfp.AbandonPolicy{Unanswered: 10 * time.Minute, Unpolled: 40 * time.Minute},
		},
		Now:   w.clock.Now,
		NewID: w.newID,
		Log:   log,
	}
	if w.tune != nil {
		w.tune(c)
	}
	return c
}

// newID numbers the requests, so that a random history can be played again.
func (w *world) newID(kind ohfp.RequestType) ohfp.RequestID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	prefix := "req"
	if kind == ohfp.TypeReturn {
		prefix = "ret"
	}
	return ohfp.RequestID(fmt.Sprintf("%s-00000000-0000-7000-8000-%012d", prefix, w.requests))
}

// crash is what a process dies with at a step.
type crash struct{ step string }

// dieAt runs work in a process that is killed when it reaches a step, and says whether it was.
func (w *world) dieAt(step string, work func(*command.Commands)) (died bool) {
	w.t.Helper()
	c := w.process()
	c.Executor.Step = func(reached string) {
		if reached == step {
			panic(crash{step})
		}
	}
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case crash:
			died = true
		default:
			panic(cause)
		}
	}()
	work(c)
	return false
}

func (w *world) request(id ohfp.TemplateID, count int) ohfp.Request {
	w.t.Helper()
	c := w.process()
	r, err := c.RequestMachines(w.t.Context(), command.RequestMachines{Template: id, Count: count, Origin: ohfp.Origin{Face: "cli"}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Answered(w.t.Context(), r.ID); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// poll asks for a request in a process of its own.
func (w *world) poll(id ohfp.RequestID) ohfp.Request {
	w.t.Helper()
	if err := w.process().SyncRequests(w.t.Context(), command.SyncRequests{IDs: []ohfp.RequestID{id}}); err != nil {
		w.t.Logf("sync: %v", err)
	}
	return w.read(id)
}

func (w *world) read(id ohfp.RequestID) ohfp.Request {
	w.t.Helper()
	r, err := w.store.Request(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// follow polls every 10 seconds until the request is settled or a day has passed.
func (w *world) follow(id ohfp.RequestID) ohfp.Request {
	w.t.Helper()
	var r ohfp.Request
	for end := w.clock.Now().Add(24 * time.Hour); w.clock.Now().Before(end); w.clock.Advance(10 * time.Second) {
		if r = w.poll(id); r.Settled() {
			return r
		}
	}
	w.t.Fatalf("request %s is %s after a day: %s", id, r.Status, r.Message)
	return r
}

func (w *world) giveBack(named ...command.Named) ohfp.Request {
	w.t.Helper()
	r, err := w.process().ReturnMachines(w.t.Context(), command.ReturnMachines{Machines: named})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// want checks a request's status, and that exactly the machines that it holds are alive.
func (w *world) want(r ohfp.Request, status ohfp.Status, alive int) {
	w.t.Helper()
	if r.Status != status {
		w.t.Errorf("request is %s (%s), want %s", r.Status, r.Message, status)
	}
	if live := w.cloud.Live(); len(live) != alive {
		w.t.Errorf("%d machines are alive, want %d", len(live), alive)
	}
	held := 0
	for _, m := range r.Machines {
		if !m.Gone() {
			held++
		}
	}
	if r.Type == ohfp.TypeAcquire && held != alive {
		w.t.Errorf("the record holds %d machines, %d are alive", held, alive)
	}
}

package chaos

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	"github.com/openhostfactory/ohfp/store"
)

var errDead = errors.New("the process is dead")

// death is how a process ends before its time.
type death struct {
	step   string        // the step of a request that kills it
	effect int           // the call of the cloud, or write to the store, that kills it, from 1
	after  bool          // the effect comes about, and nobody learns of it
	within time.Duration // it is killed after this time
	asked  bool          // it is told to end (SIGTERM), not killed
}

// life is the time that a process has. Once it is over nothing that the process still does reaches the world: no call, no
// write, no answer.
type life struct {
	death

	soft, hard      context.Context // end when the process is told to end, and when it is killed
	cutSoft, cutAll context.CancelFunc

	mu      sync.Mutex
	effects int
	over    bool
}

func newLife(ctx context.Context, d death) *life {
	l := &life{death: d}
	l.hard, l.cutAll = context.WithCancel(ctx)
	l.soft, l.cutSoft = context.WithCancel(l.hard)
	return l
}

func (l *life) die() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.cutAll()
}

func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// reach is told of the steps of requests.
func (l *life) reach(step string) {
	if step == l.step {
		l.die()
	}
}

// effect does what others can see, unless the process is dead or dies of it.
func effect[T any](l *life, do func() (T, error)) (T, error) {
	var none T
	l.mu.Lock()
	l.effects++
	over, fatal := l.over, l.effects == l.death.effect
	l.mu.Unlock()
	if over {
		return none, errDead
	}
	if fatal && !l.after {
		l.die()
		return none, errDead
	}
	out, err := do()
	if fatal {
		l.die()
	}
	if l.dead() {
		return none, errDead
	}
	return out, err
}

func effectOnly(l *life, do func() error) error {
	_, err := effect(l, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// line is a process's line to the cloud.
type line struct {
	*life
	next http.RoundTripper
}

func (w line) RoundTrip(r *http.Request) (*http.Response, error) {
	return effect(w.life, func() (*http.Response, error) { return w.next.RoundTrip(r) })
}

// mortal is the store as one process has it.
type mortal struct {
	store.Store
	*life
}

func (m mortal) Request(ctx context.Context, id ohfp.RequestID) (ohfp.Request, error) {
	if m.dead() {
		return ohfp.Request{}, errDead
	}
	return m.Store.Request(ctx, id)
}

func (m mortal) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	return effect(m.life, func() (ohfp.InstallationID, error) { return m.Store.Installation(ctx, suggested) })
}

func (m mortal) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	return effectOnly(m.life, func() error { return m.Store.CreateRequest(ctx, r, limits, events...) })
}

func (m mortal) UpdateRequest(ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error)) (ohfp.Request, error) {
	return effect(m.life, func() (ohfp.Request, error) { return m.Store.UpdateRequest(ctx, id, change) })
}

func (m mortal) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return effectOnly(m.life, func() error { return m.Store.Remember(ctx, key, value, ttl) })
}

func (m mortal) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	return effect(m.life, func() (bool, error) { return m.Store.Swap(ctx, key, old, value, ttl) })
}

func (m mortal) Forget(ctx context.Context, prefix string) error {
	return effectOnly(m.life, func() error { return m.Store.Forget(ctx, prefix) })
}

func (m mortal) Advance(ctx context.Context, follower string, from, to int64) (bool, error) {
	return effect(m.life, func() (bool, error) { return m.Store.Advance(ctx, follower, from, to) })
}

func (m mortal) Compact(ctx context.Context, before time.Time) (store.Compacted, error) {
	return effect(m.life, func() (store.Compacted, error) { return m.Store.Compact(ctx, before) })
}

// process is the program, as one process has it: it shares nothing with others but store, cloud and files.
type process struct {
	*life
	*app.App
	world *world
	timer *time.Timer
	wake  func()
	done  chan struct{} // of a daemon
}

// start starts a process that is to end like that.
func (w *world) start(d death) *process {
	p := &process{life: newLife(w.t.Context(), d), world: w, wake: func() {}}
	if d.within > 0 {
		kill := p.die
		if d.asked {
			kill = p.cutSoft
		}
		p.timer = time.AfterFunc(d.within, kill)
	}
	factory := aws.Through(line{p.life, w.proxy})
	opened, err := app.Open(p.soft, w.config, app.Options{
		Stderr: w.log, LookupEnv: w.lookup, Now: time.Now,
		Registry: provider.Registry{"aws": {Open: factory}}, Records: mortal{w.store, p.life}, Step: p.reach,
	})
	if err != nil && !errors.Is(err, errDead) {
		w.t.Errorf("open: %v", err)
	}
	p.App = opened
	return p
}

// end takes the process away.
func (p *process) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.cutAll()
	if p.App != nil {
		if err := p.Close(); err != nil {
			p.world.t.Errorf("close: %v", err)
		}
	}
}

// call is one of the five calls. No answer means that the process was killed before it had written one.
func (p *process) call(action hostfactory.Action, input string) (reply hostfactory.Reply, answered bool) {
	if p.App == nil || p.Commands == nil || p.dead() {
		return reply, false
	}
	ctx, cancel := context.WithTimeout(p.soft, p.Config.Requests.CallBudget)
	defer cancel()
	face := hostfactory.Face{Commands: p.Commands, Queries: p.Queries, Caller: access.Caller{Name: "egoadmin", Face: "hostfactory", Role: access.Operator}}
	reply = face.Answer(ctx, action, []byte(input))
	if p.dead() {
		return hostfactory.Reply{}, false
	}
	if reply.AfterWrite != nil {
		_ = reply.AfterWrite(context.WithoutCancel(ctx)) // what is not recorded then is done again or released
	}
	p.wake()
	return reply, true
}

// serve starts a daemon: what follows every request and does the chores until it is told to end or dies.
func (w *world) serve(d death) *process {
	p := w.start(d)
	p.done = make(chan struct{})
	if p.App == nil || p.Commands == nil {
		close(p.done)
		return p
	}
	settings := p.Config.Daemon
	loop := &daemon.Loop{
		Sync: p.Commands.SyncRequests, Interval: settings.Interval, Idle: settings.IdleInterval, Live: settings.LiveInterval,
		UnderWay: func(ctx context.Context) (bool, error) {
			open, err := p.Queries.Requests(ctx, query.RequestFilter{Unsettled: true, Limit: 1})
			return len(open) > 0, err
		},
		Budget: 2 * time.Minute, Now: time.Now, Log: p.Log,
	}
	p.wake = loop.Wake
	var both sync.WaitGroup
	both.Go(func() { loop.Run(p.soft, p.hard) })
	both.Go(func() {
		ticker := time.NewTicker(time.Minute)
		defer ticker.Stop()
		for {
			select {
			case <-p.soft.Done():
				return
			case <-ticker.C:
				_ = p.Commands.DoChores(p.hard) // what fails is done again
			}
		}
	})
	go func() {
		defer close(p.done)
		both.Wait()
	}()
	return p
}

// stopped waits until a daemon that was told to end, or killed, is gone.
func (p *process) stopped() {
	p.cutSoft()
	<-p.done
	p.end()
}

package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// Generation is what the daemon works with until its configuration is read again.
type Generation struct {
	Config   config.Config
	Commands *command.Commands
	Queries  *query.Queries
	Partial  hostfactory.Partial
	Watchers []reconcile.Watcher // what it keeps running

	Use    func(served Served) // lets the other faces go on with it; nil: there are none
	Retire func() error        // gives back what is its own, once nothing uses it any more; nil: nothing is

	stop context.CancelFunc // of what it keeps running
}

// Reloaded is what reading the configuration again has brought.
type Reloaded struct {
	Changed   []string `json:"changed"`   // settings that are different now
	Restart   []string `json:"restart"`   // settings that differ in the files and take effect when the daemon is started again
	Templates int      `json:"templates"` // how many there are
	Problems  []string `json:"problems"`  // what is wrong with templates; those that were read before stay
}

// generations are those of a daemon, of which one is in use.
type generations struct {
	reloading sync.Mutex // one after the other
	mutex     sync.Mutex
	current   Generation
	running   context.Context // ends when the daemon is told to stop
	lives     sync.WaitGroup
}

// now is the generation in use. What was begun with another one is finished with that.
func (d *Daemon) now() Generation {
	d.generations.mutex.Lock()
	defer d.generations.mutex.Unlock()
	return d.generations.current
}

// use lets what begins from now on work with a generation, and runs what it keeps running.
func (d *Daemon) use(g Generation) (before Generation) {
	gs := &d.generations
	ctx, stop := context.WithCancel(gs.running)
	g.stop = stop
	gs.mutex.Lock()
	before, gs.current = gs.current, g
	gs.mutex.Unlock()
	gs.lives.Go(func() { g.Commands.FollowEvents(ctx, d.hard, eventsLook) })
	gs.lives.Go(func() { reconcile.Watch(ctx, d.Log, g.Watchers) })
	return before
}

// Reload reads the configuration again and goes on with it. No call is dropped: what is under way is finished with what it
// began with. A configuration that is wrong is refused, and the daemon goes on as it is.
func (d *Daemon) Reload(ctx context.Context) (Reloaded, error) {
	gs := &d.generations
	gs.reloading.Lock()
	defer gs.reloading.Unlock()
	switch {
	case d.Renew == nil || gs.running == nil:
		return Reloaded{}, ohfp.Errorf(ohfp.ErrInvalid, "this daemon cannot read its configuration again; start it again")
	case gs.running.Err() != nil:
		return Reloaded{}, ohfp.Errorf(ohfp.ErrUnavailable, "the daemon stops; start it again")
	}
	d.notify(ctx, "RELOADING=1")
	defer d.notify(ctx, "READY=1")
	next, done, err := d.Renew(ctx)
	if err != nil {
		d.count(telemetry.Reloads, "refused")
		d.Log.ErrorContext(ctx, "the configuration cannot be used; the daemon goes on with the one that it has", "error", err)
		return Reloaded{}, err
	}
	list, problems, err := next.Queries.TemplateList(ctx)
	if err != nil {
		problems = append(problems, err.Error())
	}
	done.Templates, done.Problems = len(list), append([]string{}, problems...)
	next.Commands = d.shared(next.Commands)
	before := d.use(next)
	if next.Use != nil {
		next.Use(d.served())
	}
	before.stop()
	gs.lives.Go(func() { d.retire(before) })
	d.loop.Wake()
	d.count(telemetry.Reloads, telemetry.OutcomeOK)
	d.Log.InfoContext(ctx, "configuration read again", "changed", done.Changed, "restart_needed_for", done.Restart, "templates", done.Templates, "problems", len(done.Problems))
	return done, nil
}

// retire waits until nothing can be under way any more with a generation: whatever has begun has a budget.
func (d *Daemon) retire(g Generation) {
	if g.Retire == nil {
		return
	}
	timer := time.NewTimer(max(g.Config.Requests.CallBudget, roundBudget) + slack)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.hard.Done():
	case <-d.generations.running.Done(): // what is under way needs it still; it ends with the process
		return
	}
	if err := g.Retire(); err != nil {
		d.Log.Warn("what the configuration before had opened is not closed", "error", err)
	}
}

func (d *Daemon) count(metric telemetry.Metric, labels ...string) {
	if d.Telemetry != nil {
		d.Telemetry.Meter.Count(metric, 1, labels...)
	}
}

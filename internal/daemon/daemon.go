// Package daemon is the program that stays: it looks at the cloud on its own, and answers the scripts' calls over a Unix
// socket from records that are up to date.
// It refuses to be needed: it keeps nothing in memory that the records do not have, so that calls without it, beside it
// and after it are right too.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/version"
	"github.com/openhostfactory/ohfp/store"
)

// roundBudget is what one round of the loop may take. It is longer than a call's, because nobody waits for it, and bounded
// so that a cloud that hangs is noticed.
const roundBudget = 2 * time.Minute

// recordWithin is what calls that were cut short still have to record what the cloud has told them. The executor gives
// itself 15 seconds for each record.
const recordWithin = 20 * time.Second

// Daemon serves one configuration at a time. All fields but Audit, Watchers, Notify, Telemetry, Retire and Renew are required.
type Daemon struct {
	Config   config.Config
	Commands *command.Commands
	Queries  *query.Queries
	Partial  hostfactory.Partial
	Audit    *audit.Log          // of what the scripts do; nil: none
	Watchers []reconcile.Watcher // what it keeps running
	Now      func() time.Time
	Log      *slog.Logger
	// Retire gives back what is of this configuration alone once another is in use; nil: nothing is.
	Retire func() error
	// Notify tells the service manager how the daemon is, in the words of sd_notify; nil: nobody wants to know.
	Notify func(ctx context.Context, state string) error

	// Telemetry counts and traces what it does; nil: nobody does.
	Telemetry *telemetry.Instruments

	// Renew reads the configuration again and opens what it names; nil: it cannot be read again.
	Renew func(ctx context.Context) (Generation, Reloaded, error)

	// Faces answer others than the scripts. Each runs until its context ends; an error of one ends the daemon.
	Faces []func(ctx context.Context, served Served) error

	generations generations

	began  time.Time
	loop   *Loop
	member *shard.Member  // nil: no other daemon may follow the same store
	work   sync.WaitGroup // calls, and launches that outlive them
	hard   context.Context
	busy   chan struct{} // holds a token per call
}

// Served is what faces translate onto while the daemon runs.
type Served struct {
	Commands *Calls
	Status   func() Status
	Reload   func(ctx context.Context) (Reloaded, error)
}

// Run serves calls that come to a place until ctx ends. Then it takes no more, finishes what is under way within
// daemon.stop_within, and leaves the rest to the records.
func (d *Daemon) Run(ctx context.Context, place *Place) error {
	groups, err := groupIDs(d.Config.Daemon.Groups)
	if err != nil {
		return err
	}
	listener, err := place.listen(len(groups) > 0)
	if err != nil {
		return err
	}
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	defer d.begin(ctx, hard)()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var both sync.WaitGroup
		both.Go(func() { d.doChores(ctx, hard) })
		d.loop.Run(ctx, hard)
		both.Wait()
		d.generations.reloading.Lock() // the last one has begun what it keeps running
		defer d.generations.reloading.Unlock()
		d.generations.lives.Wait()
	}()
	shut := make(chan error, 1)
	gate := gate{daemon: d, groups: groups}
	go func() {
		defer close(shut)
		shut <- gate.accept(ctx, listener)
	}()
	broken := d.serveFaces(ctx)
	d.Log.InfoContext(ctx, "daemon started", "version", version.Current().Version, "socket", place.Socket)
	d.notify(ctx, "READY=1")

	select {
	case <-ctx.Done():
	case err = <-shut: // scripts work alone, but nobody would know why
		err = fmt.Errorf("the daemon cannot take calls any more: %w", err)
	case err = <-broken:
	}
	d.notify(ctx, "STOPPING=1")
	leave()
	// Nobody is let in any more once accept has returned.
	err = errors.Join(err, place.leave(listener), <-shut)
	d.stop(cut, ended)
	d.Log.InfoContext(ctx, "daemon stopped")
	return err
}

// begin puts the first generation to use, before which no other can be. The function that it returns gives back the share of
// the requests.
func (d *Daemon) begin(ctx, hard context.Context) (leave func()) {
	d.generations.reloading.Lock()
	defer d.generations.reloading.Unlock()
	d.generations.running = ctx
	d.prepare(hard)
	leave = d.join(ctx)
	d.use(d.now())
	return leave
}

// serveFaces lets the other faces answer. What one of them cannot go on without comes through the channel.
func (d *Daemon) serveFaces(ctx context.Context) <-chan error {
	broken := make(chan error, len(d.Faces))
	for _, face := range d.Faces {
		d.work.Go(func() {
			if err := face(ctx, d.served()); err != nil {
				broken <- err
			}
		})
	}
	return broken
}

func (d *Daemon) served() Served {
	return Served{Commands: d.calls(), Status: d.status, Reload: d.Reload}
}

// calls are the commands while the loop runs.
func (d *Daemon) calls() *Calls {
	g := d.now()
	return &Calls{Commands: g.Commands, queries: g.Queries, loop: d.loop, within: g.Config.Daemon.AnswerWithin, work: d.start}
}

func (d *Daemon) prepare(hard context.Context) {
	settings := d.Config.Daemon
	d.began, d.hard, d.busy = d.Now(), hard, make(chan struct{}, maxCalls)
	d.share()
	d.loop = &Loop{
		Sync: func(ctx context.Context, in command.SyncRequests) error {
			return d.now().Commands.SyncRequests(ctx, in)
		}, UnderWay: d.underWay,
		Interval: settings.Interval, Idle: max(settings.IdleInterval, settings.Interval), Live: settings.LiveInterval,
		Budget: roundBudget, Now: d.Now, Log: d.Log, Telemetry: d.Telemetry,
	}
	d.generations.current = Generation{
		Config: d.Config, Commands: d.Commands, Queries: d.Queries, Partial: d.Partial, Watchers: d.Watchers, Retire: d.Retire,
	}
}

// underWay says whether a request that this daemon drives is not settled.
func (d *Daemon) underWay(ctx context.Context) (bool, error) {
	filter := store.RequestFilter{Unsettled: true}
	if d.member == nil {
		filter.Limit = 1
	}
	g := d.now()
	open, err := g.Queries.Requests(ctx, filter)
	return slices.ContainsFunc(open, func(r ohfp.Request) bool { return g.Commands.Executor.Mine(r.ID) }), err
}

// stop waits for what is under way: first in peace, then, with its time cut, for its records.
func (d *Daemon) stop(cut func(), ended <-chan struct{}) {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		d.work.Wait()
		<-ended
	}()
	if within(idle, d.Config.Daemon.StopWithin) {
		return
	}
	d.Log.Warn("not everything has ended in time; it goes on from the records", "within", d.Config.Daemon.StopWithin)
	cut()
	if !within(idle, recordWithin) {
		d.Log.Error("not everything could be recorded in time; it is resumed with its own tokens")
	}
}

func within(done <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// start runs what may outlive the call that it was made for.
func (d *Daemon) start(ctx context.Context, do func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.now().Config.Requests.CallBudget)
	unhook := context.AfterFunc(d.hard, cancel)
	d.work.Add(1)
	go func() {
		defer d.work.Done()
		defer cancel()
		defer unhook()
		do(ctx)
	}()
}

// answer answers one call. The caller closes passedOn once the answer is passed on, or cannot be any more.
func (d *Daemon) answer(ctx context.Context, r wire.Request, input []byte, caller string, passedOn <-chan struct{}) hostfactory.Reply {
	g := d.now()
	ctx, cancel := context.WithTimeout(ctx, g.Config.Requests.CallBudget)
	defer cancel()
	calls := d.calls()
	calls.passedOn = passedOn
	face := hostfactory.Face{
		Commands: calls,
		Queries:  g.Queries, Partial: g.Partial,
		Caller:    access.Caller{Name: caller, Face: "hostfactory", Role: access.Role(g.Config.Access.LocalRole)},
		Audit:     d.Audit,
		Telemetry: d.Telemetry,
	}
	return face.Answer(telemetry.WithCall(ctx, r.Call), hostfactory.Action(r.Action), input)
}

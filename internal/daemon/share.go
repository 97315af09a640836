package daemon

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/shard"
)

// share makes the daemon one of several, where the store allows that: it then drives the requests of its shards only, and
// what it is asked to make goes into those.
func (d *Daemon) share() {
	if !d.Config.Storage.Shared() {
		return
	}
	d.member = &shard.Member{
		Store: d.Commands.Store, Holder: holder(), TTL: d.Config.Daemon.Lease, Now: d.Now, Log: d.Log,
		Took: func() { d.loop.Wake() },
	}
	d.Commands = d.shared(d.Commands)
}

// shared are commands that drive the requests of this daemon's shards only, where it is one of several.
func (d *Daemon) shared(of *command.Commands) *command.Commands {
	if d.member == nil {
		return of
	}
	commands, executor := *of, *of.Executor
	executor.Shares = d.member
	commands.Executor = &executor
	next := of.NewID
	commands.NewID = func(t ohfp.RequestType) ohfp.RequestID {
		return d.member.Choose(func() ohfp.RequestID { return next(t) })
	}
	return &commands
}

// holder names this life of this process.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	const unique = 8 // letters: enough for two lives of one process id
	return fmt.Sprintf("%.200s/%d/%s", host, os.Getpid(), rand.Text()[:unique])
}

// join takes a share of the requests and keeps it. The function that it returns gives all back, once nothing is under way.
func (d *Daemon) join(ctx context.Context) (leave func()) {
	if d.member == nil {
		return func() {}
	}
	if err := d.member.Step(ctx); err != nil {
		d.Log.WarnContext(ctx, "the daemon has no share of the requests yet", "error", err)
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx)) // until the last record is written
	var run sync.WaitGroup
	run.Go(func() { d.member.Run(running) })
	return func() {
		end()
		run.Wait()
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.member.TTL)
		defer cancel()
		if err := d.member.Leave(within); err != nil {
			d.Log.WarnContext(ctx, "the other daemons must wait for the leases of this one to lapse", "error", err)
		}
	}
}

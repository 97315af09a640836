package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/version"
)

// Status is how a daemon is.
type Status struct {
	// Ready: it has looked once at everything that it has to look at.
	Ready bool `json:"ready"`
	// Live: its loop goes round. A daemon that answers and is not live should be started again.
	Live      bool       `json:"live"`
	PID       int        `json:"pid"`
	Version   string     `json:"version"`
	StartedAt time.Time  `json:"startedAt"`
	Conf      string     `json:"configurationDirectory"`
	Work      string     `json:"workDirectory"`
	Rounds    int        `json:"rounds"`             // looks that have ended
	LookedAt  *time.Time `json:"lookedAt,omitempty"` // when the last one ended
	UnderWay  bool       `json:"underWay"`           // whether a request is not settled
	DrivenAt  *time.Time `json:"drivenAt,omitempty"` // when the last one without a problem ended
	Problem   string     `json:"problem,omitempty"`  // what the last look could not do; the daemon keeps trying
	Sharing   *Sharing   `json:"sharing,omitempty"`  // with other daemons on the same store
}

// Sharing is how the requests of a store are spread over its daemons.
type Sharing struct {
	Name    string   `json:"name"`    // of this daemon among them
	Daemons []string `json:"daemons"` // those that are heard of, this one among them
	Shards  []int    `json:"shards"`  // whose requests this one drives
	Of      int      `json:"of"`      // how many shards there are
}

// status is how this daemon is.
func (d *Daemon) status() Status {
	ended, cancel := context.WithCancel(d.hard)
	cancel() // it does not wait for the first round
	round := d.loop.Last(ended)
	s := Status{
		Ready: round.Number > 0, PID: os.Getpid(), Version: version.Current().Version, StartedAt: d.began,
		Conf: d.Config.ConfDir, Work: d.Config.WorkDir, Rounds: round.Number, UnderWay: round.UnderWay,
	}
	seen := d.began
	if s.Ready {
		seen, s.LookedAt = round.Ended, &round.Ended
	}
	if good := d.loop.LastGood(); !good.IsZero() {
		s.DrivenAt = &good
	}
	// The longest that a round and the pause after it may take, with time to spare.
	s.Live = d.Now().Sub(seen) < d.loop.Idle+d.loop.Budget+slack
	if m := d.member; m != nil {
		s.Sharing = &Sharing{Name: m.Holder, Daemons: m.Members(), Shards: m.Held(), Of: shard.Count}
	}
	if round.Problem != nil {
		s.Problem = round.Problem.Error()
	}
	return s
}

func (g gate) status(connection net.Conn) error { return g.told(connection, g.daemon.status()) }

// reload reads the configuration again for whoever may ask for that.
func (g gate) reload(connection net.Conn, r wire.Request, caller string) error {
	d := g.daemon
	role := access.Role(d.now().Config.Access.LocalRole)
	err := access.Caller{Name: caller, Face: "cli", Role: role}.May("system.reload")
	var done Reloaded
	if err == nil {
		done, err = d.Reload(telemetry.WithCall(d.hard, r.Call))
	}
	if err == nil {
		return g.told(connection, done)
	}
	if err := connection.SetDeadline(d.Now().Add(delivering)); err != nil {
		return err
	}
	return wire.WriteReply(connection, wire.Reply{Exit: 1}, []byte(err.Error()), nil)
}

// told answers with a document.
func (g gate) told(connection net.Conn, document any) error {
	d := g.daemon
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	if err := connection.SetDeadline(d.Now().Add(delivering)); err != nil {
		return err
	}
	return wire.WriteReply(connection, wire.Reply{}, nil, body)
}

// Check asks the daemon of a configuration how it is. It is an error when none answers.
func Check(ctx context.Context, cfg config.Config, now func() time.Time) (s Status, err error) {
	err = ask(ctx, cfg, now, wire.Request{Action: wire.Status}, &s)
	return s, err
}

// Reload has the daemon of a configuration read it again. It is an error when none answers, or when it refuses.
func Reload(ctx context.Context, cfg config.Config, caller string, now func() time.Time) (done Reloaded, err error) {
	err = ask(ctx, cfg, now, wire.Request{Action: wire.Reload, Caller: caller, Call: telemetry.CallOf(ctx)}, &done)
	return done, err
}

// ask asks the daemon of a configuration about itself.
func ask(ctx context.Context, cfg config.Config, now func() time.Time, r wire.Request, into any) (err error) {
	socket, err := address.Of(cfg.WorkDir)
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "no daemon listens in %s: %w; start one with ohfp serve", cfg.WorkDir, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	answer, err := wire.Client{Socket: socket, Now: now}.Call(r, nil)
	if errors.Is(err, fs.ErrNotExist) { // how dialling ended is no news then
		return ohfp.Errorf(ohfp.ErrUnavailable, "no daemon answers on %s: %w; start one with ohfp serve", socket, fs.ErrNotExist)
	}
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "no daemon answers on %s: %w; start one with ohfp serve", socket, err)
	}
	defer func() { err = errors.Join(err, answer.Close()) }()
	if answer.Exit != 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "the daemon refuses: %s", answer.Stderr)
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return fmt.Errorf("the daemon's answer is not as expected: %w", err)
	}
	return nil
}

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon/address"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/shard"
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

func (g gate) status(connection net.Conn) error {
	d := g.daemon
	body, err := json.Marshal(d.status())
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
	socket, err := address.Of(cfg.WorkDir)
	if err != nil {
		return s, ohfp.Errorf(ohfp.ErrUnavailable, "no daemon listens in %s: %w; start one with ohfp serve", cfg.WorkDir, err)
	}
	answer, err := wire.Client{Socket: socket, Now: now}.Call(ctx, wire.Request{Action: wire.Status}, nil)
	if err != nil {
		return s, ohfp.Errorf(ohfp.ErrUnavailable, "no daemon answers on %s: %w; start one with ohfp serve", socket, err)
	}
	defer func() { err = errors.Join(err, answer.Close()) }()
	if err := json.Unmarshal(answer.Body, &s); err != nil {
		return s, fmt.Errorf("the daemon's status is not as expected: %w", err)
	}
	return s, nil
}

package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/peer"
)

const (
	// maxCalls bounds the calls at once. Host Factory makes a handful; the others work alone.
	maxCalls = 512
	// receiving is what a caller has to send its call. It has it in memory.
	receiving = 10 * time.Second
	// delivering is what a caller has to pass its answer on: Host Factory may be slow to read it.
	delivering = time.Minute
	// afterAnswer bounds what is recorded once the answer is out.
	afterAnswer = 5 * time.Second
	// slack is what an answer may take longer than the budget of its call: the reading of the records, and what could not
	// be interrupted.
	slack = 30 * time.Second
)

// gate lets callers in, one goroutine each.
type gate struct {
	daemon *Daemon
	groups []uint32
}

// accept lets callers in until the listener is closed.
func (g gate) accept(ctx context.Context, listener *net.UnixListener) error {
	pause := time.Millisecond
	for {
		connection, err := listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil && pause > time.Minute:
			return err
		case err != nil: // too many open files, for example: that passes
			g.daemon.Log.WarnContext(ctx, "a call could not be accepted", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause *= 2
			continue
		}
		pause = time.Millisecond
		g.daemon.work.Add(1)
		go func() {
			defer g.daemon.work.Done()
			g.serve(connection)
		}()
	}
}

// serve serves one connection.
func (g gate) serve(connection *net.UnixConn) {
	d := g.daemon
	defer connection.Close()
	err := g.call(connection)
	if err != nil {
		d.Log.Warn("a call was not served to its end", "error", err)
	}
}

func (g gate) call(connection *net.UnixConn) error {
	d := g.daemon
	who, err := peer.Of(connection)
	if err == nil {
		err = admitted(who, g.groups)
	}
	if err == nil {
		select {
		case d.busy <- struct{}{}:
			defer func() { <-d.busy }()
		default:
			err = fmt.Errorf("%d calls are under way already", maxCalls)
		}
	}
	if err := connection.SetDeadline(d.Now().Add(receiving)); err != nil {
		return err
	}
	if err != nil {
		return errors.Join(err, wire.WriteGreeting(connection, wire.Greeting{Declined: err.Error()}))
	}
	patience := int((d.now().Config.Requests.CallBudget + slack) / time.Second)
	if err := wire.WriteGreeting(connection, wire.Greeting{Patience: patience}); err != nil {
		return err
	}
	from := wire.NewReader(connection)
	request, input, err := wire.ReadRequest(from)
	if err != nil {
		return errors.Join(err, wire.WriteReply(connection, wire.Reply{Declined: err.Error()}, nil, nil))
	}
	switch request.Action {
	case wire.Status:
		return g.status(connection)
	case wire.Reload:
		return g.reload(connection, request, nameOf(who, request.Caller))
	}
	if err := d.knows(request); err != nil {
		return errors.Join(err, wire.WriteReply(connection, wire.Reply{Declined: err.Error()}, nil, nil))
	}
	passedOn := make(chan struct{})
	answer := d.safely(request, input, nameOf(who, request.Caller), passedOn)
	err = g.reply(connection, from, request, answer)
	close(passedOn)
	if err != nil || answer.AfterWrite == nil || answer.Exit != 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.hard), afterAnswer)
	defer cancel()
	return answer.AfterWrite(ctx)
}

// reply sends an answer and waits until it is passed on: only then is it known that its caller knows it. Then it waits a moment for
// the caller to end.
func (g gate) reply(connection *net.UnixConn, from *bufio.Reader, request wire.Request, answer hostfactory.Reply) error {
	d := g.daemon
	if err := connection.SetDeadline(d.Now().Add(delivering)); err != nil {
		return err
	}
	if err := wire.WriteReply(connection, wire.Reply{Exit: answer.Exit}, []byte(StandardError(answer)), answer.Body); err != nil {
		return fmt.Errorf("%s: the caller has gone: %w", request.Action, err)
	}
	if err := wire.ReadWritten(from); err != nil {
		return fmt.Errorf("%s: %w", request.Action, err)
	}
	// The caller's end closes the connection. That it lasts, or fails otherwise, changes nothing.
	if err := connection.SetDeadline(d.Now().Add(stepAside)); err == nil {
		_, _ = from.ReadByte()
	}
	return nil
}

// safely is answer for inputs that hit a defect.
func (d *Daemon) safely(r wire.Request, input []byte, caller string, passedOn <-chan struct{}) (reply hostfactory.Reply) {
	defer func() {
		if cause := recover(); cause != nil {
			d.Log.Error("internal error in a call", "action", r.Action, "error", cause, "stack", string(debug.Stack()))
			reply = hostfactory.Refuse(fmt.Errorf("%s: internal error: %v", r.Action, cause))
		}
	}()
	return d.answer(d.hard, r, input, caller, passedOn)
}

// knows says whether a caller would work with the daemon's own configuration, if it worked alone.
func (d *Daemon) knows(r wire.Request) error {
	c := d.Config
	switch {
	case r.Instance != c.Instance:
		return fmt.Errorf("the daemon serves the provider instance %q, not %q", c.Instance, r.Instance)
	case !sameFile(r.Conf, c.ConfDir):
		return fmt.Errorf("the daemon serves the configuration in %s, not %s", c.ConfDir, r.Conf)
	case (r.File == "") != (c.Named == "") || r.File != "" && !sameFile(r.File, c.Named):
		return fmt.Errorf("the daemon serves the configuration file %q, not %q", c.Named, r.File)
	default:
		return nil
	}
}

// sameFile says whether two paths lead to the same place.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

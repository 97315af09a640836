//go:build linux || darwin

package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// TestReload changes what scripts may while they call, and drops no call.
func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Access.LocalRole = "admin"
	w.daemon = w.process()
	w.daemon.Telemetry = &telemetry.Instruments{Meter: telemetry.NewMeter(), Now: time.Now}
	role, broken := "admin", errors.New("config.yml:3: limits.max_machines is \"many\"; use a whole number")
	var generation, watching atomic.Int64
	w.daemon.Renew = func(context.Context) (Generation, Reloaded, error) {
		if role == "" {
			return Generation{}, Reloaded{}, broken
		}
		next := w.process()
		next.Config.Access.LocalRole = role
		generation.Add(1)
		return Generation{
			Config: next.Config, Commands: next.Commands, Queries: next.Queries, Partial: next.Partial,
			Watchers: []reconcile.Watcher{{Name: "counting", Run: func(ctx context.Context) error {
				watching.Add(1)
				<-ctx.Done()
				watching.Add(-1)
				return nil
			}}},
		}, Reloaded{Changed: []string{"access.local_role"}, Restart: []string{}}, nil
	}
	w.serve()
	var calls sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		calls.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if answer := w.ask(hostfactory.GetAvailableTemplates, "{}"); answer.Exit != 0 {
					t.Errorf("a call failed: %s", answer.Stderr)
				}
			}
		})
	}
	for range 3 {
		if told, err := Reload(t.Context(), w.config, "ann", time.Now); err != nil || told.Templates != 1 || len(told.Problems) != 2 || told.Changed[0] != "access.local_role" {
			t.Fatalf("reload = %+v, %v", told, err)
		}
	}
	close(done)
	calls.Wait()
	w.eventually("only the newest generation keeps something running", func() bool { return watching.Load() == 1 })

	// What is wrong is refused, and everything stays.
	role = ""
	if _, err := Reload(t.Context(), w.config, "ann", time.Now); err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("a broken configuration: %v", err)
	}
	id := w.request(1)

	// From now on scripts only look, and may not even ask for another reload.
	role = "viewer"
	if _, err := Reload(t.Context(), w.config, "ann", time.Now); err != nil {
		t.Fatal(err)
	}
	if answer := w.ask(hostfactory.RequestMachines, `{"template":{"templateId":"small","machineCount":1}}`); answer.Exit != 1 {
		t.Errorf("a viewer asks for machines: %s", answer.Body)
	}
	if _, err := Reload(t.Context(), w.config, "ann", time.Now); err == nil || !strings.Contains(err.Error(), "needs the role admin") {
		t.Errorf("a viewer reads the configuration again: %v", err)
	}
	// What was asked for before is followed on.
	w.clock.Advance(time.Minute)
	w.eventually("the request ends", func() bool {
		r, err := w.store.Request(t.Context(), id)
		return err == nil && r.Status.Terminal()
	})
	counted := string(telemetry.Exposition(w.daemon.Telemetry.Meter.Take()))
	for _, want := range []string{
		`ohfp_reloads_total{outcome="ok"} 4`, `ohfp_reloads_total{outcome="refused"} 1`, `ohfp_reconcile_rounds_total{outcome="ok"}`,
		`ohfp_calls_total{face="hostfactory",operation="requestMachines",outcome="denied"} 1`,
	} {
		if !strings.Contains(counted, want) {
			t.Errorf("counted lacks %s:\n%s", want, counted)
		}
	}
	w.stopped()
	if left := watching.Load(); left != 0 {
		t.Errorf("%d watchers outlive the daemon", left)
	}
}

// TestReloadWhileItStarts: a SIGHUP that comes too early is refused or waits, and never meets half a daemon.
func TestReloadWhileItStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.daemon = w.process()
	w.daemon.Renew = func(context.Context) (Generation, Reloaded, error) {
		next := w.process()
		next.Config.Access.LocalRole = "viewer"
		return Generation{Config: next.Config, Commands: next.Commands, Queries: next.Queries, Partial: next.Partial}, Reloaded{}, nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := w.daemon.Reload(context.Background()); err == nil || t.Context().Err() != nil {
				return
			}
		}
	}()
	w.serve()
	<-done
	if role := w.daemon.now().Config.Access.LocalRole; role != "viewer" {
		t.Errorf("the daemon works with the role %q, not with what it has read last", role)
	}
}

func TestReloadWithoutRenew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Access.LocalRole = "admin"
	w.daemon = w.process()
	w.serve()
	if _, err := Reload(t.Context(), w.config, "ann", time.Now); err == nil || !strings.Contains(err.Error(), "start it again") {
		t.Errorf("error = %v", err)
	}
}

//go:build linux || darwin

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store/memory"
)

func statusOf(ids ...ohfp.RequestID) string {
	var parts []string
	for _, id := range ids {
		parts = append(parts, fmt.Sprintf(`{"requestId":%q}`, id))
	}
	return `{"requests":[` + strings.Join(parts, ",") + `]}`
}

func giveBack(machines ...ohfp.Machine) string {
	var parts []string
	for _, m := range machines {
		parts = append(parts, fmt.Sprintf(`{"name":%q,"machineId":%q}`, m.Name, m.ID))
	}
	return `{"machines":[` + strings.Join(parts, ",") + `]}`
}

func TestRequestIsFollowedOnItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	id := w.request(3)
	r := w.complete(id)
	if len(r.Machines) != 3 || r.Origin.Face != "hostfactory" || r.Origin.Caller != "ann" || !r.PolledAt.IsZero() {
		t.Errorf("%d machines, origin %+v, polled at %s", len(r.Machines), r.Origin, r.PolledAt)
	}
	w.eventually("the answer is recorded", func() bool { return !w.stored(id).AnsweredAt.IsZero() })
	back := requestID(t, w.ask(hostfactory.RequestReturnMachines, giveBack(r.Machines[:2]...)))
	w.complete(back)
	if live := w.cloud.Live(); len(live) != 1 || live[0] != r.Machines[2].ID {
		t.Errorf("%v are left", live)
	}
}

// TestSameAnswers: with a daemon and without, the answer is the same to the byte.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	id := w.request(2)
	r := w.complete(id)
	alone := w.process()
	calls := []struct {
		action hostfactory.Action
		input  string
	}{
		{hostfactory.GetAvailableTemplates, "{}"},
		{hostfactory.GetAvailableTemplates, `{"templates":[{"templateId":"none"}]}`},
		{hostfactory.GetAvailableTemplates, "[1"},
		{hostfactory.RequestMachines, `{"template":{"templateId":"none","machineCount":1}}`},
		{hostfactory.RequestMachines, `{"template":{"templateId":"small","machineCount":-1}}`},
		{hostfactory.RequestMachines, ``},
		{hostfactory.GetRequestStatus, statusOf(id)},
		{hostfactory.GetRequestStatus, statusOf(id, "req-12345", "sfr-1", "ret-01932f3c-7c3e-7abc-9abc-123456789012")},
		{hostfactory.GetRequestStatus, `{"requests":[]}`},
		{hostfactory.GetReturnRequests, "{}"},
		{hostfactory.GetReturnRequests, giveBack(r.Machines...)},
		{hostfactory.RequestReturnMachines, "{"},
	}
	for _, call := range calls {
		got := w.ask(call.action, call.input)
		reply := (&hostfactory.Face{
			Commands: alone.Commands, Queries: alone.Queries, Partial: alone.Partial, Caller: access.Caller{Name: "ann", Face: "hostfactory", Role: access.Admin},
		}).Answer(t.Context(), call.action, []byte(call.input))
		want := []string{fmt.Sprint(reply.Exit), StandardError(reply), string(reply.Body)}
		if diff := cmp.Diff(want, []string{fmt.Sprint(got.Exit), string(got.Stderr), string(got.Body)}); diff != "" {
			t.Errorf("%s %s (-without +with):\n%s", call.action, call.input, diff)
		}
	}
	if got := w.ask(hostfactory.GetAvailableTemplates, "{}"); string(got.Stderr) != "ohfp: template large is not listed\nohfp: nor is template huge\n" {
		t.Errorf("standard error %q", got.Stderr)
	}
}

func TestPollsDoNotAskTheCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Daemon.Interval, w.config.Daemon.IdleInterval, w.config.Daemon.LiveInterval = time.Hour, time.Hour, time.Hour
	w.daemon = w.process()
	w.serve()
	id := w.request(3)
	before := w.looks.Load()
	for range 300 {
		if answer := w.ask(hostfactory.GetRequestStatus, statusOf(id)); !strings.Contains(string(answer.Body), `"running"`) {
			t.Fatalf("%s", answer.Body)
		}
		w.ask(hostfactory.GetReturnRequests, "{}")
	}
	if made := w.looks.Load() - before; made != 0 {
		t.Errorf("600 polls looked %d times at the cloud", made)
	}
	if w.stored(id).PolledAt.IsZero() {
		t.Error("that the request is followed is not recorded")
	}
}

func TestSlowLaunchIsAnsweredWithItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Daemon.AnswerWithin = 30 * time.Millisecond
	w.daemon = w.process()
	release := w.cloud.Hang(fake.OpLaunch)
	w.serve()
	began := time.Now()
	id := w.request(2)
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %s, before the time was over", took)
	}
	if answer := w.ask(hostfactory.GetRequestStatus, statusOf(id)); !strings.Contains(string(answer.Body), `"running"`) {
		t.Errorf("%s", answer.Body)
	}
	release()
	w.complete(id)
	if n := w.launches.Load(); n != 1 || len(w.cloud.Live()) != 2 {
		t.Errorf("%d launches, %d machines", n, len(w.cloud.Live()))
	}
}

// TestUnconfirmedAnswer: only what the caller has passed on is answered.
func TestUnconfirmedAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	answer, err := w.call(hostfactory.RequestMachines, `{"template":{"templateId":"small","machineCount":1}}`)
	if err != nil {
		t.Fatal(err)
	}
	id := requestID(t, answer)
	if err := answer.Close(); err != nil {
		t.Fatal(err)
	}
	other := w.request(1)
	w.eventually("the confirmed answer is recorded", func() bool { return !w.stored(other).AnsweredAt.IsZero() })
	w.stopped()
	if r := w.stored(id); !r.AnsweredAt.IsZero() {
		t.Errorf("recorded as answered at %s", r.AnsweredAt)
	}
}

// TestCallerGone: a caller that dies while its machines are launched leaves a request that is recorded, and not answered.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.cloud.Hang(fake.OpLaunch)
	w.serve()
	connection, from := w.dial()
	if err := wire.WriteRequest(connection, wire.Request{
		Action: "requestMachines", Instance: w.config.Instance, Conf: w.config.ConfDir,
	}, []byte(`{"template":{"templateId":"small","machineCount":1}}`)); err != nil {
		t.Fatal(err)
	}
	w.eventually("it launches", func() bool { return w.launches.Load() == 1 })
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := from.ReadByte(); err == nil {
		t.Error("the connection is still there")
	}
	release()
	requests := w.all()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	if r := w.complete(requests[0].ID); !r.AnsweredAt.IsZero() || !r.PolledAt.IsZero() {
		t.Errorf("answered at %s, polled at %s", r.AnsweredAt, r.PolledAt)
	}
}

func TestDefectIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	w.panics.Store(true)
	answer := w.ask(hostfactory.RequestMachines, `{"template":{"templateId":"small","machineCount":1}}`)
	if answer.Exit != 1 || !strings.Contains(string(answer.Body), `{"message":"internal error: boom"}`) {
		t.Errorf("exit %d, %s", answer.Exit, answer.Body)
	}
	w.panics.Store(false)
	w.request(1) // it lives
}

func TestLostMachineIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	r := w.complete(w.request(2))
	if err := w.cloud.Lose(r.Machines[0].ID, "Server.SpotInstanceTermination"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the loss is reported", func() bool {
		w.clock.Advance(100 * time.Millisecond)
		return strings.Contains(string(w.ask(hostfactory.GetReturnRequests, "{}").Body), `"machine":"`+r.Machines[0].Name+`"`)
	})
}

func TestUnreachableCloudIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	id := w.request(1)
	w.cloud.FailNext(fake.OpObserve, fake.Unavailable(fake.OpObserve), 1000)
	w.eventually("the trouble is told", func() bool {
		answer := w.ask(hostfactory.GetRequestStatus, statusOf(id))
		return answer.Exit == 0 && strings.Contains(string(answer.Body), `"running"`) && strings.HasPrefix(string(answer.Stderr), "ohfp: ")
	})
	status, err := Check(w.tb.Context(), w.config, time.Now)
	if err != nil || status.Problem == "" || !status.Ready || !status.Live || !status.UnderWay {
		t.Errorf("status %+v, %v", status, err)
	}
	w.cloud.Heal()
	w.complete(id)
}

// TestUnknownRequestIsLookedUp: after the store is lost, a poll finds the machines by their tags.
func TestUnknownRequestIsLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	id := w.request(2)
	w.complete(id)
	w.stopped()
	w.store = memory.New(w.clock.Now)
	w.daemon = w.process()
	w.serve()
	var body struct {
		Requests []struct {
			Machines []json.RawMessage `json:"machines"`
		} `json:"requests"`
	}
	if err := json.Unmarshal(w.ask(hostfactory.GetRequestStatus, statusOf(id)).Body, &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Requests) != 1 || len(body.Requests[0].Machines) != 2 {
		t.Errorf("%+v", body)
	}
}

func TestParallelCalls(t *testing.T) {
	t.Parallel()
	const callers = 64
	w := newWorld(t)
	w.serve()
	var wait sync.WaitGroup
	ids := make([]ohfp.RequestID, callers)
	for i := range callers {
		wait.Go(func() {
			answer, err := w.call(hostfactory.RequestMachines, `{"template":{"templateId":"small","machineCount":2}}`)
			if err != nil {
				t.Error(err)
				return
			}
			var body struct{ RequestID ohfp.RequestID }
			if err := errors.Join(json.Unmarshal(answer.Body, &body), answer.Written(), answer.Close()); err != nil {
				t.Error(err)
			}
			ids[i] = body.RequestID
			status, err := w.call(hostfactory.GetRequestStatus, statusOf(body.RequestID))
			if err != nil || !strings.Contains(string(status.Body), string(body.RequestID)) {
				t.Errorf("%v: %+v", err, status)
				return
			}
			if err := errors.Join(status.Written(), status.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen := map[ohfp.RequestID]bool{}
	for _, id := range ids {
		seen[id] = true
		w.complete(id)
	}
	if len(seen) != callers || len(w.cloud.Live()) != 2*callers {
		t.Errorf("%d requests, %d machines", len(seen), len(w.cloud.Live()))
	}
}

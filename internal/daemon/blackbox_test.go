//go:build linux || darwin

package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// TestBlackBoxSameBytes: a script's answer is the same with the daemon, with the thin program and no daemon, and without
// both.
func TestBlackBoxSameBytes(t *testing.T) {
	t.Parallel()
	s := newSite(t, crashing, quick())
	d := s.serve()
	id := s.ask(2)
	machines := s.ready(id, 2).Machines
	back, err := s.Return(t.Context(), fakehf.Hosts(machines[1:])[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Follow(t.Context(), back.RequestID, patience); err != nil {
		t.Fatal(err)
	}
	type call struct{ action, input string }
	calls := []call{
		{fakehf.GetAvailableTemplates, "{}"},
		{fakehf.GetAvailableTemplates, "nonsense"},
		{fakehf.GetRequestStatus, fmt.Sprintf(`{"requests":[{"requestId":%q},{"requestId":%q},{"requestId":"req-12345"}]}`, id, back.RequestID)},
		{fakehf.GetRequestStatus, "[]"},
		{fakehf.GetReturnRequests, "{}"},
		{fakehf.RequestMachines, `{"template":{"templateId":"none","machineCount":1}}`},
		{fakehf.RequestMachines, `{"template":{"templateId":"m5","machineCount":20000}}`},
		{fakehf.RequestReturnMachines, `{"machines":{}}`},
		// Ids of requests differ; they are cut out.
		{fakehf.RequestReturnMachines, `{"machines":[{"name":"unknown"}]}`},
		{fakehf.RequestReturnMachines, fmt.Sprintf(`{"machines":[{"machineId":%q}]}`, machines[1].ID)},
	}
	answers := func(s *site) map[call]string {
		all := map[call]string{}
		for _, c := range calls {
			got, err := s.Call(t.Context(), c.action, []byte(c.input))
			if err != nil {
				t.Fatal(err)
			}
			out := string(got.Stdout)
			if before, after, found := strings.Cut(out, `"ret-`); found && c.action == fakehf.RequestReturnMachines {
				out = before + `"ret-` + after[36:]
			}
			all[c] = fmt.Sprintf("exit %d\n%s\n%s", got.Exit, out, got.Stderr)
		}
		return all
	}
	alone := answers(s.with(s.programs.Alone))
	if diff := cmp.Diff(alone, answers(s.with(s.programs.Thin))); diff != "" {
		t.Errorf("without and with the daemon (-without +with):\n%s", diff)
	}
	if code := d.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("the daemon exits with %d: %s", code, d.stderr.Bytes())
	}
	if diff := cmp.Diff(alone, answers(s)); diff != "" {
		t.Errorf("without the thin program, and with it and no daemon:\n%s", diff)
	}
}

// TestBlackBoxOneDaemon: a second one refuses, and the first can be asked how it is.
func TestBlackBoxOneDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, crashing, quick())
	if err := s.cli(t.Context(), nil, "serve", "--check"); err == nil || !strings.Contains(err.Error(), "exit status 1: ohfp: no daemon answers on ") {
		t.Errorf("check without a daemon: %v", err)
	}
	d := s.serve()
	err := s.cli(t.Context(), nil, "system", "serve")
	if want := fmt.Sprintf("exit status 1: ohfp: a daemon serves %s already, as process %d;", s.WorkDir, d.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
	var status struct{ Ready, Live bool }
	if err := s.cli(t.Context(), &status, "serve", "--check"); err != nil || !status.Ready || !status.Live {
		t.Errorf("%+v, %v", status, err)
	}
	d.end(t, syscall.SIGKILL)
	s.serve() // what the killed one left is no obstacle
	s.ready(s.with(s.programs.Thin).ask(1), 1)
}

// TestBlackBoxParallel: 64 scripts at once, with people at work beside them on the same store.
func TestBlackBoxParallel(t *testing.T) {
	t.Parallel()
	const callers, people = 64, 4
	s := newSite(t, crashing, quick())
	s.serve()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var requests []string
	done := func(id string) {
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, id)
	}
	for range callers {
		wait.Go(func() {
			answer, err := s.Request(t.Context(), "m5", 2)
			if err != nil {
				t.Error(err)
				return
			}
			done(answer.RequestID)
			if _, err := s.Status(t.Context(), answer.RequestID); err != nil {
				t.Error(err)
			}
		})
	}
	for range people {
		wait.Go(func() {
			var created struct {
				ID string `json:"requestId"`
			}
			if err := s.cli(t.Context(), &created, "requests", "create", "--template-id", "m5", "--count", "2", "--wait", "--quiet"); err != nil {
				t.Error(err)
				return
			}
			done(created.ID)
			if err := s.cli(t.Context(), nil, "machines", "list"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen := map[string]bool{}
	for _, id := range requests {
		for _, m := range s.ready(id, 2).Machines {
			seen[m.ID] = true
		}
	}
	if want := 2 * (callers + people); len(seen) != want || s.alive() != want || s.launched() != want {
		t.Errorf("%d told, %d alive, %d launched, want %d", len(seen), s.alive(), s.launched(), want)
	}
}

// TestBlackBoxTerminated: a daemon that is told to stop loses no call: what it took it answers, the rest works alone.
func TestBlackBoxTerminated(t *testing.T) {
	t.Parallel()
	const callers = 32
	options := quick()
	options.Latency = 50 * time.Millisecond
	s := newSite(t, crashing, options)
	d := s.serve()
	var wait sync.WaitGroup
	ids := make([]string, callers)
	for i := range callers {
		wait.Go(func() {
			answer, err := s.Request(t.Context(), "m5", 1)
			if err != nil {
				t.Error(err)
			}
			ids[i] = answer.RequestID
		})
	}
	s.eventually("something is launched", func() bool { return s.launched() > 0 })
	if code := d.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d: %s", code, d.stderr.Bytes())
	}
	wait.Wait()
	for _, id := range ids {
		s.ready(id, 1)
	}
	if s.alive() != callers || s.launched() != callers {
		t.Errorf("%d alive, %d launched, want %d", s.alive(), s.launched(), callers)
	}
}

// TestBlackBoxKilledWhileRequesting kills the daemon at each step of a request. The script is told that it failed, unless the
// cloud had answered, is not repeated behind its caller's back, and whoever polls next finds the machines whole, or released
// when nobody knows of them.
func TestBlackBoxKilledWhileRequesting(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"request-stored", "launch-answered", "launch-recorded"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, crashing, quick())
			d := s.serve("OHFP_FAILPOINT=" + step)
			answer, err := s.Request(t.Context(), "m5", 3)
			var refusal *fakehf.Refusal
			answered := err == nil && step == "launch-recorded" // an answer does not wait for its record
			if !answered && (!errors.As(err, &refusal) || !strings.Contains(refusal.Message, "the daemon took the request and ended before it answered")) {
				t.Fatalf("%v", err)
			}
			<-d.ended
			requests, _ := s.recorded()
			if len(requests) != 1 {
				t.Fatalf("%d requests are recorded", len(requests))
			}
			if answered && answer.RequestID != requests[0] {
				t.Errorf("%s was answered, %s is recorded", answer.RequestID, requests[0])
			}
			s.ready(requests[0], 3)
			if s.launched() != 3 || s.alive() != 3 {
				t.Errorf("%d launched, %d alive", s.launched(), s.alive())
			}
		})
		// A launch without a known outcome is left alone for 30 seconds: that is for the long form.
		if _, long := os.LookupEnv("OHFP_CRASH_RUNS"); !long && step != "launch-recorded" {
			continue
		}
		if _, err := os.Stat("/dev/full"); err != nil {
			continue
		}
		t.Run(step+", forgotten", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, crashing, quick())
			s.settings(map[string]any{"requests": map[string]any{"unanswered_release": "1s"}})
			d := s.serve("OHFP_FAILPOINT=" + step)
			if _, err := s.with(s.programs.Deaf).Request(t.Context(), "m5", 3); err == nil {
				t.Fatal("it was answered")
			}
			<-d.ended
			s.serve()            // the next daemon releases what nobody knows of
			s.ready(s.ask(1), 1) // while it serves others
			s.within(3*patience, "only the machine of the second request is left", func() bool {
				requests, ends := s.recorded()
				return len(requests) == 2 && ends && s.alive() == 1
			})
			if n := s.launched(); n > 4 {
				t.Errorf("%d machines were launched", n)
			}
		})
	}
}

// TestBlackBoxKilledWithTheAnswer: when the answer is out, all is well.
func TestBlackBoxKilledWithTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, crashing, quick())
	d := s.serve("OHFP_FAILPOINT=answer-written")
	id := s.ask(2)
	<-d.ended
	s.ready(id, 2)
	if s.launched() != 2 {
		t.Errorf("%d launched", s.launched())
	}
}

// TestBlackBoxKilledWhileReturning: a return that is stored is carried out. Calls that may be repeated are, and the script
// does not notice.
func TestBlackBoxKilledWhileReturning(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"return-stored", "end-stored", "end-answered", "end-recorded"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, crashing, quick())
			d := s.serve("OHFP_FAILPOINT=" + step)
			machines := s.ready(s.ask(3), 3).Machines
			back, err := s.Return(t.Context(), fakehf.Hosts(machines[:2])...)
			if err != nil {
				t.Fatal(err)
			}
			<-d.ended
			r, err := s.Follow(t.Context(), back.RequestID, patience)
			if err != nil || r.Status != "complete" || s.alive() != 1 {
				t.Errorf("%+v, %v; %d alive", r, err, s.alive())
			}
		})
	}
}

// TestBlackBoxHungDaemon: one that does not answer within a moment is done without.
func TestBlackBoxHungDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, crashing, quick())
	d := s.serve()
	if err := d.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	id := s.ask(2)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	s.ready(id, 2)
	if err := d.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.ready(s.with(s.programs.Thin).ask(1), 1)
	if s.launched() != 3 {
		t.Errorf("%d launched", s.launched())
	}
}

// TestBlackBoxThinProgram: what is not a script's call goes to ohfp as it is.
func TestBlackBoxThinProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t, crashing, quick())
	s.serve()
	thin := s.programs.Both + "-hf"
	run := func(program string, arguments ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		command := exec.CommandContext(ctx, program, arguments...)
		command.Env = append(s.environment(), "OHFP_COMMAND="+thin) // itself, by mistake: that must not go round
		command.Stdin = strings.NewReader("{}")
		out, _ := command.CombinedOutput() // the exit code is shown below
		return fmt.Sprintf("%d\n%s", command.ProcessState.ExitCode(), out)
	}
	for _, arguments := range [][]string{
		nil,
		{"--version"},
		{"getRequestStatus"},
		{"getRequestStatus", "-f"},
		{"getRequestStatus", "-f", "/no/such/file"},
		{"getAvailableTemplates", "-f", "-"},
		{"getAvailableTemplates", "-f", os.DevNull, "--log-level", "DEBUG"},
		{"getAvailableTemplates", "-f", os.DevNull},
		{"getAvailableTemplates", "--file=" + os.DevNull},
		{"nonsense", "-f", os.DevNull},
	} {
		if diff := cmp.Diff(run(s.programs.Alone, arguments...), run(thin, arguments...)); diff != "" {
			t.Errorf("%v (-ohfp +ohfp-hf):\n%s", arguments, diff)
		}
	}
}

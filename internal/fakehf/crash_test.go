package fakehf_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// crashRuns is how often the tests with chance in them run: few by default, hundreds when OHFP_CRASH_RUNS says so.
func crashRuns(t *testing.T) int {
	t.Helper()
	text, ok := os.LookupEnv("OHFP_CRASH_RUNS")
	if !ok {
		return 24
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("OHFP_CRASH_RUNS is %q; write a number", text)
	}
	return n
}

// long says whether tests may take minutes.
func long() bool {
	_, ok := os.LookupEnv("OHFP_CRASH_RUNS")
	return ok
}

// The steps of the program between which a crash must lose nothing.
const (
	stepRequestStored  = "request-stored"
	stepLaunchAnswered = "launch-answered"
	stepLaunchRecorded = "launch-recorded"
	stepAnswerWritten  = "answer-written"
	stepReturnStored   = "return-stored"
	stepEndStored      = "end-stored"
	stepEndAnswered    = "end-answered"
	stepEndRecorded    = "end-recorded"
)

// dying is the same cluster, whose calls kill themselves the first time they reach the step.
func (s *site) dying(step string) *fakehf.Cluster {
	return &fakehf.Cluster{
		ScriptDir: s.ScriptDir, ConfDir: s.ConfDir, WorkDir: s.WorkDir, LogDir: s.LogDir, TempDir: s.TempDir,
		Env: append(slices.Clone(s.Env), "OHFP_FAILPOINT="+step), ActionTimeout: s.ActionTimeout, PollInterval: s.PollInterval,
	}
}

// dies makes a call that must be killed by its failpoint.
func (s *site) dies(step string, call func(*fakehf.Cluster) error) {
	s.tb.Helper()
	err := call(s.dying(step))
	var killed *fakehf.Killed
	if !errors.As(err, &killed) {
		s.tb.Fatalf("the call did not die at %s: %v", step, err)
	}
}

// known lists the requests for machines in the store, without past ones. Their ids may never have been told.
func (s *site) known() []string {
	s.tb.Helper()
	var list []string
	for _, r := range s.recorded() {
		if strings.HasPrefix(r.ID, "req-") && !slices.Contains(s.past, r.ID) {
			list = append(list, r.ID)
		}
	}
	return list
}

// whole follows a request to its end and holds that asked, told, recorded and alive are the same machines, and that no
// others were ever launched.
func (s *site) whole(id string, asked int) fakehf.Request {
	s.tb.Helper()
	r := s.follow(id)
	if r.Status != "complete" || len(r.Good()) != asked || len(r.Machines) != asked {
		s.tb.Fatalf("asked %d: %+v", asked, r)
	}
	if diff := cmp.Diff(s.alive(), ids(r.Machines)); diff != "" {
		s.tb.Errorf("alive in the cloud and told (-alive +told)\n%s", diff)
	}
	if n := s.launched(); n != asked {
		s.tb.Errorf("%d machines were launched, asked %d", n, asked)
	}
	return r
}

// TestCrashWhileRequesting kills requestMachines at each step, then polls.
func TestCrashWhileRequesting(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		for _, step := range []string{stepRequestStored, stepLaunchAnswered, stepLaunchRecorded, stepAnswerWritten} {
			t.Run(template+"/"+step, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, quick())
				s.dies(step, func(c *fakehf.Cluster) error { _, err := c.Request(t.Context(), template, 3); return err })
				if got := s.launched(); (got == 0) != (step == stepRequestStored) {
					t.Errorf("killed at %s, %d machines are launched", step, got)
				}
				requests := s.known()
				if len(requests) != 1 {
					t.Fatalf("%d requests are recorded, want 1", len(requests))
				}
				s.whole(requests[0], 3)
			})
		}
	}
}

// TestCrashWhilePolling kills one poll after the other, each a step further than the last.
func TestCrashWhilePolling(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			s.dies(stepRequestStored, func(c *fakehf.Cluster) error { _, err := c.Request(t.Context(), template, 4); return err })
			id := s.known()[0]
			for _, step := range []string{stepLaunchAnswered, stepLaunchAnswered, stepLaunchRecorded} {
				s.dies(step, func(c *fakehf.Cluster) error { _, err := c.Status(t.Context(), id); return err })
			}
			s.whole(id, 4)
		})
	}
}

// TestCrashWhileReturning kills requestReturnMachines at each step. Host Factory, which has learned no id, asks again.
func TestCrashWhileReturning(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		for _, step := range []string{stepReturnStored, stepEndStored, stepEndAnswered, stepEndRecorded} {
			t.Run(template+"/"+step, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, quick())
				r := s.get(template, 5)
				hosts := fakehf.Hosts(r.Machines[:3])
				s.dies(step, func(c *fakehf.Cluster) error { _, err := c.Return(t.Context(), hosts...); return err })
				back := s.giveBack(hosts...)
				if back.Status != "complete" || len(back.Good()) != 3 {
					t.Errorf("the second return: %+v", back)
				}
				if diff := cmp.Diff(ids(r.Machines[3:]), s.alive()); diff != "" {
					t.Errorf("alive (-want +got)\n%s", diff)
				}
				if got := s.taken(fakehf.Hosts(r.Machines)...); len(got) != 0 {
					t.Errorf("what we ended is taken back: %+v", got)
				}
			})
		}
	}
}

// TestCrashedReturnGoesOnByItself kills a return that nobody repeats: any other call brings it to its end.
func TestCrashedReturnGoesOnByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	r := s.get(runInstances, 3)
	s.dies(stepEndStored, func(c *fakehf.Cluster) error {
		_, err := c.Return(t.Context(), fakehf.Hosts(r.Machines)...)
		return err
	})
	s.until("the machines are gone", func() bool {
		s.status(r.ID)
		return len(s.alive()) == 0
	})
}

// TestCrashedRequestIsReleased kills requests before anybody could learn of their ids, and never asks for them: other
// calls release what they launched.
func TestCrashedRequestIsReleased(t *testing.T) {
	t.Parallel()
	steps := []string{stepLaunchRecorded}
	if long() {
		// A launch without an answer is left to the process that made it for half a minute.
		steps = append(steps, stepRequestStored, stepLaunchAnswered)
	}
	for _, template := range []string{runInstances, fleet} {
		for _, step := range steps {
			t.Run(template+"/"+step, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, quick())
				s.settings(map[string]any{"requests": map[string]any{"unanswered_release": "1s"}})
				other := s.get(runInstances, 1)
				s.dies(step, func(c *fakehf.Cluster) error { _, err := c.Request(t.Context(), template, 3); return err })
				s.until("only the other request's machine is alive", func() bool {
					s.taken()
					s.status(other.ID)
					return slices.Equal(s.alive(), ids(other.Machines)) && s.released(other.ID)
				})
				if n := s.launched(); n > 4 {
					t.Errorf("%d machines were launched, asked 4", n)
				}
				for _, id := range s.known() {
					if r := s.status(id)[0]; id != other.ID && len(r.Good()) != 0 {
						t.Errorf("machines that were released are told as good: %+v", r)
					}
				}
			})
		}
	}
}

// released says whether no request but one has anything left. One that was complete before stays so, with machines that
// nobody has; one whose launch has no answer waits some minutes for machines that may still show.
func (s *site) released(but string) bool {
	for _, r := range s.recorded() {
		if r.ID != but && !slices.Contains([]string{"cancelled", "complete", "stopping"}, r.Status) {
			return false
		}
	}
	return true
}

// until waits for a condition.
func (s *site) until(what string, holds func() bool) {
	s.tb.Helper()
	deadline := time.Now().Add(2 * patience)
	for !holds() {
		if time.Now().After(deadline) {
			s.tb.Fatalf("it did not come to pass that %s; alive: %v, recorded: %+v", what, s.alive(), s.recorded())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestCrashAtAnyMoment kills a call of each kind after a random time, then does what Host Factory does next: it asks for
// the status of what it knows, and asks or gives back again what it has no id for.
func TestCrashAtAnyMoment(t *testing.T) {
	t.Parallel()
	runs := crashRuns(t)
	const lanes = 2
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			chance := newChance(t, uint64(lane))
			for run := range runs / lanes {
				crashOnce(t, []string{runInstances, fleet}[run%2], chance)
				if t.Failed() {
					t.Fatalf("run %d of lane %d", run, lane)
				}
			}
			t.Logf("calls that died before their end, in %d runs: %v", runs/lanes, chance.killed)
			for _, action := range []string{fakehf.RequestMachines, fakehf.GetRequestStatus, fakehf.RequestReturnMachines} {
				if chance.killed[action] == 0 && runs >= 20 {
					t.Errorf("no %s was killed in time: the delays are too long", action)
				}
			}
		})
	}
}

// chance decides when calls are killed, and counts those that were.
type chance struct {
	random *rand.Rand
	usual  map[string]time.Duration // what calls take on this machine, now
	killed map[string]int
}

// newChance times a cycle without kills.
func newChance(t *testing.T, lane uint64) *chance {
	t.Helper()
	s := newSite(t, quick())
	s.warm(runInstances)
	s.warm(fleet)
	usual := map[string]time.Duration{}
	for _, call := range s.Calls() {
		usual[call.Action] = call.Took // the last of each: the machine is warm
	}
	seed := uint64(time.Now().UnixNano())
	return &chance{random: rand.New(rand.NewPCG(lane, seed)), usual: usual, killed: map[string]int{}}
}

// kill makes a call and kills it with signal 9 at some moment of the time that it usually takes.
func (c *chance) kill(s *site, action string, input []byte) fakehf.Call {
	s.tb.Helper()
	running, err := s.Start(s.tb.Context(), action, input)
	s.ok(err)
	time.Sleep(time.Duration(c.random.Int64N(int64(c.usual[action]))))
	s.ok(running.Kill())
	call, err := running.Wait()
	s.ok(err)
	if call.Exit == -1 {
		c.killed[action]++
	}
	return call
}

// crashOnce is one life of a request with a kill in each of its calls.
func crashOnce(t *testing.T, template string, chance *chance) {
	t.Helper()
	s := newSite(t, quick())
	asked := 1 + chance.random.IntN(4)
	id := chance.request(s, template, asked)
	chance.kill(s, fakehf.GetRequestStatus, fmt.Appendf(nil, `{"requests":[{"requestId":%q}]}`, id))
	r := s.whole(id, asked)

	back := 1 + chance.random.IntN(asked)
	entries := make([]string, back)
	for i, m := range r.Machines[:back] {
		entries[i] = fmt.Sprintf(`{"name":%q,"machineId":%q}`, m.Name, m.ID)
	}
	chance.kill(s, fakehf.RequestReturnMachines, []byte(`{"machines":[`+strings.Join(entries, ",")+`]}`))
	returned := s.giveBack(fakehf.Hosts(r.Machines[:back])...)
	if returned.Status != "complete" || len(returned.Good()) != back {
		t.Errorf("the second return: %+v", returned)
	}
	if diff := cmp.Diff(ids(r.Machines[back:]), s.alive()); diff != "" {
		t.Errorf("alive (-want +got)\n%s", diff)
	}
	if n := s.launched(); n != asked {
		t.Errorf("%d machines were launched, asked %d", n, asked)
	}
}

// request asks, and is killed, until a request is written down: before that nothing may have happened.
func (c *chance) request(s *site, template string, asked int) (id string) {
	s.tb.Helper()
	for {
		call := c.kill(s, fakehf.RequestMachines, fmt.Appendf(nil, `{"template":{"templateId":%q,"machineCount":%d}}`, template, asked))
		requests := s.known()
		if answer, err := fakehf.ParseRequested(call.Stdout); err == nil && !slices.Equal(requests, []string{answer.RequestID}) {
			s.tb.Fatalf("told %q, recorded %v", answer.RequestID, requests)
		}
		switch {
		case len(requests) == 1:
			return requests[0]
		case len(requests) > 1:
			s.tb.Fatalf("one request was made, recorded are %v", requests)
		case s.launched() > 0:
			s.tb.Fatalf("%d machines were launched and no request is recorded", s.launched())
		}
	}
}

// TestCrashLeavesNoLockBehind kills many calls at once in the middle of their work; the next call works.
func TestCrashLeavesNoLockBehind(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	s.get(runInstances, 1)
	var running []*fakehf.Running
	for range 8 {
		r, err := s.Start(t.Context(), fakehf.RequestMachines, []byte(`{"template":{"templateId":"OnDemand","machineCount":1}}`))
		s.ok(err)
		running = append(running, r)
	}
	time.Sleep(15 * time.Millisecond)
	for _, r := range running {
		s.ok(r.Kill())
		_, err := r.Wait()
		s.ok(err)
	}
	for _, id := range s.known() {
		if r := s.follow(id); r.Status != "complete" || len(r.Good()) != 1 {
			t.Errorf("%+v", r)
		}
	}
	if got, want := len(s.alive()), len(s.known()); got != want {
		t.Errorf("%d machines alive of %d requests for one", got, want)
	}
	if left, err := filepath.Glob(filepath.Join(s.WorkDir, "*.tmp")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

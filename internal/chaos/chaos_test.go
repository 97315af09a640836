package chaos

import (
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/store"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // lives are short, and there are many
	os.Exit(m.Run())
}

// number reads a number from the environment.
func number(t *testing.T, key string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(key)
	if !ok || text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q; write a number", key, text)
	}
	return n
}

// TestChaos plays many lives of an installation. OHFP_CHAOS_RUNS says how many (3), OHFP_CHAOS_SEED with which seed they
// begin (1); OHFP_CHAOS_LOG names a file for the program's log of the last one.
func TestChaos(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, number(t, "OHFP_CHAOS_RUNS", 3), number(t, "OHFP_CHAOS_SEED", 1))
	for lane := range min(number(t, "OHFP_CHAOS_LANES", 4), c.runs) {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			for seed, more := c.next(); more; seed, more = c.next() {
				c.play(t, seed, shape{rounds: 30, demands: 5, batch: 6})
			}
		})
	}
}

// TestChaosUnderLoad plays one life of a large installation: requests for a hundred machines at a time.
func TestChaosUnderLoad(t *testing.T) {
	t.Parallel()
	s := shape{rounds: 12, demands: 4, batch: 100, exactly: true}
	if number(t, "OHFP_CHAOS_RUNS", 3) > 100 {
		s.rounds, s.demands = 60, 40
	}
	c := newCampaign(t, 1, number(t, "OHFP_CHAOS_SEED", 1))
	c.play(t, c.first, s)
}

// campaign is a number of lives, and what was counted in them.
type campaign struct {
	runs, first int
	conf        string
	taken       atomic.Int64 // seeds

	made, calls, killed, machines atomic.Int64
}

func newCampaign(t *testing.T, runs, first int) *campaign {
	t.Helper()
	c := &campaign{runs: runs, first: first, conf: configuration(t)}
	began := time.Now()
	t.Cleanup(func() {
		took := time.Since(began)
		t.Logf("%d runs from seed %d in %s (%.0f a minute): %d calls, %d processes killed, %d machines launched", c.made.Load(), first,
			took.Truncate(time.Second), float64(c.made.Load())/took.Minutes(), c.calls.Load(), c.killed.Load(), c.machines.Load())
	})
	return c
}

// next is a seed that nobody has played.
func (c *campaign) next() (seed int, more bool) {
	n := int(c.taken.Add(1))
	return c.first + n - 1, n <= c.runs
}

// play plays one life in a bubble of its own time.
func (c *campaign) play(t *testing.T, seed int, of shape) {
	t.Helper()
	var records *journal
	path := os.Getenv("OHFP_CHAOS_LOG")
	if path != "" {
		records = &journal{}
	}
	work := t.TempDir()
	defer func() { // also when the bubble has failed
		if records == nil {
			return
		}
		if err := os.WriteFile(path, records.Bytes(), 0o600); err != nil {
			t.Error(err)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, uint64(seed), c.conf, work, records)
		s := &symphony{world: w, shape: of, lag: w.random.IntN(4), hosts: map[string]*host{}, asked: map[string]int{}}
		s.live()
		if t.Failed() { // the bubble ends the test outside of it as well, without a word
			t.Logf("seed %d: play it alone with make chaos RUNS=1 SEED=%d", seed, seed)
		}
		c.calls.Add(int64(s.calls))
		c.killed.Add(int64(s.killed))
		c.machines.Add(int64(len(s.ever)))
	})
	c.made.Add(1)
}

// shape is how a life goes.
type shape struct {
	rounds  int // in which all kinds of things happen
	demands int // requests in that time, about
	batch   int // the most machines of a request
	exactly bool
}

// loop is how often Host Factory goes round.
const loop = 30 * time.Second

// live is one life: a time in which all goes wrong, hours in which all goes well, and the reckoning.
func (s *symphony) live() {
	for range s.rounds {
		if s.random.IntN(4) == 0 {
			s.trouble()
		}
		if s.random.IntN(8) == 0 {
			s.take()
		}
		demand := 0
		if s.random.IntN(s.rounds) < s.demands || s.round == 0 {
			demand = 1 + s.random.IntN(2)
		}
		s.turn(demand)
		time.Sleep(loop)
	}
	s.settle()
	s.reckon()
	if s.t.Failed() {
		return
	}
	// Host Factory gives everything back, and nothing but what nobody asks about may be left.
	for _, h := range s.hosts {
		h.going = true
	}
	s.settle()
	s.reckon()
}

// settle lets the cloud be well and time go on, until everything that waits has had its time: hours for orphans.
func (s *symphony) settle() {
	s.heal()
	s.calm = true
	for _, pause := range []struct {
		rounds int
		each   time.Duration
	}{{8, loop}, {9, 2 * time.Minute}, {6, 10 * time.Minute}} {
		for range pause.rounds {
			s.turn(0)
			time.Sleep(pause.each)
		}
	}
	if s.daemon != nil {
		s.daemon.stopped()
		s.daemon = nil
	}
}

// reckon compares what was asked and answered, what is on record, and what the cloud has.
func (s *symphony) reckon() {
	if len(s.open) > 0 {
		s.t.Errorf("still polled: %v", s.open)
	}
	recorded := map[string]string{}
	owner := map[string]ohfp.RequestID{}
	for _, r := range slices.Concat(s.requests(ohfp.TypeAcquire), s.requests(ohfp.TypeReturn)) {
		if !r.Settled() || !r.Status.Terminal() {
			s.t.Errorf("request %s is %s and not settled: %s", r.ID, r.Status, r.Message)
		}
		if r.Type != ohfp.TypeAcquire {
			continue
		}
		for _, a := range r.Attempts {
			if a.Resource != "" {
				owner[a.Resource] = r.ID
			}
		}
		held := 0
		for _, m := range r.Machines {
			if !m.Gone() {
				held++
				recorded[string(m.ID)] = fmt.Sprintf("%s of %s (%s)", m.State, r.ID, r.Status)
			}
		}
		if held > r.Count {
			s.t.Errorf("request %s holds %d machines, asked for were %d", r.ID, held, r.Count)
		}
		if asked, told := s.asked[string(r.ID)]; told && asked != r.Count {
			s.t.Errorf("request %s is for %d machines, asked for were %d", r.ID, r.Count, asked)
		}
	}
	alive := map[string]awssim.Instance{}
	for _, i := range s.alive() {
		alive[i.ID] = i
		if _, ok := recorded[i.ID]; !ok {
			s.t.Errorf("leaked: machine %s of %s is alive and no record holds it", i.ID, i.Tags["ohfp:request-id"])
		}
	}
	for id, what := range recorded {
		if _, ok := alive[id]; !ok {
			s.t.Errorf("lost: machine %s, %s, is on record and not alive", id, what)
		}
	}
	for _, id := range sorted(s.hosts) {
		if _, ok := alive[id]; !ok && !s.taken(id) && !s.hosts[id].going {
			s.t.Errorf("lost: machine %s was taken from its user", id)
		}
		if h := s.hosts[id]; h.going && !s.taken(id) {
			s.t.Errorf("machine %s was given back by %q and is still a host", id, h.by)
		}
	}
	s.reckonResources(alive)
	s.reckonLaunches(owner)
}

// reckonResources holds that every fleet and group that is left has machines, and wants no more than it has.
func (s *symphony) reckonResources(alive map[string]awssim.Instance) {
	units := map[string]int{}
	for _, i := range alive {
		units[i.Fleet]++
		units[i.SpotFleet]++
		units[i.Group]++
	}
	for _, f := range slices.Concat(s.cloud.Fleets(), s.cloud.SpotFleets()) {
		if f.State != "active" && f.State != "modifying" && f.State != "submitted" {
			continue
		}
		if f.Type != "maintain" && f.Type != "request" {
			continue
		}
		if units[f.ID] == 0 {
			s.t.Errorf("leaked: %s fleet %s is %s without machines", f.Type, f.ID, f.State)
		}
		if f.Type == "maintain" && f.Target > units[f.ID] {
			s.t.Errorf("leaked: fleet %s has %d machines and would launch up to %d", f.ID, units[f.ID], f.Target)
		}
	}
	for _, g := range s.cloud.Groups() {
		if units[g.Name] == 0 || g.Desired > units[g.Name] {
			s.t.Errorf("leaked: group %s has %d machines and wants %d", g.Name, units[g.Name], g.Desired)
		}
	}
}

// reckonLaunches holds that no more machines were ever launched for a request than it asked for and lost.
func (s *symphony) reckonLaunches(owner map[string]ohfp.RequestID) {
	ever, lost := map[ohfp.RequestID]int{}, map[ohfp.RequestID]int{}
	for _, i := range s.ever {
		id := ohfp.RequestID(i.Tags["ohfp:request-id"])
		for _, resource := range []string{i.Fleet, i.SpotFleet, i.Group} {
			if by, ok := owner[resource]; ok {
				id = by
			}
		}
		ever[id]++
		if s.taken(i.ID) {
			lost[id]++
		}
	}
	for _, r := range s.requests(ohfp.TypeAcquire) {
		if ever[r.ID] > r.Count+lost[r.ID] {
			s.t.Errorf("doubled: %d machines were launched for request %s by %s, which asked for %d and lost %d, and is %s",
				ever[r.ID], r.ID, r.Template.ProviderAPI, r.Count, lost[r.ID], r.Status)
			s.story(r)
		}
	}
}

// story tells what became of a request.
func (s *symphony) story(r ohfp.Request) {
	s.t.Logf("request %s: %s, template %s, created %s, answered %s, polled %s: %s", r.ID, r.Status, r.Template.ID,
		r.CreatedAt.Format(time.TimeOnly), r.AnsweredAt.Format(time.TimeOnly), r.PolledAt.Format(time.TimeOnly), r.Message)
	for _, a := range r.Attempts {
		s.t.Logf("  attempt %d for %d: intended %s, answered %s, %s, %v", a.Number, a.Order.Count, a.IntendedAt.Format(time.TimeOnly),
			a.AnsweredAt.Format(time.TimeOnly), a.Resource, a.Failures)
	}
	recorded := map[string]ohfp.Machine{}
	for _, m := range r.Machines {
		recorded[string(m.ID)] = m
	}
	for _, id := range sorted(s.ever) {
		i := s.ever[id]
		if m, ok := recorded[id]; ok || i.Tags["ohfp:request-id"] == string(r.ID) {
			s.t.Logf("  %s: %s, launched %s in %s%s%s, %s %s, taken %t; on record %s, attempt %d, delivered %s, ending %q %s", id, i.Lifecycle,
				i.LaunchTime.Format(time.TimeOnly), i.Fleet, i.SpotFleet, i.Group, i.State, i.EndReason, s.taken(id), m.State, m.Attempt,
				m.DeliveredAt.Format(time.TimeOnly), m.Ending, m.EndAccepted.Format(time.TimeOnly))
		}
	}
	told, err := s.store.Events(s.t.Context(), store.EventFilter{Request: r.ID})
	s.ok(err)
	for _, e := range told {
		s.t.Logf("  event %s %s %s %s %s %s", e.At.Format(time.TimeOnly), e.Kind, e.Machine, e.Actor, e.Code, e.Message)
	}
	for _, c := range s.cloud.Ledger() {
		named := slices.ContainsFunc(r.Attempts, func(a ohfp.Attempt) bool {
			return a.Resource != "" && slices.Contains(slices.Collect(maps.Values(c.Parameters)), a.Resource)
		})
		ended := slices.ContainsFunc(c.Terminated, func(id string) bool { _, ok := recorded[id]; return ok })
		if ended || named && !strings.HasPrefix(c.Action, "Describe") {
			s.t.Logf("  call %s %s %v: %d %s, ended %v", c.Time.Format(time.TimeOnly), c.Action, c.Parameters, c.Status, c.Code, c.Terminated)
		}
	}
}

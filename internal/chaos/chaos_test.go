package chaos

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
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
	runs, first := number(t, "OHFP_CHAOS_RUNS", 3), number(t, "OHFP_CHAOS_SEED", 1)
	lanes := min(number(t, "OHFP_CHAOS_LANES", 4), runs)
	conf := configuration(t)
	began := time.Now()
	var next, made, calls, killed, machines atomic.Int64
	t.Cleanup(func() {
		took := time.Since(began)
		t.Logf("%d runs from seed %d in %s (%.0f a minute): %d calls, %d of them killed, %d machines launched",
			made.Load(), first, took.Truncate(time.Second), float64(made.Load())/took.Minutes(), calls.Load(), killed.Load(), machines.Load())
	})
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			for {
				seed := first + int(next.Add(1)) - 1
				if seed >= first+runs {
					return
				}
				log := io.Discard
				var records *journal
				if path := os.Getenv("OHFP_CHAOS_LOG"); path != "" {
					records = &journal{}
					log = records
				}
				work := filepath.Join(t.TempDir(), strconv.Itoa(seed))
				if err := os.Mkdir(work, 0o700); err != nil {
					t.Fatal(err)
				}
				synctest.Test(t, func(t *testing.T) {
					s := play(t, uint64(seed), conf, work, log)
					calls.Add(int64(s.calls))
					killed.Add(int64(s.killed))
					machines.Add(int64(len(s.ever)))
				})
				if records != nil {
					_ = os.WriteFile(os.Getenv("OHFP_CHAOS_LOG"), records.Bytes(), 0o600)
				}
				_ = os.RemoveAll(work)
				made.Add(1)
				if t.Failed() {
					t.Fatalf("seed %d: play it alone with OHFP_CHAOS_RUNS=1 OHFP_CHAOS_SEED=%d", seed, seed)
				}
			}
		})
	}
}

const (
	loop     = 30 * time.Second // of Host Factory
	busy     = 30               // rounds in which all kinds of things happen
	demanded = 5                // requests in that time, about
)

// play is one life: an hour in which all goes wrong, hours in which all goes well, and the reckoning.
func play(t *testing.T, seed uint64, conf, work string, log io.Writer) *symphony {
	t.Helper()
	w := newWorld(t, seed, conf, work, log)
	s := &symphony{world: w, batch: 6, lag: w.random.IntN(4), hosts: map[string]*host{}, asked: map[string]int{}, silent: map[string]bool{}}
	for range busy {
		if w.random.IntN(4) == 0 {
			w.trouble()
		}
		if w.random.IntN(8) == 0 {
			w.take()
		}
		demand := 0
		if w.random.IntN(busy/demanded) == 0 || s.round == 0 {
			demand = 1 + w.random.IntN(2)
		}
		s.turn(demand)
		time.Sleep(loop)
	}
	s.settle()
	s.reckon()
	if t.Failed() {
		return s
	}
	// Host Factory gives everything back, and nothing but what nobody asks about may be left.
	for _, h := range s.hosts {
		h.going = true
	}
	s.settle()
	s.reckon()
	return s
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
}

//go:build linux || darwin

package daemon_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// pair is two daemons of one cluster on two hosts, as far as they can tell: they share a database and nothing else.
type pair struct {
	sites   [2]*site
	daemons [2]*running
}

// onPostgres are the settings of a store in PostgreSQL, of its own.
func onPostgres(t *testing.T) map[string]any {
	t.Helper()
	return map[string]any{"strategy": "sql", "sql": map[string]any{
		"type": "postgresql", "url": server(t, "OHFP_TEST_POSTGRES"), "schema": "t" + strings.ToLower(rand.Text()),
	}}
}

// onDynamoDB are those of one in DynamoDB.
func onDynamoDB(t *testing.T) map[string]any {
	t.Helper()
	return map[string]any{"strategy": "dynamodb", "dynamodb": map[string]any{
		"region": "us-east-1", "endpoint": server(t, "OHFP_TEST_DYNAMODB"), "table_prefix": "t" + rand.Text(),
	}}
}

// server is the address that a make target put into the environment.
func server(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Skip(variable + " names no server; make test-postgres and make test-dynalite start one each")
	}
	return address
}

func newPair(t *testing.T, storage map[string]any, lease time.Duration) *pair {
	t.Helper()
	one := newSite(t, crashing, quick())
	one.settings(map[string]any{
		"storage": storage,
		"daemon":  map[string]any{"interval": 0.1, "idle_interval": 0.5, "live_interval": 1, "lease": lease.String()},
	})
	two := one.with(one.programs.Both)
	two.WorkDir = filepath.Join(t.TempDir(), "work")
	if err := os.MkdirAll(two.WorkDir, 0o750); err != nil {
		t.Fatal(err)
	}
	p := &pair{sites: [2]*site{one, two}}
	for i, s := range p.sites {
		p.daemons[i] = s.serve()
	}
	return p
}

// shards is how many shards the daemon of a site says that it holds.
func (s *site) shards() int {
	var status struct {
		Sharing struct {
			Shards []int `json:"shards"`
			Of     int   `json:"of"`
		} `json:"sharing"`
	}
	if err := s.cli(s.tb.Context(), &status, "serve", "--check"); err != nil || status.Sharing.Of != 32 {
		return -1
	}
	return len(status.Sharing.Shards)
}

func (p *pair) shared(s *site) {
	s.eventually("both have their share", func() bool { return p.sites[0].shards() == 16 && p.sites[1].shards() == 16 })
}

// settled waits until nothing is under way, and compares the cloud with the records.
func (s *site) settled(when string) {
	s.tb.Helper()
	alive := map[string]int{}
	s.within(2*patience, when+": all has ended", func() bool {
		_, ended := s.recorded()
		return ended
	})
	recorded := func() int {
		var list struct {
			Machines []struct {
				ID      string `json:"machineId"`
				Request string `json:"requestId"`
				Status  string `json:"status"`
			} `json:"machines"`
		}
		if err := s.cli(s.tb.Context(), &list, "machines", "list"); err != nil {
			s.tb.Fatal(err)
		}
		clear(alive)
		for _, m := range list.Machines {
			if m.Status != "terminated" {
				alive[m.Request]++
			}
		}
		n := 0
		for _, count := range alive {
			n += count
		}
		return n
	}
	s.eventually(when+": the cloud is as recorded", func() bool { return recorded() == s.alive() })
	for id, n := range alive {
		if n > 2 {
			s.tb.Errorf("%s: request %s asked for 2 and has %d", when, id, n)
		}
	}
}

func TestPostgresStoppedDaemons(t *testing.T) {
	t.Parallel()
	stopDaemons(t, onPostgres(t))
}

func TestServerStoppedDaemons(t *testing.T) {
	t.Parallel()
	stopDaemons(t, onDynamoDB(t))
}

// stopDaemons stops one of two daemons for longer than its lease while it is at work, and lets it go on: real
// processes, real signals, and the simulated cloud's own list of what was launched.
func stopDaemons(t *testing.T, storage map[string]any) {
	t.Helper()
	lease := 6 * time.Second
	switches := 2
	if text := os.Getenv("OHFP_STOPS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		switches = n
	}
	p := newPair(t, storage, lease)
	p.shared(p.sites[0])
	asked := 0
	longest := time.Duration(0)
	for i := range switches {
		victim, survivor, daemon := p.sites[i%2], p.sites[(i+1)%2], p.daemons[i%2]
		answers := make(chan error, 1)
		go func() {
			_, err := victim.Request(t.Context(), "m5", 2)
			answers <- err
		}()
		asked += 2
		time.Sleep(time.Duration(i*37%400) * time.Millisecond) // anywhere in the request
		if err := daemon.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		survivor.eventually("the other has all shards", func() bool { return survivor.shards() == 32 })
		took := time.Since(stopped)
		longest = max(longest, took)
		if took >= 10*time.Second {
			t.Errorf("switch %d: taken over after %s", i, took)
		}
		survivor.settled("taken over")
		if err := daemon.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := <-answers; err != nil {
			t.Logf("switch %d: the script of the stopped daemon: %v", i, err)
		}
		p.shared(survivor)
		survivor.settled("the other goes on")
	}
	t.Logf("%d stops, the longest takeover took %s", switches, longest)
	s := p.sites[0]
	if launched := s.launched(); launched > asked {
		t.Errorf("%d machines were ever launched, %d were asked for", launched, asked)
	}
	var hosts []fakehf.Host
	for _, i := range s.cloud.Instances() {
		if i.Alive() {
			hosts = append(hosts, fakehf.Host{ID: i.ID, Name: i.PrivateDNS})
		}
	}
	if len(hosts) == 0 {
		t.Error("nothing was launched; the test sees nothing")
	}
	if _, err := s.Return(t.Context(), hosts...); err != nil {
		t.Fatal(err)
	}
	s.eventually("nothing is left", func() bool { return s.alive() == 0 })
	s.settled("all given back")
}

// TestPostgresGracefulStop: a daemon that is told to stop gives its shards back at once.
func TestPostgresGracefulStop(t *testing.T) {
	t.Parallel()
	const lease = 15 * time.Second
	p := newPair(t, onPostgres(t), lease)
	two := p.sites[1]
	if code := p.daemons[0].end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("the daemon exits with %d: %s", code, p.daemons[0].stderr.Bytes())
	}
	ended := time.Now()
	two.eventually("the other has all shards", func() bool { return two.shards() == 32 })
	if took := time.Since(ended); took > lease*2/3 {
		t.Errorf("the other has all shards after %s, as if it had waited for the leases", took)
	}
	two.ready(two.ask(2), 2)
}

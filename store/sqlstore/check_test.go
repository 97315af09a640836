package sqlstore

import (
	"os"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// spoils are statements that make damage, with what is told of it.
func spoils() map[string]string {
	return map[string]string{
		"UPDATE requests SET doc = '{'":                             "request req-",
		"UPDATE requests SET ended = NOT ended":                     "columns",
		"UPDATE requests SET used_price = 7":                        "against limits",
		"UPDATE requests SET version = 0":                           "columns",
		"UPDATE machines SET doc = '{' WHERE machine_id = 'i-1'":    "machine i-1",
		"UPDATE machines SET counted = NOT counted":                 "machine i-1",
		"UPDATE machines SET state = 'x' WHERE machine_id = 'i-1'":  "machine i-1",
		"UPDATE events SET doc = '[' WHERE sequence = 1":            "event 1",
		"UPDATE events SET request_id = 'x' WHERE sequence = 1":     "event 1",
		"UPDATE templates SET doc = '0' WHERE id = 't'":             "template t",
		`UPDATE templates SET doc = '{"id":"y"}' WHERE id = 't'`:    "template t",
		"UPDATE events SET doc = '[', request_id = 'y' WHERE 1 = 1": "1 place;",
	}
}

func fill(t *testing.T, s *Store) {
	t.Helper()
	id := ohfp.NewRequestID(ohfp.TypeAcquire, start)
	r := ohfp.Request{ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending, CreatedAt: start}
	r.Machines = []ohfp.Machine{{Provider: "p", ID: "i-1", Request: id, State: ohfp.MachineRunning, LaunchedAt: start}}
	if err := s.CreateRequest(t.Context(), r, store.Limits{}, ohfp.Event{Kind: ohfp.RequestCreated, Request: id}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	for statement, told := range spoils() {
		s := openAt(t, freshPath(t))
		fill(t, s)
		if _, err := s.alone().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		refused(t, s.Check(t.Context()), ohfp.ErrUnavailable, s.path, "damaged", told)
	}
}

func TestPostgresCheckFindsDamage(t *testing.T) {
	t.Parallel()
	for statement, told := range spoils() {
		s := openIn(t, inPostgres(t))
		fill(t, s)
		if _, err := s.alone().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		refused(t, s.Check(t.Context()), ohfp.ErrUnavailable, s.path, "damaged", told)
	}
}

// TestCheckReadsPages overwrites the middle of the file, as a failing disk does.
func TestCheckReadsPages(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	s := openAt(t, path)
	for range 200 {
		mustCreate(t, s)
	}
	fill(t, s)
	if _, err := s.alone().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 8192), info.Size()/2/4096*4096); err != nil {
		t.Fatal(err)
	}
	refused(t, openAt(t, path).Check(t.Context()), ohfp.ErrUnavailable, "damaged")
}

// TestPostgresServerClock: hosts whose clocks differ agree on when a lease lapses.
func TestPostgresServerClock(t *testing.T) {
	t.Parallel()
	o := inPostgres(t) // its Now is the same for ever
	o.ServerClock = true
	s := openIn(t, o)
	before := time.Now().Add(-time.Second)
	l, err := s.Lease(t.Context(), "shard", "a", 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if l.Until.Before(before) || l.Until.After(time.Now().Add(time.Second)) {
		t.Errorf("the lease ends at %s", l.Until)
	}
	_, err = s.Lease(t.Context(), "shard", "b", time.Hour)
	refused(t, err, ohfp.ErrConflict, "held by a")
	for deadline := time.Now().Add(20 * time.Second); err != nil; _, err = s.Lease(t.Context(), "shard", "b", time.Hour) {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	all, err := s.Leases(t.Context(), "")
	if err != nil || len(all) != 1 || all[0].Holder != "b" {
		t.Errorf("leases are %v, %v", all, err)
	}
}

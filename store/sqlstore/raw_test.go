package sqlstore_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/storetest"
)

// TestFiguresBesideTheDriver stores the machines of large launches by turns with the store and with the driver alone: the same
// rows in a table of the same indexes, in one transaction that is synced in the same way. The store has half of the driver's
// speed at least, encoding and all checks included.
func TestFiguresBesideTheDriver(t *testing.T) {
	t.Parallel()
	rounds, count := 2, 100
	if storetest.Long() {
		rounds, count = 7, thousands
	}
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: filepath.Join(t.TempDir(), "ohfp.db"), Now: time.Now, BusyTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	path := filepath.Join(t.TempDir(), "raw.db")
	other, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: path, Now: time.Now, BusyTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	db := openRaw(t, path)
	var ours, raw []time.Duration
	for n := range rounds {
		r := storetest.BenchRequest(n)
		r.Machines = storetest.BenchMachines(r, count)
		began := time.Now()
		if err := s.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		ours = append(ours, time.Since(began))
		raw = append(raw, insertRaw(t, db, r.Machines))
	}
	slices.Sort(ours)
	slices.Sort(raw)
	mine, theirs := ours[rounds/2], raw[rounds/2]
	ratio := float64(theirs) / float64(mine)
	t.Logf("%d machines: store %s, driver alone %s: the store has %.0f %% of the driver's speed", count, mine, theirs, 100*ratio)
	if storetest.Long() && ratio < 0.5 {
		t.Errorf("the store has %.0f %% of the driver's speed, want 50 or more", 100*ratio)
	}
}

// insertRaw is how long the driver takes for the rows of machines, encoded before.
func insertRaw(t *testing.T, db *sql.DB, machines []ohfp.Machine) time.Duration {
	t.Helper()
	docs := make([]string, len(machines))
	for i, m := range machines {
		doc, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		docs[i] = string(doc)
	}
	began := time.Now()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // it is committed when all went well
	insert, err := tx.PrepareContext(t.Context(), `INSERT INTO machines (request_id, return_id, template, state, name, resource, weight, vcpus, price,
  counted, launched_at, version, doc, provider, machine_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	for i, m := range machines {
		if _, err := insert.ExecContext(t.Context(), string(m.Request), "", string(m.Template), string(m.State), m.Name, m.Resource, 1, 0, 0, true,
			m.LaunchedAt.UnixNano(), 1, docs[i], m.Provider, string(m.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

package sqlstore_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func harness() storetest.Harness {
	return storetest.Harness{
		Fresh: func(tb testing.TB) string {
			tb.Helper()
			return filepath.Join(tb.TempDir(), "dir", "ohfp.db")
		},
		Open: func(ctx context.Context, location string, now store.Now) (store.Store, error) {
			s, err := sqlstore.Open(ctx, sqlstore.Options{Path: location, Now: now, BusyTimeout: patience})
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Check: func(tb testing.TB, location string) {
			tb.Helper()
			var verdict string
			if err := openRaw(tb, location).QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				tb.Errorf("integrity check says %q, %v", verdict, err)
			}
		},
	}
}

// patience is how long processes of these tests wait for each other: 32 of them sync a disk that may be busy with others.
const patience = 3 * time.Minute

// TestMain bounds the random tests: each syncs the disk dozens of times, which takes long on a busy one.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, harness())
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	storetest.RunProcesses(t, harness())
}

func TestDurable(t *testing.T) {
	t.Parallel()
	storetest.RunDurable(t, harness())
}

func TestChaos(t *testing.T) {
	t.Parallel()
	storetest.RunChaos(t, harness())
}

func TestFigures(t *testing.T) {
	t.Parallel()
	storetest.RunFigures(t, harness())
}

package storage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

func start() time.Time { return time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) }

func openStore(ctx context.Context, s config.Storage) (store.Store, error) {
	if s.Strategy == config.StrategyJSON {
		return jsonfile.Open(ctx, jsonfile.Options{Path: s.JSON.Path, Now: start, BusyTimeout: time.Minute})
	}
	return sqlstore.Open(ctx, sqlstore.Options{Path: s.SQL.Path, Now: start, BusyTimeout: time.Minute})
}

func keeper(t *testing.T, strategy string) storage.Keeper {
	t.Helper()
	dir := t.TempDir()
	return storage.Keeper{
		Storage: config.Storage{
			Strategy: strategy, JSON: config.JSON{Path: filepath.Join(dir, "data"), Backups: 2},
			SQL: config.SQL{Type: config.SQLite, Path: filepath.Join(dir, "ohfp.db")},
		},
		Open: openStore, Now: time.Now,
		Exclude: func(...config.Storage) (func() error, error) { return func() error { return nil }, nil },
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, s store.Store, id ohfp.RequestID, ended time.Time) {
	t.Helper()
	r, events, err := ohfp.NewAcquire(id, ohfp.Template{ID: "t", MaxNumber: 1}, 1, ohfp.Origin{Face: "cli"}, time.Hour, ended.Add(-time.Hour))
	must(t, err)
	r.Status, r.CompletedAt = ohfp.StatusFailed, ended
	must(t, s.CreateRequest(t.Context(), r, store.Limits{}, events...))
}

func TestParsePlace(t *testing.T) {
	t.Parallel()
	base := config.Storage{
		Strategy: "sql", JSON: config.JSON{Path: "/w/data"}, SQL: config.SQL{Type: "postgresql", Path: "/w/ohfp.db", URL: "postgresql://h/d"},
		DynamoDB: config.DynamoDB{TablePrefix: "hf"},
	}
	for text, want := range map[string]string{
		"json": "json:/w/data", "json:x": "json:/x", "sql": "postgresql, schema ", "sql:x.db": "sql:/x.db", "sqlite": "sql:/w/ohfp.db",
		"postgresql": "postgresql, schema ", "postgresql://a/b": "postgresql, schema ", "sql:postgres://a/b": "postgresql, schema ",
		"dynamodb": "dynamodb:hf", "dynamodb:other": "dynamodb:other", "json:": "", "sql:": "", "mongodb": "", "": "",
	} {
		got, err := storage.ParsePlace(base, text, func(path string) (string, error) { return "/" + path, nil })
		if want == "" {
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("%q is %+v, %v", text, got, err)
			}
			continue
		}
		if err != nil || storage.Describe(got) != want {
			t.Errorf("%q is %s, %v; want %s", text, storage.Describe(got), err, want)
		}
	}
	if got, err := storage.ParsePlace(config.Storage{}, "postgresql", filepath.Abs); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("a database without an address is %+v, %v", got, err)
	}
}

func TestMigrateRefusals(t *testing.T) {
	t.Parallel()
	k := keeper(t, config.StrategySQL)
	_, err := k.Init(t.Context())
	must(t, err)
	other := k.Storage
	other.Strategy = config.StrategyJSON
	served := ohfp.Errorf(ohfp.ErrConflict, "a daemon serves it")
	var asked []config.Storage
	k.Exclude = func(stores ...config.Storage) (func() error, error) {
		asked = stores
		return nil, served
	}
	if _, err := k.Migrate(t.Context(), k.Storage, other, true); !errors.Is(err, served) || len(asked) != 2 {
		t.Errorf("with a daemon: %v, after looking at %d stores", err, len(asked))
	}
	if _, err := os.Stat(other.JSON.Path); err == nil {
		t.Error("the target was made all the same")
	}
}

// TestSharedStoresAreToldByTheirLeases moves a store that a daemon on another host serves.
func TestSharedStoresAreToldByTheirLeases(t *testing.T) {
	t.Parallel()
	k := keeper(t, config.StrategySQL)
	shared := memory.New(start)
	_, err := shared.Lease(t.Context(), "daemon/host-7", "host-7", time.Hour)
	must(t, err)
	k.Open = func(ctx context.Context, s config.Storage) (store.Store, error) {
		if s.Strategy == config.StrategyDynamoDB {
			return shared, nil
		}
		return openStore(ctx, s)
	}
	_, err = k.Init(t.Context())
	must(t, err)
	to := k.Storage
	to.Strategy = config.StrategyDynamoDB
	if _, err := k.Migrate(t.Context(), k.Storage, to, false); !errors.Is(err, ohfp.ErrConflict) || !strings.Contains(err.Error(), "host-7") {
		t.Errorf("migrate into a store that is served: %v", err)
	}
}

func TestCompactDryRunCountsWhatCompactRemoves(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{config.StrategyJSON, config.StrategySQL} {
		k := keeper(t, strategy)
		k.Now = start
		s, err := k.Open(t.Context(), k.Storage)
		must(t, err)
		ask(t, s, "req-old", start().Add(-48*time.Hour))
		ask(t, s, "req-new", start().Add(-time.Hour))
		must(t, s.Close())
		would, err := k.Compact(t.Context(), 24*time.Hour, true)
		must(t, err)
		did, err := k.Compact(t.Context(), 24*time.Hour, false)
		must(t, err)
		if diff := cmp.Diff(would.Compacted, did.Compacted); diff != "" || did.Requests != 1 || did.Events != 1 {
			t.Errorf("%s: said and done differ (-said +done):\n%s%+v", strategy, diff, did)
		}
	}
}

func TestBackupsAreOneADayAndNotTooMany(t *testing.T) {
	t.Parallel()
	k := keeper(t, config.StrategyJSON)
	s, err := k.Open(t.Context(), k.Storage)
	must(t, err)
	now := start()
	b := storage.Backups{Store: s, Storage: k.Storage, Keep: 2, Now: func() time.Time { return now }}
	names := func() []string {
		var names []string
		entries, err := os.ReadDir(storage.BackupDir(k.Storage))
		must(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	must(t, b.Make(t.Context()))
	if got := names(); len(got) > 0 {
		t.Errorf("an empty store has the backups %v", got)
	}
	must(t, os.WriteFile(filepath.Join(storage.BackupDir(k.Storage), "mine.jsonl"), nil, 0o600))
	for day := range 4 {
		now = start().AddDate(0, 0, day)
		ask(t, s, ohfp.RequestID(fmt.Sprintf("req-%d", day)), now)
		for range 3 {
			must(t, b.Make(t.Context()))
		}
	}
	if diff := cmp.Diff([]string{"2026-03-31.jsonl", "2026-04-01.jsonl", "mine.jsonl"}, names()); diff != "" {
		t.Errorf("backups (-want +got):\n%s", diff)
	}
	// One of them is put back into its own store, and stays where it is.
	done, err := k.Restore(t.Context(), filepath.Join(storage.BackupDir(k.Storage), "2026-03-31.jsonl"), true)
	must(t, err)
	if done.Requests != 3 || len(names()) != 3 {
		t.Errorf("restored %+v, backups are %v", done, names())
	}
	restored, err := s.Requests(t.Context(), store.RequestFilter{})
	must(t, err)
	if len(restored) != 3 {
		t.Errorf("the store has %d requests", len(restored))
	}
}

// TestHealthSeesDamage breaks a record.
func TestHealthSeesDamage(t *testing.T) {
	t.Parallel()
	k := keeper(t, config.StrategyJSON)
	s, err := k.Open(t.Context(), k.Storage)
	must(t, err)
	ask(t, s, "req-1", start())
	if h := k.Health(t.Context(), true); !h.Healthy || h.Details.Holds.Requests != 1 {
		t.Errorf("a good store: %+v", h)
	}
	must(t, os.WriteFile(filepath.Join(k.Storage.JSON.Path, "requests", "done", "req-1.json"), []byte("{}"), 0o600))
	if h := k.Health(t.Context(), true); h.Healthy || h.Details.Problem == "" {
		t.Errorf("a damaged store: %+v", h)
	}
}

func TestParseAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "-1h": 0, "soon": 0, "": 0, "d": 0} {
		if got, err := storage.ParseAge(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

var start = time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)

func now() time.Time { return start }

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func freshPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "dir", "ohfp.db")
}

func createRequest(ctx context.Context, s *Store) (ohfp.RequestID, error) {
	id := ohfp.NewRequestID(ohfp.TypeAcquire, start)
	return id, s.CreateRequest(ctx, ohfp.Request{ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending}, store.Limits{})
}

func mustCreate(t *testing.T, s *Store) ohfp.RequestID {
	t.Helper()
	id, err := createRequest(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refused fails unless err has the kind and every part in its text.
func refused(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want kind %v", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func surroundingsFor(t *testing.T, more ...string) surroundings {
	t.Helper()
	files := fstest.MapFS{}
	released, err := released("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(released, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("migrations: %v, %v", names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(released, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	for i, text := range more {
		files["9"+string(rune('0'+i))+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return surroundings{fileSystem: localdisk.NetworkFileSystem, schema: files}
}

// TestModes: nobody else may read a store, its log or its shared memory.
func TestModes(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	s := openAt(t, path)
	mustCreate(t, s)
	for name, want := range map[string]os.FileMode{"": dirMode, "ohfp.db": fileMode, "ohfp.db-wal": fileMode, "ohfp.db-shm": fileMode} {
		info, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
}

// TestSettings holds the connections to what the promises rest on.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "15000", "user_version": strconv.Itoa(s.known)} {
		var got string
		if err := s.db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "what?mode=memory", "50%20", "#1", "é&x=y", "file:x"} {
		path := filepath.Join(t.TempDir(), name)
		id := mustCreate(t, openAt(t, path))
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		if _, err := openAt(t, path).Request(t.Context(), id); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEmptyFileIsAStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ohfp.db")
	if err := os.WriteFile(path, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, openAt(t, path))
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{Now: now})
	refused(t, err, ohfp.ErrInvalid, "no path")
	dir := t.TempDir()
	_, err = Open(t.Context(), Options{Path: dir, Now: now})
	refused(t, err, ohfp.ErrInvalid, dir, "is a directory")
	if _, err = Open(t.Context(), Options{Path: filepath.Join(dir, "x")}); err == nil {
		t.Error("a store without a clock was opened")
	}
}

func TestNetworkFileSystem(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	around := surroundingsFor(t)
	var asked []string
	around.fileSystem = func(path string) (string, error) {
		asked = append(asked, path)
		return "NFS", nil
	}
	path := filepath.Join(top, "a", "b", "ohfp.db")
	_, err := open(t.Context(), Options{Path: path, Now: now}, around)
	refused(t, err, ohfp.ErrInvalid, path, "NFS", "local disk")
	if len(asked) != 1 || asked[0] != top {
		t.Errorf("looked at %q, want the directory that exists", asked)
	}
	if left, err := os.ReadDir(top); err != nil || len(left) != 0 {
		t.Errorf("%v was made on the file system that was refused", left)
	}
	mustCreate(t, openAt(t, path))
	_, err = open(t.Context(), Options{Path: path, Now: now}, around)
	refused(t, err, ohfp.ErrInvalid, path, "NFS")
	if last := asked[len(asked)-1]; last != path {
		t.Errorf("looked at %q, want the file, which may be a link", last)
	}
	around.fileSystem = func(string) (string, error) { return "", errors.New("no idea") }
	_, err = open(t.Context(), Options{Path: path, Now: now}, around)
	refused(t, err, ohfp.ErrUnavailable, path, "no idea")
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	old := openAt(t, path)
	id := mustCreate(t, old)

	newer, err := open(t.Context(), Options{Path: path, Now: now}, surroundingsFor(t, "ALTER TABLE requests ADD COLUMN more TEXT NOT NULL DEFAULT ''", "CREATE TABLE extra (id TEXT)"))
	if err != nil {
		t.Fatal(err)
	}
	defer newer.Close()
	mustCreate(t, newer)

	words := fmt.Sprintf("was written by a newer ohfp (schema %d, this one knows %d); upgrade ohfp", old.known+2, old.known)
	_, err = Open(t.Context(), Options{Path: path, Now: now})
	refused(t, err, ohfp.ErrConflict, path, words)
	// One that had it open before writes nothing more, either.
	_, err = createRequest(t.Context(), old)
	refused(t, err, ohfp.ErrConflict, path, words)
	_, err = old.UpdateRequest(t.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.Count++
		return nil, nil
	})
	refused(t, err, ohfp.ErrConflict, path, words)
}

// TestUpgradeAtOnce lets many find the same old store.
func TestUpgradeAtOnce(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	id := mustCreate(t, openAt(t, path))
	around := surroundingsFor(t, "CREATE TABLE once (id TEXT)", "INSERT INTO once VALUES ('x')")
	opened := make(chan error)
	for range 16 {
		go func() {
			s, err := open(t.Context(), Options{Path: path, Now: now}, around)
			if err == nil {
				_, err = s.Request(t.Context(), id)
				err = errors.Join(err, s.Close())
			}
			opened <- err
		}()
	}
	for range 16 {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
	s, err := open(t.Context(), Options{Path: path, Now: now}, around)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows int
	if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM once").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("the migration ran %d times (%v), want once", rows, err)
	}
}

// TestMadeByOthers: when somebody else is just making the store, SQLite gives up at once, and the waiting is done here.
func TestMadeByOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ohfp.db")
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	busy, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path, Now: now, BusyTimeout: 20 * time.Millisecond})
	refused(t, err, ohfp.ErrUnavailable, path, "locked by another process for 20ms")

	ctx, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	_, err = Open(ctx, Options{Path: path, Now: now})
	refused(t, err, ohfp.ErrTimeout, path)

	left := make(chan error)
	time.AfterFunc(30*time.Millisecond, func() { left <- busy.Rollback() })
	s, err := Open(t.Context(), Options{Path: path, Now: now})
	if err := errors.Join(err, <-left); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustCreate(t, s)
}

func TestFailedUpgradeLeavesNothing(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	id := mustCreate(t, openAt(t, path))
	_, err := open(t.Context(), Options{Path: path, Now: now}, surroundingsFor(t, "CREATE TABLE half (id TEXT)", "CREATE TABLE half (id TEXT)"))
	if err == nil || !strings.Contains(err.Error(), "91.sql") || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, want it to name the migration and the store", err)
	}
	s := openAt(t, path)
	if _, err := s.Request(t.Context(), id); err != nil {
		t.Error(err)
	}
	var tables int
	if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables left over, %v", tables, err)
	}
}

// TestMigrationsAreNumbered: their order is that of their names, and each counts one.
func TestMigrationsAreNumbered(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		files, err := migrations.ReadDir("migrations/" + engine)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d migrations, %v", engine, len(files), err)
		}
		for i, file := range files {
			if number := strings.SplitN(file.Name(), "_", 2)[0]; number != strings.Repeat("0", 3)+string(rune('1'+i)) {
				t.Errorf("%s: file %d is %s", engine, i+1, file.Name())
			}
		}
	}
}

func TestNoStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ohfp.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter to a friend. ", 1000)), fileMode); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Path: path, Now: now})
	refused(t, err, ohfp.ErrUnavailable, path, "restore it from a backup")
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	s := openAt(t, path)
	for range 200 {
		mustCreate(t, s)
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
	for at := int64(8192); at < info.Size(); at += 4096 {
		if _, err := f.WriteAt([]byte(strings.Repeat("\xaa", 2048)), at); err != nil {
			t.Fatal(err)
		}
	}
	broken, err := Open(t.Context(), Options{Path: path, Now: now})
	if err == nil {
		defer broken.Close()
		_, err = broken.Requests(t.Context(), store.RequestFilter{})
	}
	refused(t, err, ohfp.ErrUnavailable, path, "damaged")
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	s.db.SetMaxOpenConns(1)
	pages := func(n string) {
		t.Helper()
		if _, err := s.db.ExecContext(t.Context(), "PRAGMA max_page_count = "+n); err != nil {
			t.Fatal(err)
		}
	}
	pages("60")
	stored := 0
	var err error
	for ; err == nil; stored++ {
		_, err = createRequest(t.Context(), s)
	}
	stored--
	refused(t, err, ohfp.ErrUnavailable, s.path, "free some space")
	if found, err := s.Requests(t.Context(), store.RequestFilter{}); err != nil || len(found) != stored || stored == 0 {
		t.Errorf("%d requests (%v), want the %d that were stored", len(found), err, stored)
	}
	pages("1000")
	mustCreate(t, s)
}

// TestLocked: looking, and an update that changes nothing, wait for no writer.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	id := mustCreate(t, openAt(t, path))
	holder, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	held, err := holder.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Path: path, Now: now, BusyTimeout: 60 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Request(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := s.UpdateRequest(t.Context(), id, func(*ohfp.Request) ([]ohfp.Event, error) { return nil, nil }); err != nil {
		t.Error(err)
	}
	_, err = createRequest(t.Context(), s)
	refused(t, err, ohfp.ErrUnavailable, path, "locked by another process for 60ms")

	// A context ends the wait, for the file and for the other writer of this process.
	patient := openAt(t, path)
	began := time.Now()
	errs := make(chan error)
	for range 2 {
		go func() {
			ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer end()
			_, err := createRequest(ctx, patient)
			errs <- err
		}()
	}
	for range 2 {
		refused(t, <-errs, ohfp.ErrTimeout, path)
	}
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("waited %s for a context of 50ms", waited)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, patient)
}

func TestSequencesAreNotUsedTwice(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	last := func() int64 {
		t.Helper()
		if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "a"}, ohfp.Event{}); err != nil {
			t.Fatal(err)
		}
		told, err := s.Events(t.Context(), store.EventFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return told[len(told)-1].Sequence
	}
	first := last()
	if _, err := s.db.ExecContext(t.Context(), "DELETE FROM events"); err != nil {
		t.Fatal(err)
	}
	if second := last(); second <= first {
		t.Errorf("sequence %d after %d, which was removed", second, first)
	}
}

// TestPlans: what every call does, and what is looked for by name or id, never reads a table from end to end.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	for query, args := range map[string]int{
		usageQuery: 0,
		recall:     2,
		"SELECT version, doc FROM requests WHERE id = ?":                                                     1,
		"SELECT version, doc FROM requests WHERE id" + oneOf:                                                 1,
		"SELECT version, doc FROM requests WHERE NOT settled ORDER BY created_at DESC, id DESC LIMIT 1":      0,
		"SELECT version, doc FROM machines WHERE request_id" + oneOf:                                         1,
		"SELECT version, doc FROM machines WHERE return_id <> '' AND return_id" + oneOf:                      1,
		"SELECT version, doc FROM machines WHERE machine_id" + oneOf:                                         1,
		"SELECT version, doc FROM machines WHERE name" + oneOf + " ORDER BY launched_at LIMIT ?":             2,
		"SELECT sequence, doc FROM events WHERE sequence > ? AND request_id = ? ORDER BY sequence LIMIT ?":   3,
		"DELETE FROM memory WHERE expires_at <= ?":                                                           1,
		"SELECT version, doc FROM machines WHERE noticed ORDER BY launched_at, machine_id, provider LIMIT ?": 1,
		updateMachine: 16,
		updateRequest: 16,
		touchRequests: 1,
	} {
		rows, err := s.alone().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, args)...)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var plan []string
		for rows.Next() {
			var a, b, c int
			var step string
			if err := rows.Scan(&a, &b, &c, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
			if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "INDEX") && step != "SCAN held" && step != "SCAN each" {
				t.Errorf("%s\nreads all: %s", query, step)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s\n\t%s", query, strings.Join(plan, "\n\t"))
	}
}

// TestUpgradeCounts takes a store back to the schema in which requests did not say what they count against limits, and up again.
func TestUpgradeCounts(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	s := openAt(t, path)
	const counted, gone = ohfp.MachineRunning, ohfp.MachineTerminated
	for _, r := range []struct {
		kind   ohfp.RequestType
		status ohfp.Status
		asked  int
		holds  []ohfp.MachineState
	}{
		{ohfp.TypeAcquire, ohfp.StatusInProgress, 3, []ohfp.MachineState{counted, gone}},
		{ohfp.TypeAcquire, ohfp.StatusInProgress, 1, []ohfp.MachineState{counted, counted}},
		{ohfp.TypeAcquire, ohfp.StatusComplete, 9, []ohfp.MachineState{counted, gone}},
		{ohfp.TypeAcquire, ohfp.StatusFailed, 7, nil},
		{ohfp.TypeReturn, ohfp.StatusInProgress, 5, nil},
	} {
		id := ohfp.NewRequestID(r.kind, start)
		stored := ohfp.Request{
			ID: id, Type: r.kind, Status: r.status, Count: r.asked, CreatedAt: start, Provider: "p",
			Template: ohfp.Template{ID: "t"}, Estimate: ohfp.Estimate{VCPUs: 2, Price: 1},
		}
		for i, state := range r.holds {
			stored.Machines = append(stored.Machines, ohfp.Machine{
				Provider: "p", ID: ohfp.MachineID(fmt.Sprintf("%s-%d", id, i)), Request: id, State: state, Weight: 4, Cost: ohfp.Cost{VCPUs: 8},
			})
		}
		if err := s.CreateRequest(t.Context(), stored, store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := 4 + 8 + 4; before.Templates["t"] != want {
		t.Fatalf("%+v counts, want %d units", before, want)
	}
	for _, statement := range []string{
		"DROP INDEX requests_used", "ALTER TABLE requests DROP COLUMN used_units", "ALTER TABLE requests DROP COLUMN used_vcpus",
		"ALTER TABLE requests DROP COLUMN used_price", "CREATE INDEX requests_unended ON requests (template) WHERE NOT ended", "PRAGMA user_version = 5",
	} {
		if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	after, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the upgrade counts differently: %s", diff)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	options := url.Values{"mode": {"rw"}}
	for path, want := range map[string]string{
		"/var/lib/ohfp/ohfp.db":       "file:///var/lib/ohfp/ohfp.db?mode=rw",
		"/srv/a b/100%?/ohfp.db":      "file:///srv/a%20b/100%25%3F/ohfp.db?mode=rw",
		"C:/ProgramData/ohfp/ohfp.db": "file:///C:/ProgramData/ohfp/ohfp.db?mode=rw",
		"//server/share/ohfp.db":      "file:////server/share/ohfp.db?mode=rw",
	} {
		if got := address(path, options); got != want {
			t.Errorf("address of %s is %s, want %s", path, got, want)
		}
	}
}

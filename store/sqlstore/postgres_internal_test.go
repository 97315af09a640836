package sqlstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// inPostgres are options for a store that does not exist, in the database that tests may use.
func inPostgres(t *testing.T) PostgresOptions {
	t.Helper()
	address := os.Getenv("OHFP_TEST_POSTGRES")
	if address == "" {
		if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
			t.Fatal("OHFP_TEST_POSTGRES is not set")
		}
		t.Skip("OHFP_TEST_POSTGRES names no PostgreSQL; make test-postgres starts one")
	}
	o := PostgresOptions{URL: address, Schema: "t" + strings.ToLower(rand.Text()), Now: now}
	t.Cleanup(func() { superuser(t, address, "DROP SCHEMA IF EXISTS "+o.Schema+" CASCADE") })
	return o
}

func superuser(t *testing.T, address, statements string) {
	t.Helper()
	ctx, end := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer end()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Error(err)
		return
	}
	err = conn.PgConn().Exec(ctx, statements).Close()
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Errorf("%s: %v", statements, err)
	}
}

func openIn(t *testing.T, o PostgresOptions) *Store {
	t.Helper()
	s, err := OpenPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func alter(t *testing.T, address string, change func(u *url.URL, q url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(u, q)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestNumbered(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT 1":                     "SELECT 1",
		"a = ? AND b" + oneOf:          "a = $1 AND b = ANY(ARRAY(SELECT json_array_elements_text($2::json)))",
		"b" + oneOf + " OR c = ? OR ?": "b = ANY(ARRAY(SELECT json_array_elements_text($1::json))) OR c = $2 OR $3",
	} {
		if got := (postgresEngine{}).bind(query); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "mysql://u:hunter2@h/d", "host=h password=hunter2", "postgres://u:hunter2#x@h:99999999/d", "postgres://u:hun%ter2@h/d",
		"postgres://u:a@hunter2:b/d", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h/d?sslmode=hunter2",
		"postgres://u:hunter2@h/d?connect_timeout=soon", "postgresql://u:hunter2@[h/d", "postgres://u:hunter2 @h/d",
	} {
		_, err := OpenPostgres(t.Context(), PostgresOptions{URL: address, Now: now})
		refused(t, err, ohfp.ErrInvalid, "PostgreSQL", "postgresql://user:password@host:5432/database")
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q shows the password: %v", address, err)
		}
	}
	for _, schema := range []string{"a b", "A", "1a", "pg_x", strings.Repeat("a", 64), `a"b`, "é"} {
		_, err := OpenPostgres(t.Context(), PostgresOptions{URL: "postgres://h/d", Schema: schema, Now: now})
		refused(t, err, ohfp.ErrInvalid, "schema", "a-z")
	}
	if _, err := OpenPostgres(t.Context(), PostgresOptions{URL: "postgres://h/d"}); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("error is %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenPostgres(t.Context(), PostgresOptions{URL: "postgres://u:hunter2@" + address + "/d", Now: now})
	refused(t, err, ohfp.ErrUnavailable, "d.ohfp on "+address, "cannot be reached", "check")
	if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
		t.Errorf("error is %q", text)
	}
}

func TestPostgresRefuses(t *testing.T) {
	t.Parallel()
	o := inPostgres(t)
	with := func(change func(u *url.URL, q url.Values)) PostgresOptions {
		changed := o
		changed.URL = alter(t, o.URL, change)
		return changed
	}
	_, err := OpenPostgres(t.Context(), with(func(u *url.URL, _ url.Values) { u.User = url.UserPassword("ohfp", "hunter2") }))
	refused(t, err, ohfp.ErrUnavailable, "refuses this user")
	if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
		t.Errorf("error is %q", text)
	}
	_, err = OpenPostgres(t.Context(), with(func(u *url.URL, _ url.Values) { u.Path = "/nothing" }))
	refused(t, err, ohfp.ErrUnavailable, "database that does not exist")

	superuser(t, o.URL, "CREATE ROLE "+o.Schema+"_r LOGIN PASSWORD 'x'")
	t.Cleanup(func() { superuser(t, o.URL, "DROP OWNED BY "+o.Schema+"_r; DROP ROLE "+o.Schema+"_r") })
	poor := with(func(u *url.URL, _ url.Values) { u.User = url.UserPassword(o.Schema+"_r", "x") })
	_, err = OpenPostgres(t.Context(), poor)
	refused(t, err, ohfp.ErrUnavailable, "closed to this user", "CREATE SCHEMA "+o.Schema)
	superuser(t, o.URL, "CREATE SCHEMA "+o.Schema+" AUTHORIZATION "+o.Schema+"_r")
	mustCreate(t, openIn(t, poor)) // what the message says is enough

	copied := openIn(t, with(func(_ *url.URL, q url.Values) { q.Set("default_transaction_read_only", "on") }))
	_, err = createRequest(t.Context(), copied)
	refused(t, err, ohfp.ErrUnavailable, "cannot be written", "target_session_attrs")
	err = openIn(t, o).PutTemplate(t.Context(), ohfp.Template{ID: "a\x00b"})
	refused(t, err, ohfp.ErrInvalid, "zero byte")
}

func TestPostgresSettings(t *testing.T) {
	t.Parallel()
	o := inPostgres(t)
	o.URL = alter(t, o.URL, func(_ *url.URL, q url.Values) { q.Set("synchronous_commit", "off") })
	o.MaxConnections = 1
	s := openIn(t, o)
	mustCreate(t, s) // one connection is enough for everything
	for setting, want := range map[string]string{
		"search_path": o.Schema, "lock_timeout": "15s", "idle_in_transaction_session_timeout": "5s", "synchronous_commit": "on", "application_name": "ohfp",
	} {
		var got string
		if err := s.db.QueryRowContext(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", setting, got, err, want)
		}
	}
}

func postgresSchema(t *testing.T, more ...string) fstest.MapFS {
	t.Helper()
	names, err := migrations.ReadDir("migrations/postgres")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names {
		released, err := migrations.ReadFile("migrations/postgres/" + name.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[name.Name()] = &fstest.MapFile{Data: released}
	}
	for i, text := range more {
		files["9"+string(rune('0'+i))+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestPostgresUpgrade(t *testing.T) {
	t.Parallel()
	o := inPostgres(t)
	old := openIn(t, o)
	id := mustCreate(t, old)

	_, err := openPostgres(t.Context(), o, postgresSchema(t, "CREATE TABLE half (id TEXT)", "CREATE TABLE half (id TEXT)"))
	if err == nil || !strings.Contains(err.Error(), "91.sql") || !strings.Contains(err.Error(), o.Schema) {
		t.Errorf("error is %v, want it to name the migration and the store", err)
	}
	mustCreate(t, old) // nothing is left of it

	files := postgresSchema(t, "CREATE TABLE once (id TEXT)", "INSERT INTO once VALUES ('x')")
	opened := make(chan error)
	for range 16 {
		go func() {
			s, err := openPostgres(t.Context(), o, files)
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
	s, err := openPostgres(t.Context(), o, files)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows int
	if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM once").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("the migration ran %d times (%v), want once", rows, err)
	}
	words := fmt.Sprintf("was written by a newer ohfp (schema %d, this one knows %d); upgrade ohfp", old.known+2, old.known)
	_, err = OpenPostgres(t.Context(), o)
	refused(t, err, ohfp.ErrConflict, o.Schema, words)
	_, err = createRequest(t.Context(), old)
	refused(t, err, ohfp.ErrConflict, o.Schema, words)
}

// TestPostgresStoppedWriter: who holds the store and says nothing keeps the others waiting for a bounded time, readers not
// at all, and can write nothing when it comes back.
func TestPostgresStoppedWriter(t *testing.T) {
	t.Parallel()
	o := inPostgres(t)
	stopped := openIn(t, o)
	id := mustCreate(t, stopped)
	impatient := o
	impatient.BusyTimeout = 60 * time.Millisecond
	held, others, patient := make(chan struct{}), make(chan struct{}), openIn(t, o)
	late, backend := make(chan error), 0
	go func() {
		late <- stopped.write(t.Context(), func(tx session) error {
			if err := tx.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
				return err
			}
			if _, err := tx.ExecContext(t.Context(), "UPDATE requests SET version = 100 WHERE id = ?", id); err != nil {
				return err
			}
			close(held)
			<-others
			return nil
		})
	}()
	<-held
	began := time.Now()
	if r, err := patient.Request(t.Context(), id); err != nil || r.Version != 1 || time.Since(began) > time.Second {
		t.Errorf("a reader saw version %d, %v, after %s", r.Version, err, time.Since(began))
	}
	_, err := createRequest(t.Context(), openIn(t, impatient))
	refused(t, err, ohfp.ErrUnavailable, "stayed locked by another writer for 60ms")
	ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	_, err = createRequest(ctx, patient)
	refused(t, err, ohfp.ErrTimeout, o.Schema)
	mustCreate(t, patient)
	if waited := time.Since(began); waited < idleInTransaction || waited > 2*idleInTransaction {
		t.Errorf("waited %s for a writer that had stopped", waited)
	}
	superuser(t, o.URL, fmt.Sprintf("SELECT pg_terminate_backend(%d, 60000)", backend)) // it is ending: wait until its socket is closed
	close(others)
	refused(t, <-late, ohfp.ErrUnavailable, "gave up on this process", "silent for 5s", "nothing was written, try again")
	if r, err := stopped.Request(t.Context(), id); err != nil || r.Version != 1 {
		t.Errorf("version %d, %v; want nothing of what the stopped one wrote", r.Version, err)
	}
	mustCreate(t, stopped)
}

// TestPostgresRestart ends all connections of a store that stays open.
func TestPostgresRestart(t *testing.T) {
	t.Parallel()
	o := inPostgres(t)
	o.URL = alter(t, o.URL, func(_ *url.URL, q url.Values) { q.Set("application_name", o.Schema) })
	s := openIn(t, o)
	id := mustCreate(t, s)
	cut := func() {
		superuser(t, o.URL, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '"+o.Schema+"' AND pid <> pg_backend_pid()")
	}
	for name, use := range map[string]func() error{
		"read":  func() error { _, err := s.Request(t.Context(), id); return err },
		"alone": func() error { _, err := s.Templates(t.Context()); return err },
		"write": func() error { _, err := createRequest(t.Context(), s); return err },
	} {
		cut()
		if err := use(); err != nil {
			t.Errorf("%s after the connections were cut: %v", name, err)
		}
	}
}

// relay passes bytes on between a client and the server until drop says that the client's are the last that get anywhere.
func relay(t *testing.T, server string, drop func(fromClient []byte) (forward, cut bool)) (port string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	serve := func(client net.Conn) {
		defer client.Close()
		behind, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(server, ".s.PGSQL.5432"))
		if err != nil {
			t.Error(err)
			return
		}
		defer behind.Close()
		var silent atomic.Bool
		go func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := behind.Read(buffer)
				if err != nil || silent.Load() {
					_ = client.Close() // that is the point
					return
				}
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			forward, cut := drop(buffer[:n])
			silent.Store(cut)
			if forward {
				if _, err := behind.Write(buffer[:n]); err != nil {
					return
				}
			}
			if cut {
				if forward { // let it be done, and keep the answer back
					_, _ = io.Copy(io.Discard, client)
				}
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(client)
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestPostgresLostCommit cuts the connection in the moment of a commit: before the server heard of it, and before it could
// answer. In neither case may the store say the wrong thing.
func TestPostgresLostCommit(t *testing.T) {
	t.Parallel()
	for name, forward := range map[string]bool{"heard": true, "not heard": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := inPostgres(t)
			server := ""
			alter(t, direct.URL, func(_ *url.URL, q url.Values) { server = q.Get("host") })
			if !strings.HasPrefix(server, "/") {
				t.Skip("OHFP_TEST_POSTGRES names a server without a socket")
			}
			mustCreate(t, openIn(t, direct))
			var armed atomic.Bool
			port := relay(t, server, func(sent []byte) (bool, bool) {
				cut := bytes.Contains(sent, []byte("commit\x00")) && armed.CompareAndSwap(true, false)
				return forward || !cut, cut
			})
			through := direct
			through.URL = alter(t, direct.URL, func(u *url.URL, q url.Values) {
				q.Del("host")
				q.Set("sslmode", "disable")
				u.Host = "127.0.0.1:" + port
			})
			s := openIn(t, through)
			armed.Store(true)
			id, err := createRequest(t.Context(), s)
			if forward && err != nil || !forward && !errors.Is(err, ohfp.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			found, err := s.Requests(t.Context(), store.RequestFilter{IDs: []ohfp.RequestID{id}})
			if err != nil || len(found) == 1 != forward {
				t.Errorf("%d requests, %v", len(found), err)
			}
			mustCreate(t, s)
		})
	}
}

// TestPostgresPlans: with many rows, what every call does and what is looked for by name or id uses an index.
func TestPostgresPlans(t *testing.T) {
	t.Parallel()
	s := openIn(t, inPostgres(t))
	for range 3 {
		r := ohfp.Request{ID: ohfp.NewRequestID(ohfp.TypeAcquire, start), Type: ohfp.TypeAcquire, Status: ohfp.StatusComplete}
		var told []ohfp.Event
		for i := range 3000 {
			id := ohfp.MachineID(string(r.ID) + "-" + string(rune('a'+i/100)) + string(rune('a'+i%100)))
			r.Machines = append(r.Machines, ohfp.Machine{ID: id, Request: r.ID, Name: string(id), State: ohfp.MachineTerminated, TerminatedAt: start})
			told = append(told, ohfp.Event{Kind: ohfp.MachineLaunched, Request: r.ID, Machine: id})
		}
		if err := s.CreateRequest(t.Context(), r, store.Limits{}, told...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.ExecContext(t.Context(), "ANALYZE machines; ANALYZE events"); err != nil {
		t.Fatal(err)
	}
	for query, args := range map[string][]any{
		usageQuery: nil,
		"SELECT version, doc FROM machines WHERE return_id <> '' AND return_id" + oneOf:                    {`["a"]`},
		"SELECT version, doc FROM machines WHERE machine_id" + oneOf:                                       {`["a"]`},
		"SELECT version, doc FROM machines WHERE name" + oneOf + " ORDER BY launched_at LIMIT ?":           {`["a"]`, 1},
		"SELECT sequence, doc FROM events WHERE sequence > ? AND request_id = ? ORDER BY sequence LIMIT ?": {9000, "x", 1},
	} {
		rows, err := s.alone().QueryContext(t.Context(), "EXPLAIN "+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var plan []string
		for rows.Next() {
			var step string
			if err := rows.Scan(&step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
			if strings.Contains(step, "Seq Scan on machines") || strings.Contains(step, "Seq Scan on events") {
				t.Errorf("%s\nreads all: %s", query, step)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s\n\t%s", query, strings.Join(plan, "\n\t"))
	}
}

package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

const thousands = 10_000

func openBench(b *testing.B, path string) *sqlstore.Store {
	b.Helper()
	s, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: path, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// opener makes a store that does not exist and opens it as often as it is called.
type opener func(b *testing.B) *sqlstore.Store

func inFile(b *testing.B) opener {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ohfp.db")
	return func(b *testing.B) *sqlstore.Store {
		b.Helper()
		return openBench(b, path)
	}
}

func inPostgres(b *testing.B) opener {
	b.Helper()
	o := sqlstore.PostgresOptions{URL: postgresURL(b), Schema: freshSchema(b), Now: time.Now}
	return func(b *testing.B) *sqlstore.Store {
		b.Helper()
		s, err := sqlstore.OpenPostgres(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
}

func shut(b *testing.B, s *sqlstore.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchRequest(number int) ohfp.Request {
	return ohfp.Request{
		ID: ohfp.RequestID(fmt.Sprintf("req-0190163d-26ea-7aaa-8bbb-%012x", number)), Type: ohfp.TypeAcquire, Provider: "awsinst",
		Template: ohfp.Template{ID: "EC2FleetInstant", MaxNumber: -1}, Status: ohfp.StatusInProgress, Count: 1,
		CreatedAt: time.Now().UTC(),
	}
}

func benchMachines(r ohfp.Request, n int) []ohfp.Machine {
	machines := make([]ohfp.Machine, n)
	for i := range machines {
		machines[i] = ohfp.Machine{
			Provider: "awsinst", ID: ohfp.MachineID(fmt.Sprintf("i-%s%07x", r.ID[len(r.ID)-10:], i)), Request: r.ID, Template: r.Template.ID,
			Attempt: 1, Resource: "r-0123456789abcdef0", State: ohfp.MachineRunning,
			Name: fmt.Sprintf("ip-10-%d-%d-%d.ec2.internal", i>>16, i>>8&255, i&255), PrivateIP: "10.0.1.2", Type: "m5.xlarge",
			Zone: "us-east-1a", Subnet: "subnet-0123456789abcdef0", Image: "ami-0123456789abcdef0", Lifecycle: ohfp.OnDemand,
			Weight: 1, LaunchedAt: r.CreatedAt, DeliveredAt: r.CreatedAt,
		}
	}
	return machines
}

func create(b *testing.B, s *sqlstore.Store, r ohfp.Request) {
	b.Helper()
	if err := s.CreateRequest(b.Context(), r, store.Limits{}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpenRead is what a script process does with the store when nothing has happened: open, look, close.
func BenchmarkOpenRead(b *testing.B) { benchOpenRead(b, inFile) }

func BenchmarkPostgresOpenRead(b *testing.B) { benchOpenRead(b, inPostgres) }

func benchOpenRead(b *testing.B, place func(b *testing.B) opener) {
	b.Helper()
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			open := place(b)
			s := open(b)
			r := benchRequest(1)
			r.Machines = benchMachines(r, n)
			create(b, s, r)
			shut(b, s)
			for b.Loop() {
				s := open(b)
				if _, err := s.Request(b.Context(), r.ID); err != nil {
					b.Fatal(err)
				}
				shut(b, s)
			}
		})
	}
}

// BenchmarkOpenUpdate is the same with one write.
func BenchmarkOpenUpdate(b *testing.B) { benchOpenUpdate(b, inFile(b)) }

func BenchmarkPostgresOpenUpdate(b *testing.B) { benchOpenUpdate(b, inPostgres(b)) }

func benchOpenUpdate(b *testing.B, open opener) {
	b.Helper()
	s := open(b)
	r := benchRequest(1)
	create(b, s, r)
	shut(b, s)
	for b.Loop() {
		s := open(b)
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID}}, nil
		}); err != nil {
			b.Fatal(err)
		}
		shut(b, s)
	}
}

// BenchmarkUpdate is a write of a process that stays, as a daemon does.
func BenchmarkUpdate(b *testing.B) { benchUpdate(b, inFile(b)) }

func BenchmarkPostgresUpdate(b *testing.B) { benchUpdate(b, inPostgres(b)) }

func benchUpdate(b *testing.B, open opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	r := benchRequest(1)
	create(b, s, r)
	for b.Loop() {
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return nil, nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert10000 stores the machines of a large launch; raw is the driver alone, with the same rows.
func BenchmarkInsert10000(b *testing.B) {
	b.Run("store", func(b *testing.B) { benchInsert(b, inFile(b)) })
	b.Run("raw", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "ohfp.db")
		shut(b, openBench(b, path))
		db := openRaw(b, path)
		number := 0
		for b.Loop() {
			number++
			r := benchRequest(number)
			tx, err := db.Begin()
			if err != nil {
				b.Fatal(err)
			}
			insert, err := tx.Prepare(`INSERT INTO machines (request_id, return_id, template, state, name, resource, weight, counted, launched_at,
  version, doc, provider, machine_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
			if err != nil {
				b.Fatal(err)
			}
			for _, m := range benchMachines(r, thousands) {
				if _, err := insert.Exec(string(m.Request), "", string(m.Template), string(m.State), m.Name, m.Resource, 1, true,
					m.LaunchedAt.UnixNano(), 1, rawDoc, m.Provider, string(m.ID)); err != nil {
					b.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchInsert(b *testing.B, open opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	number := 0
	for b.Loop() {
		number++
		r := benchRequest(number)
		r.Machines = benchMachines(r, thousands)
		create(b, s, r)
	}
}

// BenchmarkPostgresInsert10000 does the same in PostgreSQL; raw is its fastest way for many rows.
func BenchmarkPostgresInsert10000(b *testing.B) {
	b.Run("store", func(b *testing.B) { benchInsert(b, inPostgres(b)) })
	b.Run("raw", func(b *testing.B) {
		schema := freshSchema(b)
		s, err := sqlstore.OpenPostgres(b.Context(), sqlstore.PostgresOptions{URL: postgresURL(b), Schema: schema, Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		shut(b, s)
		conn, err := pgx.Connect(b.Context(), postgresURL(b))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := conn.Close(context.WithoutCancel(b.Context())); err != nil {
				b.Error(err)
			}
		})
		number := 0
		for b.Loop() {
			number++
			machines := benchMachines(benchRequest(number), thousands)
			_, err := conn.CopyFrom(b.Context(), pgx.Identifier{schema, "machines"}, []string{
				"request_id", "return_id", "template", "state", "name", "resource", "weight", "counted", "launched_at", "version", "doc",
				"provider", "machine_id",
			}, pgx.CopyFromSlice(len(machines), func(i int) ([]any, error) {
				m := machines[i]
				return []any{
					m.Request, "", m.Template, m.State, m.Name, m.Resource, 1, true, m.LaunchedAt.UnixNano(), 1, rawDoc, m.Provider, m.ID,
				}, nil
			}))
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// rawDoc is as long as the document of a machine.
var rawDoc = fmt.Sprintf("%500d", 0)

func openRaw(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_synchronous=FULL&_busy_timeout=10000")
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// Benchmark10000 is about a request of 10,000 machines.
func Benchmark10000(b *testing.B) { bench10000(b, inFile(b)) }

func BenchmarkPostgres10000(b *testing.B) { bench10000(b, inPostgres(b)) }

func bench10000(b *testing.B, open opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	r := benchRequest(1)
	r.Machines = benchMachines(r, thousands)
	r.Count = thousands
	create(b, s, r)
	update := func(b *testing.B, change func(r *ohfp.Request)) {
		b.Helper()
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			change(r)
			return nil, nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Request(b.Context(), r.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			update(b, func(*ohfp.Request) {})
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			update(b, func(r *ohfp.Request) { r.Machines[0].Tags += "x" })
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			update(b, func(r *ohfp.Request) {
				for i := range r.Machines {
					r.Machines[i].PublicIP += "x"
				}
			})
		}
	})
	b.Run("usage", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Usage(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

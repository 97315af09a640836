package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/storetest"
)

// thousands are the machines of a large launch.
const thousands = 10_000

func openBench(b *testing.B, path string) *sqlstore.Store {
	b.Helper()
	s, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: path, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func inFile(b *testing.B) storetest.Opener {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ohfp.db")
	return func(b *testing.B) store.Store {
		b.Helper()
		return openBench(b, path)
	}
}

func inPostgres(b *testing.B) storetest.Opener {
	b.Helper()
	o := sqlstore.PostgresOptions{URL: postgresURL(b), Schema: freshSchema(b), Now: time.Now}
	return func(b *testing.B) store.Store {
		b.Helper()
		s, err := sqlstore.OpenPostgres(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
}

// BenchmarkOpenRead is what a script process does with the store when nothing has happened: open, look, close.
func BenchmarkOpenRead(b *testing.B) { storetest.BenchOpenRead(b, inFile) }

func BenchmarkPostgresOpenRead(b *testing.B) { storetest.BenchOpenRead(b, inPostgres) }

// BenchmarkOpenUpdate is the same with one write.
func BenchmarkOpenUpdate(b *testing.B) { storetest.BenchOpenUpdate(b, inFile(b)) }

func BenchmarkPostgresOpenUpdate(b *testing.B) { storetest.BenchOpenUpdate(b, inPostgres(b)) }

// BenchmarkUpdate is a write of a process that stays, as a daemon does.
func BenchmarkUpdate(b *testing.B) { storetest.BenchUpdate(b, inFile(b)) }

func BenchmarkPostgresUpdate(b *testing.B) { storetest.BenchUpdate(b, inPostgres(b)) }

// BenchmarkInsert10000 stores the machines of a large launch; raw is the driver alone, with the same rows.
func BenchmarkInsert10000(b *testing.B) {
	b.Run("store", func(b *testing.B) { storetest.BenchInsert10000(b, inFile(b)) })
	b.Run("raw", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "ohfp.db")
		if err := openBench(b, path).Close(); err != nil {
			b.Fatal(err)
		}
		db := openRaw(b, path)
		number := 0
		for b.Loop() {
			number++
			r := storetest.BenchRequest(number)
			tx, err := db.Begin()
			if err != nil {
				b.Fatal(err)
			}
			insert, err := tx.Prepare(`INSERT INTO machines (request_id, return_id, template, state, name, resource, weight, counted, launched_at,
  version, doc, provider, machine_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
			if err != nil {
				b.Fatal(err)
			}
			for _, m := range storetest.BenchMachines(r, thousands) {
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

// BenchmarkPostgresInsert10000 does the same in PostgreSQL; raw is its fastest way for many rows.
func BenchmarkPostgresInsert10000(b *testing.B) {
	b.Run("store", func(b *testing.B) { storetest.BenchInsert10000(b, inPostgres(b)) })
	b.Run("raw", func(b *testing.B) {
		schema := freshSchema(b)
		s, err := sqlstore.OpenPostgres(b.Context(), sqlstore.PostgresOptions{URL: postgresURL(b), Schema: schema, Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
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
			machines := storetest.BenchMachines(storetest.BenchRequest(number), thousands)
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
func Benchmark10000(b *testing.B) { storetest.Bench10000(b, inFile(b)) }

func BenchmarkPostgres10000(b *testing.B) { storetest.Bench10000(b, inPostgres(b)) }

func BenchmarkHistory(b *testing.B) { storetest.BenchHistory(b, inFile(b)) }

func BenchmarkPostgresHistory(b *testing.B) { storetest.BenchHistory(b, inPostgres(b)) }

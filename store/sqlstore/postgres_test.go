package sqlstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/storetest"
)

// postgresURL is the database that tests may make schemas in.
func postgresURL(tb testing.TB) string {
	tb.Helper()
	address := os.Getenv("OHFP_TEST_POSTGRES")
	if address == "" {
		if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
			tb.Fatal("OHFP_TEST_POSTGRES is not set")
		}
		tb.Skip("OHFP_TEST_POSTGRES names no PostgreSQL; make test-postgres starts one")
	}
	return address
}

// freshSchema is the name of a schema that does not exist.
func freshSchema(tb testing.TB) string {
	tb.Helper()
	address := postgresURL(tb)
	name := "t" + strings.ToLower(rand.Text())
	tb.Cleanup(func() {
		ctx, end := context.WithTimeout(context.Background(), time.Minute)
		defer end()
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			tb.Error(err)
			return
		}
		_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+" CASCADE")
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			tb.Error(err)
		}
	})
	return name
}

func postgresHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	address := postgresURL(tb)
	return storetest.Harness{
		Fresh: freshSchema,
		Open: func(ctx context.Context, location string, now store.Now) (store.Store, error) {
			s, err := sqlstore.OpenPostgres(ctx, sqlstore.PostgresOptions{URL: address, Schema: location, Now: now, MaxConnections: 4})
			if err != nil {
				return nil, err
			}
			return s, nil
		},
	}
}

// settled is a store that lists requests when the server has done what killed processes asked of it in their last moment. A
// commit that is under way would otherwise come between two looks of a test.
type settled struct {
	store.Store
	address, schema, name string
}

func (s settled) Requests(ctx context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	conn, err := pgx.Connect(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it only looked
	for others := 1; others > 0; {
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $1 AND application_name <> $2",
			s.schema+" %", s.name).Scan(&others)
		if err != nil {
			return nil, err
		}
	}
	return s.Store.Requests(ctx, filter)
}

func TestPostgresStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, postgresHarness(t))
}

func TestPostgresProcesses(t *testing.T) {
	t.Parallel()
	storetest.RunProcesses(t, postgresHarness(t))
}

func TestPostgresDurable(t *testing.T) {
	t.Parallel()
	address := postgresURL(t)
	storetest.RunDurable(t, storetest.Harness{
		Fresh: freshSchema,
		Open: func(ctx context.Context, location string, now store.Now) (store.Store, error) {
			u, err := url.Parse(address)
			if err != nil {
				return nil, err
			}
			q := u.Query()
			name := fmt.Sprintf("%s %d", location, os.Getpid())
			q.Set("application_name", name)
			u.RawQuery = q.Encode()
			s, err := sqlstore.OpenPostgres(ctx, sqlstore.PostgresOptions{URL: u.String(), Schema: location, Now: now})
			if err != nil {
				return nil, err
			}
			return settled{s, address, location, name}, nil
		},
	})
}

func TestPostgresChaos(t *testing.T) {
	t.Parallel()
	storetest.RunChaos(t, postgresHarness(t))
}

func TestPostgresFigures(t *testing.T) {
	t.Parallel()
	storetest.RunFigures(t, postgresHarness(t))
}

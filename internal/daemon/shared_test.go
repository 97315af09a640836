//go:build linux || darwin

package daemon

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

// serverOf is the address that a make target put into the environment.
func serverOf(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Skip(variable + " names no server; make test-postgres and make test-dynalite start one each")
	}
	return address
}

// shares gives a world records of its own on a server.
func (w *world) shares(t *testing.T, storage config.Storage, open func() (store.Store, error)) *sharing {
	t.Helper()
	records, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store, w.config.Storage = records, storage
	return newSharing(t, w)
}

// TestPostgresLeaderSwitches is [TestLeaderSwitches] on a store that several hosts share.
func TestPostgresLeaderSwitches(t *testing.T) {
	t.Parallel()
	address, w := serverOf(t, "OHFP_TEST_POSTGRES"), newWorld(t)
	s := w.shares(t, config.Storage{Strategy: config.StrategySQL, SQL: config.SQL{Type: config.PostgreSQL}}, func() (store.Store, error) {
		return sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{
			URL: address, Schema: "t" + strings.ToLower(rand.Text()), Now: w.clock.Now,
		})
	})
	s.switches(manySwitches(t, 20))
}

// TestServerLeaderSwitches is the same on DynamoDB.
func TestServerLeaderSwitches(t *testing.T) {
	t.Parallel()
	address, w := serverOf(t, "OHFP_TEST_DYNAMODB"), newWorld(t)
	s := w.shares(t, config.Storage{Strategy: config.StrategyDynamoDB}, func() (store.Store, error) {
		return dynamodb.Open(dynamodb.Options{
			Prefix: "t" + rand.Text(), Region: "us-east-1", Endpoint: address, Now: w.clock.Now, LookupEnv: func(name string) (string, bool) {
				value, ok := map[string]string{"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "nothing"}[name]
				return value, ok
			},
		})
	})
	s.switches(manySwitches(t, 20))
}

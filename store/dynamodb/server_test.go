package dynamodb_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/storetest"
)

// serverURL is where something plays DynamoDB.
func serverURL(tb testing.TB) string {
	tb.Helper()
	address := os.Getenv("OHFP_TEST_DYNAMODB")
	if address == "" {
		if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
			tb.Fatal("OHFP_TEST_DYNAMODB is not set")
		}
		tb.Skip("OHFP_TEST_DYNAMODB names no server; make test-dynalite and make test-dynamodb-moto start one")
	}
	return address
}

// serverHarness makes each store a table of its own, which goes with the server.
func serverHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	address := serverURL(tb)
	return storetest.Harness{
		Fresh: func(testing.TB) string { return "t" + rand.Text() },
		Open: func(_ context.Context, location string, now store.Now) (store.Store, error) {
			return dynamodb.Open(dynamodb.Options{
				Prefix: location, Region: "us-east-1", Endpoint: address, Now: now, LookupEnv: anybody,
			})
		},
	}
}

// anybody is an environment with credentials that mean nothing.
func anybody(name string) (string, bool) {
	value, ok := map[string]string{"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "nothing"}[name]
	return value, ok
}

func TestServerStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, serverHarness(t))
}

func TestServerShared(t *testing.T) {
	t.Parallel()
	storetest.RunProcesses(t, serverHarness(t))
}

// TestServerDurable has the server to itself: its writers live for a tenth of a second.
func TestServerDurable(t *testing.T) {
	storetest.RunDurable(t, serverHarness(t))
}

func TestServerAgainstMemory(t *testing.T) {
	t.Parallel()
	h := serverHarness(t)
	storetest.RunModel(t, func(rt *rapid.T, now store.Now) storetest.Pair {
		tested, err := h.Open(t.Context(), h.Fresh(t), now)
		if err != nil {
			rt.Fatal(err)
		}
		return storetest.Pair{Believed: memory.New(now), Tested: tested, Done: func() {
			if err := tested.Close(); err != nil {
				rt.Error(err)
			}
		}}
	})
}

// TestServerChaos has the server to itself.
func TestServerChaos(t *testing.T) {
	storetest.RunChaos(t, serverHarness(t))
}

func TestServerFigures(t *testing.T) {
	storetest.RunFigures(t, serverHarness(t))
}

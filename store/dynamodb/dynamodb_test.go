package dynamodb_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Fresh: func(testing.TB) string { return "" },
		Open: func(_ context.Context, _ string, now store.Now) (store.Store, error) {
			return dynamodb.Open(dynamodb.Options{API: newServer(), Now: now})
		},
	})
}

func TestAgainstMemory(t *testing.T) {
	t.Parallel()
	storetest.RunModel(t, func(rt *rapid.T, now store.Now) storetest.Pair {
		tested, err := dynamodb.Open(dynamodb.Options{API: newServer(), Now: now})
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

var _ = time.Second

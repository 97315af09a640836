package memory_test

import (
	"context"
	"testing"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Fresh: func(testing.TB) string { return "" },
		Open: func(_ context.Context, _ string, now store.Now) (store.Store, error) {
			return memory.New(now), nil
		},
	})
}

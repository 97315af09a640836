package sqlstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func TestAgainstMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Making a store syncs the disk many times; copies of an empty one spare that.
	blank := filepath.Join(dir, "blank")
	empty, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: blank, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(blank)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	storetest.RunModel(t, func(rt *rapid.T, now store.Now) storetest.Pair {
		number++
		path := filepath.Join(dir, fmt.Sprint(number))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			rt.Fatal(err)
		}
		file, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: path, Now: now})
		if err != nil {
			rt.Fatal(err)
		}
		return storetest.Pair{Believed: memory.New(now), Tested: file, Done: closed(rt, file)}
	})
}

func TestPostgresAgainstMemory(t *testing.T) {
	t.Parallel()
	h := postgresHarness(t)
	storetest.RunModel(t, func(rt *rapid.T, now store.Now) storetest.Pair {
		there, err := h.Open(t.Context(), h.Fresh(t), now)
		if err != nil {
			rt.Fatal(err)
		}
		return storetest.Pair{Believed: memory.New(now), Tested: there, Done: closed(rt, there)}
	})
}

func closed(rt *rapid.T, s store.Store) func() {
	return func() {
		if err := s.Close(); err != nil {
			rt.Error(err)
		}
	}
}

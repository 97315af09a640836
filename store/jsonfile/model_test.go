package jsonfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func TestAgainstMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Making a store syncs the disk many times; copies of an empty one spare that.
	blank := filepath.Join(dir, "blank")
	empty, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: blank, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	number := 0
	storetest.RunModel(t, func(rt *rapid.T, now store.Now) storetest.Pair {
		number++
		path := filepath.Join(dir, fmt.Sprint(number))
		if err := os.CopyFS(path, os.DirFS(blank)); err != nil {
			rt.Fatal(err)
		}
		files, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path, Now: now})
		if err != nil {
			rt.Fatal(err)
		}
		return storetest.Pair{Believed: memory.New(now), Tested: files, Done: func() {
			if err := files.Close(); err != nil {
				rt.Error(err)
			}
			check(t, path)
		}}
	})
}

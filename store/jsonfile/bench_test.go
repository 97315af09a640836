package jsonfile_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func inFiles(b *testing.B) storetest.Opener {
	b.Helper()
	path := filepath.Join(b.TempDir(), "data")
	return func(b *testing.B) store.Store {
		b.Helper()
		s, err := jsonfile.Open(b.Context(), jsonfile.Options{Path: path, Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
}

func BenchmarkOpenRead(b *testing.B) { storetest.BenchOpenRead(b, inFiles) }

func BenchmarkOpenUpdate(b *testing.B) { storetest.BenchOpenUpdate(b, inFiles(b)) }

func BenchmarkUpdate(b *testing.B) { storetest.BenchUpdate(b, inFiles(b)) }

func BenchmarkInsert10000(b *testing.B) { storetest.BenchInsert10000(b, inFiles(b)) }

func Benchmark10000(b *testing.B) { storetest.Bench10000(b, inFiles(b)) }

func BenchmarkHistory(b *testing.B) { storetest.BenchHistory(b, inFiles(b)) }

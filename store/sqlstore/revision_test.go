package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/store/sqlstore"
)

// TestRevision: the number changes with every commit, of this store and of another process, and with nothing else.
func TestRevision(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	open := func() *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: path, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	ours, theirs := open(), open()
	revision := func() int64 {
		n, ok, err := ours.Revision(t.Context())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return n
	}
	last := revision()
	if _, _, err := ours.Recall(t.Context(), "k"); err != nil || revision() != last {
		t.Errorf("%v, or a read has changed the revision", err)
	}
	for range 3 {
		for _, s := range []*sqlstore.Store{ours, theirs} {
			if err := s.Remember(t.Context(), "k", []byte("v"), time.Hour); err != nil {
				t.Fatal(err)
			}
			if s == ours && revision() == last {
				t.Fatalf("the revision is %d after a commit, too", last)
			}
			for began := time.Now(); revision() == last; {
				if time.Since(began) > time.Minute {
					t.Fatalf("the revision is %d long after a commit of another store", last)
				}
			}
			time.Sleep(10 * time.Millisecond) // until what was committed has shown in both ways
			last = revision()
		}
	}
}

func BenchmarkRevision(b *testing.B) {
	s, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: filepath.Join(b.TempDir(), "s.db"), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if _, _, err := s.Revision(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

package sqlstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestNotPermitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	chmod(t, filepath.Dir(dir), 0o755)
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(closed, "ohfp.db")
	ours := openAt(t, path)
	id := mustCreate(t, ours)
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	chmod(t, closed, 0o555)
	defer chmod(t, closed, 0o755)

	// A store that does not exist yet.
	storetest.AsSomebody(t, func() {
		for _, missing := range []string{filepath.Join(closed, "new.db"), filepath.Join(closed, "sub", "new.db")} {
			_, err := Open(t.Context(), Options{Path: missing, Now: now})
			refused(t, err, ohfp.ErrUnavailable, missing, "may write to")
		}
	})
	if left, err := os.ReadDir(closed); err != nil || len(left) != 1 {
		t.Errorf("%v, %v: something was made", left, err)
	}
	// One that belongs to somebody else, one that can be read, and one beside which nothing can be made.
	for _, mode := range []os.FileMode{0o600, 0o644, 0o666} {
		if os.Geteuid() != 0 {
			mode &^= 0o600 // the tests' user owns the file
		}
		chmod(t, path, mode)
		storetest.AsSomebody(t, func() {
			s, err := Open(t.Context(), Options{Path: path, Now: now})
			if err == nil {
				_, err = createRequest(t.Context(), s)
				err = errors.Join(err, s.Close())
			}
			refused(t, err, ohfp.ErrUnavailable, path, "cannot be written")
		})
	}
	chmod(t, closed, 0o755)
	chmod(t, path, 0o600)
	if _, err := openAt(t, path).Request(t.Context(), id); err != nil {
		t.Error(err)
	}
}

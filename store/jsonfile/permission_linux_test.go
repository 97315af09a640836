package jsonfile

import (
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
	root := filepath.Join(closed, "data")
	ours := openAt(t, root)
	id := mustCreate(t, ours)
	chmod(t, closed, 0o555)
	defer chmod(t, closed, 0o755)

	// A store that does not exist yet.
	storetest.AsSomebody(t, func() {
		for _, missing := range []string{filepath.Join(closed, "new"), filepath.Join(closed, "sub", "new")} {
			_, err := Open(t.Context(), Options{Path: missing, Now: now})
			refused(t, err, ohfp.ErrUnavailable, missing, "may write to")
		}
	})
	if left, err := os.ReadDir(closed); err != nil || len(left) != 1 {
		t.Errorf("%v, %v: something was made", left, err)
	}
	// One that belongs to somebody else, and one that only its owner may write.
	storetest.AsSomebody(t, func() {
		if os.Geteuid() == 0 { // the tests' user owns the directory
			_, err := Open(t.Context(), Options{Path: root, Now: now})
			refused(t, err, ohfp.ErrUnavailable, root, "give this user")
		}
	})
	open := func(dirs, files os.FileMode) {
		t.Helper()
		if err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			if info.IsDir() {
				return os.Chmod(path, dirs)
			}
			return os.Chmod(path, files)
		}); err != nil {
			t.Fatal(err)
		}
	}
	open(0o555, 0o444)
	storetest.AsSomebody(t, func() {
		s, err := Open(t.Context(), Options{Path: root, Now: now})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := s.Request(t.Context(), id); err != nil {
			t.Errorf("what may be read is not: %v", err)
		}
		_, err = createRequest(t.Context(), s)
		refused(t, err, ohfp.ErrUnavailable, root, "cannot be read or written")
	})
	open(0o755, 0o644)
	if _, err := ours.Request(t.Context(), id); err != nil {
		t.Error(err)
	}
	mustCreate(t, ours)
}

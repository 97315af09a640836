package localdisk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for _, dir := range []string{top, filepath.Join(top, "a"), filepath.Join(top, "a", "b", "c")} {
		if got := Nearest(dir); got != top {
			t.Errorf("nearest to %s is %s, want %s", dir, got, top)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := Check("store", t.TempDir(), NetworkFileSystem); err != nil {
		t.Errorf("a scratch directory is refused: %v", err)
	}
	err := Check("store", "dir", func(string) (string, error) { return "NFS", nil })
	if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), "store store is on a network file system (NFS)") {
		t.Errorf("error is %v", err)
	}
	err = Check("store", "dir", func(string) (string, error) { return "", os.ErrClosed })
	if !errors.Is(err, ohfp.ErrUnavailable) || !errors.Is(err, os.ErrClosed) {
		t.Errorf("error is %v", err)
	}
}

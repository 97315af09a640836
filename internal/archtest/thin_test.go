package archtest

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thin are the packages of the standard library that the program which the scripts start for every call may import on Linux.
// What these import in turn was looked at. Package net, encoding/json, fmt, reflect, context or crypto/rand, with all that
// they bring, take longer to start than the program has to work; together they were a third of its start.
func thin() []string {
	return []string{
		"bufio", "errors", "io", "math/rand/v2", "os", "path/filepath", "runtime", "strconv", "strings", "syscall", "time", "unicode/utf8",
	}
}

// TestThinProgramStaysThin keeps the start of cmd/ohfp-hf as short as it is.
func TestThinProgramStaysThin(t *testing.T) {
	t.Parallel()
	linux := build.Default
	linux.GOOS, linux.GOARCH, linux.CgoEnabled = "linux", "amd64", false
	linked, unused := []string{"cmd/ohfp-hf"}, thin()
	for i := 0; i < len(linked); i++ {
		found, err := linux.ImportDir(filepath.Join(moduleRoot, filepath.FromSlash(linked[i])), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range found.Imports {
			dir, ours := strings.CutPrefix(imported, module+"/")
			switch {
			case ours && !slices.Contains(linked, dir):
				linked = append(linked, dir)
			case !ours && !slices.Contains(thin(), imported):
				t.Errorf("%s imports %s, and every call of a script pays for its start: do without, as thin says", linked[i], imported)
			}
			unused = slices.DeleteFunc(unused, func(p string) bool { return p == imported })
		}
	}
	if !slices.Contains(linked, "internal/daemon/wire") {
		t.Errorf("only %v were looked at", linked)
	}
	if len(unused) > 0 {
		t.Errorf("nothing imports %v any more: take them off the list", unused)
	}
}

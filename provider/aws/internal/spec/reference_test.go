package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReference: every field that a template may have is written down.
func TestReference(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "reference", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "## Fields of templates")
	fields, _, also := strings.Cut(rest, "## Documents")
	if !found || !also {
		t.Fatal("the page has no part about the fields of templates")
	}
	for _, name := range Names() {
		if !strings.Contains(fields, "`"+name+"`") {
			t.Errorf("the field %s is not in the reference", name)
		}
	}
}

package doctest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got := parse("docs/x.md", "# One `two`: three\n\nSee [it](y.md#a) or `[not](z.md)` or [the web](https://example.com/).\n\n## One\n## One\n\n"+
		"1. first\n\n   ```sh run\n   echo a\n     echo b\n   ```\n\n<!-- run\nhidden\n-->\n\n<!-- code: a/b.go Thing -->\n```go\ntype Thing int\n```\n\n"+
		"````text\n```\n````\n")
	want := Page{
		Path:    "docs/x.md",
		Anchors: []string{"one-two-three", "one", "one-1"},
		Links:   []Link{{3, "y.md#a"}},
		Spans:   []Span{{1, "two"}, {3, "[not](z.md)"}},
		Blocks: []Block{
			{Line: 11, Language: "sh", Attributes: []string{"run"}, Text: "echo a\n  echo b\n"},
			{Line: 16, Language: "sh", Attributes: []string{"run"}, Text: "hidden\n", Hidden: true},
			{Line: 21, Language: "go", Attributes: []string{}, Source: "a/b.go Thing", Text: "type Thing int\n"},
			{Line: 25, Language: "text", Attributes: []string{}, Text: "```\n"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package rest

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExamples makes the calls of docs/rest.md as curl would.
func TestExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(http.StatusCreated, w.call(http.MethodPost, "/api/v1/templates", `{"templateId": "my-template", "maxNumber": 5, "spec": {"type": "small"}}`), nil)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "rest.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^curl .*$`).FindAllString(strings.ReplaceAll(string(text), "\\\n", " "), -1)
	if len(lines) < 5 {
		t.Fatalf("only %d examples: %q", len(lines), lines)
	}
	words := regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	for _, line := range lines {
		method, body, path := http.MethodGet, "", ""
		args := words.FindAllString(line, -1)[1:]
		for i := 0; i < len(args); i++ {
			arg := strings.Trim(args[i], `"'`)
			switch {
			case arg == "-X" || arg == "-d" || arg == "-H":
				value := strings.Trim(args[i+1], `"'`)
				switch arg {
				case "-X":
					method = value
				case "-d":
					body = value
				}
				i++
			case arg == "-N":
			default:
				var ours bool
				if path, ours = strings.CutPrefix(arg, "http://localhost:8000"); !ours {
					t.Errorf("%s calls %s", line, arg)
				}
			}
		}
		if a := w.call(method, path, body); a.StatusCode >= 300 {
			t.Errorf("%s: %s: %s", line, a.Status, a.Text)
		}
	}
}

// TestStatusesAreDocumented: each code that a failure may have is in the guide.
func TestStatusesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "rest.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range codes() {
		if !strings.Contains(string(text), "`"+c.name+"`") {
			t.Errorf("%s is not in docs/rest.md", c.name)
		}
	}
}

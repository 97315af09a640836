package config

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/doctest"
)

var dotted = regexp.MustCompile(`^[a-z][a-z_]*(?:\[\])?(?:\.[a-z][a-z_0-9]*(?:\[\])?)+$`)

// TestDocumentedSettings fails where a document names a setting that does not exist.
func TestDocumentedSettings(t *testing.T) {
	t.Parallel()
	known, sections := map[string]bool{}, map[string]bool{}
	for _, key := range Keys() {
		for _, name := range append([]string{key.Name}, key.Aliases...) {
			parts := strings.Split(name, ".")
			sections[parts[0]] = true
			for i := range parts {
				whole := strings.Join(parts[:i+1], ".")
				known[whole], known[strings.TrimSuffix(whole, "[]")] = true, true
			}
		}
	}
	for _, event := range ohfp.EventKinds() {
		known[string(event.Kind)] = true // which look like settings
	}
	files := []string{"json", "jsonl", "yaml", "yml", "md", "go", "db", "sh", "bat", "env", "service", "txt"}
	pages, err := doctest.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages {
		if page.Path == "CHANGELOG.md" || page.Path == "docs/reference/configuration.md" || strings.HasPrefix(page.Path, "docs/adr/") {
			continue // they tell of what was, or of what is elsewhere; the reference is generated
		}
		for _, span := range page.Spans {
			name, _, _ := strings.Cut(span.Text, ":")
			name, _, _ = strings.Cut(name, "=")
			section, _, _ := strings.Cut(name, ".")
			if !dotted.MatchString(name) || !sections[section] || slices.Contains(files, name[strings.LastIndex(name, ".")+1:]) {
				continue
			}
			checked++
			if !known[name] {
				t.Errorf("%s:%d names the setting %s, which does not exist", page.Path, span.Line, name)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d settings were found", checked)
	}
}

package doctest

import (
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

var update = flag.Bool("update", false, "put the code into documents that they say they show")

func pages(t *testing.T) []Page {
	t.Helper()
	all, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

// TestLinks follows every link between documents, to the heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{}
	all := pages(t)
	for _, page := range all {
		anchors[page.Path] = page.Anchors
	}
	followed := 0
	for _, page := range all {
		for _, l := range page.Links {
			followed++
			file, anchor, _ := strings.Cut(l.Target, "#")
			target := page.Path
			if file != "" {
				target = path.Join(path.Dir(page.Path), file)
			}
			info, err := os.Stat(filepath.Join(root, filepath.FromSlash(target)))
			switch {
			case errors.Is(err, fs.ErrNotExist) || strings.HasPrefix(target, ".."):
				t.Errorf("%s:%d links to %s, which does not exist", page.Path, l.Line, l.Target)
			case err != nil:
				t.Error(err)
			case anchor != "" && (info.IsDir() || !slices.Contains(anchors[target], anchor)):
				t.Errorf("%s:%d links to %s, but %s has no such heading; it has %s", page.Path, l.Line, l.Target, target, strings.Join(anchors[target], " "))
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were followed", followed)
	}
}

// TestEveryPageIsReached fails for a page of the documentation to which no link leads from its first page: nobody finds it.
func TestEveryPageIsReached(t *testing.T) {
	t.Parallel()
	byPath := map[string]Page{}
	for _, page := range pages(t) {
		byPath[page.Path] = page
	}
	reached := map[string]bool{}
	var follow func(at string)
	follow = func(at string) {
		page, ok := byPath[at]
		if !ok || reached[at] {
			return
		}
		reached[at] = true
		for _, l := range page.Links {
			file, _, _ := strings.Cut(l.Target, "#")
			follow(path.Join(path.Dir(at), file))
		}
	}
	follow("docs/index.md")
	for name := range byPath {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("no link leads from docs/index.md to %s", name)
		}
	}
}

// TestDecisionsAreListed fails for a decision that the list of them lacks.
func TestDecisionsAreListed(t *testing.T) {
	t.Parallel()
	index, err := Read(root, "docs/adr/index.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "adr", "0*.md"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	for _, name := range files {
		if !slices.ContainsFunc(index.Links, func(l Link) bool { return l.Target == filepath.Base(name) }) {
			t.Errorf("docs/adr/index.md does not list %s", filepath.Base(name))
		}
	}
}

var (
	makeCall   = regexp.MustCompile(`(?:^|[;&|(] *|\s)make((?:\s+[A-Za-z][\w=./^$':*@-]*)+)`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*):`)
)

// TestMakeTargets fails where a document names a target that the Makefile lacks.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, "tools", "*.mk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, filepath.Join(root, "Makefile")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range makeTarget.FindAllStringSubmatch(string(text), -1) {
			for _, name := range strings.Fields(found[1]) {
				targets[name] = true
			}
		}
	}
	checked := 0
	for _, page := range pages(t) {
		for line, text := range page.Code() {
			for _, found := range makeCall.FindAllStringSubmatch(text, -1) {
				for _, word := range strings.Fields(found[1]) {
					if strings.Contains(word, "=") {
						continue
					}
					checked++
					matches := func(name string) bool { ok, _ := path.Match(word, name); return ok } // release-* stands for several
					if !slices.ContainsFunc(slices.Collect(maps.Keys(targets)), matches) {
						t.Errorf("%s:%d has make %s, which is no target", page.Path, line, word)
					}
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d calls of make were found", checked)
	}
}

// inRepository are the directories whose names begin a path in a sentence.
var inRepository = regexp.MustCompile(`^(?:\./)?(?:cmd|internal|provider|store|awssim|deploy|docs|examples|program|tools|\.github|\.ci)/[\w./*{},-]+$`)

// TestNamedFilesExist fails where a sentence names a file or directory of the repository that is not there.
func TestNamedFilesExist(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range pages(t) {
		if page.Path == "CHANGELOG.md" || strings.HasPrefix(page.Path, "docs/adr/") {
			continue // they tell of what was
		}
		for _, s := range page.Spans {
			if !inRepository.MatchString(s.Text) {
				continue
			}
			checked++
			found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(strings.TrimSuffix(s.Text, "/..."))))
			if err != nil || len(found) == 0 {
				t.Errorf("%s:%d names %s, which does not exist", page.Path, s.Line, s.Text)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d names of files were found", checked)
	}
}

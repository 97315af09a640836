package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const changelog = `# Changelog

Words before.

## [Unreleased]

### Added
- Something.

## [1.2.3] - 2026-01-01

### Fixed
- Something else.
`

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// newRepository makes a repository with a changelog and tags.
func newRepository(t *testing.T, tags ...string) repository {
	t.Helper()
	r := repository{Dir: t.TempDir()}
	for _, setting := range [][2]string{
		{"GIT_CONFIG_GLOBAL", "/dev/null"},
		{"GIT_CONFIG_SYSTEM", "/dev/null"},
		{"GIT_AUTHOR_NAME", "a"},
		{"GIT_AUTHOR_EMAIL", "a@example.org"},
		{"GIT_COMMITTER_NAME", "a"},
		{"GIT_COMMITTER_EMAIL", "a@example.org"},
	} {
		t.Setenv(setting[0], setting[1])
	}
	git(t, r, "init", "--quiet", "--initial-branch=main")
	write(t, r, changelog)
	git(t, r, "add", ".")
	git(t, r, "commit", "--quiet", "-m", "first")
	for _, tag := range tags {
		git(t, r, "tag", tag)
	}
	git(t, r, "commit", "--quiet", "--allow-empty", "-m", "second")
	return r
}

func git(t *testing.T, r repository, args ...string) string {
	t.Helper()
	out, err := r.git(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, r repository, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.Dir, "CHANGELOG.md"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// state is all that a release changes.
func state(t *testing.T, r repository) string {
	t.Helper()
	return strings.Join([]string{git(t, r, "rev-parse", "HEAD"), git(t, r, "tag"), git(t, r, "status", "--porcelain")}, "\n")
}

func TestDryRunOfEachTarget(t *testing.T) {
	for target, want := range map[string]string{
		"patch": "v1.2.4", "minor": "v1.3.0", "major": "v2.0.0",
		"patch-alpha": "v1.2.4-alpha.1", "patch-beta": "v1.2.4-beta.1", "patch-rc": "v1.2.4-rc.1",
		"minor-alpha": "v1.3.0-alpha.2", "minor-beta": "v1.3.0-beta.1", "minor-rc": "v1.3.0-rc.1",
		"major-alpha": "v2.0.0-alpha.1", "major-beta": "v2.0.0-beta.1", "major-rc": "v2.0.0-rc.1",
		"promote-alpha": "v1.3.0-alpha.2", "promote-beta": "v1.3.0-beta.1", "promote-rc": "v1.3.0-rc.1", "promote-stable": "v1.3.0",
		"version": "v1.9.0",
	} {
		t.Run(target, func(t *testing.T) {
			r := newRepository(t, "v1.2.3", "v1.3.0-alpha.1", "nightly", "v1")
			before := state(t, r)
			args := []string{"-dir", r.Dir, "-dry-run", "-check", "touch checked", target}
			if target == "version" {
				args = slices.Insert(args, 0, "-version", "1.9.0")
			}
			var out bytes.Buffer
			if err := run(t.Context(), args, &out, noon); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(out.String(), "v1.3.0-alpha.1 → "+want+"\n") || !strings.Contains(out.String(), "- Something.") {
				t.Errorf("%s", out.String())
			}
			if after := state(t, r); after != before {
				t.Errorf("a dry run changed %s\nto %s", before, after)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	r := newRepository(t, "v1.2.3")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-dir", r.Dir, "-check", "test -f CHANGELOG.md", "minor"}, &out, noon); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(r.Dir, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(changelog, "## [Unreleased]\n", "## [Unreleased]\n\n## [1.3.0] - 2026-11-23\n", 1)
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
	if got := git(t, r, "describe", "--exact-match"); got != "v1.3.0" {
		t.Errorf("HEAD is %s", got)
	}
	if got := git(t, r, "tag", "--list", "--format=%(contents)", "v1.3.0"); !strings.Contains(got, "## [1.3.0] - 2026-11-23\n\n### Added\n- Something.") {
		t.Errorf("the tag says %s", got)
	}
	if got := git(t, r, "status", "--porcelain"); got != "" {
		t.Errorf("left %s", got)
	}

	// Nothing is new, and nothing was committed since.
	err = run(t.Context(), []string{"-dir", r.Dir, "patch"}, &out, noon)
	if err == nil || !strings.Contains(err.Error(), "nothing was committed since v1.3.0") {
		t.Error(err)
	}
	git(t, r, "commit", "--quiet", "--allow-empty", "-m", "third")
	err = run(t.Context(), []string{"-dir", r.Dir, "patch"}, &out, noon)
	if err == nil || !strings.Contains(err.Error(), "nothing under Unreleased") {
		t.Error(err)
	}
}

func TestPromotionNeedsNoChanges(t *testing.T) {
	r := newRepository(t, "v1.2.3")
	for _, target := range []string{"minor-alpha", "promote-beta", "promote-stable"} {
		if err := run(t.Context(), []string{"-dir", r.Dir, target}, io.Discard, noon); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(r.Dir, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## [1.3.0] - 2026-11-23\n\nNothing has changed since 1.3.0-beta.1.\n", "## [1.3.0-alpha.1] - 2026-11-23\n\n### Added\n- Something.\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %q in\n%s", want, data)
		}
	}
}

func TestNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(repository)
		want  string
	}{
		"changes":    {func(r repository) { write(t, r, changelog+"- More.\n") }, "not committed"},
		"branch":     {func(r repository) { git(t, r, "switch", "--quiet", "-c", "other") }, `not from "other"`},
		"check":      {func(repository) {}, "exit status 3; nothing was released"},
		"no section": {func(r repository) { write(t, r, "# Changelog\n"); git(t, r, "commit", "-qam", "x") }, "no section"},
		"behind": {func(r repository) {
			git(t, r, "commit", "-q", "--allow-empty", "-m", "third")
			git(t, r, "branch", "up")
			git(t, r, "reset", "-q", "--hard", "HEAD^")
			git(t, r, "branch", "-q", "--set-upstream-to=up")
		}, "behind its upstream"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t, "v1.2.3")
			c.spoil(r)
			before := state(t, r)
			err := run(t.Context(), []string{"-dir", r.Dir, "-check", "exit 3", "minor"}, io.Discard, noon)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if after := state(t, r); after != before {
				t.Errorf("changed %s\nto %s", before, after)
			}
		})
	}
}

func TestArchivesAreReproducible(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	for name, mode := range map[string]os.FileMode{"bin/b": 0o700, "a": 0o600} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), mode)); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{".tar.gz", ".zip"} {
		var first []byte
		for range 2 {
			path := filepath.Join(out, "x"+kind)
			if err := archive([]string{"-output", path, "-prefix", "p", "-date", "2026-11-23T12:00:00Z", dir}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(first, data) {
				t.Errorf("%s differs", kind)
			}
			first = data
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(dir, "a"), later, later); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := listing(t, kind, first), "p/a -rw-r--r-- a, p/bin/b -rwxr-xr-x bin/b"; got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}

func listing(t *testing.T, kind string, data []byte) string {
	t.Helper()
	var list []string
	if kind == ".zip" {
		archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.File {
			content, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, file.Name+" "+file.Mode().String()+" "+string(text))
		}
		return strings.Join(list, ", ")
	}
	compressed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(compressed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(list, ", ")
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, header.Name+" "+header.FileInfo().Mode().String()+" "+string(text))
	}
}

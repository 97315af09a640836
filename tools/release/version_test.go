package main

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

func versions(t *testing.T, list string) []*semver.Version {
	t.Helper()
	var tags []*semver.Version
	for _, word := range strings.Fields(list) {
		version, err := semver.StrictNewVersion(word)
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, version)
	}
	return tags
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ tags, target, wanted, want string }{
		{"", "patch", "", "0.0.1"},
		{"", "minor", "", "0.1.0"},
		{"", "major", "", "1.0.0"},
		{"", "minor-alpha", "", "0.1.0-alpha.1"},
		{"1.2.3", "patch", "", "1.2.4"},
		{"1.2.3 1.2.10 1.1.0", "patch", "", "1.2.11"},
		{"1.2.3", "minor", "", "1.3.0"},
		{"1.2.3", "major", "", "2.0.0"},
		{"1.2.3", "patch-alpha", "", "1.2.4-alpha.1"},
		{"1.2.3", "patch-beta", "", "1.2.4-beta.1"},
		{"1.2.3", "patch-rc", "", "1.2.4-rc.1"},
		{"1.2.3", "minor-alpha", "", "1.3.0-alpha.1"},
		{"1.2.3 1.3.0-alpha.1", "minor-alpha", "", "1.3.0-alpha.2"},
		{"1.2.3 1.3.0-alpha.9 1.3.0-alpha.10", "minor-alpha", "", "1.3.0-alpha.11"},
		{"1.2.3", "minor-beta", "", "1.3.0-beta.1"},
		{"1.2.3", "minor-rc", "", "1.3.0-rc.1"},
		{"1.2.3", "major-alpha", "", "2.0.0-alpha.1"},
		{"1.2.3", "major-beta", "", "2.0.0-beta.1"},
		{"1.2.3", "major-rc", "", "2.0.0-rc.1"},
		{"1.2.3 1.3.0-alpha.2", "promote-alpha", "", "1.3.0-alpha.3"},
		{"1.2.3 1.3.0-alpha.2", "promote-beta", "", "1.3.0-beta.1"},
		{"1.2.3 1.3.0-alpha.2", "promote-rc", "", "1.3.0-rc.1"},
		{"1.2.3 1.3.0-rc.2", "promote-rc", "", "1.3.0-rc.3"},
		{"1.2.3 1.3.0-rc.2", "promote-stable", "", "1.3.0"},
		{"1.2.3 1.3.0-alpha.1", "promote-stable", "", "1.3.0"},
		{"1.2.3 1.3.0-rc.2", "patch", "", "1.2.4"}, // an emergency, beside what is being prepared
		{"1.2.3 1.2.4 1.3.0-rc.2", "promote-stable", "", "1.3.0"},
		{"1.2.3 1.3.0-rc.2", "minor", "", "1.3.0"},
		{"1.2.3", "version", "1.5.0", "1.5.0"},
		{"1.2.3", "version", "v2.0.0-rc.1", "2.0.0-rc.1"},

		{"1.2.3", "promote-beta", "", "error: no pre-release to promote"},
		{"", "promote-stable", "", "error: no pre-release to promote"},
		{"1.2.3 1.3.0-beta.1", "minor-alpha", "", "error: older than v1.3.0-beta.1"},
		{"1.2.3 1.3.0-rc.1", "promote-beta", "", "error: older than v1.3.0-rc.1"},
		{"1.2.3 1.3.0-rc.1", "promote-gamma", "", "error: alpha, beta, rc"},
		{"1.2.3", "minor-gamma", "", "error: alpha, beta, rc"},
		{"1.2.3", "huge", "", "error: unknown"},
		{"1.2.3", "version", "", "error: RELEASE_VERSION is not set"},
		{"1.2.3", "version", "1.2", "error: no semantic version"},
		{"1.2.3", "version", "1.2.3", "error: released already"},
		{"1.2.3", "version", "1.2.2", "error: older than v1.2.3"},
		{"1.2.3", "version", "1.2.4+build", "error: build metadata"},
		{"1.2.3", "minor", "1.9.0", "error: only the target version takes one"},
	} {
		got, err := next(versions(t, c.tags), c.target, c.wanted)
		if want, isError := strings.CutPrefix(c.want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("from %q, %s %s: %v, %v, want an error with %q", c.tags, c.target, c.wanted, got, err, want)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("from %q, %s %s: %v, %v, want %s", c.tags, c.target, c.wanted, got, err, c.want)
		}
	}
}

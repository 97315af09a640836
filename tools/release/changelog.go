package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

const unreleased = "## [Unreleased]"

// move puts what stands under Unreleased under a version, and returns the whole and that section. A release without
// changes is refused, but for one that makes a pre-release final or takes it on.
func move(changelog string, version, last *semver.Version, date string) (after, notes string, err error) {
	head, rest, found := strings.Cut(changelog, unreleased+"\n")
	if !found {
		return "", "", fmt.Errorf("CHANGELOG.md has no section %q", unreleased)
	}
	changes, older := rest, ""
	if i := strings.Index(rest, "\n## ["); i >= 0 {
		changes, older = rest[:i+1], rest[i+1:]
	}
	changes = strings.TrimSpace(changes)
	if !strings.Contains(changes, "\n- ") && !strings.HasPrefix(changes, "- ") {
		if last == nil || last.Prerelease() == "" {
			return "", "", errors.New("CHANGELOG.md has nothing under Unreleased; say what is new first")
		}
		changes = fmt.Sprintf("Nothing has changed since %s.", last)
	}
	title := fmt.Sprintf("## [%s] - %s", version, date)
	after = head + unreleased + "\n\n" + title + "\n\n" + changes + "\n"
	if older != "" {
		after += "\n" + older
	}
	return after, title + "\n\n" + changes, nil
}

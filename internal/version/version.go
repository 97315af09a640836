// Package version says which build of ohfp is running.
//
// It refuses to guess: what neither the linker nor the Go toolchain recorded stays empty.
package version

import (
	"runtime/debug"
	"strings"
	"time"
)

// Unknown is the version of a build that carries no release tag.
const Unknown = "dev"

// shortCommit is how many digits of a commit a person is shown.
const shortCommit = 7

// Set by the linker: -ldflags "-X …/internal/version.linkedVersion=v1.2.3" (see the Makefile). -X reaches package variables only.
var (
	linkedVersion string //nolint:gochecknoglobals // -X can set nothing but a package variable
	linkedCommit  string //nolint:gochecknoglobals // -X can set nothing but a package variable
	linkedDate    string //nolint:gochecknoglobals // -X can set nothing but a package variable
)

// Info describes one build. Empty fields are not known.
type Info struct {
	Version  string `json:"version"`            // without the leading "v"; Unknown when there is no release tag
	Commit   string `json:"commit,omitempty"`   // full when known, 12 digits when only a module version tells it
	Date     string `json:"date,omitempty"`     // the commit's time, RFC 3339 in UTC: the same commit builds to the same bytes
	Modified bool   `json:"modified,omitempty"` // built from a tree with local changes
}

// Current describes the running program. Each field comes from the linker flags of `make build` if they are set, else from
// what `go build` (revision, time, modified) or `go install module@version` (module version) recorded.
func Current() Info {
	build, _ := debug.ReadBuildInfo()
	return resolve(linkedVersion, linkedCommit, linkedDate, build)
}

// String is the line that --version prints, for example "ohfp 0.1.0 (commit abc1234, 2026-11-23T10:00:00Z)".
func (i Info) String() string {
	var parts []string
	if i.Commit != "" {
		commit := "commit " + i.Commit[:min(shortCommit, len(i.Commit))]
		if i.Modified {
			commit += " with local changes"
		}
		parts = append(parts, commit)
	}
	if i.Date != "" {
		parts = append(parts, i.Date)
	}
	line := "ohfp " + i.Version
	if len(parts) > 0 {
		line += " (" + strings.Join(parts, ", ") + ")"
	}
	return line
}

// resolve merges what the linker set with what the toolchain recorded; build may be nil.
func resolve(version, commit, date string, build *debug.BuildInfo) Info {
	info := Info{Version: strings.TrimPrefix(version, "v"), Date: date}
	info.Commit, info.Modified = strings.CutSuffix(commit, "-dirty")
	if build != nil {
		info.fill(recorded(build))
	}
	if info.Version == "" {
		info.Version = Unknown
	}
	return info
}

// fill takes from other what i does not know. Commit, date and modified describe one tree, so they are taken together or
// not at all.
func (i *Info) fill(other Info) {
	if i.Version == "" {
		i.Version = other.Version
	}
	if i.Commit != "" {
		return
	}
	i.Commit, i.Modified = other.Commit, other.Modified
	if i.Date == "" {
		i.Date = other.Date
	}
}

// recorded reads what the toolchain left in the binary: version control settings with `go build`, a module version with
// `go install module@version`, and neither with -buildvcs=false.
func recorded(build *debug.BuildInfo) Info {
	info := fromModuleVersion(build.Main.Version)
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Commit = setting.Value
		case "vcs.time":
			info.Date = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	return info
}

// fromModuleVersion reads a module version: a tag, a pseudo-version, or "(devel)" when the toolchain knows nothing.
func fromModuleVersion(version string) Info {
	if version == "" || version == "(devel)" {
		return Info{}
	}
	version, modified := strings.CutSuffix(version, "+dirty")
	info := Info{Version: strings.TrimPrefix(version, "v"), Modified: modified}
	if at, revision, ok := parsePseudoVersion(version); ok {
		info.Date, info.Commit = at.Format(time.RFC3339), revision
		if strings.HasPrefix(version, "v0.0.0-") { // no tag behind it: the commit says it all
			info.Version = ""
		}
	}
	return info
}

// parsePseudoVersion takes apart what the toolchain calls a commit without a tag of its own: v0.0.0-20261123100000-abcdef123456,
// or v0.1.1-0.20261123100000-abcdef123456 after a tag v0.1.0 (go.dev/ref/mod#pseudo-versions). ok is false for a tag.
func parsePseudoVersion(version string) (at time.Time, revision string, ok bool) {
	const stamp, digits = "20060102150405", 12
	cut := len(version) - digits - 1
	start := cut - len(stamp)
	if start < 1 || version[cut] != '-' || !strings.ContainsRune("-.", rune(version[start-1])) {
		return time.Time{}, "", false
	}
	at, err := time.Parse(stamp, version[start:cut])
	if err != nil {
		return time.Time{}, "", false
	}
	return at, version[cut+1:], true
}

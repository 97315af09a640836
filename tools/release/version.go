package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// labels are the stages before a release, in their order.
func labels() []string { return []string{"alpha", "beta", "rc"} }

// next is the version that a target makes after those that there are.
//
// patch, minor and major count from the last release that is not a pre-release, and take the label of one behind a hyphen:
// minor-alpha. promote-beta takes the newest pre-release on to another label, promote-stable makes it the release.
func next(tags []*semver.Version, target, wanted string) (*semver.Version, error) {
	if wanted != "" && target != "version" {
		return nil, fmt.Errorf("the version %s was given with the target %s; only the target version takes one", wanted, target)
	}
	kind, label, _ := strings.Cut(target, "-")
	var version *semver.Version
	var err error
	switch kind {
	case "patch", "minor", "major":
		base := bump(stable(tags), kind)
		version = base
		if label != "" {
			version, err = numbered(tags, base, label)
		}
	case "promote":
		version, err = promoted(tags, label)
	case "version":
		version, err = chosen(wanted)
	default:
		return nil, fmt.Errorf("target %q is unknown; it is patch, minor or major, perhaps with -alpha, -beta or -rc, promote-alpha, promote-beta, "+
			"promote-rc, promote-stable, or version", target)
	}
	if err != nil {
		return nil, err
	}
	return version, later(tags, version)
}

// later refuses a version that would not be the newest of its kind: programs that look for updates would never offer it,
// and Go's module proxy keeps the first meaning of a tag for ever.
func later(tags []*semver.Version, version *semver.Version) error {
	for _, tag := range tags {
		same := tag.Major() == version.Major() && tag.Minor() == version.Minor() && tag.Patch() == version.Patch()
		switch {
		case tag.Equal(version):
			return fmt.Errorf("v%s is released already", tag)
		case (same || tag.Prerelease() == "") && tag.GreaterThan(version):
			return fmt.Errorf("v%s is older than v%s, which is released already", version, tag)
		}
	}
	return nil
}

// stable is the newest version without a label, 0.0.0 before the first.
func stable(tags []*semver.Version) *semver.Version {
	last := semver.New(0, 0, 0, "", "")
	for _, tag := range tags {
		if tag.Prerelease() == "" && tag.GreaterThan(last) {
			last = tag
		}
	}
	return last
}

// latest is the newest version of all, nil before the first.
func latest(tags []*semver.Version) *semver.Version {
	if len(tags) == 0 {
		return nil
	}
	return slices.MaxFunc(tags, func(a, b *semver.Version) int { return a.Compare(b) })
}

func bump(from *semver.Version, kind string) *semver.Version {
	var to semver.Version
	switch kind {
	case "major":
		to = from.IncMajor()
	case "minor":
		to = from.IncMinor()
	default:
		to = from.IncPatch()
	}
	return &to
}

// numbered is base with a label and the first number that is free.
func numbered(tags []*semver.Version, base *semver.Version, label string) (*semver.Version, error) {
	if !slices.Contains(labels(), label) {
		return nil, fmt.Errorf("pre-releases are %s, not %q", strings.Join(labels(), ", "), label)
	}
	number := 0
	for _, tag := range tags {
		core := semver.New(tag.Major(), tag.Minor(), tag.Patch(), "", "")
		name, n, _ := strings.Cut(tag.Prerelease(), ".")
		if count, err := strconv.Atoi(n); err == nil && name == label && core.Equal(base) {
			number = max(number, count)
		}
	}
	version, err := base.SetPrerelease(label + "." + strconv.Itoa(number+1))
	return &version, err
}

// promoted is the newest pre-release with another label, or none.
func promoted(tags []*semver.Version, label string) (*semver.Version, error) {
	last := latest(tags)
	if last == nil || last.Prerelease() == "" {
		return nil, errors.New("there is no pre-release to promote; make one with release-minor-alpha, for example")
	}
	base := semver.New(last.Major(), last.Minor(), last.Patch(), "", "")
	if label == "stable" {
		return base, nil
	}
	return numbered(tags, base, label)
}

// chosen is the version that somebody names.
func chosen(wanted string) (*semver.Version, error) {
	if wanted == "" {
		return nil, errors.New("RELEASE_VERSION is not set; say RELEASE_VERSION=1.2.3 make release-version")
	}
	version, err := semver.StrictNewVersion(strings.TrimPrefix(wanted, "v"))
	if err != nil {
		return nil, fmt.Errorf("RELEASE_VERSION %q is no semantic version such as 1.2.3 or 1.2.3-rc.1", wanted)
	}
	if version.Metadata() != "" {
		return nil, fmt.Errorf("RELEASE_VERSION %q has build metadata, which a tag of a Go module cannot have", wanted)
	}
	return version, nil
}

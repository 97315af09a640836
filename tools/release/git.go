package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// repository is a git checkout.
type repository struct {
	Dir string
}

func (r repository) git(ctx context.Context, args ...string) (string, error) {
	var problem bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stderr = r.Dir, &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// ready says whether a release may be made from what is checked out.
func (r repository) ready(ctx context.Context, branch string) error {
	changed, err := r.git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the tree has changes that are not committed; commit or remove them first:\n%s", changed)
	}
	current, err := r.git(ctx, "branch", "--show-current")
	if err != nil {
		return err
	}
	if current != branch {
		return fmt.Errorf("releases are made from the branch %s, not from %q; RELEASE_BRANCH names another", branch, current)
	}
	if here, err := r.git(ctx, "tag", "--points-at", "HEAD", "--list", "v[0-9]*"); err != nil {
		return err
	} else if here != "" && !strings.Contains(here, "-") {
		return fmt.Errorf("nothing was committed since %s", here)
	}
	if upstream, err := r.git(ctx, "rev-parse", "--verify", "--quiet", branch+"@{upstream}"); err == nil {
		if _, err := r.git(ctx, "merge-base", "--is-ancestor", upstream, "HEAD"); err != nil {
			return fmt.Errorf("the branch %s is behind its upstream; pull first", branch)
		}
	}
	return nil
}

// versions are the tags that are semantic versions.
func (r repository) versions(ctx context.Context) ([]*semver.Version, error) {
	list, err := r.git(ctx, "tag", "--list", "v[0-9]*")
	if err != nil {
		return nil, err
	}
	var tags []*semver.Version
	for _, name := range strings.Fields(list) {
		if version, err := semver.StrictNewVersion(strings.TrimPrefix(name, "v")); err == nil {
			tags = append(tags, version)
		}
	}
	return tags, nil
}

// commit records the changelog and tags it. git signs the tag where tag.gpgSign says so.
func (r repository) commit(ctx context.Context, tag, notes string) error {
	if _, err := r.git(ctx, "commit", "--quiet", "--message", "Release "+tag, "--", "CHANGELOG.md"); err != nil {
		return err
	}
	// Lines of the changelog begin with #, which git would take for comments.
	_, err := r.git(ctx, "tag", "--annotate", "--cleanup=whitespace", "--message", "Release "+tag+"\n\n"+notes, tag)
	return err
}

// Command release makes a release of what is committed: it computes the version from the tags, moves the changelog's
// Unreleased section under it, commits and tags. It also packs archives.
// It never pushes: the tag that somebody pushes is what the release workflow builds from.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, time.Now); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer, now func() time.Time) error {
	if len(args) > 0 && args[0] == "archive" {
		return archive(args[1:])
	}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	dir := flags.String("dir", ".", "the repository")
	dryRun := flags.Bool("dry-run", false, "say what would be done, and do nothing")
	branch := flags.String("branch", "main", "the only branch that releases are made from")
	check := flags.String("check", "", "a command, run by sh, that has to succeed first")
	wanted := flags.String("version", "", "the version, for the target version")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name one target, such as minor, patch-alpha, promote-stable or version")
	}
	r := releaser{Repository: repository{Dir: *dir}, Branch: *branch, Check: *check, DryRun: *dryRun, Out: out, Now: now}
	return r.release(ctx, flags.Arg(0), *wanted)
}

// releaser makes releases of a repository.
type releaser struct {
	Repository repository
	Branch     string
	Check      string
	DryRun     bool
	Out        io.Writer
	Now        func() time.Time
}

func (r releaser) release(ctx context.Context, target, wanted string) error {
	if err := r.Repository.ready(ctx, r.Branch); err != nil {
		return err
	}
	tags, err := r.Repository.versions(ctx)
	if err != nil {
		return err
	}
	version, err := next(tags, target, wanted)
	if err != nil {
		return err
	}
	path := filepath.Join(r.Repository.Dir, "CHANGELOG.md")
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, notes, err := move(string(before), version, latest(tags), r.Now().UTC().Format(time.DateOnly))
	if err != nil {
		return err
	}
	tag := "v" + version.String()
	from := "nothing"
	if last := latest(tags); last != nil {
		from = "v" + last.String()
	}
	fmt.Fprintf(r.Out, "%s → %s\n\n%s\n\n", from, tag, notes)
	if r.DryRun {
		fmt.Fprintf(r.Out, "dry run: CHANGELOG.md would be changed, committed as \"Release %s\" and tagged %s; nothing was done\n", tag, tag)
		return nil
	}
	if r.Check != "" {
		check := exec.CommandContext(ctx, "sh", "-c", r.Check)
		check.Dir, check.Stdout, check.Stderr = r.Repository.Dir, r.Out, os.Stderr
		if err := check.Run(); err != nil {
			return fmt.Errorf("%s: %w; nothing was released", r.Check, err)
		}
	}
	if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
		return err
	}
	if err := r.Repository.commit(ctx, tag, notes); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "committed and tagged %s; publish it with: git push --atomic origin %s %s\n", tag, r.Branch, tag)
	return nil
}

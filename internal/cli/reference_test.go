package cli

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openhostfactory/ohfp/internal/doctest"
)

//go:generate go test . -run TestReference -update

var update = flag.Bool("update", false, "rewrite the reference")

// TestReference: docs/reference/cli.md says what the commands say of themselves.
func TestReference(t *testing.T) {
	t.Parallel()
	doctest.Written{Path: "../../docs/reference/cli.md", Again: "make generate"}.Check(t, referenceOf((&program{}).rootCommand()), *update)
}

func referenceOf(root *cobra.Command) string {
	var out strings.Builder
	out.WriteString(`# Commands

<!-- Written by make generate from the commands; do not edit. -->

Answers go to standard output, everything else to standard error. Exit codes: 0 it did what was asked, 1 it could not, 2 the
command line is wrong, 130 it was interrupted; see [errors.md](../errors.md). Every command has --help; ohfp man --dir DIR
writes the same as manual pages, ohfp completion SHELL completes commands, flags and ids with TAB.

## Flags of every command

`)
	fmt.Fprintf(&out, "```\n%s```\n", root.PersistentFlags().FlagUsages())
	var write func(cmd *cobra.Command)
	write = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if sub.Name() == "help" {
				continue
			}
			if !sub.HasSubCommands() {
				about := sub.Long
				if about == "" {
					about = sub.Short + "."
				}
				fmt.Fprintf(&out, "\n## %s\n\n%s\n\n```\n%s\n```\n", sub.CommandPath(), about, sub.UseLine())
				if len(sub.Aliases) > 0 {
					fmt.Fprintf(&out, "\nAlso called: %s.\n", strings.Join(sub.Aliases, ", "))
				}
				if sub.HasAvailableLocalFlags() {
					fmt.Fprintf(&out, "\n```\n%s```\n", sub.LocalFlags().FlagUsages())
				}
				fmt.Fprintf(&out, "\n```bash\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(sub.Example, "  "), "\n  ", "\n"))
			}
			write(sub)
		}
	}
	write(root)
	return out.String()
}

// called finds command lines in the scripts.
var called = regexp.MustCompile(`^!? ?(?:\[[^]]*\] )?(?:exec|exits \d+|until (?:'[^']*'|\S+)) (?:!? ?)ohfp (.*)$`)

// TestEveryFlagHasAScript fails when no script of testdata uses a flag of the reference, and when a flag is excused that one
// uses.
func TestEveryFlagHasAScript(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			if found := called.FindStringSubmatch(lines.Text()); found != nil {
				uses(strings.Fields(found[1]), used)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	excused := map[string]string{}
	var missing []string
	each(func(path string, flag *pflag.Flag) {
		name := strings.TrimSpace(path + " --" + flag.Name)
		switch {
		case used[name] && excused[name] != "":
			t.Errorf("%s is excused and has a script: take it off the list", name)
		case !used[name] && excused[name] == "":
			missing = append(missing, name)
		}
		delete(excused, name)
	})
	if len(missing) > 0 {
		t.Errorf("no script in testdata/script uses\n  %s", strings.Join(missing, "\n  "))
	}
	if len(excused) > 0 {
		t.Errorf("excused flags do not exist: %v", slices.Sorted(maps.Keys(excused)))
	}
}

// each visits the flags of all commands; those of every command under the empty path.
func each(visit func(path string, flag *pflag.Flag)) {
	root := (&program{}).rootCommand()
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { visit("", flag) })
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if path != "" && flag.Name != "help" && root.PersistentFlags().Lookup(flag.Name) == nil {
				visit(path, flag)
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// uses notes the flags of a command line.
func uses(words []string, used map[string]bool) {
	root := (&program{}).rootCommand()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return
	}
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	for _, word := range rest {
		var flag *pflag.Flag
		if name, long := strings.CutPrefix(word, "--"); long {
			name, _, _ = strings.Cut(name, "=")
			flag = cmd.Flag(name)
		} else if name, short := strings.CutPrefix(word, "-"); short && len(name) == 1 {
			if flag = cmd.Flags().ShorthandLookup(name); flag == nil {
				flag = root.PersistentFlags().ShorthandLookup(name)
			}
		}
		switch {
		case flag == nil:
		case root.PersistentFlags().Lookup(flag.Name) == flag:
			used["--"+flag.Name] = true
		default:
			used[path+" --"+flag.Name] = true
		}
	}
}

// TestManualPages: each command has a page with all of its flags.
func TestManualPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, stdout, stderr := (&desk{}).run(t.Context(), "man", "--dir", filepath.Join(dir, "man1"))
	expect(t, exitOK, code, stderr)
	if stdout != "" {
		t.Errorf("printed %q", stdout)
	}
	each(func(path string, flag *pflag.Flag) {
		name := strings.ReplaceAll(strings.TrimSpace("ohfp "+path), " ", "-") + ".1"
		text, err := os.ReadFile(filepath.Join(dir, "man1", name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), troff("--"+flag.Name)) || !strings.HasPrefix(string(text), ".TH ") {
			t.Errorf("%s does not tell of --%s", name, flag.Name)
		}
	})
	if got, want := troff(`.x -a \n`), `\&.x \-a \en`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

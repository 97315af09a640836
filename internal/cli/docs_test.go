package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openhostfactory/ohfp/internal/doctest"
)

// TestDocumentedCommands fails where a document names a command or a flag that does not exist: in blocks for a shell
// and in sentences.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	pages, err := doctest.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	root := (&program{}).rootCommand()
	checked := 0
	for _, page := range pages {
		if page.Path == "CHANGELOG.md" || strings.HasPrefix(page.Path, "docs/adr/") {
			continue // they tell of what was
		}
		for line, text := range page.Code() {
			for _, words := range commandLines(text) {
				checked++
				if problem := wrong(root, words); problem != "" {
					t.Errorf("%s:%d: ohfp %s: %s", page.Path, line, strings.Join(words, " "), problem)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d command lines were found", checked)
	}
}

var (
	begins = regexp.MustCompile(`(?:^|[;&|(=] *|\$ |sudo |exec |xargs |nohup )ohfp +([^;&|)]*(?:\|[a-z]+[^;&)]*)?)`)
	word   = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
)

// commandLines are the calls of the program in a line of shell or in a sentence.
func commandLines(text string) [][]string {
	var lines [][]string
	for _, found := range begins.FindAllStringSubmatch(text, -1) {
		words := word.FindAllString(strings.NewReplacer("[", "", "]", "").Replace(found[1]), -1)
		if at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") || w == ">" || w == "<" }); at >= 0 {
			words = words[:at]
		}
		if len(words) > 0 && words[0] == "ohfp" {
			words = words[1:] // of a service of that name: docker compose exec ohfp ohfp requests list
		}
		lines = append(lines, words)
	}
	return lines
}

// wrong says what of a command line does not exist, empty when all does. Of words like show|list each is looked at.
func wrong(root *cobra.Command, words []string) string {
	for i, w := range words {
		if strings.HasPrefix(w, "-") || w == "…" || w == "..." {
			break
		}
		if !strings.Contains(w, "|") {
			continue
		}
		for alternative := range strings.SplitSeq(w, "|") {
			if problem := wrong(root, slices.Concat(words[:i], []string{alternative}, words[i+1:])); problem != "" {
				return problem
			}
		}
		return ""
	}
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err.Error()
	}
	for i, w := range rest {
		var flag *pflag.Flag
		name, isFlag := strings.CutPrefix(w, "--")
		switch {
		case name == "" || w == "…" || w == "...":
			continue
		case isFlag:
			name, _, _ = strings.Cut(strings.TrimRight(name, ".,…"), "=")
			flag = cmd.Flag(name)
		case strings.HasPrefix(w, "-") && len(w) == 2:
			if flag = cmd.Flags().ShorthandLookup(w[1:]); flag == nil {
				flag = cmd.InheritedFlags().ShorthandLookup(w[1:])
			}
			if cmd.DisableFlagParsing || w == "-f" && cmd.GroupID == groupHostFactory {
				continue
			}
		case cmd.HasSubCommands() && i == 0:
			return cmd.CommandPath() + " has no command " + w
		default:
			continue
		}
		if flag == nil && name != "help" && w != "-h" && !(cmd == root && (name == "version" || w == "-v")) {
			return cmd.CommandPath() + " has no flag " + w
		}
	}
	return ""
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	root := (&program{}).rootCommand()
	for line, right := range map[string]bool{
		"ohfp requests list --limit 5":            true,
		"ohfp requests list --limited 5":          false,
		"ohfp requests lists":                     false,
		"ohfp storage show|health":                true,
		"ohfp storage show|wealth":                false,
		"A=b; ohfp doctor --format=table | head":  true,
		"$ ohfp storage health [--detailed]":      true,
		"$ ohfp storage health [--retailed]":      false,
		"ohfp requestMachines -f in.json":         true,
		"ID=$(ohfp requests list --no-such-flag)": false,
	} {
		found := commandLines(line)
		if len(found) != 1 {
			t.Errorf("%q has the command lines %q", line, found)
			continue
		}
		if problem := wrong(root, found[0]); (problem == "") != right {
			t.Errorf("%q: %q", line, problem)
		}
	}
}

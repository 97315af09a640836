package cli

import (
	"regexp"
	"strings"
	"testing"
)

// referenceLines are the commands of the Python system, as it was and as it is, with the flags of their own.
const referenceLines = `
templates list --provider-api --long --format
templates show -t --template-id
templates create --file --validate-only
templates update -t --template-id --file
templates delete -t --template-id --force
templates validate -t --template-id --file
templates refresh --force
templates generate --force --all-providers --provider-api --provider-specific --generic --provider-type
machines list --status --template-id --request-id --timestamp-format
machines show -m --machine-id
machines request -t --template-id -c --count --wait --timeout
machines return -m --machine-id --force --wait --timeout
machines terminate -m --machine-id --force
machines status -m --machine-id
machines stop --force
machines start
requests list --status --template-id --request-type
requests show -r --request-id
requests cancel -r --request-id --force
requests status -r --request-id
requests watch --interval
requests list-returns --status
system serve --host --port --workers --reload --server-log-level --socket-path
config reload
infrastructure discover --show --summary --all-providers
infrastructure show
infrastructure validate
config show
config set
config get
config validate --file
providers list --detailed
providers show --provider
providers health
providers add --provider-type --aws-profile --aws-region --name --discover
providers remove
providers update
providers set-default
providers get
providers get-default
providers select --strategy
providers exec --provider --params --args
providers metrics --timeframe
storage list
storage show --strategy
storage validate
storage test --timeout
storage health --detailed
storage metrics
scheduler list --long
scheduler show --scheduler --strategy
scheduler validate
mcp tools list --type
mcp tools call --args --file
mcp tools info
mcp validate --config
mcp serve --port --host --stdio --log-level
init --force --non-interactive --scheduler --provider --region --profile --config-dir --scripts-dir --subnet-ids --security-group-ids --fleet-role
`

// referenceEverywhere are the flags that all commands of the Python system take.
const referenceEverywhere = "-f --file -d --data --provider --region --profile --scheduler --format --dry-run --yes -y --all --verbose --quiet --no-color --limit --offset --filter --config --log-level --output"

// TestOddFlagsAreRefused: a flag that nobody ever had gets no advice but the nearest one.
func TestOddFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"templates list --xyzzy": "unknown flag: --xyzzy; see ohfp templates list --help",
		"templates list -x":      "unknown shorthand flag: 'x' in -x; see ohfp templates list --help",
		"templates list -y":      "leave it out: ohfp templates list asks nothing",
		"config show --dry-run":  "leave it out: ohfp config show changes nothing",
		"config set --dry-run":   "cannot be shown before",
	} {
		if code, _, stderr := (&desk{}).run(t.Context(), strings.Fields(line)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s", line, code, stderr)
		}
	}
}

// says is what a refusal has that helps, beside where the help is.
var says = regexp.MustCompile(`; [^;]*\b(use|leave it out|give|name|narrow|see ohfp [a-z -]*[a-z]($|,|:))`)

var helpAdvice = regexp.MustCompile(`;? see ohfp [a-z -]* --help`)

// TestReferenceFlags: each flag of the Python system works, or is refused with what to do instead.
func TestReferenceFlags(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(strings.TrimSpace(referenceLines)) {
		words := strings.Fields(line)
		var path, flags []string
		for _, word := range words {
			if strings.HasPrefix(word, "-") {
				flags = append(flags, word)
			} else {
				path = append(path, word)
			}
		}
		root := (&program{}).rootCommand()
		cmd, rest, err := root.Find(path)
		if err != nil || len(rest) > 0 || cmd.HasSubCommands() {
			t.Errorf("ohfp %s does not exist", strings.Join(path, " "))
			continue
		}
		for _, flag := range append(flags, strings.Fields(referenceEverywhere)...) {
			name := strings.TrimLeft(flag, "-")
			if len(name) == 1 {
				if cmd.Flags().ShorthandLookup(name) != nil || cmd.InheritedFlags().ShorthandLookup(name) != nil {
					continue
				}
			} else if cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil {
				continue
			}
			d := &desk{}
			code, stdout, stderr := d.run(t.Context(), append(append([]string{}, path...), flag)...)
			if code != exitUsage || stdout != "" || !says.MatchString(helpAdvice.ReplaceAllString(stderr, "")) {
				t.Errorf("ohfp %s %s: exit %d, %s", strings.Join(path, " "), flag, code, strings.TrimSpace(stderr))
			}
		}
	}
}

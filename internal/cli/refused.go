package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/access"
)

// instead says what to do in the place of a flag that the Python system has and a command of ours has not; empty for a flag
// that it never had.
func instead(cmd *cobra.Command, flag string) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	if advice, ok := insteadOf()[path+" --"+flag]; ok {
		return advice
	}
	rule, _ := access.OfCommand(path)
	switch flag {
	case "file", "data":
		return "leave it out: " + cmd.CommandPath() + " takes no input but its arguments and flags"
	case "provider":
		return "leave it out: " + cmd.CommandPath() + " is about no single provider"
	case "region", "profile":
		return "leave it out: each provider has its own, see ohfp providers update"
	case "dry-run":
		if rule.Effect == access.Reads {
			return "leave it out: " + cmd.CommandPath() + " changes nothing"
		}
		return "leave it out: what " + cmd.CommandPath() + " would do cannot be shown before"
	case "yes":
		return "leave it out: " + cmd.CommandPath() + " asks nothing"
	case "all":
		if strings.HasPrefix(cmd.Name(), "list") {
			return "leave it out: all are listed"
		}
		return "name what it is about instead"
	case "limit", "offset", "filter":
		return "leave it out: the answer is no list; narrow it with --fields"
	default:
		return ""
	}
}

// insteadOf is what to do in the place of flags that only some commands have there.
func insteadOf() map[string]string {
	return map[string]string{
		"templates generate --all-providers":      "use --provider once for each",
		"templates generate --provider-type":      "use --provider with a name",
		"templates generate --generic":            "leave it out: the examples leave out what the provider's template defaults say",
		"templates generate --provider-specific":  "use --subnet-ids and --security-group-ids to have them written out",
		"system serve --workers":                  "leave it out: one process serves all calls at once",
		"system serve --reload":                   "leave it out: templates are read whenever they are asked for; use ohfp system reload for a new configuration",
		"system serve --server-log-level":         "use --log-level",
		"infrastructure discover --show":          "use --filter kind=subnet, vpc or security-group",
		"infrastructure discover --summary":       "use --format table --fields kind,id,name",
		"infrastructure discover --all-providers": "use --provider once for each",
		"providers list --detailed":               "use ohfp providers show NAME",
		"storage show --strategy":                 "leave it out: the configured one is shown; ohfp storage list has all",
		"scheduler list --long":                   "leave it out: everything is listed",
		"scheduler show --strategy":               "use --scheduler",
	}
}

// longName is the flag that a one-letter flag of the Python system stands for.
func longName(shorthand string) string {
	return map[string]string{"f": "file", "d": "data", "y": "yes"}[shorthand]
}

// withTemplateIDs lets a command take the ids of its arguments as a flag, too.
func withTemplateIDs(cmd *cobra.Command) *cobra.Command {
	var ids []string
	cmd.Flags().StringSliceVarP(&ids, "template-id", "t", nil, "the `TEMPLATE_ID`, instead of an argument")
	check, run := cmd.Args, cmd.RunE
	if check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return check(cmd, slices.Concat(ids, args)) }
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd, slices.Concat(ids, args)) }
	return cmd
}

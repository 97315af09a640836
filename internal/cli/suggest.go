package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// suggestion is what a misspelled word may have meant, as the middle of a message, or nothing.
func suggestion(word string, candidates []string, prefix string) string {
	if nearest := nearest(word, candidates); nearest != "" {
		return "; did you mean " + prefix + nearest + "?"
	}
	return ""
}

// nearest is the candidate with the fewest edits, when those are few for the length of the word.
func nearest(word string, candidates []string) string {
	const most = 3 // edits
	best, fewest := "", min(most, len(word)/2+1)
	for _, candidate := range candidates {
		if n := edits(strings.ToLower(word), strings.ToLower(candidate)); n < fewest {
			best, fewest = candidate, n
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap with their neighbour that make b of a.
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// flagMistake adds to the message about a flag which one may have been meant.
func flagMistake(cmd *cobra.Command, err error) error {
	word, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if shorthand, short := strings.CutPrefix(err.Error(), "unknown shorthand flag: '"); short {
		if advice := instead(cmd, longName(shorthand[:1])); advice != "" {
			return usageErrorf("%w; %s; see %s --help", err, advice, cmd.CommandPath())
		}
	}
	if !unknown {
		return usageErrorf("%w; see %s --help", err, cmd.CommandPath())
	}
	if advice := instead(cmd, word); advice != "" {
		return usageErrorf("%w; %s; see %s --help", err, advice, cmd.CommandPath())
	}
	var names []string
	collect := func(flag *pflag.Flag) {
		if !flag.Hidden && !slices.Contains(names, flag.Name) {
			names = append(names, flag.Name)
		}
	}
	cmd.Flags().VisitAll(collect)
	cmd.InheritedFlags().VisitAll(collect)
	if near := suggestion(word, names, "--"); near != "" {
		return usageErrorf("%w%s see %s --help", err, near, cmd.CommandPath())
	}
	return usageErrorf("%w; see %s --help", err, cmd.CommandPath())
}

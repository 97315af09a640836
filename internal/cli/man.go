package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (p *program) manCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man --dir DIR",
		Short: "Write manual pages",
		Long:  "Writes a manual page for each command into a directory, which is made when it does not exist.",
		Example: `  ohfp man --dir /usr/local/share/man/man1
  ohfp man --dir man && man -l man/ohfp-requests-create.1`,
		GroupID: groupTools,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usageErrorf("which directory? pass --dir; see %s --help", cmd.CommandPath())
			}
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return fmt.Errorf("write manual pages: %w", err)
			}
			return writePages(dir, cmd.Root())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the directory of the pages")
	return cmd
}

func writePages(dir string, cmd *cobra.Command) error {
	for _, sub := range cmd.Commands() {
		if err := writePages(dir, sub); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, pageName(cmd)+".1")
	if err := os.WriteFile(path, []byte(page(cmd)), 0o644); err != nil { //nolint:gosec // manual pages are for everybody
		return fmt.Errorf("write manual pages: %w", err)
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// page is the manual page of a command in troff's man macros.
func page(cmd *cobra.Command) string {
	var out strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(&out, ".TH %s 1\n.SH NAME\n%s \\- %s\n", troff(strings.ToUpper(pageName(cmd))), troff(pageName(cmd)), troff(cmd.Short))
	fmt.Fprintf(&out, ".SH SYNOPSIS\n%s\n.SH DESCRIPTION\n", troff(cmd.UseLine()))
	out.WriteString(verbatimTroff(about))
	writeOptions(&out, "OPTIONS", cmd.LocalFlags())
	writeOptions(&out, "OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	if cmd.HasExample() {
		out.WriteString(".SH EXAMPLES\n" + verbatimTroff(cmd.Example))
	}
	if cmd.HasSubCommands() || cmd.HasParent() {
		out.WriteString(".SH SEE ALSO\n")
		if cmd.HasParent() {
			fmt.Fprintf(&out, ".BR %s (1)\n", troff(pageName(cmd.Parent())))
		}
		for _, sub := range cmd.Commands() {
			fmt.Fprintf(&out, ".BR %s (1)\n", troff(pageName(sub)))
		}
	}
	return out.String()
}

func writeOptions(out *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	out.WriteString(".SH " + title + "\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(flag)
		names := "--" + flag.Name
		if flag.Shorthand != "" {
			names = "-" + flag.Shorthand + ", " + names
		}
		fmt.Fprintf(out, ".TP\n.B %s\n%s\n", troff(strings.TrimSpace(names+" "+value)), troff(usage))
	})
}

// verbatimTroff keeps lines as they are.
func verbatimTroff(text string) string {
	var out strings.Builder
	out.WriteString(".nf\n")
	for line := range strings.Lines(text) {
		out.WriteString(troff(strings.TrimRight(line, "\n")) + "\n")
	}
	return out.String() + ".fi\n"
}

// troff escapes what troff would read as its own: backslashes, hyphens that must stay such, and lines that look like macros.
func troff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/version"
)

const (
	groupMachines    = "machines"
	groupTools       = "tools"
	groupHostFactory = "hostfactory"
)

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ohfp",
		Short: "Ask a cloud for machines, follow the request, give them back",
		Long: `ohfp asks a cloud for machines, follows the request and gives the machines back:
for IBM Spectrum Symphony Host Factory, for people and for programs.

A template says what kind of machines; a request asks for some of them.`,
		Example: `  ohfp demo                                                # watch it work, no cloud needed
  ohfp templates list
  ohfp requests create --template-id EC2FleetInstant --count 3 --wait
  ohfp requests return --request-id REQUEST_ID`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	group(root)
	// cobra's own version flag would link text/template, which keeps every method of the AWS SDK in the binary: 45 MB more.
	asked := root.Flags().BoolP("version", "v", false, "version of ohfp")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asked {
			return p.printVersion()
		}
		return cmd.Help()
	}
	setHelp(root)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.errw)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
			return cmd.Args(cmd, words) // the flag belongs to a command that does not exist
		}
		return flagMistake(cmd, err)
	})
	root.AddGroup(
		&cobra.Group{ID: groupMachines, Title: "Machines:"},
		&cobra.Group{ID: groupTools, Title: "Tools:"},
		&cobra.Group{ID: groupHostFactory, Title: "Host Factory:"},
	)
	root.SetHelpCommandGroupID(groupTools)
	root.AddCommand(
		p.templatesCommand(), p.requestsCommand(), p.machinesCommand(), p.usageCommand(), p.orphansCommand(), p.storageCommand(),
		p.initCommand(), p.importCommand(), p.configCommand(), p.schedulerCommand(),
		p.providersCommand(), p.infrastructureCommand(), p.doctorCommand(), p.daemonCommand(), p.systemCommand(), p.mcpCommand(),
		p.authCommand(), p.auditCommand(),
		p.simulatorCommand(), p.demoCommand(), p.completionCommand(), p.manCommand(), p.versionCommand(),
	)
	root.AddCommand(p.hostFactoryCommands()...)
	p.addGlobalFlags(root)
	p.addSelection(root)
	p.addCompletions(root)
	return root
}

func (p *program) addGlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&p.global.Format, "format", string(output.JSON), "how answers look: `FORMAT` is json, yaml, table or list")
	flags.StringVar(&p.global.Config, "config", "", "configuration `FILE` (default: in the configuration directory)")
	flags.StringVar(&p.global.LogLevel, "log-level", "", "log to standard error from this `LEVEL` on: DEBUG, INFO, WARNING, ERROR or CRITICAL")
	flags.StringSliceVar(&p.global.Fields, "fields", nil, "only these `FIELDS` of the answer, in this order: requestId,machines.name")
	flags.StringVar(&p.global.Output, "output", "", "write the answer to this `FILE`, whole or not at all, instead of standard output")
	flags.StringVar(&p.global.Scheduler, "scheduler", "", "how answers spell names: `DIALECT` is hostfactory or hf (requestId) or default (request_id)")
	flags.BoolVar(&p.global.Legacy, "legacy", false, "the same as --scheduler hostfactory")
	flags.BoolVar(&p.global.NoColour, "no-color", false, "no colours on a terminal")
	flags.BoolVarP(&p.global.Quiet, "quiet", "q", false, "no progress and no notes on standard error, only errors")
	flags.BoolVar(&p.global.Verbose, "verbose", false, "the same as --log-level INFO")
	complete(root, "format", formatNames()...)
	complete(root, "log-level", logLevels()...)
	complete(root, "scheduler", config.Schedulers()...)
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		p.operation, p.subjects = operationOf(cmd), subjectsOf(cmd, args)
		p.dryRun, _ = cmd.Flags().GetBool("dry-run") // false for commands without it
		if err := p.checkGlobal(cmd); err != nil {
			return err
		}
		if p.global.Output == "" {
			return nil
		}
		file, err := openOut(p.global.Output)
		if err != nil {
			return err
		}
		p.out = file
		return nil
	}
}

// operationOf is what a command does in the words of the table that says who may do it, empty for a command that touches
// nothing of an installation.
func operationOf(cmd *cobra.Command) access.Operation {
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	rule, _ := access.OfCommand(words)
	return rule.Operation
}

// subjectsOf are the arguments and flags that are ids or names, which the audit log may have. Those of other commands may be
// secret.
func subjectsOf(cmd *cobra.Command, args []string) []string {
	var subjects []string
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	switch noun, _, _ := strings.Cut(words, " "); noun {
	case "requests", "machines", "templates", "providers", "orphans", "auth":
		subjects = append(subjects, args...)
	case "config":
		subjects = append(subjects, args[:min(1, len(args))]...) // the setting, not its value
	}
	for _, name := range []string{"request-id", "template-id", "machine-id", "provider"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			subjects = append(subjects, strings.Split(strings.Trim(flag.Value.String(), "[]"), ",")...)
		}
	}
	return subjects
}

// group makes a command that only holds others: alone it prints its help, and a word that is none of its commands is a
// mistake.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2 // edits
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		advice := ""
		if nearest := cmd.SuggestionsFor(args[0]); len(nearest) > 0 {
			advice = "did you mean " + strings.Join(nearest, " or ") + "? "
		}
		return usageErrorf("%s has no command %q; %ssee %s --help", cmd.CommandPath(), args[0], advice, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// one and noArguments check the number of arguments.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageErrorf("%s takes one %s, not %d arguments; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf("%s takes no arguments, not %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// complete offers values for a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist, and every caller has just made it.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and date of this build",
		Example: `  ohfp version
  ohfp version --format json`,
		GroupID: groupTools,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("format") {
				return p.show(version.Current(), output.Layout{})
			}
			return p.printVersion()
		},
	}
}

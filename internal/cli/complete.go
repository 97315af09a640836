package cli

import (
	"context"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/query"
)

// completeWithin bounds what pressing TAB may take.
const completeWithin = 2 * time.Second

// offered bounds how many ids a shell is offered: nobody reads more.
const offered = 100

// kindOfID is a word for an id as usage lines write it, such as TEMPLATE_ID, MACHINE_ID or NAME.
var kindOfID = regexp.MustCompile(`\b(TEMPLATE|REQUEST|RETURN|MACHINE)_ID\b`)

// addCompletions offers the ids that exist wherever a command takes one: to flags by their name, to arguments by what the
// usage line calls them. Trouble offers nothing.
func (p *program) addCompletions(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		p.addCompletions(sub)
	}
	for flag, kind := range map[string]string{
		"template-id": "TEMPLATE", "request-id": "REQUEST", "machine-id": "MACHINE", "provider": "PROVIDER",
	} {
		if cmd.LocalNonPersistentFlags().Lookup(flag) != nil {
			// The only error is a flag that does not exist.
			_ = cmd.RegisterFlagCompletionFunc(flag, p.completion(kind))
		}
	}
	if cmd.ValidArgsFunction != nil || len(cmd.ValidArgs) > 0 || cmd.HasSubCommands() {
		return
	}
	_, arguments, _ := strings.Cut(cmd.Use, " ")
	arguments = flagValues.ReplaceAllString(arguments, "")
	if found := kindOfID.FindStringSubmatch(arguments); found != nil {
		cmd.ValidArgsFunction = p.completion(found[1])
	} else if strings.Contains(arguments, "NAME") && cmd.Parent().Name() == "providers" {
		cmd.ValidArgsFunction = p.completion("PROVIDER")
	}
}

// flagValues are flags in a usage line, with what they take.
var flagValues = regexp.MustCompile(`--[a-z-]+ [A-Z_]+`)

func (p *program) completion(kind string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		quiet := *p
		quiet.errw, quiet.global.Quiet, quiet.global.LogLevel = io.Discard, true, ""
		if kind == "TEMPLATE" && len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp // a count follows
		}
		ids, err := quiet.ids(ctx, kind)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// ids are what exists of a kind, with a few words about each, the newest requests first.
func (p *program) ids(ctx context.Context, kind string) (ids []cobra.Completion, err error) {
	if kind == "PROVIDER" {
		cfg, err := p.config(wish{Global: p.global})
		for _, provider := range cfg.Providers {
			ids = append(ids, cobra.CompletionWithDesc(provider.Name, provider.Type))
		}
		return ids, err
	}
	err = p.during(ctx, wish{Global: p.global, Listing: kind == "TEMPLATE"}, func(s *session) error {
		switch kind {
		case "TEMPLATE":
			templates, _, err := s.Queries.TemplateList(ctx)
			for _, t := range templates {
				ids = append(ids, cobra.CompletionWithDesc(string(t.Template.ID), t.Template.Name))
			}
			return err
		case "MACHINE":
			machines, err := s.Queries.Machines(ctx, query.MachineFilter{States: aliveStates(), Limit: offered})
			for _, m := range machines {
				ids = append(ids, cobra.CompletionWithDesc(string(m.ID), string(m.State)+" "+m.Name))
			}
			return err
		default:
			requests, err := s.Queries.Requests(ctx, query.RequestFilter{Limit: offered})
			for _, r := range requests {
				ids = append(ids, cobra.CompletionWithDesc(string(r.ID), string(r.Status)+" "+string(r.Template.ID)))
			}
			return err
		}
	})
	return ids, err
}

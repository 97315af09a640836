package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/output"
)

func (p *program) storageCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "storage",
		Short: "The records of requests and machines",
		Example: `  ohfp storage health --format list
  ohfp storage backup records.jsonl
  ohfp storage migrate --from json --to postgresql`,
		GroupID: groupTools,
	})
	cmd.AddCommand(
		p.storageListCommand(), p.storageShowCommand(), p.storageHealthCommand(), p.storageValidateCommand(), p.storageTestCommand(),
		p.storageMetricsCommand(), p.storageInitCommand(), p.storageBackupCommand(), p.storageRestoreCommand(), p.storageMigrateCommand(),
		p.storageImportCommand(), p.storageCompactCommand(), p.storageRebuildCommand(),
	)
	return cmd
}

func (p *program) storageRebuildCommand() *cobra.Command {
	var in command.RebuildRecords
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Make lost records again from the tags in the cloud",
		Long: `Asks every cloud for all that carries this installation's tag, and records each request that no record knows, with its
machines, fleets and groups. It is for a lost or restored database; the file "installation" in the work directory must
have survived, since it holds the tag's value. Nothing is ended, and doing it again changes nothing.

What the tags do not tell stays lost: how many machines a request asked for (what is there is taken for all of it), who
asked, and returns that were under way, whose machines run on until they are given back again.

The exit code is 1 when a cloud could not be read.`,
		Example: `  ohfp storage rebuild --dry-run
  ohfp storage rebuild --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(s *session) error { return p.rebuild(cmd.Context(), s, in) })
		},
	}
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "only show what would be recorded")
	return cmd
}

// rebuild has no time limit but the caller's patience: half of the records would be taken for all of them.
func (p *program) rebuild(ctx context.Context, s *session, in command.RebuildRecords) error {
	done, err := s.Commands.RebuildRecords(ctx, in)
	if err != nil && len(done.Requests) == 0 {
		return err
	}
	layout := output.Layout{Records: "requests", Empty: "Nothing was lost.", Columns: []output.Column{
		{Key: "requestId", Heading: "request"},
		{Key: "status", State: true},
		{Key: "machines", Number: true},
		{Key: "resources"},
		{Key: "templateId", Heading: "template"},
		{Key: "provider"},
	}}
	if shown := p.show(done, layout); shown != nil {
		return shown
	}
	if len(done.Nameless) > 0 {
		p.note("%s cannot be recorded for want of a request; see ohfp orphans list", ohfp.Count(len(done.Nameless), "machine"))
	}
	if len(done.Requests) > 0 && !in.DryRun {
		p.note("returns that were under way are lost; give their machines back again")
	}
	for name, problem := range done.Unread {
		p.note("provider %s could not be read, nothing of it was recorded: %v", name, problem)
	}
	if err == nil && len(done.Unread) > 0 {
		return exitError{code: exitFailure}
	}
	return err
}

package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/storage"
)

func (p *program) auditCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "audit",
		Short:   "Who did what",
		Example: "  ohfp audit list --since 1d --format table",
		GroupID: groupTools,
	})
	cmd.AddCommand(p.auditListCommand())
	return cmd
}

// auditQuestion is what audit list was asked.
type auditQuestion struct {
	Since     string
	Caller    string
	Operation string
	Face      string
	Outcome   string
	Subject   string
}

func (p *program) auditListCommand() *cobra.Command {
	var in auditQuestion
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who did what, the newest first",
		Long: `Lists what was done or refused on this machine, the newest first: by whom, from where, through which face, and how it
ended. Operations that change nothing are only there with the setting audit.reads. It reads the file that the setting
audit.file names, not those that were put aside.`,
		Example: `  ohfp audit list --since 1d --format table
  ohfp audit list --caller ann --outcome refused
  ohfp audit list --subject req-01932f3c-7c3e-7abc-9abc-123456789012 --limit 10`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			filter, err := in.filter(time.Now())
			if err != nil {
				return err
			}
			cfg, err := p.config(wish{Global: p.global, Console: true})
			if err != nil {
				return err
			}
			limit, offset := p.page()
			if limit > 0 {
				filter.Limit = limit + offset
			}
			entries, unreadable, err := audit.List(cfg.Audit.File, filter)
			if err != nil {
				return err
			}
			entries = append([]audit.Entry{}, entries[min(offset, len(entries)):]...)
			if !cfg.Audit.Enabled {
				p.note("nothing is recorded now; see audit.enabled")
			}
			if unreadable > 0 {
				p.note("%s of %s cannot be read", ohfp.Count(unreadable, "line"), cfg.Audit.File)
			}
			return p.show(struct {
				Entries []audit.Entry `json:"entries"`
			}{entries}, output.Layout{Records: "entries", Empty: "Nothing was recorded.", Columns: []output.Column{
				{Key: "at"}, {Key: "caller"}, {Key: "face"}, {Key: "from"}, {Key: "operation"}, {Key: "outcome"}, {Key: "subjects"}, {Key: "error"},
			}})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&in.Since, "since", "", "only what is younger than an `AGE` such as 30d or 12h, or came after a time such as 2026-01-31T08:00:00Z")
	flags.StringVar(&in.Caller, "caller", "", "only of this caller")
	flags.StringVar(&in.Operation, "operation", "", "only this `OPERATION`, such as requests.create")
	flags.StringVar(&in.Face, "face", "", "only through this `FACE`: hostfactory, cli, rest or mcp")
	flags.StringVar(&in.Outcome, "outcome", "", "only what ended so: done, refused or failed")
	flags.StringVar(&in.Subject, "subject", "", "only what was about the request, machine, template or name of this `ID`")
	complete(cmd, "face", "hostfactory", "cli", "rest", "mcp")
	complete(cmd, "outcome", string(audit.Done), string(audit.Refused), string(audit.Failed))
	return cmd
}

func (in auditQuestion) filter(now time.Time) (audit.Filter, error) {
	f := audit.Filter{
		Caller: in.Caller, Operation: access.Operation(in.Operation), Face: in.Face, Outcome: audit.Outcome(in.Outcome), Subject: in.Subject,
	}
	if _, ok := access.RuleOf(f.Operation); !ok && in.Operation != "" && f.Operation != audit.Authenticate {
		return f, usageErrorf("--operation %q does not exist; it is the noun and the verb of the command line, such as requests.create", in.Operation)
	}
	switch f.Outcome {
	case "", audit.Done, audit.Refused, audit.Failed:
	default:
		return f, usageErrorf("--outcome %q makes no sense; use %s, %s or %s", in.Outcome, audit.Done, audit.Refused, audit.Failed)
	}
	switch in.Face {
	case "", "hostfactory", "cli", "rest", "mcp":
	default:
		return f, usageErrorf("--face %q does not exist; use hostfactory, cli, rest or mcp", in.Face)
	}
	if in.Since == "" {
		return f, nil
	}
	if at, err := time.Parse(time.RFC3339, in.Since); err == nil {
		f.Since = at
		return f, nil
	}
	age, err := storage.ParseAge(in.Since)
	if err != nil {
		return f, usageError{ohfp.Errorf(ohfp.ErrInvalid, "--since %q is neither an age nor a time; write 30d, 12h or 2026-01-31T08:00:00Z", in.Since)}
	}
	f.Since = now.Add(-age)
	return f, nil
}

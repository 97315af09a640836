package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/setup"
)

// beginning is what the flags of init say beside the answers.
type beginning struct {
	setup.Init
	NonInteractive bool
	DryRun         bool
	Undo           bool
}

func (p *program) initCommand() *cobra.Command {
	var b beginning
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write configuration and templates to begin with",
		Long: `Asks what is needed, looks into the account for the rest, and writes a configuration and some templates, which are
tried before anything is written. Without a terminal, or with --non-interactive, the flags answer, and what they leave
open is taken from the account: of its default network one subnet a zone and the security group "default".

With --hostfactory it also registers the provider in Host Factory's hostProviderPlugins.json, hostProviders.json and
hostRequestors.json (versions 1 and 2), and writes the scripts and a sample of user data that makes machines join the
EGO cluster. Each file is written whole or not at all; what was there is kept in a copy, and --undo puts everything
back as it was.`,
		Example: `  ohfp init
  ohfp init --non-interactive --region eu-west-1 --subnet-ids subnet-1,subnet-2 --security-group-ids sg-1
  ohfp init --non-interactive --hostfactory $HF_TOP --name awsinst --dry-run
  ohfp init --undo --hostfactory $HF_TOP --name awsinst`,
		GroupID: groupTools,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.begin(cmd.Context(), b, cmd.Flags().Changed("format"))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&b.NonInteractive, "non-interactive", false, "ask nothing")
	flags.StringVar(&b.HostFactory, "hostfactory", "", "register with the Host Factory whose directory (`HF_TOP`) this is")
	flags.StringVar(&b.Name, "name", "", "of the provider instance (default: ohfpinst for Host Factory, else of type, profile and region)")
	flags.StringVar(&b.Type, "provider", "aws", "`TYPE` of the provider")
	flags.StringVar(&b.Region, "region", "", "of the cloud (default: AWS_REGION)")
	flags.StringVar(&b.Profile, "profile", "", "of the shared AWS configuration (default: AWS_PROFILE)")
	flags.StringSliceVar(&b.Subnets, "subnet-ids", nil, "where machines go, separated by commas")
	flags.StringSliceVar(&b.SecurityGroups, "security-group-ids", nil, "of the machines, separated by commas")
	flags.StringVar(&b.FleetRole, "fleet-role", "", "`ROLE` for Spot Fleets; adds a template for them")
	flags.StringVar(&b.Image, "image", "", "`ID` or SSM parameter of the image (default: the newest Amazon Linux 2023)")
	flags.StringSliceVar(&b.Templates, "template", nil, "`IDS` of the example templates to write, see ohfp templates generate")
	flags.StringVar(&b.Scheduler, "scheduler", "", "`SCHEDULER` is default or hostfactory: whom machines are for, which decides on user data, the name of the template file and how answers spell names")
	flags.StringVar(&b.ConfDir, "config-dir", "", "`DIRECTORY` of the configuration (default: where the program looks for it)")
	flags.StringVar(&b.ScriptsDir, "scripts-dir", "", "`DIRECTORY` to write Host Factory's scripts to")
	flags.StringSliceVar(&b.Requestors, "requestor", nil, "`NAMES` of Host Factory's requestors that may use it (default: all that are enabled)")
	flags.BoolVar(&b.Force, "force", false, "replace what is there already; copies are kept")
	flags.BoolVar(&b.DryRun, "dry-run", false, "write nothing, show what would change")
	flags.BoolVar(&b.Undo, "undo", false, "put back what the last init of the same directories has changed")
	complete(cmd, "provider", "aws")
	complete(cmd, "scheduler", setup.SchedulerDefault, setup.SchedulerHostFactory)
	return cmd
}

// fileView is a file that init has written, would write, or put back.
type fileView struct {
	Path   string `json:"path"`
	Action string `json:"action"` // created, replaced, unchanged, restored
	Backup string `json:"backup,omitempty"`
	Diff   string `json:"diff,omitempty"`
}

type initView struct {
	Provider string     `json:"provider,omitempty"`
	DryRun   bool       `json:"dryRun,omitempty"`
	Files    []fileView `json:"files"`
	// Of an import: how much was taken, and what was not.
	Settings  int             `json:"settings,omitempty"`
	Templates int             `json:"templates,omitempty"`
	Untaken   []setup.Untaken `json:"notTaken,omitempty"`

	Notes []string `json:"notes,omitempty"`
	Next  []string `json:"next,omitempty"`
}

func (p *program) begin(ctx context.Context, b beginning, formatted bool) error {
	b.Environ, b.LookupEnv, b.Now = os.Environ(), p.lookupEnv, time.Now
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the current directory: %w", err)
	}
	if err := p.permitted(config.Sources{File: p.global.Config, Environ: b.Environ, Dir: dir}); err != nil {
		return err
	}
	b.Dir, b.File = dir, p.global.Config
	if err := b.Settle(); err != nil {
		return err
	}
	if b.Undo {
		restored, err := setup.Undo(b.Journal(), b.Force)
		if err != nil {
			return err
		}
		view := initView{Files: []fileView{}}
		for _, path := range restored {
			view.Files = append(view.Files, fileView{Path: path, Action: "restored"})
		}
		return p.show(view, filesLayout())
	}
	notes, err := p.answers(ctx, &b)
	if err != nil {
		return err
	}
	plan, err := b.Plan(ctx)
	if err != nil {
		return err
	}
	plan.Notes = append(notes, plan.Notes...)
	return p.carryOut(plan, b.DryRun, formatted, func(*initView) {})
}

// answers completes what the flags say: a person does, or the account.
func (p *program) answers(ctx context.Context, b *beginning) (notes []string, err error) {
	discover := func(in *setup.Init) (found setup.Inventory, err error) { return in.Discover(ctx) }
	if !b.NonInteractive && isTerminal(p.in) {
		form := setup.Form{In: bufio.NewReader(p.in), Out: p.errw}
		return nil, form.Fill(&b.Init, discover)
	}
	if len(b.Subnets) > 0 && len(b.SecurityGroups) > 0 {
		return nil, nil
	}
	found, err := b.Discover(ctx)
	if err != nil {
		if len(b.Subnets) == 0 {
			return nil, fmt.Errorf("the account could not be looked at, and --subnet-ids does not say where machines go: %w", err)
		}
		return []string{"the account could not be looked at, so no security group was chosen: " + err.Error()}, nil
	}
	b.Choose(found)
	return nil, nil
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// carryOut writes what is planned, or shows it.
func (p *program) carryOut(plan setup.Plan, dryRun, formatted bool, also func(view *initView)) error {
	view := initView{Provider: plan.Provider, DryRun: dryRun, Files: []fileView{}, Notes: plan.Notes, Next: plan.Next}
	written := map[string]string{}
	if !dryRun {
		done, err := plan.Changes.Write(plan.Journal, time.Now())
		if err != nil {
			return err
		}
		for _, c := range done {
			written[c.Path] = c.Backup
		}
	}
	var diffs strings.Builder
	for _, c := range plan.Changes {
		file := fileView{Path: c.Path, Action: "created", Backup: written[c.Path]}
		switch {
		case c.Same():
			file.Action = "unchanged"
		case c.Old != nil:
			file.Action = "replaced"
		}
		if dryRun && !c.Same() {
			file.Diff = c.Diff()
			diffs.WriteString(file.Diff)
		}
		view.Files = append(view.Files, file)
	}
	also(&view)
	if dryRun && !formatted {
		for _, note := range plan.Notes {
			p.note("%s", note)
		}
		_, err := io.WriteString(p.out, diffs.String())
		return err
	}
	if !p.readable() {
		for _, step := range plan.Next {
			p.note("next, %s", step)
		}
	}
	return p.show(view, filesLayout())
}

// readable says whether people read the answer itself, so that they need not be told its sentences once more.
func (p *program) readable() bool {
	return p.global.Format == string(output.Table) || p.global.Format == string(output.List)
}

func filesLayout() output.Layout {
	return output.Layout{Records: "files", Empty: "Nothing to write.", Columns: []output.Column{{Key: "action"}, {Key: "path"}, {Key: "backup"}}}
}

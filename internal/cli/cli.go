// Package cli is the command line: it turns arguments into commands and queries, and what they return into text and an
// exit code.
// It refuses to decide anything about requests and machines, and it ends no process: [Main] returns the exit code.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/version"
	"github.com/openhostfactory/ohfp/provider"
)

// Main runs one command line, without the program's name, and returns the exit code: 0 when it did what was asked, 1
// when it could not, 2 when the command line is wrong, 130 when it was interrupted.
func Main(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	return MainWith(ctx, nil, args, in, out, errw)
}

// MainWith is [Main] of a program that has provider types of its own beside those that come with it.
func MainWith(ctx context.Context, own provider.Registry, args []string, in io.Reader, out, errw io.Writer) int {
	p := &program{in: in, out: out, errw: errw, lookupEnv: os.LookupEnv, export: os.Setenv, open: open}
	providers, err := app.Registry().With(own)
	if err != nil {
		return p.exit(ctx, err)
	}
	p.providers = providers
	return p.run(ctx, args)
}

// program is one run of the program. Host Factory starts a process for every call, so nothing is made before it is
// needed: the scripts' calls do not build the tree of commands, and only commands that need it open the store.
type program struct {
	in        io.Reader
	out, errw io.Writer
	lookupEnv func(string) (string, bool)
	export    func(name, value string) error // gives libraries what .env files say; nil in tests, which share a process
	open      func(ctx context.Context, w wish, p *program) (*session, error)
	providers provider.Registry // every provider type there is
	global    globalFlags
	noun      string           // the first word of the command that runs
	operation access.Operation // of the command that runs
	subjects  []string         // ids that it was given
	dryRun    bool             // it changes nothing
	record    *audit.Record    // of it in the audit log; nil: none
	settings  settings
	plain     bool // errors are sentences for people, not JSON
}

// settings are what the configuration says about how answers look.
type settings struct {
	Scheduler string
	Fields    map[string][]string // by noun
}

// globalFlags may stand anywhere on the command line.
type globalFlags struct {
	Config    string
	LogLevel  string
	Format    string
	Output    string
	Scheduler string
	Fields    []string
	Where     []string
	Limit     int
	Offset    int
	Quiet     bool
	Verbose   bool
	NoColour  bool
	Legacy    bool
}

func (p *program) run(ctx context.Context, args []string) (code int) {
	p.plain = !asksForJSON(args)
	call, _ := p.lookupEnv(wire.CallVariable) // empty: nobody has begun it before
	ctx = telemetry.WithCall(ctx, call)
	if len(args) > 0 && slices.Contains(hostfactory.Actions(), hostfactory.Action(args[0])) && !wantsHelp(args[1:]) {
		return p.hostFactory(ctx, hostfactory.Action(args[0]), args[1:])
	}
	defer func() {
		if cause := recover(); cause != nil {
			fmt.Fprintf(p.errw, "ohfp: internal error: %v; please report it with what follows\n%s", cause, debug.Stack())
			code = exitFailure
		}
	}()
	if len(args) == 1 && args[0] == "--version" {
		return p.exit(ctx, p.printVersion())
	}
	root := p.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	p.record.End(context.WithoutCancel(ctx), err)
	return p.exit(ctx, err)
}

func (p *program) printVersion() error {
	_, err := fmt.Fprintln(p.out, version.Current())
	return err
}

// The exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a mistake in the command line itself.
type usageError struct{ cause error }

func (e usageError) Error() string { return e.cause.Error() }
func (e usageError) Unwrap() error { return e.cause }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// exitError ends with a code after everything has been said.
type exitError struct {
	code int
	said error // for the records; nil: there is no more to it
}

func (e exitError) Error() string {
	if e.said != nil {
		return e.said.Error()
	}
	return fmt.Sprintf("exit code %d", e.code)
}

func (e exitError) Unwrap() error { return e.said }

// saying says each of the problems, and is the failure that they make of the call; none make none.
func (p *program) saying(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	for _, problem := range problems {
		p.complain(problem)
	}
	return exitError{exitFailure, errors.Join(problems...)}
}

// exit says what went wrong, if anything, and is the only place that turns errors into exit codes: every kind of error
// of package ohfp is a failure, since a shell can do nothing different about them.
func (p *program) exit(ctx context.Context, err error) int {
	var silent exitError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &usage):
		p.complain(usage)
		return exitUsage
	case ctx.Err() != nil:
		p.complain(errInterrupted)
		return exitInterrupted
	default:
		p.complain(err)
		return exitFailure
	}
}

// show writes an answer in the format asked for.
func (p *program) show(document any, layout output.Layout) error {
	if p.record != nil {
		if told, err := json.Marshal(document); err == nil {
			p.record.About(audit.Subjects(told)...)
		}
	}
	format, err := output.ParseFormat(p.global.Format)
	if err != nil {
		return usageError{err}
	}
	selection, err := p.selection()
	if err != nil {
		return err
	}
	chosen, arranged, err := selection.Apply(document, layout)
	if err != nil {
		if rule, ok := access.RuleOf(p.operation); !ok || rule.Effect == access.Reads {
			return usageError{err}
		}
		// Something was done, and its answer must not get lost for a misspelled field.
		p.note("%v", err)
		chosen, arranged = document, layout
	}
	return output.Write(p.out, format, chosen, arranged, p.screen(p.out))
}

// screen is what is known of where w leads.
func (p *program) screen(w io.Writer) output.Screen {
	screen := output.ScreenOf(w, p.lookupEnv)
	screen.Colour = screen.Colour && !p.global.NoColour
	return screen
}

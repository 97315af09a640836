package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/daemon/wire"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

const (
	maxInput = wire.MaxInput
	// afterAnswer bounds what is recorded once the answer is out.
	afterAnswer = 5 * time.Second
)

// hostFactory answers one call of a script: exactly one JSON object on standard output, in one write, whatever happens.
func (p *program) hostFactory(ctx context.Context, action hostfactory.Action, args []string) (code int) {
	written := false
	write := func(reply hostfactory.Reply) int {
		fmt.Fprint(p.errw, daemon.StandardError(reply))
		written = true
		if _, err := p.out.Write(reply.Body); err != nil {
			p.complain(fmt.Errorf("%s: write the answer: %w", action, err))
			return exitFailure
		}
		return reply.Exit
	}
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		code = exitFailure
		if !written {
			write(hostfactory.Refuse(fmt.Errorf("%s: internal error: %v", action, cause)))
		}
		fmt.Fprintf(p.errw, "ohfp: %s: internal error: %v\n%s", action, cause, debug.Stack())
	}()

	global, file, err := hostFactoryArguments(args)
	if err != nil {
		return write(hostfactory.Refuse(fmt.Errorf("%s: %w", action, err)))
	}
	input, err := p.input(file)
	if err != nil {
		return write(hostfactory.Refuse(fmt.Errorf("%s: %w", action, err)))
	}
	s, err := p.open(ctx, wish{Global: global, Listing: action == hostfactory.GetAvailableTemplates}, p)
	if err != nil {
		return write(hostfactory.Refuse(err))
	}
	defer s.close(p)
	reply := s.answer(ctx, action, input)
	code = write(reply)
	if reply.AfterWrite != nil && code == exitOK {
		// The answer is out: that must be recorded even when somebody stops this process now.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterAnswer)
		defer cancel()
		if err := reply.AfterWrite(after); err != nil {
			p.complain(err)
		}
	}
	return code
}

// answer asks the face within the time that a call may take.
func (s *session) answer(ctx context.Context, action hostfactory.Action, input []byte) hostfactory.Reply {
	ctx, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	face := hostfactory.Face{
		Commands: s.Commands, Queries: s.Queries, Partial: s.Partial, Caller: s.as("hostfactory"), Audit: s.Audit, Telemetry: s.Telemetry,
	}
	return face.Answer(ctx, action, input)
}

// input reads the file that the script was given; "-" is standard input.
func (p *program) input(path string) ([]byte, error) {
	if path == "-" {
		return readInput(p.in, "standard input")
	}
	file, err := os.Open(path)
	if err != nil {
		var cause *os.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input file %s cannot be read: %w", path, err)
	}
	defer file.Close()
	return readInput(file, "input file "+path)
}

func readInput(from io.Reader, name string) ([]byte, error) {
	input, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be read: %w", name, err)
	}
	if len(input) > maxInput {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is larger than %d MiB; host factory never sends that much", name, maxInput>>20)
	}
	return input, nil
}

// hostFactoryArguments reads what scripts pass: -f FILE, and the global flags that make sense here.
func hostFactoryArguments(args []string) (global globalFlags, file string, err error) {
	targets := map[string]*string{
		"-f": &file, "--file": &file, "--config": &global.Config, "--log-level": &global.LogLevel,
	}
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if !strings.HasPrefix(name, "--") {
			name, value, joined = args[i], "", false
		}
		target, ok := targets[name]
		if !ok {
			return global, "", ohfp.Errorf(ohfp.ErrInvalid, "argument %q is not understood; pass -f FILE with the input", args[i])
		}
		if !joined {
			if i++; i == len(args) {
				return global, "", ohfp.Errorf(ohfp.ErrInvalid, "argument %s needs a value after it", name)
			}
			value = args[i]
		}
		*target = value
	}
	if file == "" {
		return global, "", ohfp.Errorf(ohfp.ErrInvalid, "the input file is missing; pass -f FILE")
	}
	return global, file, nil
}

func wantsHelp(args []string) bool {
	return slices.Equal(args, []string{"-h"}) || slices.Equal(args, []string{"--help"})
}

// hostFactoryCommands are the five calls in the tree of commands, for help and for global flags that stand before them.
func (p *program) hostFactoryCommands() []*cobra.Command {
	about := map[hostfactory.Action]string{
		hostfactory.GetAvailableTemplates: "List what Host Factory may ask for",
		hostfactory.RequestMachines:       "Ask for machines",
		hostfactory.GetRequestStatus:      "Tell how requests and returns stand",
		hostfactory.GetReturnRequests:     "List machines that the cloud takes back",
		hostfactory.RequestReturnMachines: "Give machines back",
	}
	var cmds []*cobra.Command
	for _, action := range hostfactory.Actions() {
		cmds = append(cmds, &cobra.Command{
			Use:   string(action) + " -f FILE",
			Short: about[action],
			Long: about[action] + `, in the words of IBM Spectrum Symphony Host Factory.

It reads one JSON object and prints one. The scripts in deploy/hostfactory/scripts run this.`,
			Example:            "  ohfp " + string(action) + " -f input.json",
			GroupID:            groupHostFactory,
			Hidden:             true,
			DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, args []string) error {
				if wantsHelp(args) {
					return cmd.Help()
				}
				if code := p.hostFactory(cmd.Context(), action, args); code != exitOK {
					return exitError{code: code}
				}
				return nil
			},
		})
	}
	return cmds
}

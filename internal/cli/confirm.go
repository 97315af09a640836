package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/output"
)

// consent is whether the command line says already that a command may do what cannot be undone.
type consent struct {
	Yes   bool
	Force bool
}

func (c *consent) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.Yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&c.Force, "force", false, "the same as --yes")
}

func (c consent) given() bool { return c.Yes || c.Force }

// confirm asks whoever sits at the terminal, or whoever pipes an answer. Without an answer, the command line must say it.
func (p *program) confirm(question string) error {
	asked := output.IsTerminal(p.errw)
	if asked {
		fmt.Fprintf(p.errw, "%s [y/N] ", question)
	}
	answer, err := bufio.NewReader(p.in).ReadString('\n')
	if word := strings.ToLower(strings.TrimSpace(answer)); word == "y" || word == "yes" {
		return nil
	}
	if !asked && answer == "" && errors.Is(err, io.EOF) {
		return usageErrorf("%s pass --yes to do it, or --dry-run to see what would be done", question)
	}
	return errors.New("nothing was done")
}

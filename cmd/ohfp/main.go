// Command ohfp asks clouds for machines, follows the requests and gives the machines back, for IBM Spectrum Symphony
// Host Factory and for people.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/openhostfactory/ohfp/internal/cli"
)

func main() {
	os.Exit(run())
}

// run lets deferred calls happen before the process exits.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

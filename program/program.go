// Package program is the whole program ohfp as one function, for those who build it with provider types of their own.
// It refuses to be configured in any other way: everything else is said by files, environment and flags, as for ohfp.
//
//	func main() {
//		os.Exit(program.Main(provider.Registry{"pool": pool.Type()}))
//	}
package program

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/openhostfactory/ohfp/internal/cli"
	"github.com/openhostfactory/ohfp/provider"
)

// Main runs the program with the command line, the streams and the signals of this process and returns its exit code. It
// has the provider types that come with it and the caller's own, if any; one of a name that is taken is refused.
func Main(own provider.Registry) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.MainWith(ctx, own, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

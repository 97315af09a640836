// Command ohfp-pool is ohfp with one more type of provider: pool, the hosts that you have already.
package main

import (
	"os"

	"github.com/openhostfactory/ohfp/examples/pool"
	"github.com/openhostfactory/ohfp/program"
	"github.com/openhostfactory/ohfp/provider"
)

func main() {
	os.Exit(program.Main(provider.Registry{"pool": pool.Type()}))
}

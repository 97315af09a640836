// Command ohfp asks clouds for machines, follows the requests and gives the machines back, for IBM Spectrum Symphony
// Host Factory and for people.
package main

import (
	"os"

	"github.com/openhostfactory/ohfp/program"
)

func main() { os.Exit(program.Main(nil)) }

// Package main makes one table of what `go test -json` tells of the conformance suite: way to launch × case × cloud, with
// the reason of everything that is not supported.
// It refuses to run tests itself, and to call a run good of which it saw no case.
//
//	go test -json -run Conformance ./provider/... | go run ./provider/providertest/table
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/openhostfactory/ohfp/provider/providertest"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	r, err := read(in)
	if err != nil {
		return err
	}
	r.write(out)
	switch {
	case r.failed > 0:
		return fmt.Errorf("%d tests failed", r.failed)
	case len(r.cells) == 0:
		return fmt.Errorf("no case was run; pipe go test -json of the conformance suite into this")
	}
	return nil
}

// event is a line of go test -json; go doc test2json explains it.
type event struct {
	Action, Package, Test, Output, Key, Value string
}

// test is what is known of one test so far.
type test struct {
	attributes map[string]string
	output     []string
}

// cell is one place of the table.
type cell struct{ api, check, backend string }

type results struct {
	apis, backends []string
	cells          map[cell]outcome
	failed         int
	failures       []string // what failed tests said
}

// outcome is how a case went: pass, fail or skip.
type outcome struct{ action, reason string }

func read(in io.Reader) (*results, error) {
	r := &results{cells: map[cell]outcome{}}
	tests := map[string]*test{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24) // a failing test may print a whole order
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			r.failures = append(r.failures, lines.Text()) // of the compiler, say
			continue
		}
		name := e.Package + "." + e.Test
		t := tests[name]
		if t == nil {
			t = &test{attributes: map[string]string{}}
			tests[name] = t
		}
		switch e.Action {
		case "attr":
			t.attributes[e.Key] = e.Value
		case "output", "build-output":
			t.output = append(t.output, e.Output)
		case "pass", "fail", "skip":
			r.ended(e, t)
			delete(tests, name)
		}
	}
	slices.Sort(r.apis) // the tests ran in any order
	slices.Sort(r.backends)
	return r, lines.Err()
}

// ended takes the result of a test.
func (r *results) ended(e event, t *test) {
	at := cell{t.attributes[providertest.AttrAPI], t.attributes[providertest.AttrCase], t.attributes[providertest.AttrBackend]}
	if e.Action == "fail" {
		// The tests around a failed one fail with it and have nothing to add, unless they broke down.
		if at.check != "" || e.Test == "" {
			r.failures = append(r.failures, fmt.Sprintf("%s %s\n%s", e.Package, e.Test, strings.Join(t.output, "")))
		}
		r.failed++
	}
	if at.check == "" {
		return
	}
	if !slices.Contains(r.apis, at.api) {
		r.apis = append(r.apis, at.api)
	}
	if !slices.Contains(r.backends, at.backend) {
		r.backends = append(r.backends, at.backend)
	}
	r.cells[at] = outcome{e.Action, t.attributes[providertest.AttrReason]}
}

func (r *results) write(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	words := map[string]string{"pass": "pass", "skip": "not supported", "fail": "FAIL", "": "not run"}
	counts := map[string]int{}
	var reasons []string
	for _, api := range r.apis {
		backends := slices.DeleteFunc(slices.Clone(r.backends), func(backend string) bool { return !r.ran(api, backend) })
		fmt.Fprintf(table, "%s\t%s\n", api, strings.Join(backends, "\t"))
		for _, c := range providertest.Cases() {
			fmt.Fprintf(table, "  %s", c.Name)
			for _, backend := range backends {
				o := r.cells[cell{api, c.Name, backend}]
				counts[o.action]++
				fmt.Fprintf(table, "\t%s", words[o.action])
				if o.action == "skip" {
					if !slices.Contains(reasons, o.reason) {
						reasons = append(reasons, o.reason)
					}
					fmt.Fprintf(table, " (%d)", slices.Index(reasons, o.reason)+1)
				}
			}
			fmt.Fprintln(table)
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // a reader that went away needs no table
	for i, reason := range reasons {
		fmt.Fprintf(out, "(%d) %s\n", i+1, reason)
	}
	if len(r.failures) > 0 {
		fmt.Fprintf(out, "\nWhat failed:\n%s\n", strings.Join(r.failures, "\n"))
	}
	fmt.Fprintf(out, "\n%d pass, %d not supported, %d not run, %d FAIL\n", counts["pass"], counts["skip"], counts[""], counts["fail"])
}

// ran says whether an API was tried on a backend.
func (r *results) ran(api, backend string) bool {
	for at := range r.cells {
		if at.api == api && at.backend == backend {
			return true
		}
	}
	return false
}

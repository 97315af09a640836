// Package catalog knows what EC2 offers: machine types from a table compiled in, the zones of subnets and the root
// devices of images asked for once and remembered.
// It refuses to guess: a machine type that is not in the table is an error that names it.
package catalog

import (
	_ "embed" // the table of machine types
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

//go:generate go run gen/main.go -in gen/describe-instance-types.json.gz -source "moto 5.2.1 (PyPI), moto/ec2/resources/instance_types.json.gz, a copy of EC2's answers" -date 2026-11-23 -out zz_generated_instance_types.txt

// table has a line per machine type, sorted by name, below comment lines that tell its source. It is searched where it
// lies, so that a program that never asks pays nothing for it.
//
//go:embed zz_generated_instance_types.txt
var table string

// MachineType is one row of the table.
type MachineType struct {
	Name      string
	VCPUs     int
	Cores     int
	MemoryMiB int
	Arch      string // the first that EC2 lists: x86_64, arm64, i386, x86_64_mac or arm64_mac
}

// Lookup finds a machine type.
func Lookup(name string) (MachineType, error) {
	line, ok := search(table, name)
	if !ok {
		return MachineType{}, ohfp.Errorf(ohfp.ErrNotFound,
			"machine type %q is not in the table of known types; set the attributes type, ncpus and nram in the template, or correct the type", name)
	}
	return parse(line)
}

// Source tells where the table comes from.
func Source() string {
	first, _, _ := strings.Cut(table, "\n")
	return strings.TrimPrefix(first, "# ")
}

// search finds the line that begins with name by halving the text.
func search(text, name string) (string, bool) {
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	for text != "" {
		start := strings.LastIndexByte(text[:len(text)/2], '\n') + 1
		line, rest, _ := strings.Cut(text[start:], "\n")
		key, _, _ := strings.Cut(line, " ")
		switch {
		case name == key:
			return line, true
		case name < key:
			text = text[:start]
		default:
			text = rest
		}
	}
	return "", false
}

func parse(line string) (MachineType, error) {
	var m MachineType
	if _, err := fmt.Sscan(line, &m.Name, &m.VCPUs, &m.Cores, &m.MemoryMiB, &m.Arch); err != nil {
		return MachineType{}, fmt.Errorf("table of machine types: line %q: %w", line, err)
	}
	m.Arch, _, _ = strings.Cut(m.Arch, ",")
	return m, nil
}

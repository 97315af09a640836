package aws

import (
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// Host types as Host Factory knows them.
const (
	hostX86 = "X86_64"
	hostARM = "AARCH64" // what uname -m prints on Graviton, in the capitals of X86_64
)

// Attributes tells what every machine of the template has at least: of several machine types, the least of each figure.
func (p *Provider) Attributes(t ohfp.Template) (map[string]ohfp.Attribute, error) {
	s, err := p.decode(t)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
	}
	switch {
	case s.Requirements != nil:
		return nil, ohfp.Errorf(ohfp.ErrInvalid,
			"template %s: EC2 picks the machine types by abisInstanceRequirements; set the attributes type, ncpus and nram", t.ID)
	case len(s.Types) == 0:
		return nil, ohfp.Errorf(ohfp.ErrInvalid,
			"template %s: the machine type is in the launch template; set vmType, or the attributes type, ncpus and nram", t.ID)
	}
	ctx, cancel := p.listing()
	defer cancel()
	var host string
	var ncpus, ncores, nram int
	for i, t2 := range slices.Concat(s.Types, s.OnDemandTypes) {
		m, err := p.parts.Catalog.MachineType(ctx, t2.Name)
		if err != nil {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "template %s: %w", t.ID, err)
		}
		cpus, cores := processors(m, s.CPUMode)
		if i == 0 {
			host, ncpus, ncores, nram = hostType(m), cpus, cores, m.MemoryMiB
			continue
		}
		if hostType(m) != host {
			return nil, ohfp.Errorf(ohfp.ErrInvalid,
				"template %s: %s and %s are of different architectures; split the template in two", t.ID, s.Types[0].Name, t2.Name)
		}
		ncpus, ncores, nram = min(ncpus, cpus), min(ncores, cores), min(nram, m.MemoryMiB)
	}
	attributes := map[string]ohfp.Attribute{
		"type":   ohfp.Text(host),
		"ncpus":  ohfp.Numeric(ncpus),
		"ncores": ohfp.Numeric(ncores),
		"nram":   ohfp.Numeric(nram),
	}
	if s.PriceInfo != "" {
		if price, ok := p.priceInfo(ctx, s); ok {
			attributes["priceInfo"] = price
		}
	}
	return attributes, nil
}

// processors are the ncpus and ncores of a machine; their product is its number of slots. EC2 does not tell sockets, so
// a machine counts as one.
func processors(m catalog.MachineType, mode spec.CPUMode) (ncpus, ncores int) {
	switch mode {
	case spec.Cores:
		return m.Cores, 1
	case spec.Sockets:
		return 1, m.Cores
	default:
		return m.VCPUs, 1
	}
}

func hostType(m catalog.MachineType) string {
	switch m.Arch {
	case "arm64", "arm64_mac":
		return hostARM
	default:
		return hostX86
	}
}

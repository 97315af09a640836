// Package pool is a provider of hosts that are there already: requests lease them from groups that the configuration
// lists, and give them back. A file, which all processes of one machine share, says who has which.
// It refuses to switch hosts on or off, and to lease one host twice.
package pool

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Type is what the program needs to know of this type of provider.
func Type() provider.Type {
	return provider.Type{Open: Open, Settings: settings}
}

// config is the part of the configuration that is the provider's own.
type config struct {
	Ledger string           `json:"ledger"` // the file of leases
	Groups map[string]group `json:"groups"`
}

// group is hosts that are alike.
type group struct {
	Zone  string            `json:"zone"`
	CPUs  int               `json:"cpus"`
	MiB   int               `json:"mib"`   // memory
	Hosts map[string]string `json:"hosts"` // address by host name
}

func settings() []provider.Setting {
	return []provider.Setting{
		{Name: "ledger", Kind: provider.KindText, Description: "The file that says which host is leased to whom, on a local disk. All leases end with it."},
		{Name: "groups.<group>.zone", Kind: provider.KindText, Description: "Where the hosts of the group are."},
		{Name: "groups.<group>.cpus", Kind: provider.KindCount, Description: "CPUs of each host of the group."},
		{Name: "groups.<group>.mib", Kind: provider.KindCount, Description: "Memory of each host of the group, in MiB."},
		{Name: "groups.<group>.hosts.<host>", Kind: provider.KindText, Description: "The address of a host."},
	}
}

// Provider leases hosts.
type Provider struct {
	env      provider.Environment
	groups   map[string]group
	defaults map[string]json.RawMessage
	ledger   *ledger
}

var (
	_ provider.Factory       = Open
	_ provider.Attributer    = (*Provider)(nil)
	_ provider.Lister        = (*Provider)(nil)
	_ provider.HealthChecker = (*Provider)(nil)
)

// Open reads the configuration. The ledger is opened when it is first needed: a process starts for every call of Host
// Factory, and most of them list templates.
func Open(_ context.Context, raw json.RawMessage, env provider.Environment) (provider.Provider, error) {
	var c config
	if err := strictly(raw, &c); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has a config that cannot be read: %w; write ledger and groups", env.Name, err)
	}
	if c.Ledger == "" || len(c.Groups) == 0 {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has no ledger or no groups in its config; write both", env.Name)
	}
	for name, g := range c.Groups {
		if g.Zone == "" || g.CPUs < 1 || g.MiB < 1 {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s: group %s needs a zone, and cpus and mib of 1 or more", env.Name, name)
		}
	}
	if !filepath.IsAbs(c.Ledger) {
		c.Ledger = filepath.Join(env.ConfDir, c.Ledger)
	}
	p := &Provider{env: env, groups: c.Groups, defaults: env.OwnDefaults()}
	for field := range p.defaults {
		if field != "groups" {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has %s in its template_defaults, which is not a field of it; use groups", env.Name, field)
		}
	}
	p.ledger = newLedger(c.Ledger)
	return p, nil
}

// spec is the provider's own part of a template.
type spec struct {
	Groups []string `json:"groups"` // hosts are leased from the first one that has a free one
}

func (p *Provider) decode(t ohfp.Template) (spec, error) {
	var s spec
	if err := strictly(t.Spec, &s); err != nil {
		return s, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a spec that cannot be read: %w; write groups", t.ID, err)
	}
	if value, ok := p.defaults["groups"]; ok && s.Groups == nil {
		if err := strictly(value, &s.Groups); err != nil {
			return s, ohfp.Errorf(ohfp.ErrInvalid, "template_defaults of provider %s: groups: %w; write a list of names", p.env.Name, err)
		}
	}
	switch {
	case t.ProviderAPI != "":
		return s, ohfp.Errorf(ohfp.ErrInvalid, "template %s has providerApi %q, but a pool has only one way to launch; leave it out", t.ID, t.ProviderAPI)
	case len(s.Groups) == 0:
		return s, ohfp.Errorf(ohfp.ErrInvalid, "template %s names no group; write groups", t.ID)
	}
	for _, name := range s.Groups {
		if _, known := p.groups[name]; !known {
			return s, ohfp.Errorf(ohfp.ErrInvalid, "template %s names group %q, which provider %s does not have; write it into its config", t.ID, name, p.env.Name)
		}
	}
	return s, nil
}

// strictly decodes JSON in which nothing may stand that is not known.
func strictly(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// Validate checks a template against the configuration.
func (p *Provider) Validate(_ context.Context, t ohfp.Template) error {
	_, err := p.decode(t)
	return err
}

// Attributes are those of the smallest of the template's groups, since nobody knows yet which of them it will be.
func (p *Provider) Attributes(t ohfp.Template) (map[string]ohfp.Attribute, error) {
	s, err := p.decode(t)
	if err != nil {
		return nil, err
	}
	least := p.groups[slices.MinFunc(s.Groups, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.groups[a].CPUs, p.groups[b].CPUs), cmp.Compare(p.groups[a].MiB, p.groups[b].MiB))
	})]
	return map[string]ohfp.Attribute{
		"type": ohfp.Text("X86_64"), "ncpus": ohfp.Numeric(least.CPUs), "ncores": ohfp.Numeric(1), "nram": ohfp.Numeric(least.MiB),
	}, nil
}

// Listing shows the template's groups.
func (p *Provider) Listing(t ohfp.Template) (map[string]any, error) {
	s, err := p.decode(t)
	return map[string]any{"groups": s.Groups}, err
}

// Health looks whether the ledger can be read.
func (p *Provider) Health(ctx context.Context) (string, error) {
	_, err := p.leases(ctx)
	return "pool:" + p.ledger.path, err
}

// Close closes the ledger.
func (p *Provider) Close() error { return p.ledger.close() }

func (p *Provider) now() time.Time { return p.env.Now().UTC() }

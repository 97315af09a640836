package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Type is the provider type under which tests register the cloud.
const Type = "fake"

// Provider is one process's view of a [Cloud].
type Provider struct {
	cloud  *Cloud
	env    provider.Environment
	closed atomic.Bool
}

// Open opens a provider on the cloud. The environment needs a name, an installation and a memory.
func (c *Cloud) Open(env provider.Environment) (*Provider, error) {
	switch {
	case env.Name == "":
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider of type %s has no name; set Environment.Name", Type)
	case env.Installation == "":
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s knows no installation; set Environment.Installation", env.Name)
	case env.Memory == nil:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has no memory; set Environment.Memory", env.Name)
	}
	return &Provider{cloud: c, env: env}, nil
}

// Factory opens providers on the cloud by configuration, of which there is none: it must be empty.
func (c *Cloud) Factory() provider.Factory {
	return func(_ context.Context, config json.RawMessage, env provider.Environment) (provider.Provider, error) {
		if len(bytes.TrimSpace(config)) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(config))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&struct{}{}); err != nil {
				return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has a config that cannot be read: %w; leave it empty", env.Name, err)
			}
		}
		return c.Open(env)
	}
}

// Validate checks the template without asking the cloud.
func (p *Provider) Validate(ctx context.Context, t ohfp.Template) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := decodeSpec(t)
	return err
}

// Close makes every later call fail. It may be called twice.
func (p *Provider) Close() error {
	p.closed.Store(true)
	return nil
}

// begin counts a call of this provider and fails it as ordered.
func (p *Provider) begin(ctx context.Context, op Op) error {
	if p.closed.Load() {
		return ohfp.Errorf(ohfp.ErrUnavailable, "%s was called on provider %s after Close; open it again", op, p.env.Name)
	}
	return p.cloud.begin(ctx, op)
}

// Attributes generates the attributes of the smallest machine type of the template.
func (p *Provider) Attributes(t ohfp.Template) (map[string]ohfp.Attribute, error) {
	s, err := decodeSpec(t)
	if err != nil {
		return nil, err
	}
	offered := machineTypes[s.smallest()]
	return map[string]ohfp.Attribute{
		"type":   ohfp.Text("X86_64"),
		"ncpus":  ohfp.Numeric(offered.cpus),
		"ncores": ohfp.Numeric(1),
		"nram":   ohfp.Numeric(offered.memory),
	}, nil
}

// Listing shows the template's types, zones and fallback.
func (p *Provider) Listing(t ohfp.Template) (map[string]any, error) {
	s, err := decodeSpec(t)
	if err != nil {
		return nil, err
	}
	listing := map[string]any{}
	if s.Type != "" {
		listing["type"] = s.Type
	}
	if len(s.Types) > 0 {
		listing["types"] = s.Types
	}
	if len(s.Zones) > 0 {
		listing["zones"] = s.Zones
	}
	if s.Fallback != "" {
		listing["fallback"] = s.Fallback
	}
	return listing, nil
}

// Health says who the provider is.
func (p *Provider) Health(ctx context.Context) (string, error) {
	if err := p.begin(ctx, OpHealth); err != nil {
		return "", err
	}
	return "fake:" + string(p.env.Installation), nil
}

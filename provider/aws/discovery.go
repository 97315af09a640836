package aws

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/discovery"
)

var _ provider.Discoverer = (*Provider)(nil)

// Discover lists what the account has that templates may refer to.
func (p *Provider) Discover(ctx context.Context) (provider.Inventory, error) {
	return discovery.Account{API: p.api.As(awsapi.Discovery)}.Inventory(ctx)
}

// References lists what a template refers to.
func (p *Provider) References(t ohfp.Template) ([]provider.Resource, error) {
	s, err := p.decode(t)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
	}
	return discovery.References(s), nil
}

// Missing returns those of the resources that the account does not have.
func (p *Provider) Missing(ctx context.Context, wanted []provider.Resource) ([]provider.Resource, error) {
	return discovery.Account{API: p.api.As(awsapi.Discovery)}.Missing(ctx, wanted)
}

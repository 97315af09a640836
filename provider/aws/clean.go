package aws

import (
	"context"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launchtemplate"
)

var _ provider.Cleaner = (*Provider)(nil)

// Clean removes launch templates of this installation that nothing uses. What fleets and groups that go on by themselves
// launch from must be among the orders in use; everything else makes its launch template again when it is missing.
func (p *Provider) Clean(ctx context.Context, c provider.Cleaning) ([]provider.Resource, error) {
	return p.parts.Shelf().Clean(ctx, launchtemplate.Referred(c.InUse), c.UnusedFor, c.DryRun)
}

package parameters

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// endpoint is where Systems Manager is: an address that the SDK's configuration names, or AWS's own.
func (c Client) endpoint(ctx context.Context) string {
	for _, source := range c.Config.ConfigSources {
		named, ok := source.(interface {
			GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if address, found, err := named.GetServiceBaseEndpoint(ctx, "SSM"); err == nil && found {
			return slashed(address)
		}
	}
	if c.Config.BaseEndpoint != nil {
		return slashed(*c.Config.BaseEndpoint)
	}
	host := service
	if c.fips(ctx) {
		host += "-fips"
	}
	return "https://" + host + "." + c.Config.Region + "." + suffix(c.Config.Region) + "/"
}

func (c Client) fips(ctx context.Context) bool {
	for _, source := range c.Config.ConfigSources {
		told, ok := source.(interface {
			GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
		})
		if !ok {
			continue
		}
		if state, found, err := told.GetUseFIPSEndpoint(ctx); err == nil && found {
			return state == aws.FIPSEndpointStateEnabled
		}
	}
	return false
}

// suffix is the domain of a region's partition.
func suffix(region string) string {
	for _, partition := range []struct{ prefix, suffix string }{
		{"cn-", "amazonaws.com.cn"},
		{"eusc-", "amazonaws.eu"},
		{"us-isob-", "sc2s.sgov.gov"},
		{"us-isof-", "csp.hci.ic.gov"},
		{"eu-isoe-", "cloud.adc-e.uk"},
		{"us-iso-", "c2s.ic.gov"},
	} {
		if strings.HasPrefix(region, partition.prefix) {
			return partition.suffix
		}
	}
	return "amazonaws.com"
}

func slashed(address string) string {
	if strings.HasSuffix(address, "/") {
		return address
	}
	return address + "/"
}

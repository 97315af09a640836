package catalog

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	pricesPrefix = "spot-price/"
	// keepPrice is how long a spot price is good enough to be told; they move slowly.
	keepPrice = 24 * time.Hour

	// SourceSpot is where spot prices are from.
	SourceSpot = "ec2 DescribeSpotPriceHistory, Linux"
)

// SpotPrices asks for what machine types cost now, in the zones given or in all, and remembers the highest of each.
func (c Catalog) SpotPrices(ctx context.Context, machineTypes, zones []string, now time.Time) ([]provider.Price, error) {
	in := &ec2.DescribeSpotPriceHistoryInput{ProductDescriptions: []string{"Linux/UNIX"}, StartTime: aws.Time(now)}
	for _, name := range machineTypes {
		in.InstanceTypes = append(in.InstanceTypes, types.InstanceType(name))
	}
	latest := map[[2]string]types.SpotPrice{}
	for {
		out, err := c.API.DescribeSpotPriceHistory(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, price := range out.SpotPriceHistory {
			zone := aws.ToString(price.AvailabilityZone)
			if len(zones) > 0 && !slices.Contains(zones, zone) {
				continue
			}
			key := [2]string{string(price.InstanceType), zone}
			if known, ok := latest[key]; !ok || aws.ToTime(known.Timestamp).Before(aws.ToTime(price.Timestamp)) {
				latest[key] = price
			}
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	list := make([]provider.Price, 0, len(latest))
	highest := map[string]string{}
	for key, price := range latest {
		dollars := aws.ToString(price.SpotPrice)
		list = append(list, provider.Price{MachineType: key[0], Zone: key[1], Lifecycle: ohfp.Spot, Dollars: dollars, Source: SourceSpot})
		if amount(dollars) > amount(highest[key[0]]) {
			highest[key[0]] = dollars
		}
	}
	for name, dollars := range highest {
		_ = c.Memory.Remember(ctx, c.Prefix+pricesPrefix+name, []byte(dollars), keepPrice)
	}
	slices.SortFunc(list, func(a, b provider.Price) int {
		return cmp.Or(cmp.Compare(a.MachineType, b.MachineType), cmp.Compare(a.Zone, b.Zone))
	})
	return list, nil
}

// Remembered is the highest price that was told for one of the machine types, false when one of them has none.
func (c Catalog) Remembered(ctx context.Context, machineTypes []string) (string, bool) {
	highest := ""
	for _, name := range machineTypes {
		dollars, ok, err := c.Memory.Recall(ctx, c.Prefix+pricesPrefix+name)
		if err != nil || !ok {
			return "", false
		}
		if amount(string(dollars)) > amount(highest) {
			highest = string(dollars)
		}
	}
	return highest, highest != ""
}

// RememberedAll is the highest spot price that was told for each machine type, in dollars. A memory that fails is an
// empty one.
func (c Catalog) RememberedAll(ctx context.Context) map[string]string {
	prefix := c.Prefix + pricesPrefix
	entries, err := c.Memory.RecallPrefix(ctx, prefix)
	if err != nil {
		return nil
	}
	prices := make(map[string]string, len(entries))
	for key, dollars := range entries {
		prices[key[len(prefix):]] = string(dollars)
	}
	return prices
}

func amount(dollars string) float64 {
	value, err := strconv.ParseFloat(dollars, 64)
	if err != nil {
		return 0
	}
	return value
}

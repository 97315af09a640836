package catalog

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// keepFor is how long answers are remembered that do not change during the life of what they are about: a subnet's
// zone, an image's root device.
const keepFor = 24 * time.Hour

// Catalog asks EC2 about subnets and images, once, and remembers the answers between processes.
type Catalog struct {
	API    awsapi.API
	Memory provider.Memory
	Prefix string // of the keys in Memory
}

// Zones returns the zone of each subnet.
func (c Catalog) Zones(ctx context.Context, subnets []string) (map[string]string, error) {
	prefix := c.Prefix + "subnet/"
	known, err := c.Memory.RecallPrefix(ctx, prefix)
	if err != nil {
		known = nil // asking again is all that a lost memory costs
	}
	zones := make(map[string]string, len(subnets))
	var missing []string
	for _, subnet := range subnets {
		if zone, ok := known[prefix+subnet]; ok {
			zones[subnet] = string(zone)
		} else {
			missing = append(missing, subnet)
		}
	}
	if len(missing) == 0 {
		return zones, nil
	}
	out, err := c.API.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: missing})
	if err != nil {
		return nil, err
	}
	for _, subnet := range out.Subnets {
		id, zone := aws.ToString(subnet.SubnetId), aws.ToString(subnet.AvailabilityZone)
		zones[id] = zone
		_ = c.Memory.Remember(ctx, prefix+id, []byte(zone), keepFor)
	}
	for _, subnet := range missing {
		if zones[subnet] == "" {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "subnet %s does not exist in this region; correct subnetId", subnet)
		}
	}
	return zones, nil
}

// RootDevice returns the device name of an image's root volume, for example /dev/xvda.
func (c Catalog) RootDevice(ctx context.Context, image string) (string, error) {
	key := c.Prefix + "root-device/" + image
	if device, ok, err := c.Memory.Recall(ctx, key); err == nil && ok {
		return string(device), nil
	}
	out, err := c.API.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{image}})
	if err != nil {
		return "", err
	}
	for _, found := range out.Images {
		if device := aws.ToString(found.RootDeviceName); device != "" {
			_ = c.Memory.Remember(ctx, key, []byte(device), keepFor)
			return device, nil
		}
	}
	return "", ohfp.Errorf(ohfp.ErrNotFound, "image %s does not exist in this region, or not for this account; correct imageId", image)
}

package awssim

import (
	"encoding/base64"
	"hash/fnv"
	"math"
	"net/netip"
	"slices"
	"strconv"
)

// EC2 takes 16 KB of user data before base64.
const maxUserData = 16 << 10

// site is where and as what instances launch, checked against what exists. All instances of a launch share it.
type site struct {
	spec         LaunchSpec
	instanceType InstanceType
	image        Image
	subnet       *subnet
	groups       []SecurityGroup
	lifecycle    string
	publicIP     bool
	maxPrice     float64
	userData     []byte
}

func (s *site) pool() Pool { return Pool{s.instanceType.Name, s.subnet.Zone, s.lifecycle} }

// site checks a launch in the order in which its parts depend on each other. subnetID is what the call says outside the
// spec, empty when it does not.
func (c *Cloud) site(spec LaunchSpec, subnetID string) (*site, error) {
	s := &site{spec: spec, lifecycle: OnDemand}
	for _, check := range []func(*site) error{
		c.placeType, c.placeImage, func(s *site) error { return c.placeNetwork(s, subnetID) }, placeMarket, c.checkPrice, c.checkRest,
	} {
		if err := check(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *Cloud) placeType(s *site) (err error) {
	if s.spec.InstanceType == "" {
		return missingParameter("InstanceType")
	}
	s.instanceType, err = c.instanceType(s.spec.InstanceType)
	return err
}

func (c *Cloud) placeImage(s *site) (err error) {
	if s.spec.ImageID == "" {
		return missingParameter("ImageId")
	}
	if s.image, err = c.image(s.spec.ImageID); err != nil {
		return err
	}
	if s.image.Architecture != "" && !slices.Contains(s.instanceType.Architectures, s.image.Architecture) {
		return errorf("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.",
			joined(s.instanceType.Architectures), s.image.Architecture)
	}
	return nil
}

func (c *Cloud) placeNetwork(s *site, subnetID string) error {
	groupIDs, groupNames := s.spec.SecurityGroupIDs, s.spec.SecurityGroups
	var public *bool
	if interfaces := s.spec.NetworkInterfaces; len(interfaces) > 0 {
		if subnetID != "" {
			return errorf("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request")
		}
		if len(groupIDs)+len(groupNames) > 0 {
			return errorf("InvalidParameterCombination", "Network interfaces and an instance-level security groups may not be specified on the same request")
		}
		primary := slices.IndexFunc(interfaces, func(n NetworkInterface) bool { return n.DeviceIndex != nil && *n.DeviceIndex == 0 })
		if primary < 0 {
			return errorf("InvalidParameterCombination", "The parameter NetworkInterface needs an element with DeviceIndex 0")
		}
		subnetID, groupIDs, public = interfaces[primary].SubnetID, interfaces[primary].SecurityGroupIDs, interfaces[primary].PublicIP
	}
	if err := c.placeSubnet(s, subnetID); err != nil {
		return err
	}
	s.publicIP = s.subnet.PublicIP
	if public != nil {
		s.publicIP = *public
	}
	return c.placeGroups(s, groupIDs, groupNames)
}

func (c *Cloud) placeSubnet(s *site, subnetID string) error {
	if err := c.chooseSubnet(s, subnetID); err != nil {
		return err
	}
	if zone := s.subnet.Zone; !s.instanceType.offeredIn(zone) {
		return errorf("Unsupported", "Your requested instance type (%s) is not supported in your requested Availability Zone (%s). Please retry your request by not specifying an Availability Zone or choosing %s.",
			s.instanceType.Name, zone, joined(s.instanceType.Zones))
	}
	return nil
}

func (c *Cloud) chooseSubnet(s *site, subnetID string) (err error) {
	zone := s.zone()
	if subnetID == "" {
		s.subnet, err = c.defaultSubnet(zone)
		return err
	}
	if s.subnet, err = c.subnet(subnetID); err != nil {
		return err
	}
	if zone != "" && zone != s.subnet.Zone {
		return errorf("InvalidParameterValue", "The subnet '%s' is in the Availability Zone %s, the placement says %s", subnetID, s.subnet.Zone, zone)
	}
	return nil
}

// zone is the zone that the spec itself names.
func (s *site) zone() string {
	if s.spec.Placement == nil {
		return ""
	}
	return s.spec.Placement.Zone
}

func (c *Cloud) placeGroups(s *site, ids, names []string) (err error) {
	if s.groups, err = c.securityGroups(ids, names); err != nil {
		return err
	}
	for _, g := range s.groups {
		if g.VPC != s.subnet.VPC {
			return errorf("InvalidParameter", "Security group %s and subnet %s belong to different networks.", g.ID, s.subnet.ID)
		}
	}
	if len(s.groups) == 0 {
		// A launch without groups gets the default one of the VPC.
		for _, g := range c.options.SecurityGroups {
			if g.VPC == s.subnet.VPC && len(s.groups) == 0 {
				s.groups = append(s.groups, g)
			}
		}
	}
	return nil
}

func placeMarket(s *site) error {
	market := s.spec.Market
	if market == nil {
		return nil
	}
	if market.Type != Spot {
		return unsupported("MarketType '" + market.Type + "'")
	}
	s.lifecycle = Spot
	if market.Spot == nil {
		return nil
	}
	if t := market.Spot.Type; t != "" && t != "one-time" {
		return unsupported("SpotInstanceType '" + t + "'")
	}
	if b := market.Spot.Interruption; b != "" && b != "terminate" {
		return unsupported("InstanceInterruptionBehavior '" + b + "'")
	}
	return s.limitPrice(market.Spot.MaxPrice)
}

func (s *site) limitPrice(price string) (err error) {
	if price == "" {
		return nil
	}
	if s.maxPrice, err = strconv.ParseFloat(price, 64); err != nil || math.IsNaN(s.maxPrice) || s.maxPrice <= 0 {
		return invalidValue(clip(price, 32), "MaxPrice", "Expecting a price above 0.")
	}
	return nil
}

// checkPrice refuses a spot launch whose maximum price is below the market's.
func (c *Cloud) checkPrice(s *site) error {
	if price := c.spotPrice(s.instanceType, s.subnet.Zone); s.lifecycle == Spot && s.maxPrice > 0 && s.maxPrice < price {
		return errorf("SpotMaxPriceTooLow", "Your Spot request price of %g is lower than the minimum required Spot request fulfillment price of %.4f.", s.maxPrice, price)
	}
	return nil
}

// spotPrice is between 30 and 45 percent of the price on demand, always the same for a type and zone of a cloud.
func (c *Cloud) spotPrice(t InstanceType, zone string) float64 {
	h := fnv.New64a()
	// A hash never fails to write.
	_, _ = h.Write([]byte(t.Name + " " + zone + " " + strconv.FormatUint(c.options.Seed, 10)))
	return t.Price * (0.30 + 0.15*float64(h.Sum64()%1000)/1000)
}

func (c *Cloud) price(s *site) float64 {
	if s.lifecycle == Spot {
		return c.spotPrice(s.instanceType, s.subnet.Zone)
	}
	return s.instanceType.Price
}

func (c *Cloud) checkRest(s *site) error {
	if key := s.spec.KeyName; key != "" && c.options.KeyPairs != nil && !slices.Contains(c.options.KeyPairs, key) {
		return errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", key)
	}
	if b := s.spec.ShutdownBehavior; b != "" && b != "stop" && b != "terminate" {
		return invalidValue(b, "InstanceInitiatedShutdownBehavior", "Expecting stop or terminate.")
	}
	if n := s.spec.PrivateDNSName; n != nil && n.HostnameType != "" && n.HostnameType != "ip-name" && n.HostnameType != "resource-name" {
		return invalidValue(n.HostnameType, "PrivateDnsNameOptions.HostnameType", "Expecting ip-name or resource-name.")
	}
	if err := checkDevices(s.spec.BlockDevices, s.image); err != nil {
		return err
	}
	if err := checkSpecifications(s.spec.Tags, "instance", "volume", "spot-instances-request"); err != nil {
		return err
	}
	data, err := decodeUserData(s.spec.UserData)
	s.userData = data
	return err
}

func decodeUserData(encoded string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errorf("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(data) > maxUserData {
		return nil, errorf("InvalidParameterValue", "User data is limited to %d bytes", maxUserData)
	}
	return data, nil
}

func checkDevices(devices []BlockDevice, image Image) error {
	seen := map[string]bool{}
	for _, d := range devices {
		switch {
		case d.Device == "":
			return missingParameter("BlockDeviceMapping.DeviceName")
		case seen[d.Device]:
			return errorf("InvalidBlockDeviceMapping", "The device '%s' is used in more than one block-device mapping", d.Device)
		}
		seen[d.Device] = true
		if d.EBS == nil {
			continue
		}
		if t := d.EBS.VolumeType; t != "" && !slices.Contains([]string{"standard", "gp2", "gp3", "io1", "io2", "st1", "sc1"}, t) {
			return invalidValue(t, "VolumeType", "Expecting one of standard, gp2, gp3, io1, io2, st1, sc1.")
		}
		if t := d.EBS.VolumeType; (t == "io1" || t == "io2") && d.EBS.IOPS == nil {
			return errorf("MissingParameter", "The parameter iops must be specified for %s volumes.", t)
		}
		size := d.EBS.VolumeSize
		switch {
		case size == nil && d.Device != image.RootDevice && d.EBS.SnapshotID == "":
			return errorf("InvalidBlockDeviceMapping", "The device '%s' has neither a volume size nor a snapshot", d.Device)
		case size != nil && d.Device == image.RootDevice && *size < image.RootSizeGiB:
			return errorf("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than the image's snapshot, expect size >= %dGB", *size, image.RootSizeGiB)
		}
	}
	return nil
}

func (c *Cloud) addressOf(s *site) (private, public netip.Addr) {
	private = s.subnet.addresses.take()
	if s.publicIP {
		public = c.publicIPs.take()
	}
	return private, public
}

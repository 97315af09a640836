package awssim

import "reflect"

// LaunchSpec is what a launch template holds, and what a RunInstances call or a fleet's override may say otherwise.
// Nil and empty members were not given.
type LaunchSpec struct {
	ImageID            string                 `query:"ImageId" reply:"imageId,omitempty" json:",omitempty"`
	InstanceType       string                 `query:"InstanceType" reply:"instanceType,omitempty" json:",omitempty"`
	KeyName            string                 `query:"KeyName" reply:"keyName,omitempty" json:",omitempty"`
	SecurityGroupIDs   []string               `query:"SecurityGroupId" reply:"securityGroupIdSet,omitempty" json:",omitempty"`
	SecurityGroups     []string               `query:"SecurityGroup" reply:"securityGroupSet,omitempty" json:",omitempty"`
	BlockDevices       []BlockDevice          `query:"BlockDeviceMapping" reply:"blockDeviceMappingSet,omitempty" json:",omitempty"`
	NetworkInterfaces  []NetworkInterface     `query:"NetworkInterface" reply:"networkInterfaceSet,omitempty" json:",omitempty"`
	InstanceProfile    *InstanceProfile       `query:"IamInstanceProfile" reply:"iamInstanceProfile,omitempty" json:",omitempty"`
	Monitoring         *Switch                `query:"Monitoring" reply:"monitoring,omitempty" json:",omitempty"`
	EBSOptimized       *bool                  `query:"EbsOptimized" reply:"ebsOptimized,omitempty" json:",omitempty"`
	NoTermination      *bool                  `query:"DisableApiTermination" reply:"disableApiTermination,omitempty" json:",omitempty"`
	NoStop             *bool                  `query:"DisableApiStop" reply:"disableApiStop,omitempty" json:",omitempty"`
	ShutdownBehavior   string                 `query:"InstanceInitiatedShutdownBehavior" reply:"instanceInitiatedShutdownBehavior,omitempty" json:",omitempty"`
	Placement          *Placement             `query:"Placement" reply:"placement,omitempty" json:",omitempty"`
	Market             *MarketOptions         `query:"InstanceMarketOptions" reply:"instanceMarketOptions,omitempty" json:",omitempty"`
	Credit             *CreditSpecification   `query:"CreditSpecification" reply:"creditSpecification,omitempty" json:",omitempty"`
	CPU                *CPUOptions            `query:"CpuOptions" reply:"cpuOptions,omitempty" json:",omitempty"`
	CapacityPreference *CapacityPreference    `query:"CapacityReservationSpecification" reply:"capacityReservationSpecification,omitempty" json:",omitempty"`
	Hibernation        *Hibernation           `query:"HibernationOptions" reply:"hibernationOptions,omitempty" json:",omitempty"`
	Metadata           *MetadataOptions       `query:"MetadataOptions" reply:"metadataOptions,omitempty" json:",omitempty"`
	Enclave            *Switch                `query:"EnclaveOptions" reply:"enclaveOptions,omitempty" json:",omitempty"`
	PrivateDNSName     *PrivateDNSNameOptions `query:"PrivateDnsNameOptions" reply:"privateDnsNameOptions,omitempty" json:",omitempty"`
	Maintenance        *MaintenanceOptions    `query:"MaintenanceOptions" reply:"maintenanceOptions,omitempty" json:",omitempty"`
	Licenses           []LicenseSpecification `query:"LicenseSpecification" reply:"licenseSet,omitempty" json:",omitempty"`
	Tags               []TagSpecification     `query:"TagSpecification" reply:"tagSpecificationSet,omitempty" json:",omitempty"`
	// UserData is base64, as on the wire.
	UserData string `query:"UserData" reply:"userData,omitempty" json:",omitempty"`
}

// BlockDevice is a volume to make at launch.
type BlockDevice struct {
	Device      string `query:"DeviceName" reply:"deviceName,omitempty" json:",omitempty"`
	VirtualName string `query:"VirtualName" reply:"virtualName,omitempty" json:",omitempty"`
	// NoDevice, when given, even empty, suppresses the image's own mapping.
	NoDevice *string `query:"NoDevice" reply:"noDevice,omitempty" json:",omitempty"`
	EBS      *EBS    `query:"Ebs" reply:"ebs,omitempty" json:",omitempty"`
}

// EBS describes a volume; the size is in GiB.
type EBS struct {
	DeleteOnTermination *bool  `query:"DeleteOnTermination" reply:"deleteOnTermination,omitempty" json:",omitempty"`
	Encrypted           *bool  `query:"Encrypted" reply:"encrypted,omitempty" json:",omitempty"`
	IOPS                *int   `query:"Iops" reply:"iops,omitempty" json:",omitempty"`
	KMSKeyID            string `query:"KmsKeyId" reply:"kmsKeyId,omitempty" json:",omitempty"`
	SnapshotID          string `query:"SnapshotId" reply:"snapshotId,omitempty" json:",omitempty"`
	Throughput          *int   `query:"Throughput" reply:"throughput,omitempty" json:",omitempty"`
	VolumeSize          *int   `query:"VolumeSize" reply:"volumeSize,omitempty" json:",omitempty"`
	VolumeType          string `query:"VolumeType" reply:"volumeType,omitempty" json:",omitempty"`
}

// NetworkInterface is an interface to make at launch.
type NetworkInterface struct {
	PublicIP            *bool    `query:"AssociatePublicIpAddress" reply:"associatePublicIpAddress,omitempty" json:",omitempty"`
	DeleteOnTermination *bool    `query:"DeleteOnTermination" reply:"deleteOnTermination,omitempty" json:",omitempty"`
	Description         string   `query:"Description" reply:"description,omitempty" json:",omitempty"`
	DeviceIndex         *int     `query:"DeviceIndex" reply:"deviceIndex,omitempty" json:",omitempty"`
	SecurityGroupIDs    []string `query:"SecurityGroupId" reply:"groupSet,omitempty,item=groupId" json:",omitempty"`
	InterfaceType       string   `query:"InterfaceType" reply:"interfaceType,omitempty" json:",omitempty"`
	NetworkCardIndex    *int     `query:"NetworkCardIndex" reply:"networkCardIndex,omitempty" json:",omitempty"`
	SubnetID            string   `query:"SubnetId" reply:"subnetId,omitempty" json:",omitempty"`
}

// InstanceProfile is given by ARN or by name.
type InstanceProfile struct {
	Arn  string `query:"Arn" reply:"arn,omitempty" json:",omitempty"`
	Name string `query:"Name" reply:"name,omitempty" json:",omitempty"`
}

// Switch is an option that is on or off.
type Switch struct {
	Enabled *bool `query:"Enabled" reply:"enabled,omitempty" json:",omitempty"`
}

// Placement says where instances go.
type Placement struct {
	Zone      string `query:"AvailabilityZone" reply:"availabilityZone,omitempty" json:",omitempty"`
	GroupName string `query:"GroupName" reply:"groupName,omitempty" json:",omitempty"`
	Partition *int   `query:"PartitionNumber" reply:"partitionNumber,omitempty" json:",omitempty"`
	Tenancy   string `query:"Tenancy" reply:"tenancy,omitempty" json:",omitempty"`
}

// MarketOptions choose the spot market.
type MarketOptions struct {
	Type string       `query:"MarketType" reply:"marketType,omitempty" json:",omitempty"`
	Spot *SpotRequest `query:"SpotOptions" reply:"spotOptions,omitempty" json:",omitempty"`
}

// SpotRequest is what a spot launch asks for. The maximum price is in US dollars per hour.
type SpotRequest struct {
	MaxPrice string `query:"MaxPrice" reply:"maxPrice,omitempty" json:",omitempty"`
	Type     string `query:"SpotInstanceType" reply:"spotInstanceType,omitempty" json:",omitempty"`
	// Interruption is what happens at an interruption; only terminate is simulated.
	Interruption string `query:"InstanceInterruptionBehavior" reply:"instanceInterruptionBehavior,omitempty" json:",omitempty"`
}

// CreditSpecification is of burstable types.
type CreditSpecification struct {
	CPUCredits string `query:"CpuCredits" reply:"cpuCredits,omitempty" json:",omitempty"`
}

// CPUOptions restrict the processor.
type CPUOptions struct {
	Cores          *int   `query:"CoreCount" reply:"coreCount,omitempty" json:",omitempty"`
	ThreadsPerCore *int   `query:"ThreadsPerCore" reply:"threadsPerCore,omitempty" json:",omitempty"`
	AMDSevSNP      string `query:"AmdSevSnp" reply:"amdSevSnp,omitempty" json:",omitempty"`
}

// CapacityPreference is open or none. There are no capacity reservations to target.
type CapacityPreference struct {
	Preference string `query:"CapacityReservationPreference" reply:"capacityReservationPreference,omitempty" json:",omitempty"`
}

// Hibernation allows hibernation.
type Hibernation struct {
	Configured *bool `query:"Configured" reply:"configured,omitempty" json:",omitempty"`
}

// MetadataOptions are of the instance metadata service.
type MetadataOptions struct {
	Endpoint     string `query:"HttpEndpoint" reply:"httpEndpoint,omitempty" json:",omitempty"`
	ProtocolIPv6 string `query:"HttpProtocolIpv6" reply:"httpProtocolIpv6,omitempty" json:",omitempty"`
	HopLimit     *int   `query:"HttpPutResponseHopLimit" reply:"httpPutResponseHopLimit,omitempty" json:",omitempty"`
	Tokens       string `query:"HttpTokens" reply:"httpTokens,omitempty" json:",omitempty"`
	InstanceTags string `query:"InstanceMetadataTags" reply:"instanceMetadataTags,omitempty" json:",omitempty"`
}

// PrivateDNSNameOptions choose between names made of the address (ip-name) and of the ID (resource-name).
type PrivateDNSNameOptions struct {
	HostnameType string `query:"HostnameType" reply:"hostnameType,omitempty" json:",omitempty"`
	ARecord      *bool  `query:"EnableResourceNameDnsARecord" reply:"enableResourceNameDnsARecord,omitempty" json:",omitempty"`
	AAAARecord   *bool  `query:"EnableResourceNameDnsAAAARecord" reply:"enableResourceNameDnsAAAARecord,omitempty" json:",omitempty"`
}

// MaintenanceOptions are default or disabled.
type MaintenanceOptions struct {
	AutoRecovery string `query:"AutoRecovery" reply:"autoRecovery,omitempty" json:",omitempty"`
}

// LicenseSpecification names a license configuration.
type LicenseSpecification struct {
	Arn string `query:"LicenseConfigurationArn" reply:"licenseConfigurationArn,omitempty" json:",omitempty"`
}

// overlaid returns spec with what over gives in its place: members one by one, also inside structs; lists as a whole,
// except block devices, which go by device, and tags, which go by resource type and key.
func (spec LaunchSpec) overlaid(over LaunchSpec) LaunchSpec {
	merged := spec
	overlay(reflect.ValueOf(&merged).Elem(), reflect.ValueOf(over))
	merged.BlockDevices = overlaidDevices(spec.BlockDevices, over.BlockDevices)
	merged.Tags = overlaidTags(spec.Tags, over.Tags)
	return merged
}

func overlay(into, over reflect.Value) {
	for i := range over.NumField() {
		from, to := over.Field(i), into.Field(i)
		switch {
		case from.IsZero():
		case from.Kind() == reflect.Pointer && from.Type().Elem().Kind() == reflect.Struct && !to.IsNil():
			// A copy: what was merged before belongs to a launch template.
			merged := reflect.New(from.Type().Elem())
			merged.Elem().Set(to.Elem())
			overlay(merged.Elem(), from.Elem())
			to.Set(merged)
		default:
			to.Set(from)
		}
	}
}

func overlaidDevices(base, over []BlockDevice) []BlockDevice {
	var merged []BlockDevice
	for _, device := range base {
		for _, o := range over {
			if o.Device == device.Device {
				overlay(reflect.ValueOf(&device).Elem(), reflect.ValueOf(o))
			}
		}
		merged = append(merged, device)
	}
	for _, o := range over {
		if !hasDevice(base, o.Device) {
			merged = append(merged, o)
		}
	}
	return merged
}

func hasDevice(devices []BlockDevice, name string) bool {
	for _, d := range devices {
		if d.Device == name {
			return true
		}
	}
	return false
}

func overlaidTags(base, over []TagSpecification) []TagSpecification {
	var merged []TagSpecification
	index := map[string]int{}
	for _, list := range [][]TagSpecification{base, over} {
		for _, s := range list {
			i, ok := index[s.ResourceType]
			if !ok {
				i = len(merged)
				index[s.ResourceType] = i
				merged = append(merged, TagSpecification{ResourceType: s.ResourceType})
			}
			merged[i].Tags = withTags(merged[i].Tags, s.Tags)
		}
	}
	return merged
}

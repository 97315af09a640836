package awssim

import (
	"net/netip"
	"time"
)

type reservationReply struct {
	ID        string          `reply:"reservationId"`
	OwnerID   string          `reply:"ownerId"`
	Groups    []groupReply    `reply:"groupSet"`
	Instances []instanceReply `reply:"instancesSet"`
}

type stateReply struct {
	Code int    `reply:"code"`
	Name string `reply:"name"`
}

// newStateReply knows the numbers that go with the names.
func newStateReply(name string) stateReply {
	switch name {
	case stateRunning:
		return stateReply{16, name}
	case stateShuttingDown:
		return stateReply{32, name}
	case stateTerminated:
		return stateReply{48, name}
	case stateStopping:
		return stateReply{64, name}
	case stateStopped:
		return stateReply{80, name}
	default:
		return stateReply{0, name}
	}
}

type reasonReply struct {
	Code    string `reply:"code"`
	Message string `reply:"message"`
}

type instanceReply struct {
	ID         string     `reply:"instanceId"`
	ImageID    string     `reply:"imageId"`
	State      stateReply `reply:"instanceState"`
	PrivateDNS string     `reply:"privateDnsName"`
	PublicDNS  string     `reply:"dnsName"`
	// EC2 says here in words what stateReason says in a structure.
	Reason       string       `reply:"reason"`
	KeyName      string       `reply:"keyName,omitempty"`
	LaunchIndex  int          `reply:"amiLaunchIndex"`
	Type         string       `reply:"instanceType"`
	LaunchTime   time.Time    `reply:"launchTime"`
	Placement    placement    `reply:"placement"`
	Monitoring   monitored    `reply:"monitoring"`
	SubnetID     string       `reply:"subnetId,omitempty"`
	VPC          string       `reply:"vpcId,omitempty"`
	PrivateIP    string       `reply:"privateIpAddress,omitempty"`
	PublicIP     string       `reply:"ipAddress,omitempty"`
	Groups       []groupReply `reply:"groupSet"`
	StateReason  *reasonReply `reply:"stateReason,omitempty"`
	Architecture string       `reply:"architecture"`

	RootDeviceType     string                 `reply:"rootDeviceType"`
	RootDevice         string                 `reply:"rootDeviceName"`
	BlockDevices       []attachedDevice       `reply:"blockDeviceMapping"`
	Virtualization     string                 `reply:"virtualizationType"`
	Lifecycle          string                 `reply:"instanceLifecycle,omitempty"`
	SpotRequest        string                 `reply:"spotInstanceRequestId,omitempty"`
	ClientToken        string                 `reply:"clientToken"`
	Tags               []Tag                  `reply:"tagSet,omitempty"`
	Hypervisor         string                 `reply:"hypervisor"`
	Profile            *profileReply          `reply:"iamInstanceProfile,omitempty"`
	EBSOptimized       bool                   `reply:"ebsOptimized"`
	CPU                cpuReply               `reply:"cpuOptions"`
	Hibernation        Hibernation            `reply:"hibernationOptions"`
	Licenses           []LicenseSpecification `reply:"licenseSet,omitempty"`
	Metadata           metadataReply          `reply:"metadataOptions"`
	Enclave            Switch                 `reply:"enclaveOptions"`
	DNSNameOptions     *PrivateDNSNameOptions `reply:"privateDnsNameOptions,omitempty"`
	Maintenance        MaintenanceOptions     `reply:"maintenanceOptions"`
	CapacityPreference CapacityPreference     `reply:"capacityReservationSpecification"`
	Platform           string                 `reply:"platformDetails"`
	UsageOperation     string                 `reply:"usageOperation"`
}

type placement struct {
	Zone      string `reply:"availabilityZone"`
	GroupName string `reply:"groupName"`
	Partition *int   `reply:"partitionNumber,omitempty"`
	Tenancy   string `reply:"tenancy"`
}

type monitored struct {
	State string `reply:"state"`
}

type attachedDevice struct {
	Device string         `reply:"deviceName"`
	EBS    attachedVolume `reply:"ebs"`
}

type attachedVolume struct {
	VolumeID            string    `reply:"volumeId"`
	Status              string    `reply:"status"`
	AttachTime          time.Time `reply:"attachTime"`
	DeleteOnTermination bool      `reply:"deleteOnTermination"`
}

type profileReply struct {
	Arn string `reply:"arn"`
	ID  string `reply:"id"`
}

type cpuReply struct {
	Cores          int    `reply:"coreCount"`
	ThreadsPerCore int    `reply:"threadsPerCore"`
	AMDSevSNP      string `reply:"amdSevSnp,omitempty"`
}

type metadataReply struct {
	State string `reply:"state"`
	MetadataOptions
}

// reservation is the answer about instances of one launch.
func (c *Cloud) reservation(made []*instance, call *call) reservationReply {
	reply := reservationReply{
		ID: made[0].reservation, OwnerID: c.options.Account, Groups: []groupReply{},
		Instances: make([]instanceReply, len(made)),
	}
	shared := c.sharedReply(made[0].launch)
	for n, i := range made {
		reply.Instances[n] = c.instanceReply(i, shared, call.now)
		if !call.entry.Replayed && len(call.entry.Launched) > 0 {
			// EC2 answers a launch with pending, however fast it is.
			reply.Instances[n].State = newStateReply(statePending)
		}
	}
	return reply
}

// sharedReply is what the instances of a launch have in common.
func (c *Cloud) sharedReply(l *launch) instanceReply {
	spec := &l.spec
	r := instanceReply{
		ImageID: l.image.ID, KeyName: spec.KeyName, Type: l.instanceType.Name, LaunchTime: l.launchedAt.Truncate(time.Second),
		Placement: placement{Zone: l.subnet.Zone, Tenancy: "default"}, Monitoring: monitored{"disabled"},
		Groups: groupReplies(l.groups), Architecture: l.instanceType.Architectures[len(l.instanceType.Architectures)-1],
		RootDeviceType: "ebs", RootDevice: l.image.RootDevice, Virtualization: "hvm", ClientToken: l.clientToken,
		Hypervisor: "xen", EBSOptimized: value(spec.EBSOptimized), Licenses: spec.Licenses, DNSNameOptions: spec.PrivateDNSName,
		CPU:      cpuReply{Cores: l.instanceType.cores(), ThreadsPerCore: l.instanceType.ThreadsPerCore},
		Metadata: metadataReply{"applied", metadataDefaults(spec.Metadata)}, Enclave: Switch{new(bool)}, Hibernation: Hibernation{new(bool)},
		Maintenance: MaintenanceOptions{"default"}, CapacityPreference: CapacityPreference{"open"},
		Platform: "Linux/UNIX", UsageOperation: "RunInstances",
	}
	if l.lifecycle == Spot {
		r.Lifecycle = Spot
	}
	if p := spec.Placement; p != nil {
		r.Placement.GroupName, r.Placement.Partition = p.GroupName, p.Partition
		setIf(&r.Placement.Tenancy, p.Tenancy)
	}
	if m := spec.Monitoring; m != nil && value(m.Enabled) {
		r.Monitoring.State = "enabled"
	}
	if p := spec.InstanceProfile; p != nil {
		r.Profile = &profileReply{Arn: p.Arn, ID: "AIPASIMULATOR00000000"}
		if p.Arn == "" {
			r.Profile.Arn = "arn:" + c.partition() + ":iam::" + c.options.Account + ":instance-profile/" + p.Name
		}
	}
	if p := spec.CPU; p != nil {
		r.CPU.AMDSevSNP = p.AMDSevSNP
		setIf(&r.CPU.Cores, value(p.Cores))
		setIf(&r.CPU.ThreadsPerCore, value(p.ThreadsPerCore))
	}
	if h := spec.Hibernation; h != nil {
		r.Hibernation.Configured = h.Configured
	}
	if e := spec.Enclave; e != nil {
		r.Enclave.Enabled = e.Enabled
	}
	if m := spec.Maintenance; m != nil {
		setIf(&r.Maintenance.AutoRecovery, m.AutoRecovery)
	}
	if p := spec.CapacityPreference; p != nil {
		setIf(&r.CapacityPreference.Preference, p.Preference)
	}
	return r
}

func metadataDefaults(m *MetadataOptions) MetadataOptions {
	hops := 1
	filled := MetadataOptions{}
	if m != nil {
		filled = *m
	}
	setDefault(&filled.Endpoint, "enabled")
	setDefault(&filled.Tokens, "optional")
	setDefault(&filled.HopLimit, &hops)
	setDefault(&filled.ProtocolIPv6, "disabled")
	setDefault(&filled.InstanceTags, "disabled")
	return filled
}

func (c *Cloud) instanceReply(i *instance, shared instanceReply, now time.Time) instanceReply {
	r := shared
	state := i.state(now)
	r.ID, r.LaunchIndex, r.Tags, r.State = i.id, i.index, i.tags, newStateReply(state)
	if i.spotRequest != nil {
		r.SpotRequest = i.spotRequest.id
	}
	if state == stateShuttingDown || state == stateTerminated {
		r.StateReason = &reasonReply{i.reason.code, i.reason.message}
		r.Reason = i.reason.message + " (" + i.endsAt.Format("2006-01-02 15:04:05 GMT") + ")"
	}
	if state == stateStopping || state == stateStopped {
		why := userInitiated()
		r.StateReason = &reasonReply{why.code, why.message}
		r.Reason = "User initiated (" + i.stopsAt.Format("2006-01-02 15:04:05 GMT") + ")"
	}
	if state == stateTerminated {
		// A terminated instance has left its network and its volumes.
		r.Groups = nil
		return r
	}
	r.SubnetID, r.VPC = i.subnet.ID, i.subnet.VPC
	r.BlockDevices = make([]attachedDevice, len(i.volumes))
	for n, v := range i.volumes {
		r.BlockDevices[n] = attachedDevice{v.device, attachedVolume{v.id, "attached", r.LaunchTime, !v.keep}}
	}
	if i.addressed(now) {
		r.PrivateIP, r.PrivateDNS = i.ip.String(), c.privateDNSName(i)
		if i.publicIP != (netip.Addr{}) {
			r.PublicIP, r.PublicDNS = i.publicIP.String(), c.publicDNSName(i)
		}
	}
	return r
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func setIf[T comparable](field *T, value T) {
	var zero T
	if value != zero {
		*field = value
	}
}

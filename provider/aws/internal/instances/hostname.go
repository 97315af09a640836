package instances

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
)

// NameRule says which name a machine will have as a host: private-dns, resource-name, tag:KEY, or a pattern with {id}
// (the instance id), {ip} (the private address with dashes), {zone} and {domain} (of the private DNS name).
type NameRule string

// The rules that are not patterns.
const (
	PrivateDNS   NameRule = "private-dns"
	ResourceName NameRule = "resource-name"
	tagRule               = "tag:"
)

// Check refuses rules that give no name, or one name to several machines.
func (r NameRule) Check() error {
	switch {
	case r == PrivateDNS || r == ResourceName:
		return nil
	case strings.HasPrefix(string(r), tagRule):
		if r == tagRule {
			return ohfp.Errorf(ohfp.ErrInvalid, "host_name tag: names no tag; write tag:KEY")
		}
		return nil
	}
	left := string(r)
	for _, known := range []string{"{id}", "{ip}", "{zone}", "{domain}"} {
		left = strings.ReplaceAll(left, known, "")
	}
	switch {
	case strings.ContainsAny(left, "{} /"):
		return ohfp.Errorf(ohfp.ErrInvalid, "host_name %q has a part that is not known; use private-dns, resource-name, tag:KEY, or a pattern of {id}, {ip}, {zone} and {domain}", string(r))
	case !strings.Contains(string(r), "{id}") && !strings.Contains(string(r), "{ip}"):
		return ohfp.Errorf(ohfp.ErrInvalid, "host_name %q would give several machines one name; use private-dns, resource-name, tag:KEY, or a pattern with {id} or {ip}", string(r))
	}
	return nil
}

// Of returns the host name of an instance, empty as long as it is not known.
func (r NameRule) Of(i types.Instance, tags map[string]string) string {
	id, dns, ip := aws.ToString(i.InstanceId), aws.ToString(i.PrivateDnsName), aws.ToString(i.PrivateIpAddress)
	_, domain, _ := strings.Cut(dns, ".")
	switch {
	case r == PrivateDNS:
		return dns
	case r == ResourceName:
		// EC2 gives every instance this name beside ip-… ones, in the same domain.
		if domain == "" {
			return ""
		}
		return id + "." + domain
	case strings.HasPrefix(string(r), tagRule):
		return tags[strings.TrimPrefix(string(r), tagRule)]
	}
	zone := ""
	if i.Placement != nil {
		zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	name := string(r)
	for _, part := range []struct{ key, value string }{
		{"{id}", id},
		{"{ip}", strings.ReplaceAll(ip, ".", "-")},
		{"{zone}", zone},
		{"{domain}", domain},
	} {
		if strings.Contains(name, part.key) && part.value == "" {
			return ""
		}
		name = strings.ReplaceAll(name, part.key, part.value)
	}
	return name
}

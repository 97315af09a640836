package aws

import "github.com/openhostfactory/ohfp/provider"

// Settings describes the config of a provider of type aws.
func Settings() []provider.Setting {
	text := func(name, description string) provider.Setting {
		return provider.Setting{Name: name, Kind: provider.KindText, Description: description}
	}
	list := []provider.Setting{
		text("region", "The AWS region. Without it, AWS_REGION or the profile decides."),
		text("profile", "Whose credentials are used, by the name of a profile in the shared AWS configuration. Without it, the AWS SDK looks in its usual places."),
		text("endpoint_url", "Another address than AWS's own, for every service, for example of something that plays AWS. An endpoint of EC2's, such as https://ec2.us-east-1.amazonaws.com or a VPC endpoint, is for EC2 alone."),
		text("role_arn", "A role that is assumed, as arn:aws:iam::ACCOUNT:role/NAME."),
		text("external_id", "The external id that the role asks for."),
		text("credential_file", "A file with credentials, as the AWS CLI keeps them, of the profile that profile or AWS_PROFILE names, else default. It wins over keys in the environment. A relative path starts at the configuration directory."),
		{Name: "connect_timeout", Kind: provider.KindDuration, Default: "10s", Description: "How long a connection may take."},
		{Name: "request_timeout", Kind: provider.KindDuration, Default: "1m", Description: "How long one call may take."},
		{Name: "max_retries", Kind: provider.KindCount, Description: "How often a call that failed in passing is repeated, from 0 to 10. Without it, as often as its time allows."},
		text("proxy_host", "The host of a proxy that all calls go through. It needs proxy_port."),
		{Name: "proxy_port", Kind: provider.KindCount, Description: "The port of the proxy."},
		{
			Name: "host_name", Kind: provider.KindText, Default: "private-dns",
			Description: "Which name a machine will have as a host: private-dns, resource-name, tag:KEY, or a pattern with {id} or {ip}.",
		},
		{
			Name: "handlers.default", Kind: provider.KindText,
			Description: "The launch API of templates that name none: ec2_fleet, run_instances, spot_fleet or auto_scaling_group. Without it, a template's fields decide.",
		},
	}
	for _, name := range []string{"ec2_fleet", "run_instances", "spot_fleet", "auto_scaling_group"} {
		list = append(list, provider.Setting{
			Name: "handlers." + name + ".enabled", Kind: provider.KindTruth, Default: "true", Description: "Whether templates may launch by this API.",
		})
	}
	return append(list,
		provider.Setting{
			Name: "native_spec.enabled", Kind: provider.KindTruth, Default: "true",
			Description: "Whether templates may bring documents in AWS's own form.",
		},
		provider.Setting{
			Name: "native_spec.merge_mode", Kind: provider.KindText, Default: "merge", Words: []string{"merge", "replace"},
			Description: "Whether such documents are laid over the call that the program makes, or take its place.",
		},
		text("native_spec.spec_file_base_path", "Where relative paths of such documents start, itself relative to the configuration directory."),
		provider.Setting{
			Name: "on_demand_prices.<machine type>", Kind: provider.KindAmount,
			Description: "What a machine type costs on demand, in US dollars an hour.",
		},
		provider.Setting{
			Name: "rate_limits.<operation>.burst", Kind: provider.KindAmount,
			Description: "How many calls of an operation of EC2 (or machines, as RunInstances:machines) the account may make at once, where it has other limits than AWS's usual ones.",
		},
		provider.Setting{
			Name: "rate_limits.<operation>.per_second", Kind: provider.KindAmount,
			Description: "How many it may make a second in the long run.",
		},
		text("interruption_queue", "The name or URL of a standard SQS queue that tells of interruptions."),
	)
}

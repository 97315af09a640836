package native

import (
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// Facts are what documents may be rendered with.
type Facts struct {
	Template ohfp.Template
	Spec     spec.Spec // its image resolved
	API      string
	Request  ohfp.RequestID
	Attempt  int
	Count    int
	OnDemand int         // of Count
	Spot     int         // of Count
	UserData string      // in base64, as EC2 has it
	Tags     []types.Tag // of this program
}

// variables are the facts by the names that documents use. Every name is there always, so that a document can ask for
// it: what the template does not set is empty.
func (f Facts) variables() (map[string]any, error) {
	s := f.Spec
	userData, err := base64.StdEncoding.DecodeString(f.UserData)
	if err != nil {
		return nil, fmt.Errorf("user data: %w", err)
	}
	custom := make([]types.Tag, len(s.Tags))
	for i, tag := range s.Tags {
		custom[i] = types.Tag{Key: aws.String(tag.Key), Value: aws.String(tag.Value)}
	}
	base, operator := tags(f.Tags), tags(custom)
	variables := map[string]any{
		"request_id": string(f.Request), "template_id": string(f.Template.ID), "provider_api": f.API, "attempt": f.Attempt,
		"requested_count": f.Count, "target_capacity": f.Count, "on_demand_count": f.OnDemand, "spot_count": f.Spot,
		"image_id": s.Image, "key_name": s.Key, "instance_profile": s.InstanceProfile, "user_data": string(userData),
		"instance_type": first(names(s.Types)), "instance_types": texts(names(s.Types)), "machine_types": weights(s.Types),
		"instance_types_ondemand": texts(names(s.OnDemandTypes)), "machine_types_ondemand": weights(s.OnDemandTypes),
		"subnet_id": first(s.Subnets), "subnet_ids": texts(s.Subnets), "security_group_ids": texts(s.SecurityGroups),
		"root_device_volume_size": s.Volume.Size, "volume_type": s.Volume.Type, "iops": s.Volume.IOPS,
		"monitoring_enabled": flag(s.Monitoring), "ebs_optimized": flag(s.EBSOptimized), "associate_public_ip": flag(s.PublicIP),
		"price_type": s.PriceType, "max_price": string(s.MaxPrice), "allocation_strategy": s.Strategy,
		"allocation_strategy_on_demand": s.StrategyOnDemand, "percent_on_demand": percent(s), "pools_count": s.Pools,
		"fleet_type": s.FleetType, "fleet_role": s.FleetRole, "context": s.Context,
		"spot_fleet_request_expiry": int(s.SpotExpiry.Minutes()), "launch_template_id": s.LaunchTemplate,
		"launch_template_version": s.LaunchTemplateVersion, "base_tags": base, "custom_tags": operator, "all_tags": append(base[:len(base):len(base)], operator...),
		"package_name": "ohfp", "package_version": version(),
	}
	for name, has := range map[string]bool{
		"instance_type": len(s.Types) > 0, "multiple_instance_types": len(s.Types) > 1, "instance_types_ondemand": len(s.OnDemandTypes) > 0,
		"subnets": len(s.Subnets) > 0, "multiple_subnets": len(s.Subnets) > 1, "security_groups": len(s.SecurityGroups) > 0,
		"key_name": s.Key != "", "instance_profile": s.InstanceProfile != "", "user_data": f.UserData != "",
		"root_volume": s.Volume.Set(), "iops": s.Volume.IOPS != 0, "monitoring": s.Monitoring != nil, "ebs_optimized": s.EBSOptimized != nil,
		"public_ip": s.PublicIP != nil, "max_price": s.MaxPrice != "", "context": s.Context != "", "fleet_role": s.FleetRole != "",
		"percent_on_demand": s.PercentOnDemand != nil, "pools_count": s.Pools > 0, "custom_tags": len(custom) > 0,
		"launch_template": s.LaunchTemplate != "", "requirements": s.Requirements != nil,
	} {
		variables["has_"+name] = has
	}
	return variables, nil
}

func percent(s spec.Spec) int {
	if s.PercentOnDemand == nil {
		return 0
	}
	return *s.PercentOnDemand
}

func tags(list []types.Tag) []any {
	out := make([]any, len(list))
	for i, tag := range list {
		out[i] = map[string]any{"key": aws.ToString(tag.Key), "value": aws.ToString(tag.Value)}
	}
	return out
}

func names(machineTypes []spec.Type) []string {
	out := make([]string, len(machineTypes))
	for i, t := range machineTypes {
		out[i] = t.Name
	}
	return out
}

func weights(machineTypes []spec.Type) map[string]any {
	out := make(map[string]any, len(machineTypes))
	for _, t := range machineTypes {
		out[t.Name] = t.Weight
	}
	return out
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, text := range list {
		out[i] = text
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func flag(b *bool) bool { return b != nil && *b }

// version is that of the module, as the toolchain recorded it.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return strings.TrimPrefix(build.Main.Version, "v")
}

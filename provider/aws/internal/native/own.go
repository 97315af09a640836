package native

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// own are the keys that no document sets, and what to use instead. [] stands for every item of a list; what the generated
// input has there is put back.
func own(input string) map[string]string {
	const counted, found = "the request says how many", "it is how the machines are found again"
	switch input {
	case "RequestLaunchTemplateData":
		return map[string]string{
			"TagSpecifications": "use instanceTags", "InstanceMarketOptions": "use priceType", "NetworkInterfaces[].SubnetId": "use subnetId",
		}
	case "RunInstancesInput":
		return map[string]string{
			"ClientToken": "it makes the call safe to repeat", "DryRun": "use validate", "MinCount": counted, "MaxCount": counted,
			"TagSpecifications": "use instanceTags", "LaunchTemplate": "use launchTemplateId", "SubnetId": "use subnetId",
			"InstanceType": "use vmType", "InstanceMarketOptions": "use priceType", "ImageId": "use imageId", "NetworkInterfaces[].SubnetId": "use subnetId",
		}
	case "CreateFleetInput":
		return map[string]string{
			"ClientToken": "it makes the call safe to repeat", "DryRun": "use validate", "Type": "use fleetType",
			"TagSpecifications": "use instanceTags", "TargetCapacitySpecification": counted + ", and priceType how they are paid for",
			"TerminateInstancesWithExpiration": "it would end machines in use", "ExcessCapacityTerminationPolicy": "it would end machines in use",
			"ReplaceUnhealthyInstances": "it would end machines in use", "ValidUntil": "use timeout", "LaunchTemplateConfigs[].LaunchTemplateSpecification": "use launchTemplateId",
			"LaunchTemplateConfigs[].Overrides[].WeightedCapacity": "use vmTypes",
		}
	case "SpotFleetRequestConfigData":
		return map[string]string{
			"ClientToken": "it makes the call safe to repeat", "Type": "use fleetType", "TargetCapacity": counted, "OnDemandTargetCapacity": counted,
			"TargetCapacityUnitType": counted, "TagSpecifications": "use instanceTags", "LaunchSpecifications": "use launch_template_spec",
			"TerminateInstancesWithExpiration": "it would end machines in use", "ExcessCapacityTerminationPolicy": "it would end machines in use",
			"ReplaceUnhealthyInstances": "it would end machines in use", "ValidUntil": "use spotFleetRequestExpiry", "LaunchTemplateConfigs[].LaunchTemplateSpecification": "use launchTemplateId",
			"LaunchTemplateConfigs[].Overrides[].WeightedCapacity": "use vmTypes",
		}
	case "CreateAutoScalingGroupInput":
		return map[string]string{
			"AutoScalingGroupName": found, "MinSize": counted, "MaxSize": counted, "DesiredCapacity": counted, "DesiredCapacityType": counted,
			"Tags": "use instanceTags", "NewInstancesProtectedFromScaleIn": "it keeps machines in use alive", "LaunchTemplate": "use launchTemplateId",
			"LaunchConfigurationName": "use launchTemplateId", "InstanceId": "use launchTemplateId", "MaxInstanceLifetime": "it would end machines in use",
			"MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification":  "use launchTemplateId",
			"MixedInstancesPolicy.LaunchTemplate.Overrides[].WeightedCapacity": "use vmTypes",
		}
	default:
		return nil
	}
}

// never are the keys that no document sets and that the generated input does not have: with them, AWS would by itself end
// machines in use, or launch what nobody asked for.
// The values are what does no harm.
func never(input string) map[string]any {
	return map[string]map[string]any{
		"CreateFleetInput":            {"SpotOptions.MaintenanceStrategies": nil},
		"SpotFleetRequestConfigData":  {"SpotMaintenanceStrategies": nil},
		"CreateAutoScalingGroupInput": {"CapacityRebalance": false, "HealthCheckType": "EC2"},
	}[input]
}

// harms says whether a document has something else than a harmless value at a path.
func harms(document map[string]any, path []string, harmless any) bool {
	for _, name := range path[:len(path)-1] {
		document, _ = document[name].(map[string]any)
	}
	value := document[path[len(path)-1]]
	return value != nil && !reflect.DeepEqual(value, harmless)
}

// keepOwn refuses documents that set what is this program's own, and puts that into the input that they made.
func keepOwn[T any](document map[string]any, out, generated *T) error {
	input := reflect.TypeFor[T]()
	into, from := reflect.ValueOf(out).Elem(), reflect.ValueOf(generated).Elem()
	for path, harmless := range never(input.Name()) {
		if harms(document, strings.Split(path, "."), harmless) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s may not be set: it would replace machines in use", path)
		}
	}
	ours := own(input.Name())
	paths := slices.Sorted(maps.Keys(ours))
	for _, path := range paths {
		parts := strings.Split(path, ".")
		if sets(document, parts) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s may not be set: %s", path, ours[path])
		}
		if !strings.HasSuffix(path, weight) {
			restore(into, from, parts)
		}
	}
	for _, path := range paths {
		if list, ok := strings.CutSuffix(path, weight); ok {
			if err := keepWeights(list, into, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// weight is how the path of what a machine type counts for ends.
const weight = "[].WeightedCapacity"

// sets says whether a document has something at a path.
func sets(value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	document, ok := value.(map[string]any)
	name, isList := strings.CutSuffix(path[0], "[]")
	next, found := document[name]
	if !ok || !found {
		return false
	}
	if !isList {
		return sets(next, path[1:])
	}
	items, _ := next.([]any)
	for _, item := range items {
		if sets(item, path[1:]) {
			return true
		}
	}
	return false
}

// restore puts what the generated input has at a path into another. Every item of a list gets what the first generated
// one has; a list that is missing is taken whole.
func restore(into, from reflect.Value, path []string) {
	name, isList := strings.CutSuffix(path[0], "[]")
	into, from = into.FieldByName(name), from.FieldByName(name)
	switch {
	case len(path) == 1, from.IsZero(), into.IsZero():
		if !(len(path) > 1 && from.IsZero()) {
			into.Set(from)
		}
	case isList:
		items := reflect.MakeSlice(into.Type(), into.Len(), into.Len())
		reflect.Copy(items, into)
		for i := range items.Len() {
			restore(items.Index(i), from.Index(0), path[1:])
		}
		into.Set(items)
	case into.Kind() == reflect.Pointer:
		pointed := reflect.New(into.Type().Elem())
		pointed.Elem().Set(into.Elem())
		restore(pointed.Elem(), from.Elem(), path[1:])
		into.Set(pointed)
	default:
		restore(into, from, path[1:])
	}
}

// keepWeights gives the machine types of a document the weights that the template has for them. One that the template
// does not know would be counted wrong.
func keepWeights(list string, out, generated reflect.Value) error {
	path := strings.Split(list, ".")
	weights := map[string]reflect.Value{}
	for _, override := range overrides(generated, path) {
		if counts := override.FieldByName("WeightedCapacity"); !counts.IsZero() {
			weights[machineType(override)] = counts
		}
	}
	if len(weights) == 0 {
		return nil
	}
	for _, override := range overrides(out, path) {
		counts, ok := weights[machineType(override)]
		if !ok {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: the machine type %q has no weight; add it to vmTypes", list, machineType(override))
		}
		override.FieldByName("WeightedCapacity").Set(counts)
	}
	return nil
}

// machineType is the type of an override: text in the SDK for Auto Scaling groups, an enumeration elsewhere.
func machineType(override reflect.Value) string {
	name := override.FieldByName("InstanceType")
	if name.Kind() == reflect.Pointer {
		if name.IsNil() {
			return ""
		}
		name = name.Elem()
	}
	return name.String()
}

// overrides collects the structures in the lists at a path.
func overrides(in reflect.Value, path []string) []reflect.Value {
	for in.Kind() == reflect.Pointer {
		if in.IsNil() {
			return nil
		}
		in = in.Elem()
	}
	if in.Kind() == reflect.Slice {
		var all []reflect.Value
		for i := range in.Len() {
			if len(path) == 0 {
				all = append(all, in.Index(i))
			} else {
				all = append(all, overrides(in.Index(i), path)...)
			}
		}
		return all
	}
	if len(path) == 0 {
		return nil
	}
	return overrides(in.FieldByName(strings.TrimSuffix(path[0], "[]")), path[1:])
}

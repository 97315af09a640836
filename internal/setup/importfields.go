package setup

import "strings"

// ours is a field of a template as this program writes it. The Python system has written fields in its own way
// (image_id, machine_types) and in Host Factory's (imageId, vmTypes). A reason says why there is no such field.
func ours(field string) (name, why string) {
	folded := strings.ToLower(strings.ReplaceAll(field, "_", ""))
	if renamed := map[string]string{
		"userdata": "userDataScript", "tags": "instanceTags", "maxprice": "maxSpotPrice", "maxinstances": "maxNumber",
		"instancetype": "vmType", "instancetypes": "vmTypes", "machinetypes": "vmTypes",
		"instancetypesondemand": "vmTypesOnDemand", "machinetypesondemand": "vmTypesOnDemand",
		"instancetypespriority": "vmTypesPriority", "machinetypespriority": "vmTypesPriority",
		"rootvolumesize": "rootDeviceVolumeSize", "rootvolumetype": "volumeType", "rootvolumeiops": "iops",
		"launchtemplatespec": "launch_template_spec", "launchtemplatespecfile": "launch_template_spec_file",
		"providerapispec": "provider_api_spec", "providerapispecfile": "provider_api_spec_file",
	}[folded]; renamed != "" {
		return renamed, ""
	}
	switch folded {
	case "createdat", "updatedat", "version", "isactive", "requestid":
		return field, "it is kept with each template's history, which is not taken over"
	case "metadata":
		return field, "there is no place for it; put what machines should carry into instanceTags"
	}
	var b strings.Builder
	for i, part := range strings.Split(field, "_") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String(), ""
}

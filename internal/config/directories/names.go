package directories

// The files of a configuration directory. The first main file and the first providers file that exist are read and make
// one configuration; IBM's file gives the provider when neither has one.

// MainFiles are the names of the main configuration file.
func MainFiles() []string { return []string{"config.json", "config.yml", "config.yaml"} }

// ProviderFiles are the names of the file that lists providers.
func ProviderFiles() []string { return []string{"providers.yml", "providers.yaml"} }

// IBMSuffix ends the name of IBM's configuration file: awsprov_config.json, or awsinstprov_config.json for the instance
// awsinst.
const IBMSuffix = "prov_config.json"

// IBMFiles are the names of IBM's configuration file for an instance.
func IBMFiles(instance string) []string {
	names := []string{"aws" + IBMSuffix}
	if instance != "" && instance != "aws" {
		names = append([]string{instance + IBMSuffix}, names...)
	}
	return names
}

// templateFiles are what somebody has who configures everything else by the environment.
func templateFiles() []string {
	return []string{"awsprov_templates.json", "aws_templates.json", "templates.json", "templates.yaml", "templates.yml"}
}

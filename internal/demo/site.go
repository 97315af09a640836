package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/openhostfactory/ohfp/deploy/hostfactory"
)

const region = "us-east-1"

// config is IBM's own file, as an administrator has it.
const config = `{
  "AWS_REGION": "` + region + `",
  "ACCEPT_PROPAGATED_LOG_SETTING": true
}
`

// templates is IBM's own file too; providerApi is this program's addition to it.
const templates = `{
  "templates": [
    {
      "templateId": "EC2FleetInstant",
      "maxNumber": 1000,
      "providerApi": "EC2Fleet",
      "fleetType": "instant",
      "imageId": "ami-0abcdef1234567890",
      "vmTypes": {"t3.medium": 1, "t3a.medium": 1},
      "subnetId": "subnet-0000000000000000a,subnet-0000000000000000b",
      "securityGroupIds": ["sg-00000000000000001"],
      "instanceTags": "team=demo"
    },
    {
      "templateId": "RunInstancesOnDemand",
      "maxNumber": 100,
      "providerApi": "RunInstances",
      "imageId": "ami-0abcdef1234567890",
      "vmType": "m5.xlarge",
      "subnetId": "subnet-0000000000000000a",
      "securityGroupIds": ["sg-00000000000000001"]
    },
    {
      "templateId": "my-template",
      "maxNumber": 10,
      "imageId": "ami-0abcdef1234567890",
      "vmType": "t3.medium",
      "subnetId": "subnet-0000000000000000b",
      "securityGroupIds": ["sg-00000000000000001"]
    }
  ]
}
`

// fill makes the directories, the two files of the provider and the scripts.
func (s site) fill() error {
	const mine = 0o700
	for _, dir := range []string{s.conf, s.work, s.log} {
		if err := os.MkdirAll(dir, mine); err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
	}
	for name, content := range map[string]string{
		"awsprov_config.json":    config,
		"awsprov_templates.json": templates,
	} {
		if err := os.WriteFile(filepath.Join(s.conf, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write a file of the provider: %w", err)
		}
	}
	if err := hostfactory.WriteScripts(s.scripts); err != nil {
		return fmt.Errorf("unpack the scripts: %w", err)
	}
	return nil
}

// environment is what Host Factory gives to a script. Nothing of the caller's AWS and Host Factory settings is left in
// it: a demo must never reach a real account.
func (s site) environment(endpoint string) []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch upper := strings.ToUpper(name); {
		case strings.HasPrefix(upper, "AWS_"), strings.HasPrefix(upper, "HF_"), strings.HasPrefix(upper, "OHFP_"):
		case strings.HasSuffix(upper, "_PROXY"):
		default:
			env = append(env, variable)
		}
	}
	nowhere := filepath.Join(s.root, "no-such-file")
	return append(env,
		"HF_PROVIDER_NAME=awsinst",
		"HF_PROVIDER_CONFDIR="+s.conf,
		"HF_PROVIDER_WORKDIR="+s.work,
		"HF_PROVIDER_LOGDIR="+s.log,
		"OHFP_COMMAND="+s.program,
		"AWS_ENDPOINT_URL="+endpoint,
		"AWS_ACCESS_KEY_ID=simulator",
		"AWS_SECRET_ACCESS_KEY=simulator",
		"AWS_CONFIG_FILE="+nowhere,
		"AWS_SHARED_CREDENTIALS_FILE="+nowhere,
		"AWS_EC2_METADATA_DISABLED=true",
	)
}

package aws_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
)

const documentBase = `"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `", `

// TestDocumentsReachTheCall looks at what AWS is told for a template that speaks its words.
func TestDocumentsReachTheCall(t *testing.T) {
	t.Parallel()
	for api, test := range map[string]struct{ spec, want string }{
		"RunInstances": {`{"Placement": {"GroupName": "{{ template_id }}-{{ requested_count }}"}}`, `"Placement":{"GroupName":"compute-2"}`},
		"EC2Fleet":     {`{"OnDemandOptions": {"SingleInstanceType": true}}`, `"SingleInstanceType":true`},
		"SpotFleet":    {`{"InstanceInterruptionBehavior": "terminate"}`, `"InstanceInterruptionBehavior":"terminate"`},
		"ASG":          {`{"DefaultCooldown": "{{ 30 * 2 }}"}`, `"DefaultCooldown":60`},
	} {
		w := newWorld(t, awssim.Options{})
		env := w.environment(nil)
		env.ConfDir = t.TempDir()
		path := filepath.Join(env.ConfDir, "specs", "content.json.j2")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"KeyName": "{{ provider_api }}", "MetadataOptions": {"HttpTokens": "required"}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		p := w.openIn(t, env, `{"native_spec": {"spec_file_base_path": "specs"}}`)
		documented := template(api, `{`+documentBase+`"provider_api_spec": `+test.spec+`, "launchTemplateSpecFile": "content.json.j2"}`)
		if err := p.Validate(t.Context(), documented); err != nil {
			t.Errorf("%s: %v", api, err)
		}
		order, err := p.Prepare(t.Context(), ask(documented, 2))
		if err != nil {
			t.Errorf("%s: %v", api, err)
			continue
		}
		for _, want := range []string{test.want, `"KeyName":"` + api + `"`, `"MetadataOptions":{"HttpTokens":"required"}`, `"ImageId":"` + image + `"`} {
			if !strings.Contains(string(order.Call), want) {
				t.Errorf("%s: the call is %s, want %s in it", api, order.Call, want)
			}
		}
	}
}

func TestDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	off := w.open(t, `{"native_spec": {"enabled": false}}`)
	for _, test := range []struct{ api, fields, want string }{
		{"EC2Fleet", `"provider_api_spec": {"Contxt": "x"}`, "provider_api_spec: Contxt is not known to AWS; did you mean Context?"},
		{"EC2Fleet", `"provider_api_spec": {"ClientToken": "x"}`, "provider_api_spec: ClientToken may not be set"},
		{"RunInstances", `"provider_api_spec": {"SubnetId": "subnet-1"}`, "provider_api_spec: SubnetId may not be set: use subnetId"},
		{"RunInstances", `"provider_api_spec": {"SpotOptions": {}}`, "provider_api_spec: SpotOptions is not known to AWS"},
		{"RunInstances", `"launch_template_spec": {"NetworkInterfaces": [{}]}`, "move them to provider_api_spec"},
		{"SpotFleet", `"provider_api_spec": {"TargetCapacity": 5}`, "provider_api_spec: TargetCapacity may not be set"},
		{"ASG", `"provider_api_spec": {"MaxSize": 5}`, "provider_api_spec: MaxSize may not be set"},
		{"ASG", `"launch_template_spec": {"UserData": "{{ nobody }}"}`, "launch_template_spec: UserData: template: line 1: nobody is undefined"},
		{"ASG", `"provider_api_spec_file": "missing.json"`, "provider_api_spec_file: open "},
		{"", `"provider_api_spec": {}, "provider_api_spec_file": "x"`, "provider_api_spec and provider_api_spec_file are both set"},
		{"", `"launchTemplateSpec": {}, "launch_template_spec": {}`, "are both set; keep one of them"},
	} {
		err := p.Validate(t.Context(), template(test.api, `{`+documentBase+test.fields+`}`))
		if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s is refused with %v, want %s", test.api, test.fields, err, test.want)
		}
	}
	if err := off.Validate(t.Context(), template("", `{`+documentBase+`"launch_template_spec": {}}`)); err == nil || !strings.Contains(err.Error(), "documents are switched off") {
		t.Errorf("switched off, a document gives %v", err)
	}
	if err := p.Validate(t.Context(), template("", `{"launchTemplateId": "lt-1", "launch_template_spec": {}}`)); err == nil || !strings.Contains(err.Error(), "beside launchTemplateId") {
		t.Errorf("a document for somebody else's launch template gives %v", err)
	}
}

package aws_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// TestFilesOfKeptTemplate: that a template was decoded before says nothing about the files that it names.
func TestFilesOfKeptTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	env := w.environment(nil)
	env.ConfDir = t.TempDir()
	p := w.openIn(t, env, `{"native_spec": {"enabled": true}}`)
	const base = `"imageId": "` + image + `", "subnetId": "` + subnetA + `", "vmType": "m5.large", "securityGroupIds": ["sg-1"]`
	for name, field := range map[string]string{"up.sh": "userDataScript", "content.json": "launch_template_spec_file"} {
		path := filepath.Join(env.ConfDir, name)
		tmpl := template("RunInstances", fmt.Sprintf(`{%s, %q: %q}`, base, field, name))
		for _, step := range []struct {
			content string
			want    string // in the error
		}{
			{`{"KeyName": "ops"}`, ""},
			{strings.Repeat("x", 20_000), field},
			{`{"KeyName": "dev"}`, ""},
			{"", name}, // the file is gone
		} {
			var err error
			if step.content == "" {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, []byte(step.content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			err = p.Validate(t.Context(), tmpl)
			if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
				t.Errorf("Validate with %s of %d bytes = %v, want an error with %q", name, len(step.content), err, step.want)
			}
		}
	}
}

// TestManyAskAtOnce: callers of one provider do not meet in what it keeps of a template, documents laid over it included.
func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	env := w.environment(nil)
	env.Unpaced = true
	p := w.openIn(t, env, `{"native_spec": {"enabled": true}}`)
	const base = `"imageId": "` + image + `", "subnetId": "` + subnetA + `", "monitoring": true, "instanceTags": "a=b"`
	asks := []provider.Ask{
		ask(template("RunInstances", `{`+base+`, "vmType": "m5.large", "securityGroupIds": ["sg-1", "sg-2"]}`), 1),
		ask(template("RunInstances", `{`+base+`, "vmType": "m5.large", "securityGroupIds": ["sg-1", "sg-2"],
			"launch_template_spec": {"SecurityGroupIds": ["sg-3"], "Monitoring": {"Enabled": false}}}`), 1),
		ask(template("EC2Fleet", `{`+base+`, "vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "securityGroupIds": ["sg-1", "sg-2"], "priceType": "heterogeneous",
			"percentOnDemand": 50, "vmTypesOnDemand": {"c5.large": 1}}`), 4),
		ask(template("EC2Fleet", `{`+base+`, "abisInstanceRequirements": {"VCpuCount": {"Min": 2}, "MemoryMiB": {"Min": 1024}}, "securityGroupIds": ["sg-1"],
			"provider_api_spec": {"Context": "c-1"}}`), 4),
	}
	fresh := w.openIn(t, env, `{"native_spec": {"enabled": true}}`)
	shared, _ := provider.As[provider.Lister](p)
	alone, _ := provider.As[provider.Lister](fresh)
	var callers sync.WaitGroup
	for _, a := range asks {
		want, err := fresh.Prepare(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		listing, err := alone.Listing(a.Template)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			callers.Go(func() {
				for range 5 {
					got, err := p.Prepare(t.Context(), a)
					if diff := cmp.Diff(want, got); err != nil || diff != "" {
						t.Errorf("Prepare: %v, (-by a provider of its own +by the shared one):\n%s", err, diff)
					}
					spoilListing(t, shared, a.Template, listing)
				}
			})
		}
	}
	callers.Wait()
}

// spoilListing writes over all that a listing brings, once it is seen to be right.
func spoilListing(t *testing.T, lister provider.Lister, tmpl ohfp.Template, want map[string]any) {
	t.Helper()
	shown, err := lister.Listing(tmpl)
	if diff := cmp.Diff(want, shown); err != nil || diff != "" {
		t.Errorf("Listing: %v (-by a provider of its own +by the shared one):\n%s", err, diff)
	}
	for name, value := range shown {
		if raw, ok := value.(json.RawMessage); ok {
			clear(raw)
		}
		delete(shown, name)
	}
}

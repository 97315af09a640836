package aws_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

var update = flag.Bool("update", false, "write the golden files")

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t, `{"handlers": {"run_instances": {"enabled": true}, "auto_scaling_group": {"enabled": false}}}`)
	const base = `"imageId": "` + image + `", "subnetId": "` + subnetA + `", `
	for _, test := range []struct{ api, fields, want string }{
		{"", `{` + base + `"vmtype": "m5.large"}`, "vmtype is not known; did you mean vmType?"},
		{"", `{` + base + `"vmType": "m5.large", "image_id": "ami-1"}`, "imageId and image_id are both set; keep one of them"},
		{"", `{` + base + `"vmType": 5}`, "vmType: number given, want text in quotes"},
		{"", `{` + base + `"vmType": "large"}`, `"large" is not a machine type`},
		{"", `{` + base + `"vmType": "m5.large", "vmTypes": {"m5.large": 1}}`, "vmType and vmTypes are both set"},
		{"", `{` + base + `"vmTypes": {"m5.large": 0}}`, "vmTypes: the weight 0 of m5.large is out of range"},
		{"", `{` + base + `"vmTypes": {"m5.large": 1.5}}`, "vmTypes: the number of m5.large is not a whole one"},
		{"", `{` + base + `"vmTypes": ["m5.large"]}`, `vmTypes: want an object like {"c5.large": 1}`},
		{"", `{` + base + `"vmTypes": {"m5.large": 1}, "vmTypesPriority": {"c5.large": 1}}`, "vmTypesPriority names c5.large, which is not among vmTypes"},
		{"", `{` + base + `"vmType": "m5.large", "priceType": "Spot"}`, `priceType "Spot" is not known; use ondemand, spot or heterogeneous`},
		{"", `{` + base + `"vmType": "m5.large", "percentOnDemand": 20}`, "percentOnDemand needs priceType heterogeneous"},
		{"", `{` + base + `"vmType": "m5.large", "vmTypesOnDemand": {"m5.large": 1}}`, "vmTypesOnDemand needs priceType heterogeneous"},
		{"", `{` + base + `"vmType": "m5.large", "spotFleetRequestExpiry": 30}`, "spotFleetRequestExpiry has no meaning for RunInstances"},
		{"", `{` + base + `"vmType": "m5.large", "abisInstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}}`, "vmType and abisInstanceRequirements are both set"},
		{"", `{` + base + `"abisInstanceRequirements": {"VCpuCount": {"Min": 1}}}`, "abisInstanceRequirements: MemoryMiB.Min is missing"},
		{"", `{` + base + `"vmType": "m5.large", "fleetType": "always"}`, `fleetType "always" is not known; use instant, request or maintain`},
		{"", `{` + base + `"vmType": "m5.large", "spotFleetRequestExpiry": 0}`, "spotFleetRequestExpiry 0 is out of range"},
		{"", `{` + base + `"vmTypes": {"m5.large": 1}, "priceType": "heterogeneous", "percentOnDemand": 101}`, "percentOnDemand 101 is out of range; use 0 to 100"},
		{"", `{` + base + `"vmType": "m5.large", "maxSpotPrice": 0.1}`, "maxSpotPrice needs priceType spot"},
		{"", `{` + base + `"vmType": "m5.large", "priceType": "spot", "maxSpotPrice": 0}`, "maxSpotPrice: 0 is not a price"},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "priceType": "spot", "fleetRole": "x"}`, "fleetRole has no meaning for EC2Fleet"},
		{"ASG", `{` + base + `"vmType": "m5.large"}`, "providerApi ASG is not enabled"},
		{"EKS", `{` + base + `"vmType": "m5.large"}`, `providerApi "EKS" is not known`},
		{"RunInstances", `{` + base + `"vmType": "m5.large", "context": "x"}`, "context has no meaning for RunInstances"},
		{"RunInstances", `{` + base + `"vmType": "m5.large", "allocationStrategy": "lowestPrice"}`, "allocationStrategy has no meaning for RunInstances"},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "allocationStrategy": "diversified"}`, "allocationStrategy diversified is for spot"},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "allocationStrategy": "cheapest"}`, `allocationStrategy "cheapest" is not known`},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "priceType": "spot", "allocationStrategy": "prioritized"}`, "allocationStrategy prioritized is for machines on demand"},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "priceType": "spot", "allocationStrategyOnDemand": "prioritized"}`, "allocationStrategyOnDemand has no meaning for spot"},
		{"EC2Fleet", `{` + base + `"vmType": "m5.large", "priceType": "spot", "allocationStrategy": "capacityOptimized", "poolsCount": 2}`, "poolsCount needs allocationStrategy lowestPrice"},
		{"EC2Fleet", `{"launchTemplateId": "lt-1", "userDataScript": "#!/bin/sh"}`, "userDataScript has no meaning for EC2Fleet beside launchTemplateId"},
		{"", `{"vmType": "m5.large"}`, "imageId is missing; set it, or launchTemplateId"},
		{"", `{` + base + `"keyName": "x"}`, "vmType is missing"},
		{"", `{"imageId": "debian", "vmType": "m5.large"}`, `imageId "debian" is not an image`},
		{"", `{` + base + `"vmType": "m5.large", "launchTemplateVersion": 2}`, "launchTemplateVersion is set without launchTemplateId"},
		{"", `{"launchTemplateId": "mine"}`, `launchTemplateId "mine" is not the id of a launch template`},
		{"", `{"launchTemplateId": "lt-1", "launchTemplateVersion": "latest"}`, "launchTemplateVersion: \"latest\" is not a version"},
		{"", `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "10.0.0.0/8"}`, `subnetId "10.0.0.0/8" is not a subnet`},
		{"", `{` + base + `"vmType": "m5.large", "securityGroupIds": ["default"]}`, `securityGroupIds has "default", which is not a security group`},
		{"", `{` + base + `"vmType": "m5.large", "rootDeviceVolumeSize": 20000}`, "rootDeviceVolumeSize 20000 is out of range"},
		{"", `{` + base + `"vmType": "m5.large", "volumeType": "gp2", "iops": 3000}`, "iops needs volumeType io1, io2 or gp3"},
		{"", `{` + base + `"vmType": "m5.large", "volumeType": "io1"}`, "volumeType io1 needs iops"},
		{"", `{` + base + `"vmType": "m5.large", "instanceTags": "a"}`, `instanceTags: "a" is not a tag; write key=value;key=value`},
		{"", `{` + base + `"vmType": "m5.large", "instanceTags": "a=1;a=2"}`, "instanceTags: the tag a is given twice"},
		{"", `{` + base + `"vmType": "m5.large", "instanceTags": {"AWS:x": "1"}}`, "instanceTags: the tag AWS:x is reserved"},
		{"", `{` + base + `"vmType": "m5.large", "ncpusMode": "threads"}`, `ncpusMode "threads" is not known; use vcpus, cores or sockets`},
		{"", `{` + base + `"vmType": "m5.large", "userDataScript": "missing.sh"}`, "userDataScript: open "},
		{"", `{` + base + `"vmType": "m5.large", "userDataScript": "#!/bin/sh\n` + strings.Repeat("x", 17000) + `"}`, "userDataScript has 17010 bytes; EC2 takes at most 16384"},
	} {
		err := p.Validate(t.Context(), template(test.api, test.fields))
		if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "template compute: ") {
			t.Errorf("%s %s:\n got %v\nwant %s", test.api, test.fields, err, test.want)
		}
	}
	if len(w.Ledger()) > 0 {
		t.Errorf("validating called %v", w.actions())
	}
}

func TestDefaultAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	for fields, want := range map[string]string{
		`"vmType": "m5.large"`:                                      "RunInstances",
		`"vmTypes": {"m5.large": 1}`:                                "RunInstances",
		`"vmTypes": {"m5.large": 1, "c5.large": 1}`:                 "EC2Fleet",
		`"vmType": "m5.large", "priceType": "spot"`:                 "EC2Fleet",
		`"vmType": "m5.large", "context": "c-1"`:                    "EC2Fleet",
		`"vmType": "m5.large", "allocationStrategy": "lowestPrice"`: "EC2Fleet",
		`"vmType": "m5.large", "fleetType": "instant"`:              "EC2Fleet",
		`"launchTemplateId": "lt-0123456789abcdef0"`:                "RunInstances",
	} {
		order, err := p.Prepare(t.Context(), ask(template("", `{"imageId": "`+image+`", `+fields+`}`), 1))
		if err != nil || order.API != want {
			t.Errorf("%s launches by %q, error %v; want %s", fields, order.API, err, want)
		}
	}
}

// TestDefaults checks that a provider's defaults lie below a template's own fields, and that one which does not apply
// to a template does not spoil it.
func TestDefaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	env := w.environment(nil)
	env.Defaults = map[string]json.RawMessage{
		"imageId": json.RawMessage(`"` + image + `"`), "subnetIds": json.RawMessage(`["` + subnetA + `"]`), "vmType": json.RawMessage(`"m5.large"`),
		"maxSpotPrice": json.RawMessage(`0.2`), "fleetRole": json.RawMessage(`"role"`), "allocationStrategy": json.RawMessage(`"capacityOptimized"`),
		"key_name": json.RawMessage(`null`), "max_number": json.RawMessage(`7`),
	}
	p := w.openIn(t, env)
	_, launched := launch(t, p, ask(template("RunInstances", `{"subnetId": "`+subnetB+`", "vmTypes": {"c5.large": 1}}`), 1))
	if i := instance(t, w, launched.Machines[0].ID); i.Image != image || i.Subnet != subnetB || i.Type != "c5.large" {
		t.Errorf("launched %s in %s from %s; want c5.large in %s from the default image", i.Type, i.Subnet, i.Image, subnetB)
	}
	_, launched = launch(t, p, ask(template("", `{"priceType": "spot"}`), 1))
	if i := instance(t, w, launched.Machines[0].ID); i.Type != "m5.large" || i.Subnet != subnetA || i.Fleet == "" {
		t.Errorf("launched %s in %s by fleet %q; want m5.large in %s by a fleet", i.Type, i.Subnet, i.Fleet, subnetA)
	}
}

func TestUserDataFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	env := w.environment(map[string]string{"SCRIPTS": "scripts"})
	env.ConfDir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(env.ConfDir, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(env.ConfDir, "scripts", "boot.sh"), []byte("echo from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := w.openIn(t, env)
	for _, path := range []string{"scripts/boot.sh", "$SCRIPTS/boot.sh", filepath.Join(env.ConfDir, "scripts/boot.sh")} {
		_, launched := launch(t, p, ask(template("", `{"imageId": "`+image+`", "vmType": "m5.large", "userDataScript": "`+path+`"}`), 1))
		if got := instance(t, w, launched.Machines[0].ID).UserData; got != "echo from a file" {
			t.Errorf("userDataScript %s gives %q", path, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	p, ok := newWorld(t, awssim.Options{}).open(t).(provider.Attributer)
	if !ok {
		t.Fatal("the provider tells no attributes")
	}
	for fields, want := range map[string]string{
		`"vmType": "t3.medium"`:                          "X86_64 2 1 4096",
		`"vmType": "m5.xlarge"`:                          "X86_64 4 1 16384",
		`"vmType": "c5.4xlarge"`:                         "X86_64 16 1 32768",
		`"vmType": "c5.4xlarge", "ncpusMode": "cores"`:   "X86_64 8 1 32768",
		`"vmType": "c5.4xlarge", "ncpusMode": "sockets"`: "X86_64 1 8 32768",
		`"vmType": "m6g.large"`:                          "AARCH64 2 1 8192",
		`"vmType": "t2.micro"`:                           "X86_64 1 1 1024",
		`"vmTypes": {"c5.xlarge": 1, "r5.large": 2}`:     "X86_64 2 1 8192",
		`"vmTypes": {"m5.xlarge": 1}, "vmTypesOnDemand": {"c5.large": 1}, "priceType": "heterogeneous"`:  "X86_64 2 1 4096",
		`"vmTypes": {"m5.xlarge": 1}, "vmTypesOnDemand": {"m6g.large": 1}, "priceType": "heterogeneous"`: "template compute: m5.xlarge and m6g.large are of different architectures",
		`"vmType": "m99.large"`:                       `template compute: machine type "m99.large" is not in the table`,
		`"vmTypes": {"c5.xlarge": 1, "c6g.large": 2}`: "template compute: c6g.large and c5.xlarge are of different architectures",
		`"launchTemplateId": "lt-1"`:                  "template compute: the machine type is in the launch template",
	} {
		got, err := p.Attributes(template("", `{"imageId": "`+image+`", `+fields+`}`))
		text := strings.Join([]string{got["type"].Value, got["ncpus"].Value, got["ncores"].Value, got["nram"].Value}, " ")
		if err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s has the attributes %s, want %s", fields, text, want)
		}
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	p, ok := newWorld(t, awssim.Options{}).open(t).(provider.Lister)
	if !ok {
		t.Fatal("the provider lists nothing")
	}
	for name, test := range map[string]struct{ fields, want string }{
		"on demand": {
			fields: `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "subnet-1,subnet-2", "instanceTags": {"b": "2", "a": "1"},
				"userDataScript": "#!/bin/sh\nexport PASSWORD=secret", "maxSpotPrice": 0.1, "fleetRole": "r", "percentOnDemand": 0}`,
			want: `{"imageId":"` + image + `","instanceTags":"a=1;b=2","subnetId":"subnet-1,subnet-2","vmType":"m5.large","vmTypes":{}}`,
		},
		"spot": {
			fields: `{"imageId": "` + image + `", "vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "priceType": "spot", "maxSpotPrice": 0.1,
				"fleetRole": "r", "vmTypesOnDemand": {"m5.large": 1}, "instanceTags": "b=2;a=1"}`,
			want: `{"fleetRole":"r","imageId":"` + image + `","instanceTags":"a=1;b=2","maxSpotPrice":0.1,"priceType":"spot","vmTypes":{"m5.large":1,"m5.xlarge":2}}`,
		},
		"heterogeneous": {
			fields: `{"vmTypes": {"m5.large": 1}, "priceType": "heterogeneous", "percentOnDemand": 20, "launch_template_spec": {"UserData": "secret"}}`,
			want:   `{"percentOnDemand":20,"priceType":"heterogeneous","vmTypes":{"m5.large":1}}`,
		},
	} {
		shown, err := p.Listing(template("", test.fields))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestOrders compares the calls that are stored and sent with golden files.
func TestOrders(t *testing.T) {
	t.Parallel()
	subnets := `"subnetId": ["` + subnetA + `", "` + subnetB + `"]`
	rich := `{"imageId": "` + image + `", "vmTypes": {"m5.large": 1, "m5.xlarge": 2}, ` + subnets + `, "securityGroupIds": ["sg-00000000000000001"],
		"keyName": "ops", "instanceProfile": "compute", "userDataScript": "#!/bin/sh\necho hello\n", "instanceTags": "team=risk",
		"rootDeviceVolumeSize": 50, "volumeType": "gp3", "iops": 4000, "monitoring": true, "ebsOptimized": true`
	for name, test := range map[string]struct {
		api, fields string
		count       int
	}{
		"runinstances-ondemand":      {"RunInstances", `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `"}`, 100},
		"runinstances-spot":          {"RunInstances", rich + `, "priceType": "spot", "maxSpotPrice": "0.045", "associatePublicIpAddress": false}`, 5},
		"runinstances-own-template":  {"RunInstances", `{"launchTemplateId": "lt-0123456789abcdef0", "keyName": "ops", "userDataScript": "#!/bin/sh", "monitoring": false, "instanceProfile": "arn:aws-cn:iam::1:instance-profile/x"}`, 2},
		"ec2fleet-ondemand":          {"EC2Fleet", rich + `, "vmTypesPriority": {"m5.large": 1, "m5.xlarge": 0}, "context": "c-1"}`, 5},
		"ec2fleet-ondemand-in-order": {"EC2Fleet", `{"imageId": "/images/compute", "vmTypes": {"m5.large": 2, "c5.large": 1}, "allocationStrategyOnDemand": "prioritized"}`, 5},
		"ec2fleet-spot":              {"EC2Fleet", rich + `, "priceType": "spot", "maxSpotPrice": 0.05, "allocationStrategy": "lowestPrice", "poolsCount": 2, "associatePublicIpAddress": true}`, 9},
		"ec2fleet-spot-pools":        {"EC2Fleet", `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `", "priceType": "spot", "poolsCount": 3}`, 9},
		"ec2fleet-own-template":      {"EC2Fleet", `{"launchTemplateId": "lt-0123456789abcdef0", "launchTemplateVersion": "$Latest", "vmType": "c5.large", "keyName": "ops", "priceType": "spot"}`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{Parameters: map[string]string{"/images/compute": image}})
			a := provider.Ask{Request: "req-01020304-0506-7708-890a-0b0c0d0e0f10", Attempt: 2, Template: template(test.api, test.fields), Count: test.count}
			order, err := w.open(t).Prepare(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(order, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestTokens checks that a token tells installation, request and attempt apart, and nothing else.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	other := w.environment(nil)
	other.Installation = "fedcba9876543210"
	a := ask(template("RunInstances", plain), 1)
	b, c := a, a
	b.Attempt = 2
	c.Request = "req-01020304-0506-7708-890a-0b0c0d0e0f10"
	tokens := map[string]bool{}
	for _, prepared := range []struct {
		p   provider.Provider
		ask provider.Ask
	}{{w.open(t), a}, {w.open(t), a}, {w.open(t), b}, {w.open(t), c}, {w.openIn(t, other), a}} {
		order, err := prepared.p.Prepare(t.Context(), prepared.ask)
		if err != nil {
			t.Fatal(err)
		}
		tokens[order.Token] = true
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(order.Token) {
			t.Errorf("token %q is not 64 hexadecimal digits", order.Token)
		}
	}
	if len(tokens) != 4 {
		t.Errorf("five orders, two of them the same, have %d tokens: %v", len(tokens), slices.Sorted(maps.Keys(tokens)))
	}
}

// TestImageAliases checks that an alias is resolved once, remembered by every process, and stored with the order.
func TestImageAliases(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Parameters: map[string]string{"/images/compute": image}})
	asked := ask(template("RunInstances", `{"imageId": "/images/compute", "vmType": "m5.large", "subnetId": "`+subnetA+`", "rootDeviceVolumeSize": 50}`), 1)
	order, launched := launch(t, w.open(t), asked)
	if got := instance(t, w, launched.Machines[0].ID).Image; got != image || strings.Contains(string(order.Call), "/images/compute") {
		t.Errorf("launched %s by %s; want %s", got, order.Call, image)
	}
	again := asked
	again.Attempt = 2
	launch(t, w.open(t), again)
	other := asked
	other.Request = "req-01020304-0506-7708-890a-0b0c0d0e0f10"
	launch(t, w.open(t), other)
	if n := len(slices.DeleteFunc(w.actions(), func(action string) bool { return action != "GetParameter" })); n != 1 {
		t.Errorf("three launches by three processes asked for the alias %d times", n)
	}
	unknown := ask(template("", `{"imageId": "resolve:ssm:/images/none:3", "vmType": "m5.large"}`), 1)
	_, err := w.open(t).Prepare(t.Context(), unknown)
	if want := "template compute: imageId: the SSM parameter /images/none:3 does not exist in this region; correct it, or create the parameter"; !errors.Is(err, ohfp.ErrInvalid) || err.Error() != want {
		t.Errorf("an alias that does not exist gives %v, want %s", err, want)
	}
}

package aws_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

const plain = `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `"}`

// TestCallsPerOperation counts calls by the simulator's ledger.
func TestCallsPerOperation(t *testing.T) {
	t.Parallel()
	for api, action := range map[string]string{"RunInstances": "RunInstances", "EC2Fleet": "CreateFleet"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			p := w.open(t)
			calls := func(what string, do func(), want ...string) {
				t.Helper()
				w.ResetLedger()
				do()
				if diff := cmp.Diff(want, w.actions()); diff != "" {
					t.Errorf("%s made other calls (-want +got):\n%s", what, diff)
				}
			}
			first, second := ask(template(api, plain), 100), ask(template(api, plain), 1000)
			var launched provider.Launched
			calls("the first launch", func() { launch(t, p, first) }, action, "CreateLaunchTemplate", action)
			calls("the next launch, in another process", func() { _, launched = launch(t, w.open(t), second) }, action)
			if len(launched.Machines) != 1000 {
				t.Fatalf("launched %d machines, want 1000", len(launched.Machines))
			}
			scope := provider.Scope{Request: second.Request, Resources: []string{launched.Resource}, Machines: ids(launched.Machines)}
			calls("observing 1,000 machines", func() {
				seen, err := p.Observe(t.Context(), []provider.Scope{scope})
				if err != nil || !seen.Complete || len(seen.Machines) != 1000 {
					t.Errorf("observed %d machines, complete %t, error %v; want 1000", len(seen.Machines), seen.Complete, err)
				}
			}, "DescribeInstances")
			calls("terminating 1,000 machines", func() {
				ended, err := p.Terminate(t.Context(), launched.Machines, nil)
				if err != nil || len(ended) != 1000 {
					t.Errorf("ended %d machines, error %v; want 1000", len(ended), err)
				}
			}, "TerminateInstances")
			w.advance(time.Minute)
			retire := []string(nil)
			if api == "EC2Fleet" {
				retire = []string{"DescribeInstances", "DeleteFleets"}
			}
			calls("retiring", func() {
				if err := p.Retire(t.Context(), launched.Resource); err != nil {
					t.Error(err)
				}
			}, retire...)
			calls("health", func() {
				who, err := health(t, p)
				if err != nil || !strings.HasPrefix(who, "arn:aws:") || !strings.HasSuffix(who, " in us-east-1") {
					t.Errorf("health says %q, error %v", who, err)
				}
			}, "GetCallerIdentity")
		})
	}
}

func health(t *testing.T, p provider.Provider) (string, error) {
	t.Helper()
	checker, ok := p.(provider.HealthChecker)
	if !ok {
		t.Fatal("the provider cannot tell whether it works")
	}
	return checker.Health(t.Context())
}

func TestSubnetsAndImagesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Images: []awssim.Image{{ID: image, RootDevice: "/dev/sda1"}}})
	fields := `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": ["` + subnetA + `", "` + subnetB + `"],
		"rootDeviceVolumeSize": 40, "volumeType": "gp3", "iops": 4000}`
	if _, err := w.open(t).Prepare(t.Context(), ask(template("EC2Fleet", fields), 1)); err != nil {
		t.Fatal(err)
	}
	if got, want := w.actions(), []string{"DescribeSubnets", "DescribeImages"}; !slices.Equal(got, want) {
		t.Errorf("preparing called %v, want %v", got, want)
	}
	w.ResetLedger()
	_, launched := launch(t, w.open(t), ask(template("RunInstances", fields), 1))
	if slices.ContainsFunc(w.actions(), func(a string) bool { return strings.HasPrefix(a, "Describe") }) {
		t.Errorf("another process asked again: %v", w.actions())
	}
	spec := instance(t, w, launched.Machines[0].ID).Spec
	if len(spec.BlockDevices) != 1 || spec.BlockDevices[0].Device != "/dev/sda1" || *spec.BlockDevices[0].EBS.VolumeSize != 40 {
		t.Errorf("block devices are %+v, want /dev/sda1 with 40 GiB", spec.BlockDevices)
	}
}

func instance(tb testing.TB, w *world, id ohfp.MachineID) awssim.Instance {
	tb.Helper()
	for _, i := range w.Instances() {
		if i.ID == string(id) {
			return i
		}
	}
	tb.Fatalf("instance %s does not exist", id)
	return awssim.Instance{}
}

// TestFieldsReachTheMachines launches with every field and looks at what the instances got.
func TestFieldsReachTheMachines(t *testing.T) {
	t.Parallel()
	fields := `{
		"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `", "securityGroupIds": "sg-00000000000000001",
		"keyName": "ops", "instanceProfile": "arn:aws-us-gov:iam::123456789012:instance-profile/compute",
		"userDataScript": "#!/bin/sh\necho hello", "instanceTags": "team=risk;cost center=42;empty=",
		"monitoring": true, "ebsOptimized": true%s
	}`
	for _, api := range []string{"RunInstances", "EC2Fleet"} {
		for name, test := range map[string]struct {
			more     string
			publicIP bool
		}{
			"plain":         {},
			"with address":  {more: `, "associatePublicIpAddress": true`, publicIP: true},
			"spot":          {more: `, "priceType": "spot", "maxSpotPrice": 0.09`},
			"image by path": {more: `, "imageId": "/images/compute"`},
		} {
			t.Run(api+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, awssim.Options{Parameters: map[string]string{"/images/compute": image}})
				p := w.open(t)
				a := ask(template(api, strings.ReplaceAll(fields, "%s", test.more)), 2)
				_, launched := launch(t, p, a)
				w.advance(time.Minute)
				seen, err := p.Observe(t.Context(), []provider.Scope{{Request: a.Request}})
				if err != nil || len(seen.Machines) != 2 {
					t.Fatalf("observed %d machines, error %v", len(seen.Machines), err)
				}
				m, i := seen.Machines[0], instance(t, w, launched.Machines[0].ID)
				for what, pair := range map[string][2]any{
					"image":     {m.Image, image},
					"user data": {i.UserData, "#!/bin/sh\necho hello"},
					"key":       {i.Spec.KeyName, "ops"},
					"tags":      {m.Tags, "cost center=42;empty=;team=risk"},
					"public":    {m.PublicIP != "", test.publicIP},
					"subnet":    {m.Subnet, subnetA},
					"spot":      {m.Lifecycle == ohfp.Spot, name == "spot"},
					"profile":   {i.Spec.InstanceProfile.Arn, "arn:aws-us-gov:iam::123456789012:instance-profile/compute"},
					"monitored": {*i.Spec.Monitoring.Enabled, true},
					"optimized": {*i.Spec.EBSOptimized, true},
					"request":   {i.Tags["ohfp:request-id"], string(a.Request)},
					"template":  {i.Tags["ohfp:template-id"], "compute"},
					"owner":     {i.Tags["ohfp:installation"], "0123456789abcdef"},
					"manager":   {i.Tags["ohfp:managed-by"], "ohfp"},
				} {
					if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
						t.Errorf("%s (-want +got):\n%s", what, diff)
					}
				}
				tags := w.LaunchTemplates()[0].Tags
				if tags["ohfp:installation"] == "" || tags["ohfp:template-id"] == "" || tags["ohfp:request-id"] != "" {
					t.Errorf("the launch template has the tags %v; want installation and template, and no request", tags)
				}
			})
		}
	}
}

func TestOperatorsLaunchTemplate(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"RunInstances", "EC2Fleet"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			p := w.open(t)
			launch(t, p, ask(template("RunInstances", plain), 1)) // makes a launch template, which plays the operator's
			base := w.LaunchTemplates()[0]
			w.ResetLedger()
			const other = "ami-0aaaaaaaaaaaaaaaa"
			_, launched := launch(t, p, ask(template(api, `{"launchTemplateId": "`+base.ID+`", "vmType": "c5.large", "imageId": "`+other+`", "launchTemplateVersion": 1}`), 2))
			if i := instance(t, w, launched.Machines[1].ID); i.Type != "c5.large" || i.Spec.ImageID != other {
				t.Errorf("launched type %s, image %s; want c5.large and %s over the template's", i.Type, i.Spec.ImageID, other)
			}
			if len(w.actions()) != 1 || len(w.LaunchTemplates()) != 1 {
				t.Errorf("calls %v and %d launch templates; want one call and the operator's template alone", w.actions(), len(w.LaunchTemplates()))
			}
		})
	}
}

func TestMachinesInsteadOfUnits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	fields := `{"imageId": "` + image + `", "vmTypes": {"m5.xlarge": 2, "m5.2xlarge": 4}, "subnetId": "` + subnetA + `", "priceType": "%s"}`
	for name, test := range map[string]struct {
		price string
		unit  ohfp.CapacityUnit
		want  func(machines, units int) bool
	}{
		"spot counts units":             {"spot", ohfp.CapacityDefault, func(machines, units int) bool { return machines < 8 && units >= 8 && units < 12 }},
		"spot told to count machines":   {"spot", ohfp.CapacityMachines, func(machines, units int) bool { return machines == 8 && units == 8 }},
		"on demand counts machines":     {"ondemand", ohfp.CapacityDefault, func(machines, units int) bool { return machines == 8 && units == 8 }},
		"on demand told to count units": {"ondemand", ohfp.CapacityUnits, func(machines, units int) bool { return machines < 8 && units >= 8 && units < 12 }},
	} {
		for _, api := range []string{"RunInstances", "EC2Fleet"} {
			tmpl := template(api, strings.ReplaceAll(fields, "%s", test.price))
			tmpl.CapacityUnit = test.unit
			_, launched := launch(t, p, ask(tmpl, 8))
			units := 0
			for _, m := range launched.Machines {
				units += m.Units()
			}
			if !test.want(len(launched.Machines), units) {
				t.Errorf("%s, %s: 8 brought %d machines, %d units", api, name, len(launched.Machines), units)
			}
		}
	}
}

func TestErrorsKeepTheCloudsWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{MissingImages: []string{"ami-0000000000000dead"}})
	p := w.open(t)
	order, err := p.Prepare(t.Context(), ask(template("RunInstances", strings.ReplaceAll(plain, image, "ami-0000000000000dead")), 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Launch(t.Context(), order)
	var refusal *ohfp.CloudError
	if !errors.As(err, &refusal) || !errors.Is(err, ohfp.ErrNotFound) {
		t.Fatalf("a missing image is %v, want a refusal of kind not found", err)
	}
	if refusal.Code != "InvalidAMIID.NotFound" || refusal.Operation != "RunInstances" || refusal.RequestID == "" || refusal.Message == "" {
		t.Errorf("the refusal is %+v", refusal)
	}
}

func TestRetriesAreTheSDKs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t, `{"max_retries": 1}`)
	a := ask(template("RunInstances", plain), 1)
	launch(t, p, a)
	for code, want := range map[string]int{"RequestLimitExceeded": 2, "InternalError": 2, "InsufficientInstanceCapacity": 1, "UnauthorizedOperation": 1} {
		w.ClearFailures()
		w.ResetLedger()
		if err := w.FailNext("RunInstances", code, -1); err != nil {
			t.Fatal(err)
		}
		a.Attempt++
		order, err := p.Prepare(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Launch(t.Context(), order); err == nil {
			t.Errorf("%s: no error", code)
		}
		if got := len(w.Ledger()); got != want {
			t.Errorf("%s was tried %d times, want %d", code, got, want)
		}
	}
}

func TestLaunchTemplatesAreShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	other := template("RunInstances", plain)
	other.ID = "other"
	for _, tmpl := range []ohfp.Template{template("RunInstances", plain), template("EC2Fleet", plain), other} {
		launch(t, w.open(t), ask(tmpl, 1))
		launch(t, w.open(t), ask(tmpl, 2))
	}
	if got := len(w.LaunchTemplates()); got != 2 {
		t.Errorf("there are %d launch templates, want one per template", got)
	}
}

func TestRetireLongAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("EC2Fleet", plain), 2))
	if _, err := p.Terminate(t.Context(), launched.Machines, nil); err != nil {
		t.Fatal(err)
	}
	w.advance(3 * time.Hour) // EC2 shows ended instances for an hour
	w.ResetLedger()
	if err := p.Retire(t.Context(), launched.Resource); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"DescribeInstances", "DescribeFleets", "DescribeInstances", "DeleteFleets"}, w.actions()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if state := w.Fleets()[0].State; !strings.HasPrefix(state, "deleted") {
		t.Errorf("the fleet is %s", state)
	}
}

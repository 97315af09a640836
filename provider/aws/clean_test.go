package aws_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

const day = 24 * time.Hour

// clean cleans as a chore of another process would, and returns the names of what it removed.
func clean(tb testing.TB, w *world, c provider.Cleaning) []string {
	tb.Helper()
	cleaner, ok := w.open(tb).(provider.Cleaner)
	if !ok {
		tb.Fatal("the provider cannot clean up")
	}
	removed, err := cleaner.Clean(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	names := make([]string, len(removed))
	for i, r := range removed {
		if r.Kind != "launch-template" || r.ID == "" || r.Details["template"] != "compute" || r.Details["created"] == "" {
			tb.Errorf("removed %+v", r)
		}
		names[i] = r.Name
	}
	return names
}

func shelf(w *world) []string {
	var names []string
	for _, t := range w.LaunchTemplates() {
		names = append(names, t.Name)
	}
	return names
}

// TestUnusedLaunchTemplatesGo moves the clock past the last use of launch templates.
func TestUnusedLaunchTemplatesGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	unused := provider.Cleaning{UnusedFor: day}
	single := template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large"}`)
	_, launched := launch(t, w.open(t), ask(single, 1))
	w.advance(20 * time.Hour)
	launch(t, w.open(t), ask(single, 1))
	w.advance(20 * time.Hour)
	if removed := clean(t, w, unused); len(removed) > 0 {
		t.Errorf("20 hours after its last use, %v is removed", removed)
	}
	w.advance(6 * time.Hour)
	own := shelf(w)
	if removed := clean(t, w, provider.Cleaning{UnusedFor: day, DryRun: true}); !slices.Equal(removed, own) || !slices.Equal(shelf(w), own) {
		t.Errorf("a dry run tells %v and leaves %v of %v", removed, shelf(w), own)
	}
	if _, err := w.open(t).Terminate(t.Context(), launched.Machines, nil); err != nil || !slices.Equal(shelf(w), own) {
		t.Errorf("a return leaves %v of %v, error %v", shelf(w), own, err)
	}
	if removed := clean(t, w, unused); !slices.Equal(removed, own) || len(shelf(w)) > 0 {
		t.Errorf("after 26 hours, %v are removed and %v are left, want %v and none", removed, shelf(w), own)
	}
	// A launch that comes at once waits until EC2 has forgotten the template everywhere, then makes it again.
	a := ask(single, 1)
	p := w.open(t)
	order, err := p.Prepare(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Launch(t.Context(), order); !ohfp.OutcomeUnknown(err) {
		t.Errorf("a launch while the template is removed: %v, want one that is repeated", err)
	}
	w.advance(time.Minute)
	if _, err := p.Launch(t.Context(), order); err != nil || !slices.Equal(shelf(w), own) {
		t.Errorf("a launch after that: launch templates %v, error %v", shelf(w), err)
	}
}

// TestUsedLaunchTemplatesStay keeps what orders refer to, what others made, and what another installation made.
func TestUsedLaunchTemplatesStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	g := grow(t, w, template("EC2Fleet", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", "fleetType": "maintain"}`), 2)
	kept := shelf(w)
	env := w.environment(nil)
	env.Installation = "fedcba9876543210"
	launch(t, w.openIn(t, env), ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large"}`), 1))
	operator := ec2.New(ec2.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(w.url), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDOPERATOR", SecretAccessKey: "secret"}, nil
		}),
	})
	tags := []types.Tag{
		{Key: aws.String("ohfp:installation"), Value: aws.String("0123456789abcdef")}, {Key: aws.String("ohfp:managed-by"), Value: aws.String("ohfp")},
	}
	for name, tags := range map[string][]types.Tag{
		"operators-own": nil, "operators-copy": tags, "ohfp-0123456789abcdef0123456789abcdef": tags[:1], "ohfp-0123456789abcdef": tags,
	} {
		if _, err := operator.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String(name), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image)},
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: tags}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.advance(100 * day)
	all := shelf(w)
	if removed := clean(t, w, provider.Cleaning{UnusedFor: day, InUse: []ohfp.Order{g.order}}); len(removed) > 0 || !slices.Equal(shelf(w), all) {
		t.Errorf("removed %v, left %v of %v", removed, shelf(w), all)
	}
	if removed := clean(t, w, provider.Cleaning{}); !slices.Equal(removed, kept) {
		t.Errorf("removed %v, want %v: nothing refers to it", removed, kept)
	}
	if left := shelf(w); len(left) != len(all)-1 {
		t.Errorf("left %v of %v", left, all)
	}
}

// TestCleaningManyLaunchTemplates reads every page.
func TestCleaningManyLaunchTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	for n := range 210 {
		many := template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "keyName": "key-`+string(rune('a'+n%26))+string(rune('a'+n/26))+`"}`)
		launch(t, p, ask(many, 1))
	}
	w.advance(2 * day)
	if removed := clean(t, w, provider.Cleaning{UnusedFor: day}); len(removed) != 210 || len(shelf(w)) > 0 {
		t.Errorf("removed %d, left %d of 210", len(removed), len(shelf(w)))
	}
}

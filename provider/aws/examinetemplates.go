package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/catalog"
	"github.com/openhostfactory/ohfp/provider/aws/internal/discovery"
)

// subnetsPerCall is how many values EC2 takes in one filter.
const subnetsPerCall = 200

// references looks for what the templates name, a kind at a time, so that one that may not be read spoils no other.
// Images have a look of their own.
func (e *examination) references(ctx context.Context) {
	type use struct{ kind, id, field string }
	users := map[use][]string{} // the templates
	kinds := map[string][]provider.Resource{}
	for _, s := range e.subjects {
		for _, r := range discovery.References(s.spec) {
			if r.Kind == discovery.KindImage {
				continue
			}
			u := use{r.Kind, r.ID, r.Field}
			if users[u] == nil {
				kinds[r.Kind] = append(kinds[r.Kind], r)
			}
			users[u] = append(users[u], string(s.template.ID))
		}
	}
	looked, bad := 0, false
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		looked += len(kinds[kind])
		missing, err := discovery.Account{API: e.api}.Missing(ctx, kinds[kind])
		if err != nil {
			bad = true
			e.say(lookReferences, provider.LevelWarning, kind, "whether it is there could not be looked up: "+brief(err),
				"allow it (ohfp providers iam-policy --feature discovery), or look by hand")
			continue
		}
		for _, r := range missing {
			bad = true
			e.say(lookReferences, provider.LevelFailure, strings.Join(slices.Compact(users[use{r.Kind, r.ID, r.Field}]), ", "),
				r.Field+" names the "+r.Kind+" "+r.ID+", which does not exist in this account and region",
				"correct "+r.Field+"; ohfp infrastructure discover lists what there is")
		}
	}
	if !bad && looked > 0 {
		e.fine(lookReferences, e.name, "everything that templates name is there: "+ohfp.Count(looked, "thing"))
	}
}

// subnets looks at the addresses that are left for the machines of each template.
func (e *examination) subnets(ctx context.Context) {
	var ids []string
	for _, s := range e.subjects {
		ids = append(ids, s.spec.Subnets...)
	}
	slices.Sort(ids)
	free := map[string]int{}
	for some := range slices.Chunk(slices.Compact(ids), subnetsPerCall) {
		out, err := e.api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("subnet-id"), Values: some}}})
		if err != nil {
			e.say(lookSubnets, provider.LevelWarning, e.name, "their free addresses could not be read: "+brief(err), "allow ec2:DescribeSubnets; ohfp providers iam-policy prints the policy that is needed")
			return
		}
		for _, s := range out.Subnets {
			free[aws.ToString(s.SubnetId)] = int(aws.ToInt32(s.AvailableIpAddressCount))
		}
	}
	bad := false
	for _, s := range e.subjects {
		left, known := 0, false
		for _, id := range s.spec.Subnets {
			n, there := free[id]
			left, known = left+n, known || there
		}
		most := max(s.template.MaxNumber, 1) // of an unlimited one, at least a machine
		if !known || left >= most {
			continue
		}
		bad = true
		level := provider.LevelWarning
		if left == 0 {
			level = provider.LevelFailure
		}
		e.say(lookSubnets, level, string(s.template.ID), fmt.Sprintf("%s: %s in all, for up to %s", strings.Join(s.spec.Subnets, ", "), ohfp.Count(left, "free address"), ohfp.Count(most, "machine")),
			"add a subnet to subnetId, free addresses, or lower maxNumber while Host Factory is stopped")
	}
	if !bad && len(free) > 0 {
		e.fine(lookSubnets, e.name, "their free addresses are enough for every template alone")
	}
}

// images looks at each image: that it is there, can be used, and runs on the machine types.
func (e *examination) images(ctx context.Context) {
	byName := map[string][]subject{}
	for _, s := range e.subjects {
		if s.spec.Image != "" {
			byName[s.spec.Image] = append(byName[s.spec.Image], s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		e.image(ctx, name, byName[name])
	}
}

func (e *examination) image(ctx context.Context, name string, users []subject) {
	var about []string
	for _, s := range users {
		about = append(about, string(s.template.ID))
	}
	of := strings.Join(about, ", ")
	id := name
	var err error
	if parameter, isAlias := catalog.Alias(name); isAlias {
		id, err = catalog.Catalog{API: e.api}.Resolve(ctx, parameter)
	}
	var out *ec2.DescribeImagesOutput
	if err == nil {
		out, err = e.api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	}
	switch {
	case errors.Is(err, ohfp.ErrNotFound), errors.Is(err, ohfp.ErrInvalid), err == nil && len(out.Images) == 0:
		text := "image " + name + " does not exist in this region"
		if err != nil {
			text = brief(err)
		}
		e.say(lookImages, provider.LevelFailure, of, text, "correct imageId; images have another id in each region")
		return
	case err != nil:
		e.say(lookImages, provider.LevelWarning, of, "image "+name+" could not be looked at: "+brief(err), "allow ec2:DescribeImages and ssm:GetParameter; ohfp providers iam-policy prints the policy that is needed")
		return
	}
	found := out.Images[0]
	if found.State != "" && found.State != types.ImageStateAvailable {
		e.say(lookImages, provider.LevelFailure, of, fmt.Sprintf("image %s is %s", name, found.State), "wait until it is available, or use another in imageId")
		return
	}
	if until, err := time.Parse(time.RFC3339, aws.ToString(found.DeprecationTime)); err == nil && until.Before(e.now()) {
		e.say(lookImages, provider.LevelWarning, of, "image "+name+" is deprecated since "+until.Format(time.DateOnly), "use a newer one in imageId")
	}
	bad := false
	for _, s := range users {
		if wrong := misfits(s, string(found.Architecture)); len(wrong) > 0 {
			bad = true
			e.say(lookImages, provider.LevelFailure, string(s.template.ID), fmt.Sprintf("image %s is for %s, %s", name, found.Architecture, strings.Join(wrong, ", ")),
				"use an image of the architecture of the machine types, and types of one architecture")
		}
	}
	if !bad {
		e.fine(lookImages, of, fmt.Sprintf("%s, %s", name, found.Architecture))
	}
}

// misfits are the machine types of a template that cannot run an image. A type that is not in the table may do.
func misfits(s subject, architecture string) []string {
	var wrong []string
	for _, t := range append(slices.Clone(s.spec.Types), s.spec.OnDemandTypes...) {
		known, err := catalog.Lookup(t.Name)
		if err != nil || architecture == "" || known.Arch == architecture || known.Arch == "i386" && architecture == "x86_64" {
			continue
		}
		wrong = append(wrong, t.Name+" is "+known.Arch)
	}
	return wrong
}

package launchtemplate

import (
	"context"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// Shelf is the launch templates of one installation in one account and region.
type Shelf struct {
	API          awsapi.API
	Memory       provider.Memory
	Prefix       string // of the keys in Memory
	Installation ohfp.InstallationID
	Now          func() time.Time
}

const (
	// noteAfter is how old the note of a launch template's last use may get: launches write it at most that often.
	noteAfter = time.Hour
	// keepNotes outlives every time that an unused launch template may be kept.
	keepNotes = 31 * 24 * time.Hour

	// removing is the note of a launch template that is being removed. It stays until EC2 no longer shows the template
	// anywhere: a fleet that goes on by itself would be made, and then find nothing to launch from.
	removing     = "removing"
	removeWithin = 30 * time.Second

	// maxPage is how many launch templates one page of DescribeLaunchTemplates has.
	maxPage = 200
)

var (
	namesAndIDs = regexp.MustCompile(`\b(` + namePrefix + `[0-9a-f]{32}|lt-[0-9a-f]+)\b`)
	ownName     = regexp.MustCompile(`^` + namePrefix + `[0-9a-f]{32}$`)
)

// Referred are the launch templates that stored calls refer to, by name or id.
func Referred(orders []ohfp.Order) map[string]bool {
	referred := map[string]bool{}
	for _, order := range orders {
		for _, name := range namesAndIDs.FindAll(order.Call, -1) {
			referred[string(name)] = true
		}
	}
	return referred
}

// take notes that a launch uses a launch template now. It returns false while that is being removed. A memory that does not
// work forbids nothing.
func (s Shelf) take(ctx context.Context, name string) bool {
	for range 3 { // processes that write the same note at once need no more
		known, ok, err := s.Memory.Recall(ctx, s.key(name))
		switch {
		case ok && string(known) == removing:
			return false
		case err != nil || ok && s.Now().Sub(noted(known)) < noteAfter || s.note(ctx, name, known):
			return true
		}
	}
	return true
}

// note writes the note of a use over another, and says whether there is nothing more to do.
func (s Shelf) note(ctx context.Context, name string, known []byte) bool {
	if len(known) == 0 {
		known = nil
	}
	won, err := s.Memory.Swap(ctx, s.key(name), known, []byte(s.Now().UTC().Format(time.RFC3339)), keepNotes)
	return won || err != nil
}

// noted is when a note was written, long ago for what is none.
func noted(note []byte) time.Time {
	at, err := time.Parse(time.RFC3339, string(note))
	if err != nil {
		return time.Time{}
	}
	return at
}

func (s Shelf) key(name string) string { return s.Prefix + "template/" + name }

// Clean removes our launch templates that are neither referred to, by name or id, nor were made or used within a time.
// One that is not there any more is no error.
func (s Shelf) Clean(ctx context.Context, referred map[string]bool, unusedFor time.Duration, dryRun bool) ([]provider.Resource, error) {
	var removed []provider.Resource
	in := &ec2.DescribeLaunchTemplatesInput{
		MaxResults: aws.Int32(maxPage),
		Filters: []types.Filter{
			instances.Tagged(instances.TagInstallation, string(s.Installation)),
			instances.Tagged(instances.TagManagedBy, instances.ManagedBy),
		},
	}
	for {
		out, err := s.API.DescribeLaunchTemplates(ctx, in)
		if err != nil {
			return removed, err
		}
		for _, t := range out.LaunchTemplates {
			name, id := aws.ToString(t.LaunchTemplateName), aws.ToString(t.LaunchTemplateId)
			if !ownName.MatchString(name) || referred[name] || referred[id] || s.Now().Sub(aws.ToTime(t.CreateTime)) < unusedFor {
				continue
			}
			gone, err := s.remove(ctx, name, id, unusedFor, dryRun)
			if gone {
				removed = append(removed, described(t))
			}
			if err != nil {
				return removed, err
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return removed, nil
		}
		in.NextToken = out.NextToken
	}
}

// remove removes one launch template unless it was used within a time or somebody takes it just now.
func (s Shelf) remove(ctx context.Context, name, id string, unusedFor time.Duration, dryRun bool) (bool, error) {
	known, ok, err := s.Memory.Recall(ctx, s.key(name))
	switch {
	case err != nil:
		return false, err
	case !ok:
		known = nil
	case unusedFor > 0 && s.Now().Sub(noted(known)) < unusedFor+noteAfter:
		return false, nil
	}
	if dryRun {
		return true, nil
	}
	if mine, err := s.Memory.Swap(ctx, s.key(name), known, []byte(removing), removeWithin); err != nil || !mine {
		return false, err
	}
	_, err = s.API.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String(id)})
	if MissingCode(awsapi.Code(err)) || awsapi.Code(err) == "InvalidLaunchTemplateId.NotFound" {
		err = nil
	}
	return err == nil, err
}

// described is a launch template as people see it.
func described(t types.LaunchTemplate) provider.Resource {
	r := provider.Resource{
		Kind: "launch-template", ID: aws.ToString(t.LaunchTemplateId), Name: aws.ToString(t.LaunchTemplateName),
		Details: map[string]string{"created": aws.ToTime(t.CreateTime).UTC().Format(time.RFC3339)},
	}
	for _, tag := range t.Tags {
		if aws.ToString(tag.Key) == instances.TagTemplate {
			r.Details["template"] = aws.ToString(tag.Value)
		}
	}
	return r
}

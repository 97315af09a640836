// Package launchtemplate keeps the launch templates that launches refer to: named by the hash of their content, shared
// by requests, made only when EC2 says that one is missing, removed when nothing has used one for a while.
// It refuses to change a launch template, and never touches one that an operator made.
package launchtemplate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// namePrefix begins the names of our launch templates; 32 hexadecimal digits follow.
const namePrefix = "ohfp-"

// Version is the only version that a launch template of ours has.
const Version = "1"

// Describe makes the call that creates the launch template with this content. The name says what is in it, so equal
// content is made once, and never for two installations or templates together: its tags tell whose it is.
func Describe(data *types.RequestLaunchTemplateData, tags []types.Tag) (*ec2.CreateLaunchTemplateInput, error) {
	content, err := awsapi.Encode(map[string]any{"data": data, "tags": tags})
	if err != nil {
		return nil, err
	}
	return &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(namePrefix + digest(content)),
		LaunchTemplateData: data,
		TagSpecifications:  []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: tags}},
	}, nil
}

// Missing says whether a launch failed because its launch template, named by us, does not exist. Auto Scaling and the
// fleets that check their configuration have one code for everything that is wrong with it.
func Missing(err error) bool {
	var cloud *ohfp.CloudError
	if !errors.As(err, &cloud) {
		return false
	}
	message := strings.ToLower(cloud.Message)
	switch cloud.Code {
	case "ValidationError", "InvalidFleetConfig", "InvalidFleetConfiguration", "InvalidSpotFleetRequestConfig":
		return strings.Contains(message, "launch template") && (strings.Contains(message, "does not exist") || strings.Contains(message, "not found"))
	default:
		return MissingCode(cloud.Code)
	}
}

// MissingCode is Missing for a code alone.
func MissingCode(code string) bool { return code == "InvalidLaunchTemplateName.NotFoundException" }

// Use calls launch, which refers to the launch template by name. When EC2 does not know the template, it is made and
// launch is called once more. A nil template is the operator's own business.
func Use[T any](ctx context.Context, shelf Shelf, template *ec2.CreateLaunchTemplateInput, orderToken string, launch func() (T, error)) (T, error) {
	if template != nil && !shelf.take(ctx, aws.ToString(template.LaunchTemplateName)) {
		var none T
		return none, ohfp.Errorf(ohfp.ErrUnavailable,
			"launch template %s is being removed just now; the launch goes on when it is", aws.ToString(template.LaunchTemplateName))
	}
	out, err := launch()
	if template == nil || !Missing(err) {
		return out, err
	}
	if err := Ensure(ctx, shelf.API, template, orderToken); err != nil {
		return out, err
	}
	out, err = launch()
	if Missing(err) {
		// It was made just now; EC2 shows it soon, and the same order succeeds then.
		return out, ohfp.Errorf(ohfp.ErrUnavailable, "launch template %s does not show yet: %v", aws.ToString(template.LaunchTemplateName), err)
	}
	return out, err
}

// Ensure makes the launch template. That it exists already is success. The call's token comes from the order's: one from
// the content alone would be answered with a template that has been removed since.
func Ensure(ctx context.Context, api awsapi.API, template *ec2.CreateLaunchTemplateInput, orderToken string) error {
	in := *template
	in.ClientToken = aws.String(digest([]byte(orderToken + "/" + aws.ToString(template.LaunchTemplateName))))
	_, err := api.CreateLaunchTemplate(ctx, &in)
	if err != nil && awsapi.Code(err) != "InvalidLaunchTemplateName.AlreadyExistsException" {
		return err
	}
	return nil
}

// digest is 32 hexadecimal digits: names end at 128 characters, tokens at 64.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

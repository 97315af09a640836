package awssim_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

const publicAlias = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

func TestGetParameter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Parameters: map[string]string{"/site/image": testImage}})
	get := func(name string) (string, error) {
		out, err := w.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return "", err
		}
		return *out.Parameter.Value, nil
	}
	for _, name := range []string{"/site/image", "/site/image:1", "arn:aws:ssm:us-east-1:123456789012:parameter/site/image"} {
		if got, err := get(name); err != nil || got != testImage {
			t.Errorf("%s is %q, error %v, want %s", name, got, err, testImage)
		}
	}
	_, err := get("/site/none")
	var missing *types.ParameterNotFound
	if !errors.As(err, &missing) {
		t.Errorf("got error %v, want ParameterNotFound", err)
	}
	_, err = get("/site/image:2")
	wantCode(t, err, "ParameterVersionNotFound")
	alias, err := get(publicAlias)
	wantCode(t, err, "")
	launch := launchInput(1)
	launch.ImageId = aws.String("resolve:ssm:" + publicAlias)
	if i := w.one(t, w.run(t, launch)[0]); *i.ImageId != alias || !strings.HasPrefix(alias, "ami-0") {
		t.Errorf("the launch resolved %s, the call %s", *i.ImageId, alias)
	}
	out, err := w.ssm.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/site/none", "/site/image", publicAlias}})
	wantCode(t, err, "")
	var values []string
	for _, p := range out.Parameters {
		values = append(values, *p.Value)
	}
	if diff := cmp.Diff([]string{testImage, alias}, values); diff != "" || len(out.InvalidParameters) != 1 || out.InvalidParameters[0] != "/site/none" {
		t.Errorf("invalid %v: %s", out.InvalidParameters, diff)
	}
	must(t, w.FailNext("GetParameter", "ThrottlingException", 1))
	_, err = get("/site/image")
	wantCode(t, err, "ThrottlingException")
	calls := w.Ledger()
	if last := calls[len(calls)-1]; last.Service != "ssm" || last.Action != "GetParameter" || last.Parameters["Name"] != "/site/image" || last.Code != "ThrottlingException" {
		t.Errorf("ledger: %+v", last)
	}
	strict := newWorld(t, awssim.Options{StrictImages: true})
	_, err = strict.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(publicAlias)})
	wantCode(t, err, "ParameterNotFound")
}

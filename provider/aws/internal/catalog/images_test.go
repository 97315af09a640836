package catalog

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/store/memory"
)

// parameters is a Systems Manager.
type parameters struct {
	values map[string]string
	asked  int
	fails  error
}

func (p *parameters) GetParameter(_ context.Context, name string) (string, error) {
	p.asked++
	if p.fails != nil {
		return "", p.fails
	}
	value, ok := p.values[name]
	if !ok {
		return "", &smithy.GenericAPIError{Code: "ParameterNotFound"}
	}
	return value, nil
}

func TestImage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ssm := &parameters{values: map[string]string{"/site/image": "ami-1", "name:3": "ami-3", "/site/text": "hello"}}
	remembered := memory.New(func() time.Time { return now })
	c := Catalog{
		API: awsapi.API{Connect: func(context.Context) (awsapi.Clients, error) { return awsapi.Clients{SSM: ssm}, nil }}, Memory: remembered,
		Prefix: "aws/x/",
	}
	expect := func(request ohfp.RequestID, name, want string, asked int) {
		t.Helper()
		got, err := c.Image(t.Context(), request, name)
		if err != nil || got != want || ssm.asked != asked {
			t.Errorf("%s of %s is %q after %d calls, error %v; want %s after %d", name, request, got, ssm.asked, err, want, asked)
		}
	}
	expect("req-1", "ami-9", "ami-9", 0)
	expect("req-1", "resolve:ssm:/site/image", "ami-1", 1)
	expect("req-1", "resolve:ssm:name:3", "ami-3", 2)
	expect("req-2", "resolve:ssm:/site/image", "ami-1", 2)

	ssm.values["/site/image"] = "ami-2"
	now = now.Add(keepImage + time.Second)
	expect("req-1", "resolve:ssm:/site/image", "ami-1", 2)
	expect("req-2", "resolve:ssm:/site/image", "ami-1", 2)
	expect("req-3", "resolve:ssm:/site/image", "ami-2", 3)

	ssm.values["/site/image"] = "ami-4"
	if err := c.ForgetImages(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("req-3", "resolve:ssm:/site/image", "ami-2", 3)
	expect("req-4", "resolve:ssm:/site/image", "ami-4", 4)
}

func TestImageRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails error
		kind  error
		want  string
	}{
		"/site/none":  {nil, ohfp.ErrInvalid, "imageId: the SSM parameter /site/none does not exist in this region"},
		"/site/text":  {nil, ohfp.ErrInvalid, "imageId: the value of the SSM parameter /site/text is not an image"},
		"/site/bad!":  {&smithy.GenericAPIError{Code: "ValidationException", Message: "bad name"}, ohfp.ErrInvalid, `imageId: "/site/bad!" is not the name of an SSM parameter`},
		"/site/image": {&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not you"}, ohfp.ErrDenied, "GetParameter: AccessDeniedException: not you"},
		"/site/later": {errors.New("dial tcp"), ohfp.ErrUnavailable, "GetParameter: "},
	} {
		ssm := &parameters{values: map[string]string{"/site/text": "hello"}, fails: test.fails}
		c := Catalog{
			API:    awsapi.API{Connect: func(context.Context) (awsapi.Clients, error) { return awsapi.Clients{SSM: ssm}, nil }},
			Memory: memory.New(time.Now),
		}
		_, err := c.Image(t.Context(), "req-1", AliasPrefix+name)
		if !errors.Is(ohfp.KindOf(err), test.kind) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s is refused with %v of kind %v, want %q of kind %v", name, err, ohfp.KindOf(err), test.want, test.kind)
		}
	}
}

package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

const (
	// AliasPrefix marks an image that is named by a parameter of Systems Manager, as EC2 spells it.
	AliasPrefix = "resolve:ssm:"

	imagePrefix = "image/"

	// keepImage is how long an alias is trusted to mean the same image.
	keepImage = time.Hour
	// keepChoice is how long a request keeps the image that its first launch had. Requests are settled long before.
	keepChoice = 24 * time.Hour
)

// Image returns the id of the image that a template names, by id or by alias. All launches of one request get the same
// image, whatever becomes of the alias meanwhile.
func (c Catalog) Image(ctx context.Context, request ohfp.RequestID, name string) (string, error) {
	parameter, isAlias := Alias(name)
	if !isAlias {
		return name, nil
	}
	chosen, alias := c.Prefix+"image-of/"+string(request)+"/"+digest(parameter), c.Prefix+imagePrefix+digest(parameter)
	for _, key := range []string{chosen, alias} {
		if image, ok, err := c.Memory.Recall(ctx, key); err == nil && ok {
			if key == alias {
				_ = c.Memory.Remember(ctx, chosen, image, keepChoice)
			}
			return string(image), nil
		}
	}
	image, err := c.Resolve(ctx, parameter)
	if err != nil {
		return "", err
	}
	_ = c.Memory.Remember(ctx, alias, []byte(image), keepImage)
	_ = c.Memory.Remember(ctx, chosen, []byte(image), keepChoice)
	return image, nil
}

// ForgetImages makes the next request resolve its alias again. What requests in flight have chosen stays.
func (c Catalog) ForgetImages(ctx context.Context) error {
	return c.Memory.Forget(ctx, c.Prefix+imagePrefix)
}

// digest stands for the name of a parameter, which may be longer than a key of [provider.Memory].
func digest(parameter string) string {
	sum := sha256.Sum256([]byte(parameter))
	return hex.EncodeToString(sum[:16])
}

// Alias says whether an image is named by a parameter of Systems Manager, and by which.
func Alias(name string) (parameter string, ok bool) {
	if strings.HasPrefix(name, "/") {
		return name, true
	}
	return strings.CutPrefix(name, AliasPrefix)
}

// Resolve asks Systems Manager for the image that a parameter names.
func (c Catalog) Resolve(ctx context.Context, parameter string) (string, error) {
	image, err := c.API.GetParameter(ctx, parameter)
	switch code := awsapi.Code(err); {
	case code == "ParameterNotFound" || code == "ParameterVersionNotFound":
		return "", ohfp.Errorf(ohfp.ErrInvalid, "imageId: the SSM parameter %s does not exist in this region; correct it, or create the parameter", parameter)
	case code == "ValidationException":
		return "", ohfp.Errorf(ohfp.ErrInvalid, "imageId: %q is not the name of an SSM parameter: %w", parameter, err)
	case err != nil:
		return "", err
	case !strings.HasPrefix(image, "ami-"):
		return "", ohfp.Errorf(ohfp.ErrInvalid, "imageId: the value of the SSM parameter %s is not an image; name one whose value is ami-…", parameter)
	}
	return image, nil
}

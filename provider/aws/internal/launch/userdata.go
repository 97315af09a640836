package launch

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// maxUserData is EC2's limit, in bytes before the base64 encoding.
const maxUserData = 16 * 1024

// UserData returns a template's user data, base64 encoded as EC2 wants it.
func (p Parts) UserData(s spec.Spec) (string, error) {
	if s.UserDataScript == "" {
		return "", nil
	}
	text := s.UserDataScript
	if !literal(text) {
		path := p.path(text)
		content, err := os.ReadFile(path)
		if err != nil {
			return "", ohfp.Errorf(ohfp.ErrInvalid, "userDataScript: %w; correct the path, or write the script itself", err)
		}
		text = string(content)
	}
	if len(text) > maxUserData {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "userDataScript has %d bytes; EC2 takes at most %d", len(text), maxUserData)
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

// literal says whether text is a script rather than the path of one.
func literal(text string) bool {
	return strings.Contains(text, "\n") || strings.HasPrefix(text, "#!")
}

// path is where a relative path, ~ and $NAME lead.
func (p Parts) path(text string) string {
	variable := func(name string) string {
		if p.LookupEnv == nil {
			return ""
		}
		value, _ := p.LookupEnv(name)
		return value
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		text = filepath.Join(variable("HOME"), rest)
	}
	text = os.Expand(text, variable)
	if !filepath.IsAbs(text) {
		text = filepath.Join(p.ConfDir, text)
	}
	return text
}

func (p Parts) userData(s spec.Spec) (*string, error) {
	text, err := p.UserData(s)
	return optional(text), err
}

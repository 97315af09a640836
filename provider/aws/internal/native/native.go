// Package native lets templates speak AWS's own words: documents that are rendered with what is known of a request, read
// strictly, and laid over the calls that this program makes, or put in their place.
// It refuses keys that are not AWS's and those that are this program's own: counts, tokens, tags, and what ties a machine
// to its request.
package native

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/jinja"
	"github.com/openhostfactory/ohfp/provider/aws/internal/payload"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// deadline is how long one document may take to render; they take microseconds.
const deadline = 2 * time.Second

// Mode says what a document does to the call that would be made without it.
type Mode string

// The modes.
const (
	Merge   Mode = "merge"   // the document is laid over the call; its lists replace the call's
	Replace Mode = "replace" // only the document counts, and what is this program's own
)

// Settings are the operator's about documents.
type Settings struct {
	Off  bool   // templates with documents are refused
	Mode Mode   // Merge when it is empty
	Base string // where relative paths of documents start, itself relative to the configuration
}

// UnmarshalJSON reads {"enabled": true, "merge_mode": "merge", "spec_file_base_path": "specs/aws"}.
func (s *Settings) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	enabled := true
	*s = Settings{Mode: Merge}
	err = fields.Decode(map[string]any{"enabled": &enabled, "merge_mode": &s.Mode, "spec_file_base_path": &s.Base})
	if err != nil {
		return err
	}
	s.Off = !enabled
	if s.Mode != Merge && s.Mode != Replace {
		return ohfp.Errorf(ohfp.ErrInvalid, "merge_mode %q is not known; use merge or replace", s.Mode)
	}
	return nil
}

// Documents are those of one template, with what they may be rendered with.
type Documents struct {
	Settings
	Facts
	Path func(string) string // where a path of the template leads
}

// LaunchTemplate is the content of the launch template that the template's document makes of the generated one.
func (d Documents) LaunchTemplate(ctx context.Context, generated *types.RequestLaunchTemplateData) (*types.RequestLaunchTemplateData, error) {
	const inline, file = "launch_template_spec", "launch_template_spec_file"
	document, field, err := d.read(ctx, d.Spec.Native.LaunchTemplate, inline, d.Spec.Native.LaunchTemplateFile, file)
	if err != nil || document == nil {
		return generated, err
	}
	out, err := lay(d.Mode, document, generated)
	if err == nil {
		err = keepOwn(document, out, generated)
	}
	if err == nil {
		err = d.checkContent(document, out)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return out, nil
}

// Call is the input of the launch API that the template's document makes of the generated one.
func Call[T any](ctx context.Context, d Documents, generated *T) (*T, error) {
	const inline, file = "provider_api_spec", "provider_api_spec_file"
	document, field, err := d.read(ctx, d.Spec.Native.Call, inline, d.Spec.Native.CallFile, file)
	if err != nil || document == nil {
		return generated, err
	}
	out, err := lay(d.Mode, document, generated)
	if err == nil {
		err = keepOwn(document, out, generated)
	}
	if err == nil {
		err = d.placeInterfaces(any(out), any(generated))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return out, nil
}

// lay puts a document over a copy of the generated input, or over nothing.
func lay[T any](mode Mode, document map[string]any, generated *T) (*T, error) {
	out := new(T)
	if mode != Replace {
		*out = *generated
	}
	return out, payload.Decode(document, out)
}

// read renders a document and tells the field that it comes from; nil when the template has none.
func (d Documents) read(ctx context.Context, inline json.RawMessage, inlineField, file, fileField string) (map[string]any, string, error) {
	field := inlineField
	if file != "" {
		field = fileField
	}
	if len(inline) == 0 && file == "" {
		return nil, "", nil
	}
	if d.Off {
		return nil, "", ohfp.Errorf(ohfp.ErrInvalid, "%s: documents are switched off; set native_spec.enabled in the provider's config, or remove it", field)
	}
	document, err := d.render(ctx, inline, file)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", field, err)
	}
	return document, field, nil
}

func (d Documents) render(ctx context.Context, inline json.RawMessage, file string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	variables, err := d.variables()
	if err != nil {
		return nil, err
	}
	if file != "" {
		text, err := d.load(file)
		if err != nil {
			return nil, err
		}
		return parse(ctx, text, variables)
	}
	var text string
	if err := json.Unmarshal(inline, &text); err == nil {
		return parse(ctx, text, variables)
	}
	document, err := payload.Parse(inline)
	if err != nil {
		return nil, err
	}
	rendered, err := each(ctx, "", document, variables)
	if err != nil {
		return nil, err
	}
	document, _ = rendered.(map[string]any)
	return document, nil
}

// parse renders a whole document and reads the JSON that comes out.
func parse(ctx context.Context, text string, variables map[string]any) (map[string]any, error) {
	template, err := jinja.Parse(text)
	if err != nil {
		return nil, err
	}
	rendered, err := template.Render(ctx, variables)
	if err != nil {
		return nil, err
	}
	document, err := payload.Parse([]byte(rendered))
	if err != nil {
		return nil, fmt.Errorf("what was rendered is %w", err)
	}
	return document, nil
}

// each renders the texts of a document that is an object already.
func each(ctx context.Context, at string, value any, variables map[string]any) (any, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			if value[key], err = each(ctx, at+"."+key, value[key], variables); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range value {
			if value[i], err = each(ctx, fmt.Sprintf("%s[%d]", at, i), value[i], variables); err != nil {
				return nil, err
			}
		}
	case string:
		template, err := jinja.Parse(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at[1:], err)
		}
		rendered, err := template.Render(ctx, variables)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at[1:], err)
		}
		return rendered, nil
	}
	return value, nil
}

// load reads a document's file.
func (d Documents) load(path string) (string, error) {
	if !filepath.IsAbs(path) && d.Base != "" {
		path = filepath.Join(d.Base, path)
	}
	file, err := os.Open(d.Path(path))
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "%w; correct the path", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, jinja.MaxSource+1))
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "%w; correct the path", err)
	}
	return string(text), nil
}

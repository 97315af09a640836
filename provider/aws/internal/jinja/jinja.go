// Package jinja renders templates in the part of the Jinja2 language that documents are written in: expressions, filters,
// tests, if, for, set, comments and raw text. What it renders is what Jinja2 3.1 with StrictUndefined renders, but that
// objects are gone over in the order of their keys.
// It refuses, by name, everything that it does not know, every variable that is not there, and templates that take too
// long or grow too large; it opens no files and calls nobody.
package jinja

import (
	"context"
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Limits of one rendering. Documents for AWS are a few kilobytes.
const (
	MaxSource = 256 << 10 // bytes
	MaxOutput = 256 << 10 // bytes, of the output and of every text on the way there
	maxSteps  = 1_000_000 // nodes evaluated
	maxDepth  = 100       // of nested expressions and blocks
	maxItems  = 10_000    // of a list
	maxNumber = 1 << 53   // beyond which numbers are not exact
	maxMade   = 64 << 20  // bytes, roughly, of all texts and lists together
)

// Template is a template that has been read.
type Template struct{ body []node }

// Parse reads a template.
func Parse(source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "template: %d bytes are too many; use at most %d", len(source), MaxSource)
	}
	pieces, err := split(source)
	if err != nil {
		return nil, err
	}
	p := &blocks{pieces: pieces}
	body, end, err := p.until()
	if err != nil {
		return nil, err
	}
	if end.name != "" {
		return nil, failure(end.line, "%s without a block that it ends", end.name)
	}
	return &Template{body: body}, nil
}

// Render evaluates the template with variables: nil, bool, int, float64, string, []any and map[string]any.
func (t *Template) Render(ctx context.Context, variables map[string]any) (string, error) {
	r := &rendering{ctx: ctx, scopes: []map[string]any{variables}}
	var out strings.Builder
	if err := r.all(t.body, &out); err != nil {
		return "", err
	}
	return out.String(), nil
}

// failure is an error at a line of the template.
func failure(line int, format string, args ...any) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "template: line %d: %s", line, fmt.Sprintf(format, args...))
}

package jinja

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// rendering is one evaluation of a template.
type rendering struct {
	ctx    context.Context
	scopes []map[string]any // the innermost last
	steps  int
	made   int // bytes of texts and lists
	line   int
}

// undefined is what a name has that is not there. Only default, defined and undefined take it.
type undefined struct{ what string }

// step counts the work and stops a rendering whose time is up.
func (r *rendering) step() error {
	r.steps++
	if r.steps > maxSteps {
		return failure(r.line, "the template takes too long; make its loops shorter")
	}
	if r.steps%256 == 1 && r.ctx.Err() != nil {
		return ohfp.Errorf(ohfp.ErrTimeout, "template: line %d: time is up: %w", r.line, r.ctx.Err())
	}
	return nil
}

// spend counts what a template makes: lists by their items, texts by their bytes.
func (r *rendering) spend(items, size int) error {
	if r.made += items * size; r.made > maxMade {
		return r.fail("the template makes too much; make its texts and lists shorter")
	}
	return nil
}

// What an item of a list takes, and the boxed character or number in it.
const itemSize = 24

func (r *rendering) fail(format string, args ...any) error { return failure(r.line, format, args...) }

func (r *rendering) write(out *strings.Builder, text string) error {
	if out.Len()+len(text) > MaxOutput {
		return r.fail("the output has more than %d bytes; make it shorter", MaxOutput)
	}
	out.WriteString(text)
	return nil
}

func (r *rendering) all(nodes []node, out *strings.Builder) error {
	for _, n := range nodes {
		if err := r.step(); err != nil {
			return err
		}
		if err := r.one(n, out); err != nil {
			return err
		}
	}
	return nil
}

func (r *rendering) one(n node, out *strings.Builder) error {
	switch n := n.(type) {
	case textNode:
		return r.write(out, n.text)
	case outputNode:
		r.line = n.line
		value, err := r.value(n.value)
		if err != nil {
			return err
		}
		text, err := r.text(value)
		if err != nil {
			return err
		}
		return r.write(out, text)
	case setNode:
		r.line = n.line
		return r.set(n)
	case ifNode:
		r.line = n.line
		for i, body := range n.bodies {
			yes := i == len(n.tests)
			if !yes {
				value, err := r.value(n.tests[i])
				if err != nil {
					return err
				}
				yes = truth(value)
			}
			if yes {
				return r.all(body, out)
			}
		}
		return nil
	case forNode:
		r.line = n.line
		return r.loop(n, out)
	default:
		return fmt.Errorf("template: no way to render %T", n)
	}
}

func (r *rendering) set(n setNode) error {
	if n.value == nil {
		var out strings.Builder
		r.scopes = append(r.scopes, map[string]any{})
		err := r.all(n.body, &out)
		r.scopes = r.scopes[:len(r.scopes)-1]
		if err != nil {
			return err
		}
		return r.assign(n.names, out.String())
	}
	value, err := r.value(n.value)
	if err != nil {
		return err
	}
	return r.assign(n.names, value)
}

// assign gives names in the innermost scope their values. The scope of the variables themselves is copied first.
func (r *rendering) assign(names []string, value any) error {
	if len(r.scopes) == 1 {
		r.scopes = append(r.scopes, map[string]any{})
	}
	scope := r.scopes[len(r.scopes)-1]
	if len(names) == 1 {
		scope[names[0]] = value
		return nil
	}
	values, ok := value.([]any)
	if !ok || len(values) != len(names) {
		return r.fail("%s need %d values", strings.Join(names, ", "), len(names))
	}
	for i, name := range names {
		scope[name] = values[i]
	}
	return nil
}

func (r *rendering) loop(n forNode, out *strings.Builder) error {
	over, err := r.value(n.over)
	if err != nil {
		return err
	}
	items, err := r.items(over)
	if err != nil {
		return err
	}
	depth := len(r.scopes)
	defer func() { r.scopes = r.scopes[:depth] }()
	if n.condition != nil {
		var kept []any
		for _, item := range items {
			r.scopes = append(r.scopes[:depth], map[string]any{})
			if err := r.assign(n.names, item); err != nil {
				return err
			}
			value, err := r.value(n.condition)
			if err != nil {
				return err
			}
			if truth(value) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		r.scopes = append(r.scopes[:depth], map[string]any{})
		return r.all(n.otherwise, out)
	}
	for i, item := range items {
		if err := r.step(); err != nil {
			return err
		}
		r.scopes = append(r.scopes[:depth], map[string]any{"loop": map[string]any{
			"index": i + 1, "index0": i, "first": i == 0, "last": i == len(items)-1, "length": len(items),
			"revindex": len(items) - i, "revindex0": len(items) - i - 1,
		}})
		if err := r.assign(n.names, item); err != nil {
			return err
		}
		if err := r.all(n.body, out); err != nil {
			return err
		}
	}
	return nil
}

// items are what a loop goes over: a list, or the keys of an object in their order.
func (r *rendering) items(value any) ([]any, error) {
	switch value := value.(type) {
	case []any:
		return value, nil
	case map[string]any:
		keys := make([]any, 0, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			keys = append(keys, key)
		}
		return keys, nil
	case string:
		if err := r.spend(len(value), itemSize); err != nil {
			return nil, err
		}
		items := make([]any, 0, len(value))
		for _, character := range value {
			items = append(items, string(character))
		}
		return items, nil
	default:
		return nil, r.fail("%s is not a list", kind(value))
	}
}

// value evaluates what must be there.
func (r *rendering) value(e expression) (any, error) {
	value, err := r.eval(e)
	if missing, ok := value.(undefined); ok && err == nil {
		return nil, r.fail("%s is undefined", missing.what)
	}
	return value, err
}

func (r *rendering) values(list []expression) ([]any, error) {
	values := make([]any, len(list))
	for i, e := range list {
		var err error
		if values[i], err = r.value(e); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// kind is what a value is called in messages.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "none"
	case bool:
		return "a boolean"
	case int, float64:
		return "a number"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "something undefined"
	}
}

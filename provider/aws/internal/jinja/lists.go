package jinja

import (
	"slices"
	"strings"
)

func join(r *rendering, of any, args []*any) (any, error) {
	items, err := r.items(of)
	if err != nil {
		return nil, err
	}
	separator := ""
	if args[0] != nil {
		if separator, err = r.text(*args[0]); err != nil {
			return nil, err
		}
	}
	parts := make([]string, len(items))
	size := 0
	for i, item := range items {
		if args[1] != nil {
			if item, err = r.attributeOf(item, *args[1]); err != nil {
				return nil, err
			}
		}
		if parts[i], err = r.text(item); err != nil {
			return nil, err
		}
		if size += len(parts[i]) + len(separator); size > MaxOutput+len(separator) {
			return nil, r.fail("a text becomes too long")
		}
	}
	return r.short(strings.Join(parts, separator))
}

// attributeOf is what a name like a.b leads to in a value.
func (r *rendering) attributeOf(value, path any) (any, error) {
	name, ok := path.(string)
	if !ok {
		return nil, r.fail("an attribute wants a name")
	}
	for part := range strings.SplitSeq(name, ".") {
		dict, _ := value.(map[string]any)
		found, ok := dict[part]
		if !ok {
			return nil, r.fail("%s is undefined", name)
		}
		value = found
	}
	return value, nil
}

func sorted(r *rendering, of any, args []*any) (any, error) {
	items, err := r.items(of)
	if err != nil {
		return nil, err
	}
	type entry struct{ key, item any }
	entries := make([]entry, len(items))
	for i, item := range items {
		key := item
		if args[2] != nil {
			if key, err = r.attributeOf(item, *args[2]); err != nil {
				return nil, err
			}
		}
		if text, ok := key.(string); ok && (args[1] == nil || !truth(*args[1])) {
			key = strings.ToLower(text)
		}
		entries[i] = entry{key, item}
	}
	var failed error
	slices.SortStableFunc(entries, func(a, b entry) int {
		if failed == nil {
			failed = r.step()
		}
		if failed != nil {
			return 0
		}
		var less, more bool
		if less, failed = r.holds("<", a.key, b.key); failed == nil && !less {
			more, failed = r.holds(">", a.key, b.key)
		}
		order := 0
		if less {
			order = -1
		} else if more {
			order = 1
		}
		if args[0] != nil && truth(*args[0]) {
			return -order
		}
		return order
	})
	out := make([]any, len(entries))
	for i, e := range entries {
		out[i] = e.item
	}
	return out, failed
}

func reversed(r *rendering, of any, _ []*any) (any, error) {
	if text, ok := of.(string); ok {
		characters := []rune(text)
		slices.Reverse(characters)
		return string(characters), nil
	}
	items, err := r.items(of)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(items)
	slices.Reverse(out)
	return out, nil
}

func unique(r *rendering, items []any) (any, error) {
	out := []any{}
	for _, item := range items {
		if err := r.step(); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(other any) bool { return equal(folded(item), folded(other)) }) {
			out = append(out, item)
		}
	}
	return out, nil
}

// folded is a value without regard to case, which is how unique, min and max compare.
func folded(value any) any {
	if text, ok := value.(string); ok {
		return strings.ToLower(text)
	}
	return value
}

func sum(r *rendering, items []any) (any, error) {
	var total any = 0
	for _, item := range items {
		var err error
		if total, err = r.arithmetic("+", total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func (r *rendering) extreme(items []any, operator string) (any, error) {
	if len(items) == 0 {
		return undefined{"the smallest or largest of an empty list"}, nil
	}
	best := items[0]
	for _, item := range items[1:] {
		better, err := r.holds(operator, folded(item), folded(best))
		if err != nil {
			return nil, err
		}
		if better {
			best = item
		}
	}
	return best, nil
}

// mapped is map('upper'), map('join', ',') or map(attribute='name').
func (r *rendering) mapped(items, args []any, named map[string]any) (any, error) {
	out := make([]any, len(items))
	path, byAttribute := named["attribute"]
	fallback, hasFallback := named["default"]
	name, byFilter := "", false
	if len(args) > 0 {
		name, byFilter = args[0].(string)
	}
	if byAttribute == byFilter {
		return nil, r.fail("map wants a filter, or attribute")
	}
	for i, item := range items {
		if err := r.step(); err != nil {
			return nil, err
		}
		var err error
		if byFilter {
			out[i], err = r.apply(name, item, args[1:], named)
		} else if out[i], err = r.attributeOf(item, path); err != nil && hasFallback {
			out[i], err = fallback, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// selected is select, reject, selectattr and rejectattr.
func (r *rendering) selected(name string, items, args []any) (any, error) {
	byAttribute := strings.HasSuffix(name, "attr")
	var path any
	if byAttribute {
		if len(args) == 0 {
			return nil, r.fail("%s wants the name of an attribute", name)
		}
		path, args = args[0], args[1:]
	}
	out := []any{}
	for _, item := range items {
		if err := r.step(); err != nil {
			return nil, err
		}
		of := item
		var err error
		if byAttribute {
			if of, err = r.attributeOf(item, path); err != nil {
				return nil, err
			}
		}
		yes := truth(of)
		if len(args) > 0 {
			test, ok := args[0].(string)
			if !ok {
				return nil, r.fail("%s wants the name of a test", name)
			}
			if yes, err = r.passes(test, of, args[1:]); err != nil {
				return nil, err
			}
		}
		if yes == strings.HasPrefix(name, "select") {
			out = append(out, item)
		}
	}
	return out, nil
}

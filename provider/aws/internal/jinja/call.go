package jinja

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// filter evaluates value|name(args).
func (r *rendering) filter(e filterExpr) (any, error) {
	of, err := r.eval(e.of)
	if err != nil {
		return nil, err
	}
	args, err := r.values(e.args)
	if err != nil {
		return nil, err
	}
	named := make(map[string]any, len(e.named))
	for name, argument := range e.named {
		if named[name], err = r.value(argument); err != nil {
			return nil, err
		}
	}
	missing, isMissing := of.(undefined)
	if e.name == "default" || e.name == "d" {
		return r.otherwise(of, isMissing, args, named)
	}
	if isMissing {
		return nil, r.fail("%s is undefined", missing.what)
	}
	return r.apply(e.name, of, args, named)
}

// otherwise is the default filter.
func (r *rendering) otherwise(of any, isMissing bool, args []any, named map[string]any) (any, error) {
	bound, err := r.bind("default", []string{"default_value", "boolean"}, args, named)
	switch {
	case err != nil:
		return nil, err
	case !isMissing && (bound[1] == nil || !truth(*bound[1]) || truth(of)):
		return of, nil
	case bound[0] == nil:
		return "", nil
	default:
		return *bound[0], nil
	}
}

// apply carries out a filter by name.
func (r *rendering) apply(name string, of any, args []any, named map[string]any) (any, error) {
	known := filters()
	f, ok := known[name]
	if !ok {
		if near := strict.Nearest(name, slices.Collect(maps.Keys(known))); near != "" {
			return nil, r.fail("the filter %s is not supported; did you mean %s?", name, near)
		}
		return nil, r.fail("the filter %s is not supported", name)
	}
	switch name {
	case "default", "d":
		return r.otherwise(of, false, args, named)
	case "format":
		pattern, ok := of.(string)
		if !ok || len(named) > 0 {
			return nil, r.fail("format wants text and values without names")
		}
		return r.format(pattern, args)
	case "map", "select", "reject", "selectattr", "rejectattr":
		items, err := r.items(of)
		if err != nil {
			return nil, err
		}
		if name == "map" {
			return r.mapped(items, args, named)
		}
		if len(named) > 0 {
			return nil, r.fail("%s takes no arguments with names", name)
		}
		return r.selected(name, items, args)
	}
	bound, err := r.bind(name, f.params, args, named)
	if err != nil {
		return nil, err
	}
	out, err := f.apply(r, of, bound)
	if list, ok := out.([]any); ok && err == nil {
		err = r.spend(len(list), itemSize)
	}
	return out, err
}

// bind puts arguments to the parameters that they are meant for.
func (r *rendering) bind(name string, params []string, args []any, named map[string]any) ([]*any, error) {
	if len(args) > len(params) {
		return nil, r.fail("%s takes at most %s", name, ohfp.Count(len(params), "argument"))
	}
	bound := make([]*any, len(params))
	for i := range args {
		bound[i] = &args[i]
	}
	for _, parameter := range slices.Sorted(maps.Keys(named)) {
		i := slices.Index(params, parameter)
		if i < 0 || bound[i] != nil {
			return nil, r.fail("%s does not take the argument %s here", name, parameter)
		}
		value := named[parameter]
		bound[i] = &value
	}
	return bound, nil
}

// call evaluates range(…) and the methods of texts and objects.
func (r *rendering) call(e call) (any, error) {
	args, err := r.values(e.args)
	if err != nil {
		return nil, err
	}
	switch of := e.of.(type) {
	case variable:
		if of.name == "range" && len(e.named) == 0 {
			return r.numbers(args)
		}
		return nil, r.fail("the function %s is not supported", of.name)
	case attribute:
		if len(e.named) > 0 {
			return nil, r.fail("%s takes no arguments with names", of.name)
		}
		receiver, err := r.value(of.of)
		if err != nil {
			return nil, err
		}
		return r.method(receiver, of.name, args)
	default:
		return nil, r.fail("only range and methods can be called")
	}
}

func (r *rendering) numbers(args []any) (any, error) {
	bounds := []int{0, 0, 1}
	for i, argument := range args {
		n, ok := whole(argument)
		if !ok || i > 2 || max(n, -n) > maxNumber || n == math.MinInt {
			return nil, r.fail("range wants up to 3 whole numbers")
		}
		if len(args) == 1 {
			bounds[1] = n
		} else {
			bounds[i] = n
		}
	}
	from, to, step := bounds[0], bounds[1], bounds[2]
	if len(args) == 0 || step == 0 || (to-from)/step > maxItems {
		return nil, r.fail("range wants a step that is not 0, and gives at most %d numbers", maxItems)
	}
	if err := r.spend(max((to-from)/step, 0), itemSize); err != nil {
		return nil, err
	}
	list := []any{}
	for n := from; step > 0 && n < to || step < 0 && n > to; n += step {
		list = append(list, n)
	}
	return list, nil
}

func (r *rendering) method(of any, name string, args []any) (any, error) {
	switch of := of.(type) {
	case map[string]any:
		switch {
		case name == "items" && len(args) == 0:
			return pairs(r, of, nil)
		case name == "keys" && len(args) == 0:
			return r.items(of)
		case name == "values" && len(args) == 0:
			values := make([]any, 0, len(of))
			for _, key := range slices.Sorted(maps.Keys(of)) {
				values = append(values, of[key])
			}
			return values, nil
		case name == "get" && (len(args) == 1 || len(args) == 2):
			key, _ := args[0].(string)
			if value, ok := of[key]; ok {
				return value, nil
			}
			return append(args, nil)[1], nil
		}
	case string:
		return r.textMethod(of, name, args)
	}
	return nil, r.fail("%s has no method %s with %s", kind(of), name, ohfp.Count(len(args), "argument"))
}

func (r *rendering) textMethod(of, name string, args []any) (any, error) {
	texts := make([]string, len(args))
	allTexts := true
	for i, argument := range args {
		var ok bool
		texts[i], ok = argument.(string)
		allTexts = allTexts && ok
	}
	if name == "join" && len(args) == 1 {
		separator := any(of)
		return join(r, args[0], []*any{&separator, nil})
	}
	if simple, ok := map[string]func(string) string{
		"upper": strings.ToUpper, "lower": strings.ToLower, "strip": strings.TrimSpace, "title": titled, "capitalize": capitalized,
	}[name]; ok && len(args) == 0 {
		return simple(of), nil
	}
	switch {
	case name == "split" && len(args) == 0:
		return texted(strings.Fields(of)), nil
	case !allTexts:
	case name == "split" && len(args) == 1 && texts[0] != "":
		return texted(strings.Split(of, texts[0])), nil
	case name == "strip" && len(args) == 1:
		return strings.Trim(of, texts[0]), nil
	case name == "startswith" && len(args) == 1:
		return strings.HasPrefix(of, texts[0]), nil
	case name == "endswith" && len(args) == 1:
		return strings.HasSuffix(of, texts[0]), nil
	case name == "replace" && len(args) == 2:
		return replace(r, of, []*any{&args[0], &args[1], nil})
	}
	return nil, r.fail("text has no method %s with %d such arguments", name, len(args))
}

func texted(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

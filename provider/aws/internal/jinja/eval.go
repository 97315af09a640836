package jinja

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// eval evaluates an expression; the result may be undefined.
func (r *rendering) eval(e expression) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case literal:
		return e.value, nil
	case variable:
		for _, scope := range slices.Backward(r.scopes) {
			if value, ok := scope[e.name]; ok {
				return value, nil
			}
		}
		return undefined{e.name}, nil
	case listExpr:
		return r.values(e.items)
	case dictExpr:
		return r.dict(e)
	case attribute:
		return r.key(e.of, e.name)
	case index:
		key, err := r.value(e.key)
		if err != nil {
			return nil, err
		}
		return r.key(e.of, key)
	case slice:
		return r.slice(e)
	case call:
		return r.call(e)
	case filterExpr:
		return r.filter(e)
	case testExpr:
		return r.test(e)
	case unary:
		return r.unary(e)
	case binary:
		return r.binary(e)
	case compare:
		return r.compare(e)
	case ternary:
		test, err := r.value(e.test)
		switch {
		case err != nil:
			return nil, err
		case truth(test):
			return r.eval(e.yes)
		case e.no == nil:
			return "", nil
		default:
			return r.eval(e.no)
		}
	default:
		return nil, fmt.Errorf("template: no way to evaluate %T", e)
	}
}

func (r *rendering) dict(e dictExpr) (any, error) {
	dict := make(map[string]any, len(e.keys))
	for i := range e.keys {
		key, err := r.value(e.keys[i])
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, r.fail("the key of an object is %s; use text", kind(key))
		}
		if dict[name], err = r.value(e.values[i]); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// key is an entry of an object, a list or a text.
func (r *rendering) key(of expression, key any) (any, error) {
	value, err := r.value(of)
	if err != nil {
		return nil, err
	}
	missing := undefined{fmt.Sprintf("%s.%v", describe(of), key)}
	switch value := value.(type) {
	case map[string]any:
		if name, ok := key.(string); ok {
			if entry, ok := value[name]; ok {
				return entry, nil
			}
		}
	case []any:
		if i, ok := position(key, len(value)); ok {
			return value[i], nil
		}
	case string:
		characters := []rune(value)
		if i, ok := position(key, len(characters)); ok {
			return string(characters[i]), nil
		}
	}
	return missing, nil
}

// describe names an expression in a message.
func describe(e expression) string {
	switch e := e.(type) {
	case variable:
		return e.name
	case attribute:
		return describe(e.of) + "." + e.name
	default:
		return "a value"
	}
}

// position counts from the end where it is negative, as Python does.
func position(key any, length int) (int, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += length
	}
	return i, ok && i >= 0 && i < length
}

func (r *rendering) slice(e slice) (any, error) {
	of, err := r.value(e.of)
	if err != nil {
		return nil, err
	}
	text, isText := of.(string)
	items, err := r.items(of)
	if _, isDict := of.(map[string]any); err != nil || isDict {
		return nil, r.fail("%s has no parts", kind(of))
	}
	bounds := [3]any{0, len(items), 1}
	for i, part := range []expression{e.from, e.to, e.step} {
		if part == nil {
			continue
		}
		if bounds[i], err = r.value(part); err != nil {
			return nil, err
		}
	}
	from, ok1 := bounds[0].(int)
	to, ok2 := bounds[1].(int)
	if step, ok := bounds[2].(int); !ok || step != 1 || !ok1 || !ok2 {
		return nil, r.fail("parts need whole numbers, and steps of 1")
	}
	from, to = clamp(from, len(items)), clamp(to, len(items))
	if from > to {
		from = to
	}
	if isText {
		return string([]rune(text)[from:to]), nil
	}
	return slices.Clone(items[from:to]), nil
}

func clamp(i, length int) int {
	if i < 0 {
		i += length
	}
	return min(max(i, 0), length)
}

// test evaluates what stands behind is.
func (r *rendering) test(e testExpr) (any, error) {
	of, err := r.eval(e.of)
	if err != nil {
		return nil, err
	}
	missing, isMissing := of.(undefined)
	args, err := r.values(e.args)
	if err != nil {
		return nil, err
	}
	var yes bool
	switch {
	case e.name == "defined" && len(args) == 0:
		yes = !isMissing
	case e.name == "undefined" && len(args) == 0:
		yes = isMissing
	case isMissing:
		return nil, r.fail("%s is undefined", missing.what)
	default:
		if yes, err = r.passes(e.name, of, args); err != nil {
			return nil, err
		}
	}
	return yes != e.negate, nil
}

// passes carries out a test by name.
func (r *rendering) passes(name string, of any, args []any) (bool, error) {
	if operator, ok := map[string]string{
		"eq": "==", "equalto": "==", "==": "==", "ne": "!=", "!=": "!=", "lt": "<", "lessthan": "<", "gt": ">", "greaterthan": ">", "le": "<=", "ge": ">=",
		"in": "in",
	}[name]; ok && len(args) == 1 {
		return r.holds(operator, of, args[0])
	}
	number, isInt := of.(int)
	if name == "divisibleby" && len(args) == 1 {
		by, ok := args[0].(int)
		if !isInt || !ok || by == 0 {
			return false, r.fail("divisibleby needs two whole numbers")
		}
		return number%by == 0, nil
	}
	if len(args) > 0 {
		return false, r.fail("the test %s is not known with %s", name, ohfp.Count(len(args), "argument"))
	}
	text, isText := of.(string)
	_, isFloat := of.(float64)
	_, isList := of.([]any)
	_, isDict := of.(map[string]any)
	flag, isBool := of.(bool)
	switch name {
	case "none":
		return of == nil, nil
	case "string":
		return isText, nil
	case "number":
		return isInt || isFloat || isBool, nil
	case "integer":
		return isInt, nil
	case "float":
		return isFloat, nil
	case "boolean":
		return isBool, nil
	case "true":
		return isBool && flag, nil
	case "false":
		return isBool && !flag, nil
	case "mapping":
		return isDict, nil
	case "sequence", "iterable":
		return isList || isText || isDict, nil
	case "lower":
		return isText && text == strings.ToLower(text) && text != strings.ToUpper(text), nil
	case "upper":
		return isText && text == strings.ToUpper(text) && text != strings.ToLower(text), nil
	case "odd", "even":
		if !isInt {
			return false, r.fail("%s needs a whole number", name)
		}
		return (number%2 == 0) == (name == "even"), nil
	default:
		return false, r.fail("the test %s is not supported", name)
	}
}

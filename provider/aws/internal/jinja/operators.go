package jinja

import (
	"math"
	"slices"
	"strings"
)

// truth is Python's.
func truth(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case int:
		return value != 0
	case float64:
		return value != 0
	case string:
		return value != ""
	case []any:
		return len(value) > 0
	case map[string]any:
		return len(value) > 0
	default:
		return true
	}
}

// number is a value as a number; Python counts booleans as 0 and 1.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case bool:
		if value {
			return 1, true
		}
		return 0, true
	case int:
		return float64(value), true
	case float64:
		return value, true
	default:
		return 0, false
	}
}

// whole is a value as a whole number.
func whole(value any) (int, bool) {
	if n, ok := value.(int); ok {
		return n, true
	}
	if b, ok := value.(bool); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		text, ok := b.(string)
		return ok && a == text
	case []any:
		list, ok := b.([]any)
		return ok && slices.EqualFunc(a, list, equal)
	case map[string]any:
		dict, ok := b.(map[string]any)
		if !ok || len(a) != len(dict) {
			return false
		}
		for key, value := range a {
			if other, ok := dict[key]; !ok || !equal(value, other) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func (r *rendering) unary(e unary) (any, error) {
	value, err := r.value(e.of)
	if err != nil {
		return nil, err
	}
	if e.operator == "not" {
		return !truth(value), nil
	}
	n, isWhole := whole(value)
	x, isNumber := number(value)
	switch {
	case isWhole && e.operator == "-":
		return -n, nil
	case isWhole:
		return n, nil
	case isNumber && e.operator == "-":
		return -x, nil
	case isNumber:
		return x, nil
	default:
		return nil, r.fail("%s has no sign", kind(value))
	}
}

func (r *rendering) binary(e binary) (any, error) {
	left, err := r.value(e.left)
	if err != nil {
		return nil, err
	}
	switch {
	case e.operator == "or" && truth(left), e.operator == "and" && !truth(left):
		return left, nil
	case e.operator == "or", e.operator == "and":
		return r.value(e.right)
	}
	right, err := r.value(e.right)
	if err != nil {
		return nil, err
	}
	operator, _ := e.operator.(string)
	if operator == "~" {
		a, err := r.text(left)
		if err != nil {
			return nil, err
		}
		b, err := r.text(right)
		if err != nil {
			return nil, err
		}
		return r.short(a + b)
	}
	if text, ok := left.(string); ok {
		return r.textOperator(operator, text, right)
	}
	if list, ok := left.([]any); ok && operator == "+" {
		more, ok := right.([]any)
		if !ok || len(list)+len(more) > maxItems {
			return nil, r.fail("%s cannot be added to a list", kind(right))
		}
		return slices.Concat(list, more), r.spend(len(list)+len(more), itemSize)
	}
	return r.arithmetic(operator, left, right)
}

func (r *rendering) textOperator(operator, text string, right any) (any, error) {
	switch other := right.(type) {
	case string:
		if operator == "+" {
			return r.short(text + other)
		}
	case int:
		if operator == "*" {
			if other > 0 && len(text) > MaxOutput/other {
				return nil, r.fail("a text becomes too long")
			}
			return r.short(strings.Repeat(text, max(other, 0)))
		}
	}
	if operator == "%" {
		args, ok := right.([]any)
		if !ok {
			args = []any{right}
		}
		return r.format(text, args)
	}
	return nil, r.fail("%s cannot be taken between text and %s", operator, kind(right))
}

// short refuses texts that grow too long.
func (r *rendering) short(text string) (any, error) {
	if len(text) > MaxOutput {
		return nil, r.fail("a text becomes too long")
	}
	return text, r.spend(len(text), 1)
}

func (r *rendering) arithmetic(operator string, left, right any) (any, error) {
	a, ok1 := number(left)
	b, ok2 := number(right)
	if !ok1 || !ok2 {
		return nil, r.fail("%s cannot be taken between %s and %s", operator, kind(left), kind(right))
	}
	if b == 0 && (operator == "/" || operator == "//" || operator == "%") {
		return nil, r.fail("division by zero")
	}
	var result float64
	switch operator {
	case "+":
		result = a + b
	case "-":
		result = a - b
	case "*":
		result = a * b
	case "/":
		result = a / b
	case "//":
		result = math.Floor(a / b)
	case "%":
		result = a - b*math.Floor(a/b)
	case "**":
		result = math.Pow(a, b)
	default:
		return nil, r.fail("the operator %s is not supported", operator)
	}
	_, whole1 := whole(left)
	_, whole2 := whole(right)
	if math.IsNaN(result) || math.Abs(result) > maxNumber {
		return nil, r.fail("a number becomes too large")
	}
	if whole1 && whole2 && operator != "/" && (operator != "**" || b >= 0) {
		return int(result), nil
	}
	return result, nil
}

func (r *rendering) compare(e compare) (any, error) {
	left, err := r.value(e.first)
	if err != nil {
		return nil, err
	}
	for i, operator := range e.operators {
		right, err := r.value(e.others[i])
		if err != nil {
			return nil, err
		}
		yes, err := r.holds(operator, left, right)
		if err != nil || !yes {
			return false, err
		}
		left = right
	}
	return true, nil
}

// holds says whether a comparison is true.
func (r *rendering) holds(operator string, left, right any) (bool, error) {
	switch operator {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "in":
		return r.contains(right, left)
	case "not in":
		yes, err := r.contains(right, left)
		return !yes, err
	}
	order := 0
	if a, ok := number(left); ok {
		b, ok := number(right)
		if !ok {
			return false, r.fail("%s and %s have no order", kind(left), kind(right))
		}
		order = cmpFloat(a, b)
	} else {
		a, ok1 := left.(string)
		b, ok2 := right.(string)
		if !ok1 || !ok2 {
			return false, r.fail("%s and %s have no order", kind(left), kind(right))
		}
		order = strings.Compare(a, b)
	}
	switch operator {
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	default:
		return order >= 0, nil
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func (r *rendering) contains(in, value any) (bool, error) {
	switch in := in.(type) {
	case []any:
		return slices.ContainsFunc(in, func(item any) bool { return equal(item, value) }), nil
	case map[string]any:
		key, ok := value.(string)
		_, found := in[key]
		return ok && found, nil
	case string:
		part, ok := value.(string)
		if !ok {
			return false, r.fail("%s cannot be in text", kind(value))
		}
		return strings.Contains(in, part), nil
	default:
		return false, r.fail("%s holds nothing", kind(in))
	}
}

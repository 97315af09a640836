package jinja

import (
	"encoding/base64"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter is what stands behind a bar. Parameters that are not given are nil pointers.
type filter struct {
	params []string
	apply  func(r *rendering, of any, args []*any) (any, error)
}

// filters are all that there are, by name.
func filters() map[string]filter {
	text := func(change func(string) string) filter {
		return filter{nil, func(r *rendering, of any, _ []*any) (any, error) {
			plain, err := r.text(of)
			return change(plain), err
		}}
	}
	list := func(change func(r *rendering, items []any) (any, error)) filter {
		return filter{nil, func(r *rendering, of any, _ []*any) (any, error) {
			items, err := r.items(of)
			if err != nil {
				return nil, err
			}
			return change(r, items)
		}}
	}
	all := map[string]filter{
		"upper": text(strings.ToUpper), "lower": text(strings.ToLower), "capitalize": text(capitalized), "title": text(titled),
		"string":    text(func(s string) string { return s }),
		"b64encode": text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"trim":      {[]string{"chars"}, trim},
		"replace":   {[]string{"old", "new", "count"}, replace},
		"indent":    {[]string{"width", "first", "blank"}, indent},
		"format":    {nil, nil}, // takes any number of arguments
		"default":   {nil, nil}, // takes what is undefined
		"d":         {nil, nil},
		"tojson": {[]string{"indent"}, func(r *rendering, of any, args []*any) (any, error) {
			if args[0] != nil {
				return nil, r.fail("tojson with indent is not supported")
			}
			var out strings.Builder
			toJSON(&out, of)
			return r.short(out.String())
		}},
		"int":    {[]string{"default"}, toInt},
		"float":  {[]string{"default"}, toFloat},
		"abs":    {nil, absolute},
		"round":  {[]string{"precision", "method"}, round},
		"length": {nil, length}, "count": {nil, length},
		"first": list(func(_ *rendering, items []any) (any, error) { return end(items, 0) }),
		"last":  list(func(_ *rendering, items []any) (any, error) { return end(items, len(items)-1) }),
		"list":  list(func(_ *rendering, items []any) (any, error) { return slices.Clone(items), nil }),
		"min":   list(func(r *rendering, items []any) (any, error) { return r.extreme(items, "<") }),
		"max":   list(func(r *rendering, items []any) (any, error) { return r.extreme(items, ">") }),
		"sum":   list(sum), "unique": list(unique),
		"join":    {[]string{"d", "attribute"}, join},
		"sort":    {[]string{"reverse", "case_sensitive", "attribute"}, sorted},
		"reverse": {nil, reversed},
		"items":   {nil, pairs}, "dictsort": {nil, pairs},
		"map":    {nil, nil}, // the first argument may be a filter
		"select": {nil, nil}, "reject": {nil, nil}, "selectattr": {nil, nil}, "rejectattr": {nil, nil},
	}
	return all
}

func capitalized(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + strings.ToLower(s[size:])
}

func titled(s string) string {
	start := true
	return strings.Map(func(c rune) rune {
		upper := start
		start = unicode.IsSpace(c) || strings.ContainsRune("-({[<", c)
		if upper {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, s)
}

func end(items []any, i int) (any, error) {
	if len(items) == 0 {
		return undefined{"the end of an empty list"}, nil
	}
	return items[i], nil
}

func trim(r *rendering, of any, args []*any) (any, error) {
	plain, err := r.text(of)
	if args[0] == nil {
		return strings.TrimSpace(plain), err
	}
	cut, ok := (*args[0]).(string)
	if !ok {
		return nil, r.fail("trim wants text")
	}
	return strings.Trim(plain, cut), err
}

func replace(r *rendering, of any, args []*any) (any, error) {
	plain, err := r.text(of)
	if err != nil {
		return nil, err
	}
	if args[0] == nil || args[1] == nil {
		return nil, r.fail("replace wants what to replace and by what")
	}
	previous, err := r.text(*args[0])
	if err != nil {
		return nil, err
	}
	next, err := r.text(*args[1])
	if err != nil {
		return nil, err
	}
	count := -1
	if args[2] != nil {
		n, ok := whole(*args[2])
		if !ok {
			return nil, r.fail("replace wants a whole number for its count")
		}
		count = n
	}
	if len(next) > 0 && (strings.Count(plain, previous)+1)*len(next) > MaxOutput {
		return nil, r.fail("a text becomes too long")
	}
	return r.short(strings.Replace(plain, previous, next, count))
}

func indent(r *rendering, of any, args []*any) (any, error) {
	plain, err := r.text(of)
	if err != nil {
		return nil, err
	}
	by := strings.Repeat(" ", 4)
	if args[0] != nil {
		switch width := (*args[0]).(type) {
		case int:
			if width < 0 || width > 100 {
				return nil, r.fail("indent is too wide")
			}
			by = strings.Repeat(" ", width)
		case string:
			by = width
		default:
			return nil, r.fail("indent wants a whole number")
		}
	}
	lines := strings.Split(plain, "\n")
	for i, line := range lines {
		if i == 0 && (args[1] == nil || !truth(*args[1])) || i > 0 && line == "" && (args[2] == nil || !truth(*args[2])) {
			continue
		}
		lines[i] = by + line
	}
	return r.short(strings.Join(lines, "\n"))
}

func toInt(r *rendering, of any, args []*any) (any, error) {
	if n, ok := whole(of); ok {
		return n, nil
	}
	if x, ok := of.(float64); ok {
		return int(x), nil
	}
	if s, ok := of.(string); ok {
		s = strings.TrimSpace(s)
		if n, err := strconv.Atoi(s); err == nil {
			return n, nil
		}
		if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1<<53 {
			return int(x), nil
		}
	}
	if args[0] == nil {
		return nil, r.fail("int cannot read this value; give it a default: int(0)")
	}
	return *args[0], nil
}

func toFloat(r *rendering, of any, args []*any) (any, error) {
	if x, ok := number(of); ok {
		return x, nil
	}
	if s, ok := of.(string); ok {
		if x, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x, nil
		}
	}
	if args[0] == nil {
		return nil, r.fail("float cannot read this value; give it a default: float(0)")
	}
	return *args[0], nil
}

func absolute(r *rendering, of any, _ []*any) (any, error) {
	if n, ok := whole(of); ok {
		return max(n, -n), nil
	}
	x, ok := number(of)
	if !ok {
		return nil, r.fail("abs wants a number")
	}
	return math.Abs(x), nil
}

func round(r *rendering, of any, args []*any) (any, error) {
	x, ok := number(of)
	precision, method := 0, "common"
	if args[0] != nil {
		precision, _ = whole(*args[0])
	}
	if args[1] != nil {
		method, _ = (*args[1]).(string)
	}
	change, known := map[string]func(float64) float64{"common": math.RoundToEven, "ceil": math.Ceil, "floor": math.Floor}[method]
	if !ok || !known || precision < 0 || precision > 9 {
		return nil, r.fail("round wants a number, a precision of 0 to 9, and common, ceil or floor")
	}
	scale := math.Pow10(precision)
	return change(x*scale) / scale, nil
}

func length(r *rendering, of any, _ []*any) (any, error) {
	switch of := of.(type) {
	case string:
		return utf8.RuneCountInString(of), nil
	case []any:
		return len(of), nil
	case map[string]any:
		return len(of), nil
	default:
		return nil, r.fail("%s has no length", kind(of))
	}
}

// pairs are the keys and values of an object, in the order of the keys.
func pairs(r *rendering, of any, _ []*any) (any, error) {
	dict, ok := of.(map[string]any)
	if !ok {
		return nil, r.fail("items wants an object, not %s", kind(of))
	}
	list := make([]any, 0, len(dict))
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		list = append(list, []any{key, dict[key]})
	}
	return list, nil
}

package jinja

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// text is a value as it is put out. Python's way to write lists and objects is of no use in a document and refused.
func (r *rendering) text(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case nil:
		return "None", nil
	case bool:
		if value {
			return "True", nil
		}
		return "False", nil
	case int:
		return strconv.Itoa(value), nil
	case float64:
		return float(value), nil
	default:
		return "", r.fail("%s cannot be put out as it is; write it with tojson or join", kind(value))
	}
}

// float writes a number as Python does.
func float(value float64) string {
	if size := math.Abs(value); size != 0 && (size >= 1e16 || size < 1e-4) {
		return strconv.FormatFloat(value, 'e', -1, 64)
	}
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// toJSON writes a value as Jinja2's tojson does: keys sorted, nothing that HTML would take for its own.
func toJSON(out *strings.Builder, value any) {
	switch value := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(value))
	case int:
		out.WriteString(strconv.Itoa(value))
	case float64:
		out.WriteString(float(value))
	case string:
		quoteJSON(out, value)
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteString(", ")
			}
			toJSON(out, item)
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				out.WriteString(", ")
			}
			quoteJSON(out, key)
			out.WriteString(": ")
			toJSON(out, value[key])
		}
		out.WriteByte('}')
	}
}

func quoteJSON(out *strings.Builder, text string) {
	out.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteRune(c)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\b':
			out.WriteString(`\b`)
		case c == '\f':
			out.WriteString(`\f`)
		case c < 0x20 || c == '<' || c == '>' || c == '&' || c == '\'':
			fmt.Fprintf(out, `\u%04x`, c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(out, `\u%04x\u%04x`, high, low)
		case c > 0x7e:
			fmt.Fprintf(out, `\u%04x`, c)
		default:
			out.WriteRune(c)
		}
	}
	out.WriteByte('"')
}

// format is Python's % between a text and values.
func (r *rendering) format(pattern string, args []any) (any, error) {
	var out strings.Builder
	for pattern != "" {
		before, rest, found := strings.Cut(pattern, "%")
		out.WriteString(before)
		if !found {
			break
		}
		if strings.HasPrefix(rest, "%") {
			out.WriteByte('%')
			pattern = rest[1:]
			continue
		}
		end := strings.IndexAny(rest, "sdifxX")
		if end < 0 || strings.Trim(rest[:end], "0123456789.-+") != "" || end > 8 {
			return nil, r.fail("a format has %% without s, d, f or x; write %%%% for the sign itself")
		}
		if len(args) == 0 {
			return nil, r.fail("a format has more places than values")
		}
		text, err := r.formatted(rest[:end], rest[end], args[0])
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
		if out.Len() > MaxOutput {
			return nil, r.fail("a text becomes too long")
		}
		pattern, args = rest[end+1:], args[1:]
	}
	if len(args) > 0 {
		return nil, r.fail("a format has fewer places than values")
	}
	return r.short(out.String())
}

func (r *rendering) formatted(flags string, verb byte, value any) (string, error) {
	for part := range strings.SplitSeq(flags, ".") {
		if width, err := strconv.Atoi(strings.TrimLeft(part, "-+")); err == nil && width > 1000 {
			return "", r.fail("a format is too wide")
		}
	}
	if verb == 's' {
		text, err := r.text(value)
		return fmt.Sprintf("%"+flags+"s", text), err
	}
	n, ok := number(value)
	switch {
	case !ok:
		return "", r.fail("a format wants a number for %%%c; %s given", verb, kind(value))
	case verb == 'f':
		return fmt.Sprintf("%"+flags+"f", n), nil
	case verb == 'd' || verb == 'i':
		return fmt.Sprintf("%"+flags+"d", int(n)), nil
	default:
		whole, ok := whole(value)
		if !ok {
			return "", r.fail("a format wants a whole number for %%%c", verb)
		}
		return fmt.Sprintf("%"+flags+string(verb), whole), nil
	}
}

package awssim

import (
	"slices"
	"strings"
)

// EC2 takes 200 values in all filters of a call.
const maxFilterValues = 200

type filter struct {
	Name   string   `query:"Name"`
	Values []string `query:"Value"`
}

// field says whether one of an item's values for a filter matches.
type field[T any] func(item T, match func(string) bool) bool

type fields[T any] map[string]field[T]

func one[T any](value func(T) string) field[T] {
	return func(item T, match func(string) bool) bool { return match(value(item)) }
}

func many[T any](values func(T) []string) field[T] {
	return func(item T, match func(string) bool) bool { return slices.ContainsFunc(values(item), match) }
}

// compile turns filters into a predicate: all filters must match, any value of each. tags is nil for what has none.
func compile[T any](filters []filter, known fields[T], tags func(T) []Tag) (func(T) bool, error) {
	total := 0
	predicates := make([]func(T) bool, 0, len(filters))
	for _, f := range filters {
		total += len(f.Values)
		match := matcher(f.Values)
		key, isTag := strings.CutPrefix(f.Name, "tag:")
		field, ok := known[f.Name]
		switch {
		case f.Name == "":
			return nil, missingParameter("Filter.Name")
		case len(f.Values) == 0:
			return nil, errorf("InvalidParameterValue", "The filter '%s' has no values", f.Name)
		case ok:
			predicates = append(predicates, func(item T) bool { return field(item, match) })
		case tags != nil && isTag:
			predicates = append(predicates, func(item T) bool {
				return slices.ContainsFunc(tags(item), func(t Tag) bool { return t.Key == key && match(t.Value) })
			})
		case tags != nil && f.Name == "tag-key":
			predicates = append(predicates, func(item T) bool {
				return slices.ContainsFunc(tags(item), func(t Tag) bool { return match(t.Key) })
			})
		default:
			return nil, errorf("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
		}
	}
	if total > maxFilterValues {
		return nil, errorf("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
	}
	return func(item T) bool {
		for _, p := range predicates {
			if !p(item) {
				return false
			}
		}
		return true
	}, nil
}

// matcher matches any of values, in which * stands for any text, ? for one character, and a backslash quotes.
func matcher(values []string) func(string) bool {
	plain := map[string]bool{}
	var patterns []string
	for _, v := range values {
		if strings.ContainsAny(v, `*?\`) {
			patterns = append(patterns, v)
		} else {
			plain[v] = true
		}
	}
	return func(s string) bool {
		return plain[s] || slices.ContainsFunc(patterns, func(p string) bool { return wildcard(p, s) })
	}
}

// wildcard goes back to the last star only, which makes its time proportional to the product of the lengths.
func wildcard(pattern, s string) bool {
	tokens, text := wildcardTokens(pattern), []rune(s)
	p, i, star, from := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case p < len(tokens) && tokens[p] == anyText:
			star, from = p, i
			p++
		case p < len(tokens) && (tokens[p] == anyRune || tokens[p] == text[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(tokens) && tokens[p] == anyText {
		p++
	}
	return p == len(tokens)
}

// No character has these values.
const (
	anyText rune = -1
	anyRune rune = -2
)

func wildcardTokens(pattern string) []rune {
	var tokens []rune
	quoted := false
	for _, r := range pattern {
		switch {
		case quoted:
			quoted = false
			tokens = append(tokens, r)
		case r == '\\':
			quoted = true
		case r == '*':
			tokens = append(tokens, anyText)
		case r == '?':
			tokens = append(tokens, anyRune)
		default:
			tokens = append(tokens, r)
		}
	}
	if quoted {
		tokens = append(tokens, '\\')
	}
	return tokens
}

func joined(list []string) string { return strings.Join(list, ", ") }

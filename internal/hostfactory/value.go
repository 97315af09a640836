package hostfactory

import (
	"encoding/json"
	"iter"
	"strings"
	"unicode/utf8"
)

// value is the text of one JSON value, empty when there is none. It is part of an input that encoding/json found valid,
// and shares its memory: a list of thousands of hosts is checked once, not once more at each level, and not copied.
type value string

// absent says whether a value is missing or null.
func (v value) absent() bool { return v == "" || v == "null" }

// excerpt is as much of a value as fits into a sentence.
func (v value) excerpt() string {
	const most = 40
	if v == "" {
		return "missing"
	}
	if runes := []rune(string(v)); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(v)
}

// members cuts an object apart.
func (v value) members() members {
	m := make(members, 0, 2) // a host has a name and an id
	for key, member := range v.parts() {
		m = append(m, field{key.unquote(), member})
	}
	return m
}

// entries cuts a list apart.
func (v value) entries() []value {
	var entries []value
	for _, entry := range v.parts() {
		entries = append(entries, entry)
	}
	return entries
}

// unquote reads a string.
func (v value) unquote() string {
	if plain := string(v[1 : len(v)-1]); !strings.Contains(plain, `\`) && utf8.ValidString(plain) {
		return plain
	}
	var s string
	_ = json.Unmarshal([]byte(v), &s) // cannot fail: it is a valid string
	return s
}

// parts walks over the members of an object, or over the entries of a list, which have no key.
func (v value) parts() iter.Seq2[value, value] {
	return func(yield func(key, part value) bool) {
		for rest := v[1:]; ; {
			var key, part value
			if rest = rest.after(','); rest[0] == '}' || rest[0] == ']' {
				return
			}
			if v[0] == '{' {
				key, rest = rest.cut()
				rest = rest.after(':')
			}
			if part, rest = rest.cut(); !yield(key, part) {
				return
			}
		}
	}
}

// after passes over white space and a separator.
func (v value) after(separator byte) value {
	for v[0] == separator || v[0] == ' ' || v[0] == '\t' || v[0] == '\r' || v[0] == '\n' {
		v = v[1:]
	}
	return v
}

// cut returns the first value of a text and what follows it.
func (v value) cut() (first, rest value) {
	end := 0
	switch v[0] {
	case '"':
		end = v.quoted()
	case '{', '[':
		end = v.bracketed()
	default: // a number or a word
		end = strings.IndexAny(string(v), ",]} \t\r\n")
	}
	return v[:end], v[end:]
}

// quoted is the length of the string with which a text begins.
func (v value) quoted() int {
	end := 1
	for ; v[end] != '"'; end++ {
		if v[end] == '\\' {
			end++
		}
	}
	return end + 1
}

// bracketed is the length of the object or list with which a text begins.
func (v value) bracketed() int {
	end, depth := 0, 0
	for {
		switch v[end] {
		case '"':
			end += v[end:].quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if end++; depth == 0 {
			return end
		}
	}
}

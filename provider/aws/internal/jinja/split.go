package jinja

import (
	"regexp"
	"strings"
)

// piece is text as it is, an expression or a statement.
type piece struct {
	kind byte // 't', '{' or '%'
	text string
	line int
}

// split cuts a template at {{ }}, {% %} and {# #}, and carries out the whitespace control of their signs.
func split(source string) ([]piece, error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.TrimSuffix(source, "\n") // as Jinja2 does
	var pieces []piece
	line, trim := 1, false
	for source != "" {
		start := opening(source)
		text := source[:start]
		if trim {
			text = strings.TrimLeft(text, " \t\n\r\v\f")
		}
		line += strings.Count(source[:start], "\n")
		source = source[start:]
		if source == "" {
			pieces = append(pieces, piece{'t', text, line})
			break
		}
		kind := source[1]
		rest := source[2:]
		left := strings.HasPrefix(rest, "-")
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "-"), "+")
		if left {
			text = strings.TrimRight(text, " \t\n\r\v\f")
		}
		pieces = append(pieces, piece{'t', text, line})
		end, right, err := closing(rest, kind, line)
		if err != nil {
			return nil, err
		}
		content := rest[:end]
		after := rest[end+len(right):]
		trim = strings.HasPrefix(right, "-")
		at := line
		line += strings.Count(source[:len(source)-len(after)], "\n")
		source = after
		if kind == '#' {
			continue
		}
		if kind == '%' && strings.TrimSpace(content) == "raw" {
			raw, after, trimAfter, err := rawText(source, at)
			if err != nil {
				return nil, err
			}
			if trim {
				raw = strings.TrimLeft(raw, " \t\n\r\v\f")
			}
			pieces = append(pieces, piece{'t', raw, at})
			line += strings.Count(source[:len(source)-len(after)], "\n")
			source, trim = after, trimAfter
			continue
		}
		pieces = append(pieces, piece{kind, content, at})
	}
	return pieces, nil
}

// opening is where the next tag starts, the length of the text when there is none.
func opening(text string) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '{' && (text[i+1] == '{' || text[i+1] == '%' || text[i+1] == '#') {
			return i
		}
	}
	return len(text)
}

// closing finds the end of a tag outside of texts in quotes and of brackets, and what it is written as.
func closing(text string, kind byte, line int) (end int, sign string, err error) {
	marks := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}
	mark := marks[kind]
	var quote byte
	depth := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case kind == '#':
			// Comments hold anything.
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
			continue
		case c == '"' || c == '\'':
			quote = c
			continue
		case depth > 0 && strings.IndexByte(")]}", c) >= 0:
			depth--
			continue
		case strings.IndexByte("([{", c) >= 0:
			depth++
			continue
		}
		for _, sign := range []string{"-" + mark, "+" + mark, mark} {
			if strings.HasPrefix(text[i:], sign) {
				return i, sign, nil
			}
		}
	}
	return 0, "", failure(line, "a tag is opened and not closed; write %s at its end", mark)
}

// rawText returns what lies before the endraw tag, and what lies behind it.
func rawText(source string, line int) (text, after string, trim bool, err error) {
	found := regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`).FindStringSubmatchIndex(source)
	if found == nil {
		return "", "", false, failure(line, "raw is not ended; write {%% endraw %%}")
	}
	text = source[:found[0]]
	if source[found[2]:found[3]] == "-" {
		text = strings.TrimRight(text, " \t\n\r\v\f")
	}
	return text, source[found[1]:], source[found[4]:found[5]] == "-", nil
}

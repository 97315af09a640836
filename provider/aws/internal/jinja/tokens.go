package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of an expression. Kinds: n name, s text, i whole number, f number, o operator, and 0 for the end.
type token struct {
	kind byte
	text string
}

// scan cuts the inside of a tag into words.
func scan(text string, line int) ([]token, error) {
	var tokens []token
	for text = strings.TrimLeftFunc(text, unicode.IsSpace); text != ""; text = strings.TrimLeftFunc(text, unicode.IsSpace) {
		c := text[0]
		first, _ := utf8.DecodeRuneInString(text)
		switch {
		case c == '"' || c == '\'':
			content, rest, err := quoted(text, line)
			if err != nil {
				return nil, err
			}
			tokens, text = append(tokens, token{'s', content}), rest
		case c >= '0' && c <= '9':
			number, rest := digits(text)
			kind := byte('i')
			if strings.ContainsAny(number, ".eE") {
				kind = 'f'
			}
			tokens, text = append(tokens, token{kind, strings.ReplaceAll(number, "_", "")}), rest
		case first == '_' || unicode.IsLetter(first):
			end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if end < 0 {
				end = len(text)
			}
			tokens, text = append(tokens, token{'n', text[:end]}), text[end:]
		default:
			operator := ""
			for _, known := range []string{
				"==", "!=", "<=", ">=", "//", "**", "<", ">", "=", "+", "-", "*", "/", "%", "~", "|", "(", ")", "[", "]", "{", "}", ",", ":", ".",
			} {
				if strings.HasPrefix(text, known) {
					operator = known
					break
				}
			}
			if operator == "" {
				return nil, failure(line, "%q is not part of the language", string(first))
			}
			tokens, text = append(tokens, token{'o', operator}), text[len(operator):]
		}
	}
	return tokens, nil
}

func digits(text string) (number, rest string) {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '_') {
		end++
	}
	if end+1 < len(text) && text[end] == '.' && text[end+1] >= '0' && text[end+1] <= '9' {
		for end++; end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '_'); {
			end++
		}
	}
	if end+1 < len(text) && (text[end] == 'e' || text[end] == 'E') {
		exponent := end + 1
		if text[exponent] == '-' || text[exponent] == '+' {
			exponent++
		}
		if exponent < len(text) && text[exponent] >= '0' && text[exponent] <= '9' {
			for end = exponent; end < len(text) && text[end] >= '0' && text[end] <= '9'; {
				end++
			}
		}
	}
	return text[:end], text[end:]
}

// quoted reads a text with Python's escapes.
func quoted(text string, line int) (content, rest string, err error) {
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return b.String(), text[i+1:], nil
		case c != '\\' || i+1 == len(text):
			b.WriteByte(c)
		default:
			i++
			if simple := strings.IndexByte(`nrtabfv0\'"`, text[i]); simple >= 0 {
				b.WriteByte("\n\r\t\a\b\f\v\x00\\'\""[simple])
			} else if size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[i]]; size > 0 && i+size < len(text) {
				code, err := strconv.ParseUint(text[i+1:i+1+size], 16, 32)
				if err != nil {
					return "", "", failure(line, "a text has the escape \\%c without its digits", text[i])
				}
				b.WriteRune(rune(code))
				i += size
			} else {
				b.WriteByte('\\')
				b.WriteByte(text[i])
			}
		}
	}
	return "", "", failure(line, "a text is not closed; write %c at its end", quote)
}

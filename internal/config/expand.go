package config

import (
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
)

// expand replaces $NAME and ${NAME} by the variable's value and $$ by a dollar sign. A dollar sign before anything else
// stays. A variable that is not set, or set to nothing, is an error.
func expand(text string, env directories.Environment) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		var name string
		switch {
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			text = rest[1:]
			continue
		case strings.HasPrefix(rest, "{"):
			name, text, ok = strings.Cut(rest[1:], "}")
			if !ok || name == "" || leadingName(name) != name {
				return "", ohfp.Errorf(ohfp.ErrInvalid, `"$%s" does not name a variable; write ${NAME}, or $$ for a dollar sign`, rest)
			}
		default:
			name = leadingName(rest)
			text = rest[len(name):]
			if name == "" {
				out.WriteByte('$')
				continue
			}
		}
		value, ok := env[name]
		if !ok {
			return "", ohfp.Errorf(ohfp.ErrInvalid, "the variable %s is not set; export it, or write $$ for a dollar sign", name)
		}
		out.WriteString(value)
	}
}

// leadingName is the variable name that the text starts with.
func leadingName(text string) string {
	end := 0
	for end < len(text) && isNameByte(text[end], end > 0) {
		end++
	}
	return text[:end]
}

func isNameByte(b byte, inside bool) bool {
	return b == '_' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || inside && b >= '0' && b <= '9'
}

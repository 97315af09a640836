package output

import (
	"regexp"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Condition is what a record must fulfil to be shown.
type Condition struct {
	path  []string
	match func(value string) bool
}

// ParseCondition reads field=value, field~part or field=~regex. The field may be a path such as machines.name, of which
// one value must fit; a field that a record lacks is empty.
func ParseCondition(text string) (Condition, error) {
	at := strings.IndexAny(text, "=~")
	if at <= 0 {
		return Condition{}, ohfp.Errorf(ohfp.ErrInvalid, "filter %q has no field and value; write field=value, field~part or field=~regex", text)
	}
	c := Condition{path: strings.Split(text[:at], ".")}
	rest := text[at+1:]
	switch {
	case text[at] == '~':
		c.match = func(value string) bool { return strings.Contains(value, rest) }
	case strings.HasPrefix(rest, "~"):
		pattern, err := regexp.Compile(rest[1:])
		if err != nil {
			return Condition{}, ohfp.Errorf(ohfp.ErrInvalid, "filter %q has no valid regular expression: %w", text, err)
		}
		c.match = pattern.MatchString
	default:
		c.match = func(value string) bool { return value == rest }
	}
	return c, nil
}

func (c Condition) holds(record node) bool { return c.within(record, c.path) }

func (c Condition) within(n node, path []string) bool {
	if n.kind == kindArray {
		for _, item := range n.items {
			if c.within(item, path) {
				return true
			}
		}
		return len(n.items) == 0 && c.match("")
	}
	if len(path) == 0 {
		return c.match(n.line())
	}
	for i, name := range n.names {
		if SameName(name, path[0]) {
			return c.within(n.items[i], path[1:])
		}
	}
	return c.match("")
}

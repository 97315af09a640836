package ohfp

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Attribute is one of the properties that Host Factory schedules by: a type (String, Numeric or Boolean) and a value in
// text form. On the wire it is a pair, ["Numeric", "4"].
type Attribute struct {
	Type  string
	Value string
}

// The attribute types of Host Factory.
const (
	AttributeString  = "String"
	AttributeNumeric = "Numeric"
	AttributeBoolean = "Boolean"
)

// Numeric makes a numeric attribute.
func Numeric(value int) Attribute {
	return Attribute{Type: AttributeNumeric, Value: strconv.Itoa(value)}
}

// Text makes a string attribute.
func Text(value string) Attribute { return Attribute{Type: AttributeString, Value: value} }

// MarshalJSON writes the pair that Host Factory reads.
func (a Attribute) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]string{a.Type, a.Value})
}

// UnmarshalJSON reads a pair, or a bare value as IBM's template files also write it: 1, "X86_64", true.
func (a *Attribute) UnmarshalJSON(data []byte) error {
	switch text := strings.TrimSpace(string(data)); {
	case strings.HasPrefix(text, "["):
		return a.unmarshalPair(data)
	case text == "true" || text == "false":
		*a = Attribute{Type: AttributeBoolean, Value: text}
	case strings.HasPrefix(text, `"`):
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return Errorf(ErrInvalid, "attribute %s is not text: %w", text, err)
		}
		*a = Text(s)
		// ParseFloat also takes Inf, NaN and hexadecimal, which are words to Host Factory.
		if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "+-.eE0123456789") == "" {
			a.Type = AttributeNumeric
		}
	default:
		var n json.Number
		if err := json.Unmarshal(data, &n); err != nil || text == "null" {
			return Errorf(ErrInvalid, `attribute %s is not a value; write "X86_64", 4 or ["Numeric", "4"]`, text)
		}
		*a = Attribute{Type: AttributeNumeric, Value: n.String()}
	}
	return nil
}

func (a *Attribute) unmarshalPair(data []byte) error {
	var pair []any
	if err := json.Unmarshal(data, &pair); err != nil {
		return Errorf(ErrInvalid, `attribute %s is not a pair: %w; write a type and a value, ["Numeric", "4"]`, data, err)
	}
	if len(pair) != 2 {
		return Errorf(ErrInvalid, `attribute %s has %s; write a type and a value, ["Numeric", "4"]`, data, Count(len(pair), "element"))
	}
	kind, ok := pair[0].(string)
	if !ok || (kind != AttributeString && kind != AttributeNumeric && kind != AttributeBoolean) {
		return Errorf(ErrInvalid, "attribute type %v is unknown; use String, Numeric or Boolean", pair[0])
	}
	switch value := pair[1].(type) {
	case string:
		*a = Attribute{Type: kind, Value: value}
	case bool:
		*a = Attribute{Type: kind, Value: strconv.FormatBool(value)}
	case float64:
		*a = Attribute{Type: kind, Value: strconv.FormatFloat(value, 'f', -1, 64)}
	default:
		return Errorf(ErrInvalid, "attribute value %v is not text, a number or true or false", pair[1])
	}
	return nil
}

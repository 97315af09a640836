package hostfactory

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// members is a JSON object whose values are read when it is known what they should be. Unknown ones are passed over:
// every release of Host Factory and of its relatives adds some.
type members []field

type field struct {
	key   string
	value value
}

// readObject reads an input file: one JSON object, perhaps behind a byte order mark. An empty file is an empty object.
// It is checked here as a whole and then only cut apart.
func readObject(data []byte) (members, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(data) == 0:
		return nil, nil
	case data[0] != '{':
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input is no JSON object; see the Host Factory plug-in interface for its form")
	case !json.Valid(data):
		return nil, invalid(data)
	}
	return value(data).members(), nil
}

// invalid says what is wrong with an input.
func invalid(data []byte) error {
	var first json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&first); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "input is not valid JSON: %w", err)
	}
	return ohfp.Errorf(ohfp.ErrInvalid, "input has more than one JSON value; write one object")
}

// get returns a member, empty when it is missing. Of several with the same key the last counts.
func (m members) get(key string) value {
	for _, f := range slices.Backward(m) {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

// text reads a member that is a string; missing and null are empty.
func (m members) text(key, where string) (string, error) {
	switch v := m.get(key); {
	case v.absent():
		return "", nil
	case v[0] != '"':
		return "", ohfp.Errorf(ohfp.ErrInvalid, "%s of %s is %s; write a string", key, where, v.excerpt())
	default:
		return v.unquote(), nil
	}
}

// count reads a member that is a whole number. 3.0 is one: Java's generic decoders write it so.
func (m members) count(key string) (int, error) {
	v := m.get(key)
	if i, err := strconv.Atoi(string(v)); err == nil {
		return i, nil
	}
	if _, err := strconv.Atoi(strings.Trim(string(v), `"`)); err == nil {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s, a string; write the number without quotes", key, v.excerpt())
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write a whole number of machines", key, v.excerpt())
	}
	return int(f), nil
}

// list reads a member that is a list, or a single entry without the brackets. Missing and null are the empty list.
func (m members) list(key string) ([]value, error) {
	v := m.get(key)
	if v.absent() {
		return nil, nil
	}
	switch v[0] {
	case '{':
		return []value{v}, nil
	case '[':
		return v.entries(), nil
	default:
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write a list of objects or one object", key, v.excerpt())
	}
}

// object reads an entry of a list.
func (v value) object(where string) (members, error) {
	if v[0] != '{' {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s has the entry %s; write an object", where, v.excerpt())
	}
	return v.members(), nil
}

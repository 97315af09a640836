package hostfactory

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// members is a JSON object whose values are read when it is known what they should be. Unknown ones are passed over:
// every release of Host Factory and of its relatives adds some.
type members map[string]json.RawMessage

// readObject reads an input file: one JSON object, perhaps behind a byte order mark. An empty file is an empty object.
func readObject(data []byte) (members, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(data) == 0 {
		return members{}, nil
	}
	if data[0] != '{' {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input is no JSON object; see the Host Factory plug-in interface for its form")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var object members
	if err := decoder.Decode(&object); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input is not valid JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "input has more than one JSON value; write one object")
	}
	return object, nil
}

// absent says whether a member is missing or null.
func (m members) absent(key string) bool {
	raw, ok := m[key]
	return !ok || string(raw) == "null"
}

// text reads a member that is a string; missing and null are empty.
func (m members) text(key, where string) (string, error) {
	if m.absent(key) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(m[key], &s); err != nil {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "%s of %s is %s; write a string", key, where, excerpt(m[key]))
	}
	return s, nil
}

// count reads a member that is a whole number. 3.0 is one: Java's generic decoders write it so.
func (m members) count(key string) (int, error) {
	var n json.Number
	raw := m[key]
	if _, err := strconv.Atoi(strings.Trim(string(raw), `"`)); err == nil && raw[0] == '"' {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s, a string; write the number without quotes", key, excerpt(raw))
	}
	if len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write a whole number of machines", key, excerpt(m[key]))
	}
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write a whole number of machines", key, excerpt(m[key]))
	}
	return int(f), nil
}

// list reads a member that is a list, or a single entry without the brackets. Missing and null are the empty list.
func (m members) list(key string) ([]json.RawMessage, error) {
	if m.absent(key) {
		return nil, nil
	}
	raw := m[key]
	if raw[0] == '{' {
		return []json.RawMessage{raw}, nil
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write a list of objects or one object", key, excerpt(raw))
	}
	return entries, nil
}

// object reads an entry of a list.
func object(raw json.RawMessage, where string) (members, error) {
	var m members
	if raw[0] != '{' || json.Unmarshal(raw, &m) != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s has the entry %s; write an object", where, excerpt(raw))
	}
	return m, nil
}

// excerpt is as much of a value as fits into a sentence.
func excerpt(raw json.RawMessage) string {
	const most = 40
	if len(raw) == 0 {
		return "missing"
	}
	if runes := []rune(string(raw)); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(raw)
}

// Package strict decodes JSON objects that people write: configuration and template fields.
// It refuses what it does not know, by name and with the nearest name it knows, instead of passing it over.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Object is a JSON object whose values are not decoded yet.
type Object map[string]json.RawMessage

// Parse reads an object. Nothing, or null, is an empty one; a key with the value null counts as absent.
func Parse(data []byte) (Object, error) {
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || string(trimmed) == "null" {
		return Object{}, nil
	}
	var o Object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s; write a JSON object", said(err))
	}
	maps.DeleteFunc(o, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return o, nil
}

// Decode stores each value of the object in the target of the same name. A name without a target is an error.
func (o Object) Decode(targets map[string]any) error {
	if err := o.Check(slices.Collect(maps.Keys(targets))); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if err := json.Unmarshal(o[name], targets[name]); err != nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s", name, said(err))
		}
	}
	return nil
}

// Check refuses names that are not known.
func (o Object) Check(known []string) error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if slices.Contains(known, name) {
			continue
		}
		if near := Nearest(name, known); near != "" {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s is not known; did you mean %s?", name, near)
		}
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is not known; remove it", name)
	}
	return nil
}

// Nearest returns the known name that somebody who wrote name most likely meant, or nothing when none is near. Case and
// separators do not count.
func Nearest(name string, known []string) string {
	best, distance := "", len(name)/3+2
	for _, candidate := range slices.Sorted(slices.Values(known)) {
		if d := edits(plain(name), plain(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(name))
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// said turns encoding/json's errors into words for people who do not know Go.
func said(err error) string {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return mismatch.Value + " given, want " + wanted(mismatch.Type)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text in quotes"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

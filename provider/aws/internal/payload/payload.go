// Package payload decodes documents that people write in AWS's own words, PascalCase names as the API reference has them,
// into the input types of the SDK.
// It refuses unknown names, wherever they stand, and values of another kind; it leaves what a name may hold to AWS.
package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// Parse reads a JSON object without loss of digits.
func Parse(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "not a JSON object: %w", err)
	}
	if decoder.More() {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "not a JSON object: something follows it")
	}
	return document, nil
}

// Decode lays a document over an input of the SDK, a pointer to a struct. What the document does not name stays, null
// takes away, and lists replace lists. Nothing that the input points to is changed; it is copied first.
func Decode(document map[string]any, into any) error {
	return structure("", document, reflect.ValueOf(into).Elem())
}

func structure(path string, document map[string]any, into reflect.Value) error {
	names := fields(into.Type())
	for _, name := range slices.Sorted(maps.Keys(document)) {
		at := name
		if path != "" {
			at = path + "." + name
		}
		if !slices.Contains(names, name) {
			if near := strict.Nearest(name, names); near != "" {
				return ohfp.Errorf(ohfp.ErrInvalid, "%s is not known to AWS; did you mean %s?", at, near)
			}
			return ohfp.Errorf(ohfp.ErrInvalid, "%s is not known to AWS; remove it", at)
		}
		if document[name] == nil {
			into.FieldByName(name).SetZero()
			continue
		}
		if err := value(at, document[name], into.FieldByName(name)); err != nil {
			return err
		}
	}
	return nil
}

// fields are the names that a structure of the SDK takes; those without a letter in front are the SDK's own.
func fields(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && !f.Anonymous {
			names = append(names, f.Name)
		}
	}
	return names
}

func value(at string, given any, into reflect.Value) error {
	if into.Type() == reflect.TypeFor[time.Time]() {
		return instant(at, given, into)
	}
	switch into.Kind() {
	case reflect.Pointer:
		pointed := reflect.New(into.Type().Elem())
		if !into.IsNil() {
			pointed.Elem().Set(into.Elem())
		}
		if err := value(at, given, pointed.Elem()); err != nil {
			return err
		}
		into.Set(pointed)
		return nil
	case reflect.Struct:
		document, ok := given.(map[string]any)
		if !ok {
			return wrong(at, given, "an object")
		}
		return structure(at, document, into)
	case reflect.Slice:
		return list(at, given, into)
	case reflect.Map:
		return mapping(at, given, into)
	default:
		return scalar(at, given, into)
	}
}

func list(at string, given any, into reflect.Value) error {
	if text, ok := given.(string); ok && into.Type().Elem().Kind() == reflect.Uint8 {
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return wrong(at, given, "text in base64")
		}
		into.SetBytes(content)
		return nil
	}
	items, ok := given.([]any)
	if !ok {
		return wrong(at, given, "a list")
	}
	decoded := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		if err := value(fmt.Sprintf("%s[%d]", at, i), item, decoded.Index(i)); err != nil {
			return err
		}
	}
	into.Set(decoded)
	return nil
}

func mapping(at string, given any, into reflect.Value) error {
	entries, ok := given.(map[string]any)
	if !ok {
		return wrong(at, given, "an object")
	}
	decoded := reflect.MakeMapWithSize(into.Type(), len(entries))
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		element := reflect.New(into.Type().Elem()).Elem()
		if err := value(at+"."+key, entries[key], element); err != nil {
			return err
		}
		decoded.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), element)
	}
	into.Set(decoded)
	return nil
}

// scalar takes numbers and booleans in quotes too: a template cannot render a value of a document any other way.
func scalar(at string, given any, into reflect.Value) error {
	var text string
	switch given := given.(type) {
	case string:
		text = given
	case json.Number:
		text = given.String()
	case bool:
		text = strconv.FormatBool(given)
	default:
		return wrong(at, given, wanted(into.Kind()))
	}
	switch into.Kind() {
	case reflect.String:
		// A price, a version or a weight is text to AWS that looks like a number to people.
		if _, isBool := given.(bool); isBool {
			return wrong(at, given, wanted(into.Kind()))
		}
		into.SetString(text)
	case reflect.Bool:
		parsed, err := strconv.ParseBool(text)
		if _, isNumber := given.(json.Number); err != nil || isNumber {
			return wrong(at, given, wanted(into.Kind()))
		}
		into.SetBool(parsed)
	case reflect.Int, reflect.Int32, reflect.Int64:
		parsed, err := strconv.ParseInt(text, 10, into.Type().Bits())
		if err != nil {
			return wrong(at, given, wanted(into.Kind()))
		}
		into.SetInt(parsed)
	case reflect.Float32, reflect.Float64:
		parsed, err := strconv.ParseFloat(text, into.Type().Bits())
		if err != nil || math.IsNaN(parsed) || math.IsInf(parsed, 0) {
			return wrong(at, given, wanted(into.Kind()))
		}
		into.SetFloat(parsed)
	default:
		return ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be set by a document; remove it", at)
	}
	return nil
}

func instant(at string, given any, into reflect.Value) error {
	text, _ := given.(string)
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return wrong(at, given, "a time like 2030-01-31T12:00:00Z")
	}
	into.Set(reflect.ValueOf(parsed.UTC()))
	return nil
}

func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

// wrong tells what was given without showing texts, which may be secrets.
func wrong(at string, given any, want string) error {
	what := "an object"
	switch given := given.(type) {
	case string:
		what = "text"
	case json.Number:
		what = given.String()
	case bool:
		what = strconv.FormatBool(given)
	case []any:
		what = "a list"
	case nil:
		what = "nothing"
	}
	return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s given, want %s", at, what, want)
}

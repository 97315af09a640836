package fakehf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checker reads JSON values that must have a form, and collects what is wrong with them under their paths.
type checker struct{ problems []string }

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, path+" "+fmt.Sprintf(format, args...))
}

func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(c.problems, "; "))
}

// one reads standard output: exactly one JSON object from the first byte, at most one newline after it.
func (c *checker) one(out []byte) fields {
	switch {
	case len(out) == 0:
		c.fail("standard output", "is empty, want one JSON object")
	case out[0] != '{':
		c.fail("standard output", "begins with %q, want a JSON object from the first byte", clip(out))
	case !utf8.Valid(out):
		c.fail("standard output", "is not UTF-8")
	case bytes.Contains(bytes.TrimSuffix(out, []byte("\n")), []byte("\n")):
		c.fail("standard output", "has more than one line")
	default:
		input := bytes.NewReader(out)
		decoder := json.NewDecoder(input)
		if problem := noDuplicates(decoder, "answer"); problem != nil {
			c.fail("standard output", "is not one JSON object: %v", problem)
			break
		}
		if rest, _ := io.ReadAll(io.MultiReader(decoder.Buffered(), input)); strings.Trim(string(rest), "\n") != "" {
			c.fail("standard output", "goes on after the JSON object: %q", clip(rest))
			break
		}
		return c.object("answer", out)
	}
	return fields{checker: c}
}

// noDuplicates reads one value and refuses an object that has a key twice, of which parsers keep either.
func noDuplicates(decoder *json.Decoder, path string) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; decoder.More(); i++ {
		below := path + "[" + strconv.Itoa(i) + "]"
		if token == json.Delim('{') {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			below = path + "." + fmt.Sprint(key)
			if seen[below] {
				return fmt.Errorf("%s is there twice", below)
			}
			seen[below] = true
		}
		if err := noDuplicates(decoder, below); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// fields is a JSON object under a path.
type fields struct {
	*checker
	path string
	raw  map[string]json.RawMessage
}

func (c *checker) object(path string, raw json.RawMessage) fields {
	f := fields{checker: c, path: path}
	if err := json.Unmarshal(raw, &f.raw); err != nil || f.raw == nil {
		c.fail(path, "is %s, want an object", clip(raw))
	}
	return f
}

// only refuses members that the interface does not know.
func (f fields) only(keys ...string) {
	for key := range f.raw {
		if !slices.Contains(keys, key) {
			f.fail(f.path, "has the unknown member %q", key)
		}
	}
}

func (f fields) has(key string) bool { return f.raw[key] != nil }

func (f fields) null(key string) bool { return string(f.raw[key]) == "null" }

// text reads a string that must be there.
func (f fields) text(key string) string {
	var s string
	raw, ok := f.raw[key]
	switch {
	case !ok:
		f.fail(f.path, "lacks %s", key)
	case len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil:
		f.fail(f.path+"."+key, "is %s, want a string", clip(raw))
	case s == "None" || s == "null" || s == "<nil>":
		f.fail(f.path+"."+key, "is the word %q of a programming language", s)
	}
	return s
}

// filled reads a string that must not be empty.
func (f fields) filled(key string) string {
	before := len(f.problems)
	s := f.text(key)
	if s == "" && len(f.problems) == before {
		f.fail(f.path+"."+key, "is empty")
	}
	return s
}

// known reads a string that is null as long as it is unknown, and never empty.
func (f fields) known(key string) string {
	if f.null(key) {
		return ""
	}
	return f.filled(key)
}

// maybe reads a member like known that may also be missing.
func (f fields) maybe(key string) string {
	if !f.has(key) {
		return ""
	}
	return f.known(key)
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// whole reads a whole number that must be there.
func (f fields) whole(key string) int64 {
	raw, ok := f.raw[key]
	if !ok {
		f.fail(f.path, "lacks %s", key)
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || !wholeNumber.Match(raw) {
		f.fail(f.path+"."+key, "is %s, want a whole number", clip(raw))
	}
	return n
}

// one of reads a string that must be one of the words.
func (f fields) oneOf(key string, words ...string) string {
	before := len(f.problems)
	s := f.text(key)
	if len(f.problems) == before && !slices.Contains(words, s) {
		f.fail(f.path+"."+key, "is %q, want one of %s", s, strings.Join(words, ", "))
	}
	return s
}

// list reads a list of objects that must be there.
func (f fields) list(key string) []fields {
	var entries []json.RawMessage
	raw, ok := f.raw[key]
	switch {
	case !ok:
		f.fail(f.path, "lacks %s", key)
	case json.Unmarshal(raw, &entries) != nil || entries == nil:
		f.fail(f.path+"."+key, "is %s, want a list", clip(raw))
	}
	var objects []fields
	for i, entry := range entries {
		objects = append(objects, f.object(fmt.Sprintf("%s.%s[%d]", f.path, key, i), entry))
	}
	return objects
}

// clip is as much of a value as fits into a sentence.
func clip(raw []byte) string {
	const most = 120
	if len(raw) > most {
		return string(raw[:most]) + "..."
	}
	return string(raw)
}

package reference

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// fields are those of a record. Versions differ in names and types, so each is asked for by all of its names.
type fields map[string]json.RawMessage

func fieldsOf(text json.RawMessage) (fields, error) {
	var f fields
	if err := json.Unmarshal(text, &f); err != nil || f == nil {
		return nil, fmt.Errorf("it is not an object")
	}
	return f, nil
}

// text is the first of the names that holds words; ids and states may be wrapped as {"value": …}.
func (f fields) text(names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(f[name], &s) == nil && s != "" {
			return s
		}
		var wrapped struct {
			Value string `json:"value"`
		}
		if json.Unmarshal(f[name], &wrapped) == nil && wrapped.Value != "" {
			return wrapped.Value
		}
	}
	return ""
}

func (f fields) number(names ...string) int {
	for _, name := range names {
		n, err := strconv.Atoi(strings.Trim(string(f[name]), `"`))
		if err == nil && n > 0 && n < math.MaxInt32 {
			return n
		}
	}
	return 0
}

// list is all that is named, in one list or as one word.
func (f fields) list(names ...string) []string {
	var all []string
	for _, name := range names {
		var list []string
		if json.Unmarshal(f[name], &list) != nil {
			if one := f.text(name); one != "" {
				list = []string{one}
			}
		}
		for _, s := range list {
			if s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

func (f fields) under(name string) fields {
	inner, err := fieldsOf(f[name])
	if err != nil {
		return nil
	}
	return inner
}

// time is the first of the names that holds a time: ISO 8601, in UTC where it has no zone, or seconds since 1970.
func (f fields) time(names ...string) time.Time {
	for _, name := range names {
		if seconds, err := strconv.ParseFloat(strings.Trim(string(f[name]), `"`), 64); err == nil && seconds > 0 && seconds < 1e11 {
			return time.UnixMicro(int64(seconds * 1e6)).UTC()
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, f.text(name)); err == nil && at.Year() > 1970 && at.Year() < 2200 {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}
